"""How well shifts between MR contrasts are found: real pairs, known artificial shifts.

    python benchmarks/mri_alignment.py ../shared/data

Each T1 guide is moved by a known shift of up to 3 voxels along every axis (and once not at all); a
T2 or FLAIR target loses three quarters of its k-space along both axes of the plane. What counts is
the estimate less the known shift, and less what is found of the pair as it comes: no pair of two
scans is registered to the hundredth of a voxel.
"""

import argparse
import time
from itertools import product
from pathlib import Path

import numpy as np
from scipy import ndimage

from gisr.data.degradations import kspace_crop
from gisr.estimation.volume_registration import VolumeAlignment, find_volume_shift
from gisr.io.volumes.nifti import read_nifti
from gisr.io.volumes.placement import VolumePlacement

RATIO, LARGEST = 4, 3.0


def estimate(target: np.ndarray, guide: np.ndarray) -> VolumeAlignment:
    low = np.stack([kspace_crop(part, RATIO) for part in np.moveaxis(target, 2, 0)], axis=2)
    placement = VolumePlacement(
        turn=np.array([[0, 1], [1, 1], [2, 1]]),
        to_target=np.diag([1 / RATIO, 1 / RATIO, 1.0, 1.0]),
        target_shape=low.shape,
        guide_shape=guide.shape,
        ratios=(RATIO, RATIO, 1.0),
        target_zooms=(RATIO, RATIO, 1.0),
        angle=0.0,
        stacked=2,
        distance=1.0,
    )
    return find_volume_shift(low, guide, placement)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", type=float, default=0.6, help="of each side, the middle")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    errors, residuals = [], []
    for folder, contrast in product(sorted((options.data / "mri").iterdir()), ("T2", "FLAIR")):
        if not (folder / f"{contrast}.nii.gz").is_file():
            continue
        target, guide = (read_nifti(folder / f"{name}.nii.gz") for name in (contrast, "T1"))
        middle = tuple(_middle(side, options.part) for side in target.shape)
        shift = random.uniform(-LARGEST, LARGEST, 3)
        moved = ndimage.shift(guide.voxels, shift, order=3, mode="nearest")
        began = time.perf_counter()
        found = [estimate(target.voxels[middle], part[middle]) for part in (guide.voxels, moved)]
        still, shifted = (np.array(each.offset) for each in found)
        errors.append(np.abs(shifted - shift))
        residuals.append(np.abs(shifted - still - shift))
        print(
            f"{folder.name} {contrast}: as it comes {still}, shifted by {shift.round(2)}: "
            f"error {(shifted - shift).round(2)}, less the pair's own {residuals[-1].round(2)}, "
            f"corrected {found[1].applied}, {(time.perf_counter() - began) / 2:.1f} s",
            flush=True,
        )
    for name, values in (("to the known shift", errors), ("less the pair's own", residuals)):
        found_errors = np.array(values)
        print(
            f"{name}: {(found_errors <= 0.5).mean():.1%} of {found_errors.size} components and "
            f"{(found_errors <= 0.5).all(axis=1).mean():.1%} of pairs in all three within half a "
            f"voxel, median {np.median(found_errors):.2f}"
        )


def _middle(side: int, part: float) -> slice:
    size = min(side, max(24, int(side * part))) // RATIO * RATIO
    return slice((side - size) // 2, (side - size) // 2 + size)


if __name__ == "__main__":
    main()
