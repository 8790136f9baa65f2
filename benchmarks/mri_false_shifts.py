"""Whether shifts are seen in registered MR pairs, and what undoing what is found does to results.

    python benchmarks/mri_false_shifts.py ../shared/data

Cuts of 64 x 64 voxels from the middle of volumes whose T1 is registered, T2 and FLAIR, reduced in
five ways; with --moved the T1 is moved by that many voxels along each axis first (+, -, +). Printed
are the shift that is found, by how much it raises the mutual information (what is above 1), and the
change of the PSNR where it is undone.
"""

import argparse
from pathlib import Path

import numpy as np
from mri_reductions import psnr, sharpened, volume

from gisr.data.degradations import kspace_crop
from gisr.estimation.local_fit import shifted
from gisr.estimation.volume_motion import moved_guide
from gisr.estimation.volume_registration import find_volume_shift
from gisr.inference.loading import load_model
from gisr.io.volumes.nifti import read_nifti
from gisr.io.volumes.placement import place_volumes

SUBJECTS = (
    "lesjak_mni_patient07", "lesjak_mni_patient26", "brats_gli_00001_000", "tcga_fg_6692",
    "tcga_du_7294", "lesjak_long_patient04_study1", "lesjak_long_patient12_study1",
    "lesjak_long_patient19_study2",
)  # fmt: skip
WAYS = (("k-space", (4, 4, 1)), ("means", (8, 8, 1)), ("means", (2, 2, 1)), ("means", (1, 1, 4)),
        ("means", (1, 1, 6)))  # fmt: skip
HALF = 32
Voxels = np.ndarray


def reduce(truth: Voxels, way: str, ratios: tuple[int, int, int]) -> tuple[Voxels, Voxels]:
    """Return a reduced volume and its affine."""
    affine = np.diag([*ratios, 1.0])
    if way == "k-space":
        crops = [kspace_crop(truth[..., k], ratios[0]) for k in range(truth.shape[2])]
        return np.stack(crops, -1), affine
    affine[:3, 3] = (np.array(ratios) - 1) / 2
    sizes = [each for pair in zip(truth.shape, ratios, strict=True) for each in
             (pair[0] // pair[1], pair[1])]  # fmt: skip
    return truth.reshape(sizes).mean((1, 3, 5)), affine


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--moved", type=float, default=0.0)
    chosen = parser.parse_args()
    upscaler, moves = load_model(device="cpu"), chosen.moved * np.array([1.0, -1.0, 1.0])
    for subject in SUBJECTS:
        folder = chosen.data / "mri" / subject
        t1 = read_nifti(folder / "T1.nii.gz").voxels
        t1 = moved_guide(t1, shifted(-np.array(moves)))
        for contrast in ("T2", "FLAIR"):
            path = folder / f"{contrast}.nii.gz"
            if not path.exists():
                continue
            truth = read_nifti(path).voxels
            for way, ratios in WAYS:
                thick = 12 if ratios[2] > 1 else 6
                middle = [size // 2 for size in truth.shape]
                if middle[2] < thick:
                    continue
                reach = zip(middle, (HALF, HALF, thick), strict=True)
                part = tuple(slice(at - by, at + by) for at, by in reach)
                guide = np.ascontiguousarray(t1[part])
                low, affine = reduce(truth[part], way, ratios)
                low = low.astype(np.float32)
                place = place_volumes(volume("low", low, affine), volume("high", guide, np.eye(4)))
                found = find_volume_shift(low, guide, place)
                line = f"{subject} {contrast} {way} {ratios}: {found.note}"
                if found.applied:
                    pair = low, guide, affine, contrast
                    plain = psnr(sharpened(upscaler, *pair)[0], truth[part])
                    moved = low, moved_guide(guide, found.move), affine, contrast
                    gained = psnr(sharpened(upscaler, *moved)[0], truth[part]) - plain
                    line += f": {gained:+.2f} dB"
                print(line, flush=True)


if __name__ == "__main__":
    main()
