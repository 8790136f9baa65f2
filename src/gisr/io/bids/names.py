"""File names of BIDS: entities, a suffix and an extension (BIDS 1.10, "Filenames").

``sub-01_ses-2_acq-tse_T2w.nii.gz`` has the entities sub, ses and acq and the suffix T2w. The
grammar is a line long; a library would bring a database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gisr.io.files import file_suffix

_ENTITY = re.compile(r"([a-z]+)-([a-zA-Z0-9+]+)")
_SUFFIX = re.compile(r"[a-zA-Z0-9]+")


@dataclass(frozen=True)
class BidsName:
    """The parts of a file name."""

    entities: Mapping[str, str]
    """Labels by key, in the order of the name."""
    suffix: str
    extension: str

    def __str__(self) -> str:
        """Return the name."""
        words = [f"{key}-{label}" for key, label in self.entities.items()]
        return "_".join([*words, self.suffix]) + self.extension

    def derived(self, description: str) -> "BidsName":
        """Return the name of a file made from this one: with ``desc`` last, compressed."""
        kept = {key: label for key, label in self.entities.items() if key != "desc"}
        return BidsName({**kept, "desc": description}, self.suffix, ".nii.gz")

    def has(self, word: str) -> bool:
        """Return whether it has an entity (``acq-tse``) or the suffix (``T2w``)."""
        key, dash, label = word.partition("-")
        return self.entities.get(key) == label if dash else self.suffix == word


def parse_name(name: str) -> BidsName | None:
    """Return the parts of a file name; None for a name that is not of BIDS."""
    extension = name[len(name) - len(file_suffix(name)) :]
    *words, suffix = name[: len(name) - len(extension)].split("_")
    found = [_ENTITY.fullmatch(word) for word in words]
    entities = {match[1]: match[2] for match in found if match is not None}
    if not words or None in found or len(entities) < len(words) or not _SUFFIX.fullmatch(suffix):
        return None
    return BidsName(entities, suffix, extension)


def label_of(word: str, key: str) -> str:
    """Return the label that a user gives with its key or without: ``sub-01`` and ``01``."""
    return word.removeprefix(f"{key}-")


__all__ = ["BidsName", "label_of", "parse_name"]
