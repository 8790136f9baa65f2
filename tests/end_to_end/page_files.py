"""Real pairs as files, small, for the page."""

from pathlib import Path

import nibabel
import numpy as np
from PIL import Image
from tests.geotiffs import write_geotiff

from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.datasets.entry import Scan, Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.experiments.demo import motorcycle_case


def motorcycle(folder: Path) -> tuple[Path, Path, Path]:
    """Write a part of the demo's real pair, at x4, with its truth."""
    case = motorcycle_case().pair
    assert case.truth is not None
    window = slice(120, 248), slice(200, 360)
    valid = None if case.truth_valid is None else case.truth_valid[window]
    pair = depth_pair(case.truth[window][..., 0], case.guide[window], 4, valid=valid)
    assert pair.truth is not None
    np.save(folder / "disparity.npy", pair.target[..., 0])
    Image.fromarray(pair.guide.astype(np.uint8)).save(folder / "left.png")
    truth = pair.truth[..., 0] if valid is None else np.where(valid, pair.truth[..., 0], np.nan)
    np.save(folder / "truth.npy", truth)
    return folder / "disparity.npy", folder / "left.png", folder / "truth.npy"


def landsat(folder: Path, data: Path) -> tuple[Path, Path, Path]:
    """Write a part of a Landsat-7 scene, reduced x2 by Wald's protocol."""
    entry = next(entry for entry in read_open_pairs(data) if entry.name == "l7_19")
    assert isinstance(entry, Scene)
    pair = wald_pair(entry.multispectral[:80, :80], entry.panchromatic[:160, :160], 2, bits=8)
    images = {"ms": pair.target, "pan": pair.guide, "truth": pair.truth}
    paths = []
    for name, image in images.items():
        assert image is not None
        size = 30.0 * pair.guide.shape[0] / image.shape[0]
        pixels = np.rint(image).astype(np.uint8)
        paths.append(write_geotiff(folder / f"{name}.tif", pixels, size, crs="EPSG:32655"))
    return paths[0], paths[1], paths[2]


def head(folder: Path, data: Path) -> tuple[Path, Path, Path]:
    """Write a part of a real head, three slices whose k-space was cropped x2."""
    entry = next(e for e in read_open_pairs(data) if e.name == "lesjak_long_patient04_study1")
    assert isinstance(entry, Scan)
    volumes = {name: entry.volume(name) for name in ("T2", "T1")}
    rows, columns = (slice(side // 2 - 32, side // 2 + 32) for side in volumes["T2"].shape[:2])
    t2, t1 = (volumes[name][rows, columns] for name in ("T2", "T1"))
    pairs = [kspace_pair(t2[..., k], t1[..., k], 2) for k in (7, 8, 9)]
    parts: dict[str, list[np.ndarray | None]] = {
        "low_T2w": [pair.target for pair in pairs],
        "high_T1w": [pair.guide for pair in pairs],
        "truth_T2w": [pair.truth for pair in pairs],
    }
    for name, slices in parts.items():
        voxels = np.concatenate([part for part in slices if part is not None], axis=2)
        affine = np.diag((64 / voxels.shape[0], 64 / voxels.shape[1], 3.0, 1.0))
        nibabel.save(nibabel.Nifti1Image(voxels, affine), folder / f"{name}.nii.gz")
    return folder / "low_T2w.nii.gz", folder / "high_T1w.nii.gz", folder / "truth_T2w.nii.gz"
