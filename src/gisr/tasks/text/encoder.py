"""What turns a sentence into numbers: the interface, and the one place that loads an encoder."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
from jaxtyping import Float

from gisr.errors import InputError

TextEncoderName = Literal["minilm", "clip"]
"""The text encoders: ``clip`` is the paper's, ``minilm`` the one behind the embedded table."""


class TextEncoder(Protocol):
    """A frozen, pretrained text encoder."""

    @property
    def name(self) -> TextEncoderName:
        """Which encoder this is; a table only accepts embeddings of the encoder that built it."""
        ...

    @property
    def dimension(self) -> int:
        """Length of one embedding."""
        ...

    def encode(self, sentences: Sequence[str]) -> Float[np.ndarray, "sentences dimension"]:
        """Return one float32 embedding per sentence, in the encoder's own scale.

        Raises:
            InputError: There is no sentence, or one is empty.
        """
        ...


def load_text_encoder(name: str, source: str | Path | None = None) -> TextEncoder:
    """Load a pretrained text encoder.

    Args:
        name: One of :data:`TextEncoderName`.
        source: Folder with the weights and the tokenizer; for ``clip`` also a Hugging Face hub id.
            None means the installed package of weights (``minilm``) or
            :data:`gisr.tasks.text.clip.DEFAULT_SOURCE` (``clip``).

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


def sentence_batches(sentences: Sequence[str], size: int = 64) -> Iterator[list[str]]:
    """Yield the sentences in batches of at most ``size``.

    Raises:
        InputError: There is no sentence, or one is empty. A single string is refused too: it would
            be read as a sequence of letters.
    """
    if isinstance(sentences, str):
        raise InputError(f"expected a sequence of sentences, got one string: use [{sentences!r}]")
    if len(sentences) == 0:
        raise InputError("there is no sentence to encode: give at least one")
    for position, sentence in enumerate(sentences):
        if not sentence.strip():
            raise InputError(f"sentence {position} is empty: describe the task in words")
    for start in range(0, len(sentences), size):
        yield list(sentences[start : start + size])


__all__ = ["TextEncoder", "TextEncoderName", "load_text_encoder", "sentence_batches"]
