"""Loading a pretrained model and its tokenizer through transformers: strictly, quietly, safely."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gisr.errors import MissingExtraError, WeightsError


class Pretrained(NamedTuple):
    """A model in evaluation mode (float32, CPU) and its tokenizer, both of transformers' types."""

    model: Any
    tokenizer: Any


def load_pretrained(architecture: str, place: str | Path) -> Pretrained:
    """Load a model class of transformers by name, with the tokenizer beside it.

    Only safetensors are read, so that loading cannot run code. A place that is an existing folder
    is read offline; anything else is a Hugging Face hub id, which transformers downloads once and
    keeps in its cache.

    Raises:
        MissingExtraError: transformers is not installed.
        WeightsError: The place cannot be reached, holds something else, or lacks a weight.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(
            'text encoders need the package transformers: install it with pip install "gisr[text]"'
        ) from error
    local = Path(place).is_dir()
    model_class = getattr(transformers, architecture)
    try:
        with _quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(place, local_files_only=local)
            model, report = model_class.from_pretrained(
                place, local_files_only=local, use_safetensors=True, output_loading_info=True
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise WeightsError(
            f"cannot load the text encoder from {place}: {error}. Give a folder or a hub id with "
            f"the weights of a {architecture} as safetensors and its tokenizer"
        ) from error
    if report["missing_keys"]:
        # transformers would fill these with random numbers and carry on.
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise WeightsError(f"{place} is not a whole {architecture}: {missing} missing")
    return Pretrained(model.float().eval(), tokenizer)


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
