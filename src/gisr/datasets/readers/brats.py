"""BraTS (Menze et al., 2015; Baid et al., 2021): brains with tumours, four contrasts on one grid.

Names of 2018 to 2021 (``SUBJECT_t1ce.nii.gz``) and of 2023 (``SUBJECT-t1c.nii.gz``), with the
folders HGG and LGG or without, packed or not. Values are those of the files: the protocols of the
literature stretch each volume from its minimum and maximum to [0, 255].

The paper takes the middle 100 slices of 155, leaves out those with little content, and arrives at
20,480 training and 2,320 test slices. These are 256 and 29 times 80, and 256 + 29 are the 285
volumes of 2018: a split by volume with exactly 80 slices of each. Which 80 is not
stated; here they are the central ones (37 to 116 of 155). Nor are the volumes stated; here
:func:`gisr.datasets.readers.subjects.drawn_splits` draws 29 in 285 with :data:`SPLIT_SEED`, and
scans of one patient at several times (2023) stay together.
"""

import re
from pathlib import Path

from gisr.datasets.entry import Entry
from gisr.datasets.readers.folders import check_found
from gisr.datasets.readers.layout import DatasetLayout, other_names
from gisr.datasets.readers.subjects import (
    drawn_splits,
    grid_of,
    scan_of,
    subjects_in,
    volume_names,
)
from gisr.errors import FileFormatError

CENTRAL_SLICES = 80
"""Slices of each volume that count."""
SPLIT_SEED = 2018
"""Seed of the split between training and test."""

_TEST_SHARE = 29 / 285
_CONTRASTS = {
    "t1": "T1",
    "t1n": "T1",
    "t1ce": "T1ce",
    "t1c": "T1ce",
    "t2": "T2",
    "t2w": "T2",
    "flair": "FLAIR",
    "t2f": "FLAIR",
}
_NAME = re.compile(
    rf"(?P<subject>brats.+)[_-](?P<contrast>{'|'.join(_CONTRASTS)})\.nii(\.gz)?", re.IGNORECASE
)
_SEVERAL_TIMES = re.compile(r"(?P<patient>brats-\w+-\d+)-\d+", re.IGNORECASE)
"""Names of 2023: the last number counts the scans of a patient."""
_EXPECTS = """\
SUBJECT/SUBJECT_{t1,t1ce,t2,flair}.nii.gz   2018 to 2021: Brats18_..., BraTS20_..., BraTS2021_...
SUBJECT/SUBJECT-{t1n,t1c,t2w,t2f}.nii.gz    2023: BraTS-GLI-...
also .nii; under HGG and LGG or not; every subject with the same two contrasts or more
"""


def read_brats(folder: Path, *, slices: int = CENTRAL_SLICES) -> list[Entry]:
    """Return the scans of a BraTS folder, with the contrasts T1, T1ce, T2 and FLAIR.

    Args:
        folder: Holds the subjects, at any depth to five.
        slices: How many slices count, around the middle of each volume.

    Raises:
        FileFormatError: Not in this layout, a volume is missing, volumes of a subject on different
            grids, or with fewer slices.
        MissingExtraError: nibabel is not installed.
    """
    subjects = subjects_in(folder, _NAME, _CONTRASTS)
    found = set().union(*subjects.values())
    splits = drawn_splits(map(_patient, subjects), {"test": _TEST_SHARE}, SPLIT_SEED)
    scans: list[Entry] = []
    for name, volumes in subjects.items():
        _check_complete(folder, name, volumes, found)
        scans.append(
            scan_of(
                name,
                volumes,
                dataset="brats",
                split=splits[_patient(name)],
                group=_patient(name),
                slices=_central(volumes, slices),
            )
        )
    check_found(scans, folder, "brats", _EXPECTS)
    return scans


def _patient(name: str) -> str:
    match = _SEVERAL_TIMES.fullmatch(name)
    return match["patient"] if match else name


def _check_complete(folder: Path, name: str, volumes: dict[str, Path], found: set[str]) -> None:
    missing = sorted(found - set(volumes))
    if missing:
        raise FileFormatError(
            f"{folder}: {name} has no {' and no '.join(missing)}, which other subjects have: "
            "download it again, or take it away"
        )
    if len(volumes) < 2:
        raise FileFormatError(f"{folder}: {name} has only {min(volumes)}: a guide is missing")


def _central(volumes: dict[str, Path], count: int) -> tuple[int, ...]:
    """Return the central slices of volumes that all lie on one grid."""
    (_, first), *others = volumes.items()
    grid = grid_of(first)
    for _, path in others:
        if not grid_of(path).coincides(grid):
            raise FileFormatError(
                f"{path}: on another grid than {first.name}: BraTS volumes of a subject share one"
            )
    depth = grid.shape[2]
    if depth < count:
        raise FileFormatError(f"{first}: has {depth} slices, {count} must count: not from BraTS")
    start = (depth - count) // 2
    return tuple(range(start, start + count))


BRATS = DatasetLayout(
    name="brats",
    title="BraTS, 2018 to 2023",
    task="mri",
    recognises=lambda folder: any(True for _ in volume_names(folder, _NAME)),
    read=read_brats,
    expects=_EXPECTS,
    strays=(other_names(r".*(?<!seg)\.nii(\.gz)?"),),
)
