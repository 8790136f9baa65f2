"""Which embeddings a run reads its descriptions from: by the recipe, or by its initial weights."""

from gisr.errors import RecipeError
from gisr.tasks import built_in_descriptions
from gisr.tasks.text.encoder import load_text_encoder
from gisr.tasks.text.table import DescriptionTable, build_table, built_in_table
from gisr.training.recipe import Recipe


def recipe_table(recipe: Recipe) -> DescriptionTable:
    """Return every built-in sentence, so those of all sets, embedded by the recipe's encoder.

    Raises:
        RecipeError: ``network.text_width`` is not the length of the encoder's embeddings.
        MissingExtraError: The encoder needs a package that is not installed.
        WeightsError: The encoder's weights cannot be found or are damaged.
    """
    if recipe.text_encoder == "minilm":
        table = built_in_table()
    else:
        encoder = load_text_encoder(recipe.text_encoder, recipe.text_source)
        table = build_table(encoder, built_in_descriptions())
    if table.dimension != recipe.network.text_width:
        raise RecipeError(
            f"network.text_width {recipe.network.text_width}: embeddings of text_encoder "
            f"{recipe.text_encoder} have {table.dimension} values: set network.text_width to "
            f"{table.dimension}, or choose another text_encoder"
        )
    return table


def kept_table(recipe: Recipe, table: DescriptionTable) -> DescriptionTable:
    """Return the table of initial weights: their network can read no other numbers.

    Built-in sentences that it lacks are added, standardised as its own.

    Raises:
        RecipeError: The recipe would change its numbers.
        MissingExtraError, WeightsError: The encoder cannot be loaded, and a built-in sentence is
            not in the table.
    """
    where = f"initial_weights {recipe.initial_weights}"
    if recipe.text_encoder != table.encoder:
        raise RecipeError(
            f"{where}: their descriptions are embedded by {table.encoder}, which text_encoder "
            f"{recipe.text_encoder} would change: set text_encoder to {table.encoder}, or leave "
            "initial_weights out"
        )
    if recipe.text_source is not None:
        encoder = load_text_encoder(recipe.text_encoder, recipe.text_source)
        if not table.is_of(encoder):
            raise RecipeError(
                f"{where}: their descriptions are embedded by another {table.encoder} than "
                f"text_source {recipe.text_source}: leave text_source out, or initial_weights"
            )
    sentences = built_in_descriptions()
    if set(sentences) <= set(table.sentences):
        return table
    encoder = load_text_encoder(recipe.text_encoder, recipe.text_source)
    return table.extended(sentences, encoder)


__all__ = ["kept_table", "recipe_table"]
