"""Embeddings of sentences for a network, with a text encoder only where one is needed."""

import numpy as np
from jaxtyping import Float

from gisr.errors import InputError
from gisr.tasks.text.encoder import load_text_encoder
from gisr.tasks.text.interface import TextEncoder
from gisr.tasks.text.table import DescriptionTable


class Sentences:
    """Looks sentences up in a table; the table's encoder, loaded once, embeds any other."""

    def __init__(self, table: DescriptionTable) -> None:
        """Read nothing yet."""
        self._table = table
        self._encoder: TextEncoder | None = None

    def embedding(self, built_in: str, given: str | None) -> Float[np.ndarray, " dimension"]:
        """Return the embedding of the sentence that is given, or else of the built-in one.

        Raises:
            InputError: The given one is empty, or as :meth:`DescriptionTable.embed`.
            MissingExtraError: It needs the encoder, which is not installed.
        """
        if given is not None and not given.strip():
            raise InputError("description is empty: leave it out to use the built-in one")
        sentence = given or built_in
        if sentence in self._table.sentences:
            return self._table.lookup(sentence)
        if self._encoder is None:
            self._encoder = load_text_encoder(self._table.encoder)
        return self._table.embed(sentence, self._encoder)
