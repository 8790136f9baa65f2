"""What turns a sentence into numbers: the interface that every text encoder has."""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

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


__all__ = ["TextEncoder", "TextEncoderName", "sentence_batches"]
