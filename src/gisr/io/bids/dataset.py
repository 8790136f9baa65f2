"""A BIDS data set on disk: its participants, sessions, anatomical images and their metadata."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError, InputError, listed
from gisr.io.bids.names import BidsName, label_of, parse_name
from gisr.io.files import file_suffix

SUFFIXES = ("T1w", "T2w", "PDw", "FLAIR", "UNIT1", "inplaneT2")
"""Suffixes of anatomical images whose contrast has a description."""
DESCRIPTION_FILE = "dataset_description.json"

_EXTENSIONS = (".nii", ".nii.gz")
_LARGEST_JSON = 2**22
"""Bytes of metadata that are read; real files have some thousand."""
_PARTS = ("part", "chunk", "echo", "inv")
"""Entities of images that are a part of one: a phase, a slab."""


@dataclass(frozen=True)
class BidsImage:
    """An anatomical image of a data set."""

    path: Path
    name: BidsName

    def __str__(self) -> str:
        """Return its file name."""
        return self.path.name


@dataclass(frozen=True)
class BidsSession:
    """The anatomical images that were taken in one session, or of a participant without any."""

    subject: str
    session: str | None
    images: tuple[BidsImage, ...]
    left_out: tuple[Path, ...]
    """Images of its folder that are of another kind."""
    stray: tuple[Path, ...]
    """Images that have no name of BIDS, or do not lie in the folder ``anat``."""

    def __str__(self) -> str:
        """Return ``sub-01`` or ``sub-01/ses-2``."""
        name = f"sub-{self.subject}"
        return name if self.session is None else f"{name}/ses-{self.session}"


class BidsDataset:
    """A data set of images as they were taken."""

    def __init__(self, root: Path) -> None:
        """Look at the folder.

        Raises:
            FileFormatError: It is not there, or holds no participant.
        """
        if not root.is_dir():
            raise FileFormatError(f"{root}: no such folder: name the folder of a BIDS data set")
        self.root = root.resolve()
        self.subjects = _labels(self.root, "sub")
        if not self.subjects:
            raise FileFormatError(
                f"{root}: has no folder sub-...: name the folder of a BIDS data set, or "
                "convert the images into one first (for example with dcm2bids)"
            )
        self.description = read_json(self.root / DESCRIPTION_FILE)
        """What its ``dataset_description.json`` says; None where there is none that can be read."""

    @property
    def name(self) -> str:
        """What it is called."""
        stated = (self.description or {}).get("Name")
        return stated if isinstance(stated, str) and stated.strip() else self.root.name

    def sessions(
        self, participants: Sequence[str] | None = None, sessions: Sequence[str] | None = None
    ) -> Iterator[BidsSession]:
        """Yield the sessions of chosen participants; all when None.

        Args:
            participants: Labels, with ``sub-`` or without.
            sessions: Labels, with ``ses-`` or without; participants without sessions are then left
                out.

        Raises:
            InputError: There is no such participant or session.
        """
        chosen = _chosen("participant-label", participants, self.subjects, "sub")
        found = {subject: _labels(self.root / f"sub-{subject}", "ses") for subject in chosen}
        known = sorted({session for each in found.values() for session in each})
        wanted = set(_chosen("session-label", sessions, known, "ses"))
        for subject in chosen:
            folder = self.root / f"sub-{subject}"
            if sessions is None:
                yield _session(folder, subject, None)
            for session in found[subject]:
                if session in wanted:
                    yield _session(folder / f"ses-{session}", subject, session)

    def metadata(self, image: BidsImage) -> dict[str, Any]:
        """Return what JSON files say of an image, those nearer to it before those further up.

        The inheritance principle: a file ``acq-tse_T2w.json`` of the data set's folder holds for
        all images with this entity and suffix.
        """
        found: dict[str, Any] = {}
        folders = [image.path.parent, *image.path.parent.parents]
        for folder in reversed(folders[: folders.index(self.root) + 1]):
            fitting = []
            for path in sorted(folder.glob(f"*{image.name.suffix}.json")):
                name = parse_name(path.name) or BidsName({}, path.name[: -len(".json")], ".json")
                if name.suffix == image.name.suffix and _holds_for(name, image.name):
                    fitting.append((len(name.entities), path))
            for _, path in sorted(fitting):
                found |= read_json(path) or {}
        return found


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file; None where there is no file that holds one."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_JSON:
            return None
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _holds_for(name: BidsName, image: BidsName) -> bool:
    return name.entities.items() <= image.entities.items()


def _labels(folder: Path, key: str) -> list[str]:
    """Return the labels of the folders of participants or sessions right in a folder."""
    try:
        found = [path for path in sorted(folder.glob(f"{key}-*")) if path.is_dir()]
    except OSError as error:
        raise FileFormatError(f"{folder}: cannot be read: {error.strerror or error}") from error
    return [label_of(path.name, key) for path in found]


def _chosen(
    option: str, words: Sequence[str] | None, known: Sequence[str], key: str
) -> Sequence[str]:
    if words is None:
        return known
    labels = list(dict.fromkeys(label_of(word, key) for word in words))
    for label in labels:
        if label not in known:
            there = f"there are {listed(known, 5)}" if known else "there are none"
            raise InputError(f"{option} {label}: is not in this data set: {there}")
    return labels


def _session(folder: Path, subject: str, session: str | None) -> BidsSession:
    images, left_out, stray = [], [], []
    for path in [*sorted((folder / "anat").glob("*")), *sorted(folder.glob("*"))]:
        if path.name.startswith(".") or file_suffix(path) not in _EXTENSIONS:
            continue
        name = parse_name(path.name)
        if name is None or name.extension not in _EXTENSIONS or path.parent == folder:
            stray.append(path)
        elif name.suffix not in SUFFIXES or set(_PARTS) & set(name.entities):
            left_out.append(path)
        else:
            images.append(BidsImage(path, name))
    return BidsSession(subject, session, tuple(images), tuple(left_out), tuple(stray))


__all__ = [
    "DESCRIPTION_FILE",
    "SUFFIXES",
    "BidsDataset",
    "BidsImage",
    "BidsSession",
    "read_json",
]
