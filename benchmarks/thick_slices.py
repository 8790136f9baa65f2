"""Thick slices of real MR volumes sharpened through the plane, against cubic interpolation.

    python benchmarks/thick_slices.py ../shared/data

The truth is the middle of an isotropic volume; each slice of the target is the mean of four of its
slices. `--degrees 10` rotates the slices about the third axis of the guide first. `--picture` draws
the last volume.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler
from gisr.io.volumes.header import Volume
from gisr.io.volumes.nifti import read_nifti
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import place_volumes
from gisr.pipelines.mri_planes import VolumeSharpener
from gisr.pipelines.options import Options
from gisr.pipelines.request import Request

PAIRS = "lesjak_mni_patient07/T2", "lesjak_mni_patient07/FLAIR", "lesjak_mni_patient26/T2"


class OnePlane(VolumeSharpener):
    """Sees the planes across one axis only."""

    axis = 0

    def _planes(self, thick: int) -> tuple[int, ...]:
        return (self.axis,)


def middle(volume: Volume, side: int) -> Volume:
    """Cut the middle out of a volume."""
    starts = [(size - side) // 2 for size in volume.shape]
    cut = volume.voxels[tuple(slice(start, start + side) for start in starts)]
    known = {**vars(volume), "voxels": cut, "affine": np.eye(4), "shape": cut.shape}
    return Volume(**known)


def thick(volume: Volume, ratio: int, degrees: float) -> Volume:
    """Average slices across the first axis, which is rotated about the third."""
    side, angle = volume.shape[0], np.deg2rad(degrees)
    turn, centre = np.eye(4), np.full(3, (side - 1) / 2)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    seen = volume.voxels
    if degrees:
        seen = ndimage.affine_transform(seen, turn[:3, :3], turn[:3, 3], order=3, mode="nearest")
    low = seen.reshape(side // ratio, ratio, side, side).mean(1)
    grid = np.diag([ratio, 1.0, 1.0, 1.0])
    grid[0, 3] = (ratio - 1) / 2
    return Volume(**{**vars(volume), "voxels": low, "affine": turn @ grid, "shape": low.shape})


@dataclass(frozen=True, eq=False)
class ThickCase:
    """A volume made of thick slices of a finer one, which is its truth, and its guide."""

    truth: Volume
    target: Volume
    guide: Volume
    request: Request[VolumePair]

    @classmethod
    def of(cls, data: Path, name: str, side: int, ratio: int, degrees: float) -> "ThickCase":
        """Read ``SUBJECT/CONTRAST`` and T1, and make slices of so many voxels of the first."""
        subject, contrast = name.split("/")
        files = (data / "mri" / subject / f"{each}.nii.gz" for each in (contrast, "T1"))
        truth, guide = (middle(read_nifti(file), side) for file in files)
        target = thick(truth, ratio, degrees)
        request = Request(
            "mri",
            target.path,
            guide.path,
            Path("out.nii"),
            Options(contrast=contrast, guide_contrast="T1"),
            VolumePair(target, guide, place_volumes(target, guide)),
        )
        return cls(truth, target, guide, request)

    def sharpener(self, upscaler: Upscaler) -> VolumeSharpener:
        placement = self.request.files.placement
        return VolumeSharpener(upscaler, self.request, placement, lambda: None, lambda: None)


def psnr(image: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    inner = np.zeros_like(inside)
    inner[4:-4, 4:-4, 4:-4] = inside[4:-4, 4:-4, 4:-4]
    return float(10 * np.log10(truth.max() ** 2 / np.mean((image - truth)[inner] ** 2)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", nargs="+", default=PAIRS)
    parser.add_argument("--side", type=int, default=48)
    parser.add_argument("--ratio", type=int, default=4)
    parser.add_argument("--degrees", type=float, default=0.0)
    parser.add_argument("--one-plane", action="store_true", help="also each kind of plane alone")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    upscaler = load_model(None, "cpu")
    for name in options.pairs:
        case = ThickCase.of(options.data, name, options.side, options.ratio, options.degrees)
        truth, target, guide = case.truth, case.target, case.guide
        sharpener, placement = case.sharpener(upscaler), case.request.files.placement
        sharp, inside = sharpener(target.voxels, guide.voxels).voxels, sharpener.inside()
        cubic = ndimage.affine_transform(
            target.voxels, placement.to_target[:3, :3], placement.to_target[:3, 3], guide.shape,
            order=3, mode="nearest",
        )  # fmt: skip
        found = {"cubic": cubic, "gisr": sharp}
        if options.one_plane:
            found |= planes(upscaler, sharpener, target, guide)
        shown = ", ".join(
            f"{way} {psnr(im, truth.voxels, inside):.2f}" for way, im in found.items()
        )
        print(f"{name} x{options.ratio}: {shown} dB", flush=True)
    if options.picture is not None:
        draw(options.picture, (target.voxels.repeat(options.ratio, 0), guide.voxels, cubic, sharp,
                               truth.voxels))  # fmt: skip


def planes(
    upscaler: Upscaler, whole: VolumeSharpener, target: Volume, guide: Volume
) -> dict[str, np.ndarray]:
    found = {}
    for axis in (1, 2):
        one = OnePlane(upscaler, whole.request, whole.placement, lambda: None, lambda: None)
        one.axis = axis
        found[f"across axis {axis} only"] = one(target.voxels, guide.voxels).voxels
    return found


def draw(path: Path, volumes: tuple[np.ndarray, ...]) -> None:
    """Set one plane through the thick slices side by side."""
    side = volumes[0].shape[1]
    panels = []
    for volume in volumes:
        plane = np.rot90(volume[:, side // 2, :].T, 2)
        low, high = np.percentile(plane, (0.5, 99))
        panels.append(np.clip((plane - low) / (high - low) * 255, 0, 255).astype(np.uint8))
        panels.append(np.full((len(plane), 2), 255, np.uint8))
    sheet = Image.fromarray(np.concatenate(panels[:-1], axis=1))
    sheet.resize((sheet.width * 3, sheet.height * 3), Image.Resampling.NEAREST).save(path)


if __name__ == "__main__":
    main()
