"""Training: recipe, objective, loop, checkpoints, logs."""

from typing import TYPE_CHECKING

from gisr.lazy import lazy_names

if TYPE_CHECKING:
    from gisr.training.loop import train
    from gisr.training.recipe import Recipe, Stage, one_by_one
    from gisr.training.recipe_file import read_recipe
    from gisr.training.set_recipe import SetRecipe

_MODULES = {
    "gisr.training.loop": ("train",),
    "gisr.training.recipe": (
        "Recipe",
        "Stage",
        "one_by_one",
    ),
    "gisr.training.recipe_file": ("read_recipe",),
    "gisr.training.set_recipe": ("SetRecipe",),
}
__getattr__, __dir__ = lazy_names(__name__, _MODULES)

__all__ = ["Recipe", "SetRecipe", "Stage", "one_by_one", "read_recipe", "train"]
