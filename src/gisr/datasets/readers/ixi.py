"""IXI (brain-development.org, CC BY-SA 3.0): healthy brains in T1, T2 and PD.

T2 and PD are of one acquisition and share a grid; T1 was acquired on another. Only the contrasts
that share a grid are kept: T2 and PD as published, T1 as well once it is resampled.
Subjects without two such contrasts are left out, as the published set has a few; the user is told
of what is left out. Values are those of the files.

Ten slices at both ends of a volume do not count, as in the literature (MC-CDic). The makers publish
no split; here :func:`gisr.datasets.readers.subjects.drawn_splits` draws 10 % of the subjects for
val and 10 % for test with :data:`SPLIT_SEED`.
"""

import re
from pathlib import Path

from gisr.datasets.entry import Entry
from gisr.datasets.readers.folders import check_found
from gisr.datasets.readers.layout import DatasetLayout, Strays, other_names
from gisr.datasets.readers.subjects import (
    VoxelGrid,
    drawn_splits,
    grid_of,
    scan_of,
    subjects_in,
    volume_names,
)
from gisr.errors import FileFormatError

SKIPPED_SLICES = 10
"""Slices at each end of a volume that do not count."""
SPLIT_SEED = 2018
"""Seed of the split."""

_CONTRASTS = {"t1": "T1", "t2": "T2", "pd": "PD"}
_NAME = re.compile(
    r"(?P<subject>IXI\d+-[^-]+-[^-]+)-(?P<contrast>T1|T2|PD)\.nii(\.gz)?", re.IGNORECASE
)
_EXPECTS = """\
IXI-T2/IXI002-Guys-0828-T2.nii.gz
IXI-PD/IXI002-Guys-0828-PD.nii.gz
IXI-T1/IXI002-Guys-0828-T1.nii.gz   kept where it is on the grid of the others
also .nii; in these folders or any other
"""


def read_ixi(folder: Path, *, skip: int = SKIPPED_SLICES) -> list[Entry]:
    """Return the scans of an IXI folder.

    Args:
        folder: Holds the volumes, at any depth to five.
        skip: Slices at each end of a volume that do not count.

    Raises:
        FileFormatError: Not in this layout, no subject with two contrasts on one grid, or a volume
            with too few slices.
        MissingExtraError: nibabel is not installed.
    """
    found = subjects_in(folder, _NAME, _CONTRASTS)
    check_found(found, folder, "ixi", _EXPECTS)
    kept = {name: _on_one_grid(volumes) for name, volumes in found.items()}
    subjects = {name: volumes for name, volumes in kept.items() if len(volumes) >= 2}
    if not subjects:
        raise FileFormatError(
            f"{folder}: none of {len(found)} subjects has two contrasts on one grid: add IXI-PD to "
            "IXI-T2, or resample T1 to the grid of T2"
        )
    splits = drawn_splits(map(_number, subjects), {"val": 0.1, "test": 0.1}, SPLIT_SEED)
    return [
        scan_of(
            name,
            {contrast: path for contrast, (path, _) in volumes.items()},
            dataset="ixi",
            split=splits[_number(name)],
            group=_number(name),
            slices=_inner(*next(iter(volumes.values())), skip),
        )
        for name, volumes in subjects.items()
    ]


def _number(name: str) -> str:
    """Return the number of a subject: ``IXI002`` of ``IXI002-Guys-0828``."""
    return name.split("-")[0].upper()


def _on_one_grid(volumes: dict[str, Path]) -> dict[str, tuple[Path, VoxelGrid]]:
    """Return the volumes of the grid that most of them share."""
    placed = {contrast: (path, grid_of(path)) for contrast, path in sorted(volumes.items())}
    shared = [
        {contrast: other for contrast, other in placed.items() if other[1].coincides(grid)}
        for _, grid in placed.values()
    ]
    return max(shared, key=len)


def _inner(path: Path, grid: VoxelGrid, skip: int) -> tuple[int, ...]:
    inner = tuple(range(skip, grid.shape[2] - skip))
    if not inner:
        raise FileFormatError(
            f"{path}: none of its {grid.shape[2]} slices is left when {skip} at both ends are "
            "skipped: not from IXI"
        )
    return inner


IXI = DatasetLayout(
    name="ixi",
    title="IXI",
    task="mri",
    recognises=lambda folder: any(True for _ in volume_names(folder, _NAME)),
    read=read_ixi,
    expects=_EXPECTS,
    strays=(
        Strays(
            re.compile(rf"(.*/)?{_NAME.pattern}", re.IGNORECASE),
            "on the grid of no other contrast of the subject (resample them to it)",
        ),
        other_names(r".*\.nii(\.gz)?"),
    ),
)
