"""Loading a pretrained model and its tokenizer through transformers: strictly, quietly, safely."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gisr.errors import MissingExtraError, WeightsError, shortened
from gisr.hub import as_hub_id, find_hub_id
from gisr.memory import memory_errors


class Pretrained(NamedTuple):
    """A model in evaluation mode (float32, CPU) and its tokenizer, both of transformers' types."""

    model: Any
    tokenizer: Any


def load_pretrained(architecture: str, place: str | Path, *, kept: bool = False) -> Pretrained:
    """Load a model class of transformers by name, with the tokenizer beside it.

    Only safetensors are read, so that loading cannot run code.

    Args:
        architecture: Name of the class.
        place: A folder, or a Hugging Face hub id written as one (``hf:owner/name``), which
            transformers downloads once and keeps in its cache. There is no network for a folder.
        kept: The place is a hub id of which only a copy kept in that cache is taken.

    Raises:
        MissingExtraError: transformers is not installed.
        WeightsError: The place cannot be reached, holds something else, or lacks a weight.
        LimitError: Memory does not suffice.
    """
    hub_id = find_hub_id(str(place))
    if hub_id is None and not Path(place).is_dir():
        raise WeightsError(
            f"no text encoder {shortened(repr(str(place)))}: there is no such folder; give a "
            f"folder with the weights of a {architecture} as safetensors and its tokenizer, or a "
            f"hub id as {as_hub_id(str(place))}"
        )
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(
            'text encoders need the package transformers: install it with pip install "gisr[text]"'
        ) from error
    source, revision = (str(place), None) if hub_id is None else hub_id
    if kept:
        source = str(_kept_copy(source))
    where: dict[str, Any] = {"local_files_only": hub_id is None or kept}
    where |= {} if revision is None else {"revision": revision}
    model_class = getattr(transformers, architecture)
    try:
        with _quiet(), memory_errors(str(place), "this text encoder needs a machine with more"):
            tokenizer = transformers.AutoTokenizer.from_pretrained(source, **where)
            model, report = model_class.from_pretrained(
                source, use_safetensors=True, output_loading_info=True, **where
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = shortened(" ".join(str(error).split()), 300)
        raise WeightsError(
            f"cannot load the text encoder from {place}: {reason}. Give a folder or a hub id with "
            f"the weights of a {architecture} as safetensors and its tokenizer"
        ) from error
    if report["missing_keys"]:
        # transformers would fill these with random numbers and carry on.
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise WeightsError(f"{place} is not a whole {architecture}: {missing} missing")
    return Pretrained(model.float().eval(), tokenizer)


def _kept_copy(repository: str) -> Path:
    """Return the folder of a repository that was downloaded before.

    Not by asking huggingface_hub for local files only: it would send for a list of its own.
    """
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, "config.json")
    if not isinstance(found, str):
        raise WeightsError(
            f"the text encoder {repository} is not on this machine: to download it say "
            f"hf:{repository}, or give its folder (text_source in a recipe and for gisr train)"
        )
    return Path(found).parent


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' progress bar and its report on unused weights off the user's terminal."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


__all__ = ["Pretrained", "load_pretrained"]
