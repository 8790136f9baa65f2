"""The one place that loads a text encoder."""

from pathlib import Path
from typing import get_args

from gisr.errors import InputError
from gisr.tasks.text.interface import TextEncoder, TextEncoderName


def load_text_encoder(name: str, source: str | Path | None = None) -> TextEncoder:
    """Load a pretrained text encoder.

    Args:
        name: One of :data:`TextEncoderName`.
        source: Folder with the weights and the tokenizer; or a Hugging Face hub id written as one
            (``hf:owner/name``). None means the installed package of weights (``minilm``) or the
            copy on this machine of :data:`gisr.tasks.text.clip.DEFAULT_SOURCE` (``clip``).

    Raises:
        InputError: The name is none of :data:`TextEncoderName`.
        MissingExtraError: A package of the extra ``text`` is not installed.
        WeightsError: The weights cannot be found or do not fit the encoder.
    """
    if name == "minilm":
        from gisr.tasks.text.minilm import MiniLMEncoder

        return MiniLMEncoder.load(source)
    if name == "clip":
        from gisr.tasks.text.clip import ClipEncoder

        return ClipEncoder.load(source)
    known = ", ".join(get_args(TextEncoderName))
    raise InputError(f"unknown text encoder {name!r}: use one of {known}")
