"""What a result gains from agreeing with a target that was reduced in image space.

    python benchmarks/mri_reductions.py ../shared/data --pairs tcga_fg_6692/FLAIR

The middle of a volume, four slices, reduced by two in the plane: by means over voxels, by Pillow's
bicubic kernel, by leaving voxels out. T1 guide. PSNR in dB, peak the truth's maximum, four voxels
cut at each border: cubic splines; the network alone; as `gisr upscale` has it, and how it takes the
target to be reduced.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import ndimage

from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.io.volumes.header import Volume
from gisr.io.volumes.nifti import read_nifti
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import place_volumes
from gisr.pipelines.mri_agreement import ReducedBy, reduced
from gisr.pipelines.mri_planes import VolumeSharpener
from gisr.pipelines.options import Options
from gisr.pipelines.request import Request

RATIO, BORDER = 2, 4
WAYS: tuple[ReducedBy, ...] = ("means", "bicubic", "samples")
Voxels = np.ndarray


def volume(name: str, voxels: Voxels, affine: Voxels) -> Volume:
    x, y, z = voxels.shape
    return Volume(
        shape=(x, y, z), affine=affine, header=None, dtype=np.dtype("f4"), path=Path(name), count=1,
        read=lambda: iter((voxels,)), voxels=voxels,
    )  # fmt: skip


def sharpened(
    upscaler: Upscaler, low: Voxels, guide: Voxels, affine: Voxels, contrast: str, **options: object
) -> tuple[Voxels, str | None]:
    pair = volume("low", low, affine), volume("high", guide, np.eye(4))
    placement = place_volumes(*pair)
    chosen = Options(contrast=contrast, guide_contrast="T1", **options)  # type: ignore[arg-type]
    request = Request(
        "mri", Path("low"), Path("high"), Path("out.nii"), chosen, VolumePair(*pair, placement)
    )
    run = VolumeSharpener(upscaler, request, placement, lambda: None, lambda: None)
    return run(low, guide).voxels, run.reduction


def psnr(image: Voxels, truth: Voxels) -> float:
    inner = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    error = np.mean((image[inner] - truth[inner]) ** 2)
    return float(10 * np.log10(truth.max() ** 2 / error))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--pairs", nargs="+", default=["tcga_fg_6692/FLAIR", "lesjak_mni_patient07/T2"]
    )
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--noise", type=float, default=0.0, help="per cent of the maximum")
    chosen = parser.parse_args()
    upscaler = load_model(device="cpu")
    print("| pair | reduced by | cubic splines | not corrected | corrected | taken for |")
    print("|---|---|---|---|---|---|")
    for name in chosen.pairs:
        subject, contrast = name.split("/")
        folder, half = chosen.data / "mri" / subject, chosen.side // 2
        truth, guide = (read_nifti(folder / f"{each}.nii.gz").voxels for each in (contrast, "T1"))
        middle = [size // 2 for size in truth.shape]
        part = tuple(
            slice(at - reach, at + reach) for at, reach in zip(middle, (half, half, 2), strict=True)
        )
        truth, guide = truth[part], np.ascontiguousarray(guide[part])
        for way in WAYS:
            offset = 0.0 if way == "samples" else 0.5 / RATIO - 0.5
            line = AxisPlacement(chosen.side // RATIO, chosen.side, 1 / RATIO, offset)
            low = reduced(truth, {0: line, 1: line}, way)
            noise = np.random.default_rng(0).normal(0, chosen.noise / 100 * truth.max(), low.shape)
            low = np.abs(low + noise).astype(np.float32)
            affine = np.diag([RATIO, RATIO, 1.0, 1.0])
            affine[:2, 3] = -offset * RATIO
            plain, _ = sharpened(upscaler, low, guide, affine, contrast, consistent=False)
            ours, taken = sharpened(upscaler, low, guide, affine, contrast)
            where = np.arange(chosen.side) / RATIO + offset
            grids = np.meshgrid(where, where, np.arange(low.shape[2]), indexing="ij")
            cubic = ndimage.map_coordinates(low, grids, order=3, mode="nearest")
            scores = " | ".join(f"{psnr(each, truth):.2f}" for each in (cubic, plain, ours))
            print(f"| {name} | {way} | {scores} | {taken} |", flush=True)


if __name__ == "__main__":
    main()
