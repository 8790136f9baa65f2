"""The embedded table: every built-in description with its embedding, so that none is computed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from gisr.errors import InputError, WeightsError, shortened
from gisr.memory import is_out_of_memory
from gisr.tasks import built_in_descriptions
from gisr.tasks.text.interface import TextEncoder, TextEncoderName
from gisr.temporaries import written_whole

BUILT_IN_FILE = "built_in_minilm.safetensors"
"""File name, inside this package, of the table of the built-in descriptions."""

_ARRAYS = ("embeddings", "mean", "scale")
_FORMAT = "gisr description table 2"
# Encoders have dimensions that hardly move (MiniLM: one stays put). Divided by almost nothing they
# would dominate, above all for a free text that does move them.
_SMALLEST_SCALE = 0.1
_SAME = 1e-3
"""Embeddings of unit length that differ by less, in any value, are those of one encoder."""


@dataclass(frozen=True, eq=False)
class DescriptionTable:
    """Sentences with their standardised embeddings, and how to standardise another one.

    ``(encoded - mean) / scale``, element by element, then brought to unit length: the network sees
    in which direction a sentence departs from the table's mean. How far it departs means little
    (any free text does so twice as far as the built-in sentences) and would dominate Eq. (4). The
    arrays are read-only.
    """

    sentences: tuple[str, ...]
    """The described tasks, without repeats."""
    embeddings: Float[np.ndarray, "sentences dimension"]
    """One standardised embedding of unit length per sentence, float32."""
    mean: Float[np.ndarray, " dimension"]
    """Mean over the table of the encoder's own embeddings, float32."""
    scale: Float[np.ndarray, " dimension"]
    """What each dimension is divided by, in the encoder's own scale, float32."""
    encoder: TextEncoderName
    """The encoder the embeddings are of."""

    def __post_init__(self) -> None:
        """Check that the parts fit together, and lock the arrays.

        Raises:
            WeightsError: They do not, or a value is not finite.
        """
        _check(self)
        for name in _ARRAYS:
            getattr(self, name).setflags(write=False)

    @property
    def dimension(self) -> int:
        """Length of one embedding."""
        return int(self.embeddings.shape[1])

    def lookup(self, sentence: str) -> Float[np.ndarray, " dimension"]:
        """Return the standardised embedding of a sentence of the table.

        Raises:
            InputError: The sentence is not in the table.
        """
        if sentence not in self.sentences:
            raise InputError(
                f"{sentence!r} is not a built-in description: leave the description out to use the "
                'built-in one, or install a text encoder for free text (pip install "gisr[text]")'
            )
        return np.asarray(self.embeddings[self.sentences.index(sentence)])

    def embed(self, sentence: str, encoder: TextEncoder) -> Float[np.ndarray, " dimension"]:
        """Return the embedding of any sentence, standardised as those of the table, unit length.

        Raises:
            InputError: The sentence is empty, the encoder is not the one of the table, or gives the
                table's mean, which has no direction.
        """
        if encoder.name != self.encoder or encoder.dimension != self.dimension:
            raise InputError(
                f"the table holds embeddings of {self.encoder} ({self.dimension} values), "
                f"the given encoder is {encoder.name} ({encoder.dimension}): use {self.encoder}"
            )
        embedding = _directions(encoder.encode([sentence]), self.mean, self.scale)[0]
        if not embedding.any():
            raise InputError(
                f"{encoder.name} does not separate {sentence!r} from the mean: reword it"
            )
        return np.asarray(embedding)

    def extended(self, sentences: Sequence[str], encoder: TextEncoder) -> "DescriptionTable":
        """Return a table of these sentences, then its others, whose own embeddings do not change.

        Networks trained with this table read the extended one as before.

        Raises:
            InputError: As :meth:`embed`.
        """
        order = (*sentences, *(own for own in self.sentences if own not in set(sentences)))
        known = set(self.sentences)
        rows = [self.lookup(s) if s in known else self.embed(s, encoder) for s in order]
        return replace(self, sentences=order, embeddings=np.stack(rows))

    def is_of(self, encoder: TextEncoder) -> bool:
        """Whether an encoder, with the table's mean and scale, gives the table's embeddings."""
        if encoder.name != self.encoder or encoder.dimension != self.dimension:
            return False
        found = _directions(encoder.encode(self.sentences), self.mean, self.scale)
        return bool(np.allclose(found, self.embeddings, rtol=0, atol=_SAME))

    def agrees_with(self, other: "DescriptionTable") -> bool:
        """Whether both embed by one encoder, and sentences that are in both by the same numbers."""
        if other.encoder != self.encoder or other.dimension != self.dimension:
            return False
        shared = set(self.sentences) & set(other.sentences)
        return all(np.allclose(self.lookup(s), other.lookup(s), atol=1e-5) for s in shared)

    def save(self, path: str | Path) -> None:
        """Write the table as one safetensors file; the file is whole or not there at all.

        Raises:
            FileFormatError: The disk refuses it.
        """
        with written_whole(Path(path)) as part:
            part.write_bytes(self.content())

    def content(self) -> bytes:
        """Return the bytes of the file that :meth:`save` writes."""
        metadata = {
            "format": _FORMAT,
            "encoder": self.encoder,
            "sentences": json.dumps(self.sentences),
        }
        return save({name: getattr(self, name) for name in _ARRAYS}, metadata=metadata)

    @classmethod
    def load(cls, path: str | Path) -> "DescriptionTable":
        """Read a table written by :meth:`save`.

        Raises:
            WeightsError: The file is missing, is no table, or holds values that are not finite.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                # safetensors panics where it finds no room for an array; numpy raises an error.
                np.empty(2 * Path(path).stat().st_size, np.uint8)
                metadata = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except (OSError, SafetensorError) as error:
            if is_out_of_memory(error):
                raise MemoryError(str(path)) from error
            reason = shortened(str(error), 200)
            raise WeightsError(f"cannot read the description table {path}: {reason}") from error
        if metadata.get("format") != _FORMAT or set(arrays) != set(_ARRAYS):
            raise WeightsError(f"{path} is not a description table of gisr: build it again")
        try:
            sentences = json.loads(metadata.get("sentences", ""))
            encoder = metadata.get("encoder", "")
            return cls(tuple(sentences), **arrays, encoder=encoder)
        except (ValueError, TypeError, WeightsError) as error:
            raise WeightsError(f"the description table {path} is damaged: {error}") from error


def build_table(encoder: TextEncoder, sentences: Sequence[str]) -> DescriptionTable:
    """Encode sentences and standardise every dimension over the table.

    Sentence encoders put all descriptions into one narrow cone: MiniLM's "ratio 2" and "ratio 4"
    have a cosine of 0.95 to 0.99. Taking the mean away and dividing by the standard deviation
    makes what differs between descriptions the signal. No dimension is divided by less than a
    tenth of the median deviation. Each embedding is then brought to unit length.

    Raises:
        InputError: Fewer than two different sentences, a repeated or an empty one, or an encoder
            that does not separate them.
    """
    if len(set(sentences)) != len(sentences) or len(sentences) < 2:
        raise InputError("a description table needs at least two sentences, each given once")
    encoded = encoder.encode(sentences).astype(np.float64)
    mean = encoded.mean(axis=0)
    deviation = encoded.std(axis=0)
    if not np.median(deviation) > 0:
        raise InputError(f"the text encoder {encoder.name} does not separate the sentences")
    scale = np.maximum(deviation, _SMALLEST_SCALE * np.median(deviation))
    embeddings = _directions(encoded, mean, scale)
    if not embeddings.any(axis=1).all():
        raise InputError(f"the text encoder {encoder.name} puts a sentence at the mean of all")
    return DescriptionTable(
        sentences=tuple(sentences),
        embeddings=embeddings,
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        encoder=encoder.name,
    )


@cache
def built_in_table() -> DescriptionTable:
    """Return the table that ships with gisr: :func:`built_in_descriptions` embedded by MiniLM.

    Raises:
        WeightsError: The shipped file is damaged, or does not hold exactly the built-in
            descriptions (it must be built again after a change to them).
    """
    with as_file(files("gisr.tasks.text") / BUILT_IN_FILE) as path:
        table = DescriptionTable.load(path)
    if table.sentences != built_in_descriptions():
        raise WeightsError(
            f"{BUILT_IN_FILE} does not hold the built-in descriptions: "
            "run python -m gisr.tasks.text.build"
        )
    return table


def _directions(
    encoded: Float[np.ndarray, "sentences dimension"],
    mean: Float[np.ndarray, " dimension"],
    scale: Float[np.ndarray, " dimension"],
) -> Float[np.ndarray, "sentences dimension"]:
    """Standardise embeddings and bring them to unit length; zero where one is the mean itself."""
    departures = (encoded.astype(np.float64) - mean) / scale
    lengths = np.linalg.norm(departures, axis=1, keepdims=True)
    return np.asarray(departures / np.maximum(lengths, np.finfo(float).tiny), dtype=np.float32)


def _check(table: DescriptionTable) -> None:
    if table.encoder not in get_args(TextEncoderName):
        raise WeightsError(f"unknown text encoder {shortened(repr(table.encoder))}")
    if not all(isinstance(sentence, str) for sentence in table.sentences):
        raise WeightsError("a sentence is not text")
    if len(set(table.sentences)) != len(table.sentences):
        raise WeightsError("a sentence is repeated")
    for name in _ARRAYS:
        array = getattr(table, name)
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise WeightsError(f"{name} must be finite float32 values")
    count, dimension = len(table.sentences), table.mean.size
    if count == 0 or table.embeddings.shape != (count, dimension):
        raise WeightsError(
            f"{count} sentences of {dimension} values do not fit embeddings of shape "
            f"{table.embeddings.shape}"
        )
    if table.mean.shape != (dimension,) or table.scale.shape != (dimension,):
        raise WeightsError("mean and scale must have one value per dimension")
    if not (table.scale > 0).all():
        raise WeightsError("scale must be above zero")
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(table.embeddings, axis=1)
    if not np.allclose(lengths, 1, rtol=0, atol=_SAME):
        raise WeightsError("embeddings must have unit length")


__all__ = ["BUILT_IN_FILE", "DescriptionTable", "build_table", "built_in_table"]
