"""What the readers of MR data sets share: the volumes of a subject, their grids, drawn splits."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from gisr.datasets.entry import Scan, Split
from gisr.datasets.readers.folders import walk
from gisr.datasets.readers.layout import LayoutName
from gisr.errors import FileFormatError
from gisr.io.volumes.nifti import read_nifti, read_nifti_grid

_SAME_PLACE = 0.01
"""Millimetres by which the entries of two affines may differ on one grid: they are rounded."""


@dataclass(frozen=True)
class VoxelGrid:
    """Where the voxels of a volume are."""

    shape: tuple[int, ...]
    affine: Float64[np.ndarray, "4 4"]

    def coincides(self, other: "VoxelGrid") -> bool:
        """Whether voxels of one index are at one place."""
        return self.shape == other.shape and np.allclose(
            self.affine, other.affine, rtol=0, atol=_SAME_PLACE
        )


def volume_names(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
    """Give the files whose whole name a pattern matches, at any depth to five."""
    for found, _, names in walk(folder):
        for name in names:
            match = pattern.fullmatch(name)
            if match:
                yield found / name, match


def subjects_in(
    folder: Path, pattern: re.Pattern[str], contrasts: Mapping[str, str]
) -> dict[str, dict[str, Path]]:
    """Return the volumes of every subject by contrast, subjects sorted.

    Args:
        folder: Where to look.
        pattern: Of file names; its groups ``subject`` and ``contrast`` are those of the volume.
        contrasts: Contrast by the name that files have for it, in lower case.

    Raises:
        FileFormatError: Two volumes of one subject and contrast.
    """
    subjects: dict[str, dict[str, Path]] = {}
    for path, match in volume_names(folder, pattern):
        contrast = contrasts[match["contrast"].lower()]
        volumes = subjects.setdefault(match["subject"], {})
        if contrast in volumes:
            raise FileFormatError(
                f"{path}: the same volume as {volumes[contrast]}: take one of them away"
            )
        volumes[contrast] = path
    return dict(sorted(subjects.items()))


def grid_of(path: Path) -> VoxelGrid:
    """Return the grid of a volume; only its header is read."""
    return VoxelGrid(*read_nifti_grid(path))


def drawn_splits(
    groups: Iterable[str], shares: Mapping[Split, float], seed: int
) -> dict[str, Split]:
    """Draw a share of the groups for each split but train; train gets the rest.

    Groups are put in the order of the SHA-256 of ``SEED:GROUP``, in hexadecimal. It is the same in
    any order of the files, in any language and in any version of a random generator.

    Args:
        groups: Of all entries; may repeat.
        shares: Of the groups, each rounded to a whole number, in the order they are drawn.
        seed: Another seed, another draw.
    """
    ordered = sorted(
        set(groups), key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).hexdigest()
    )
    splits: dict[str, Split] = dict.fromkeys(ordered, "train")
    taken = 0
    for split, share in shares.items():
        count = round(share * len(ordered))
        splits.update(dict.fromkeys(ordered[taken : taken + count], split))
        taken += count
    return splits


def scan_of(
    name: str,
    volumes: Mapping[str, Path],
    *,
    dataset: LayoutName,
    split: Split,
    group: str,
    slices: tuple[int, ...],
) -> Scan:
    """Return a scan that reads its volumes with the values they have in the file."""
    return Scan(
        name=name,
        dataset=dataset,
        split=split,
        group=group,
        files=tuple(volumes.values()),
        read_contrasts={contrast: partial(_voxels, path) for contrast, path in volumes.items()},
        slices=slices,
    )


def _voxels(path: Path) -> Float32[np.ndarray, "X Y Z"]:
    return read_nifti(path).voxels
