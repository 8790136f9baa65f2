"""Commands over a file of each format that gisr reads, and larger ones for want of memory."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from corpus import datasets, depths, rasters, settings, volumes
from corpus.case import Make
from PIL import Image
from tests.io.volumes.test_dicom import write_series

_RNG = np.random.default_rng(0)
_DEPTHS = ("png", "tif", "npy", "npz", "exr", "pfm")
_FLOATS = ("tif", "npy", "npz", "exr", "pfm")
"""Formats of depth maps that hold floats."""
_PACKED: dict[str, Any] = {"tiled": True, "blockxsize": 16, "blockysize": 16}
_LOW = _RNG.integers(10, 900, (8, 8, 1)).astype(np.int16)
_HIGH = _RNG.integers(10, 900, (32, 32, 1)).astype(np.int16)


def picture(name: str) -> Make:
    """Return what writes a depth map, and a picture of another format."""

    def write(folder: Path) -> Sequence[str]:
        depths.depth("depth.png")(folder)
        Image.open(folder / "colour.png").save(folder / name)
        return "upscale", "depth.png", name, "-o", "out.png"

    return write


def own_weights(weights: Path) -> Make:
    """Return what copies weights, and has them used."""

    def write(folder: Path) -> Sequence[str]:
        shutil.copytree(weights, folder, dirs_exist_ok=True)
        return *depths.depth("depth.npy")(folder), "--model", ".", "--device", "cpu"

    return write


def series(folder: Path) -> Sequence[str]:
    """Write two DICOM series of one place."""

    def finer(image: Any, index: int) -> None:
        image.PixelSpacing = [0.5, 0.375]

    write_series(folder / "t2", _LOW.repeat(2, axis=2))
    write_series(folder / "t1", _HIGH.repeat(2, axis=2), finer, "1.2.4")
    return "upscale", "t2", "t1", "-o", "out.nii", "--task", "mri"


def with_camera(folder: Path) -> Sequence[str]:
    """Write a depth map and the calibration of its camera, for a cloud."""
    (folder / "camera.txt").write_text("500 0 16\n0 500 16\n0 0 1\n")
    words = depths.depth("depth.npy")(folder)
    return *words, "--ply", "out.ply", "--camera", "camera.txt", "--depth-unit", "m"


SPOILED: dict[str, tuple[Make, str]] = {
    **{f"depth-{kind}": (depths.depth(f"depth.{kind}"), f"depth.{kind}") for kind in _DEPTHS},
    "colour-png": (depths.depth("depth.png"), "colour.png"),
    "colour-jpeg": (picture("colour.jpg"), "colour.jpg"),
    "colour-tiff": (picture("colour.tif"), "colour.tif"),
    "geotiff": (rasters.sound, "ms.tif"),
    "geotiff-guide": (rasters.sound, "pan.tif"),
    "geotiff-deflate": (rasters.target(compress="deflate", predictor=2, **_PACKED), "ms.tif"),
    "geotiff-lzw": (rasters.target(compress="lzw"), "ms.tif"),
    "dicom": (series, "t2/0-1.2.3.dcm"),
    "camera": (with_camera, "camera.txt"),
    "nifti": (volumes.volumes(_LOW, _HIGH), "t2.nii"),
    "nifti-gz": (volumes.volumes(_LOW, _HIGH, suffix=".nii.gz"), "t1.nii.gz"),
    "list": (
        datasets.listed("name,task,split,guide,truth\na,depth,train,colour.png,depth.png\n"),
        "set/pairs.csv",
    ),
    "matlab": (datasets.matlab(lambda data: data), "set/QuickBird/MS_256/1.mat"),
    "matlab-packed": (
        datasets.matlab(lambda data: data, packed=True),
        "set/QuickBird/MS_256/1.mat",
    ),
    "hdf5": (datasets.hdf5(), "set/train_qb.h5"),
    "recipe": (
        settings.recipe("name: a\ndata: .\nsets: [{task: depth, ratio: 4}]\nsteps: 1\n"),
        "recipe.yaml",
    ),
}
"""Commands whose file is spoiled, and the file: one of each format that is read."""


def large(side: int) -> dict[str, Make]:
    """Return commands over files of a guide's side, for want of memory and of room on the disk."""
    low = _RNG.random((side // 4, side // 4)).astype(np.float32) + 1
    colour = _RNG.integers(0, 256, (side, side, 3)).astype(np.uint8)
    holes = low.copy()
    holes[8:-8, 8:-8] = 0
    t2, t1 = (_RNG.integers(10, 900, (n, n, 8)).astype(np.int16) for n in (side // 12, side // 3))
    return {
        **{f"depth-{kind}": depths.depth(f"depth.{kind}", low, colour) for kind in _FLOATS},
        "depth-png": depths.depth("depth.png", (low * 1000).astype(np.uint16), colour),
        "depth-report": depths.depth("depth.npy", low, colour, "--report", "out.html"),
        "depth-holes": depths.depth("depth.npy", holes, colour, "--fill-holes"),
        "geotiff": rasters.pair((side // 4, side // 4), (side, side)),
        "nifti": volumes.volumes(t2, t1),
        "nifti-gz": volumes.volumes(t2, t1, suffix=".nii.gz"),
    }
