import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from gisr.errors import FileFormatError, MissingExtraError, PairError
from gisr.io.depth.pair import DepthPair
from gisr.io.geotiff.pair import RasterPair
from gisr.io.limits import DEFAULT_LIMITS
from gisr.io.volumes.pair import VolumePair
from gisr.optional_imports import load_extra
from gisr.pipelines.options import Options
from gisr.pipelines.table import PIPELINES, guess_task
from gisr.placement import Placement
from gisr.tasks import TaskName


def read_pair(target: Path, guide: Path, task: TaskName | None = None, **options: Any) -> Any:
    name = task or guess_task(target, guide)
    return PIPELINES[name].read(target, guide, Options(**options), DEFAULT_LIMITS)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Make a folder of small files of every kind; ``low`` is half the size of ``high``."""
    nibabel = pytest.importorskip("nibabel")
    for name, side in (("low", 4), ("high", 8)):
        Image.new("RGB", (side, side), (1, 2, 3)).save(tmp_path / f"{name}_rgb.png")
        Image.new("RGB", (side, side), (1, 2, 3)).save(tmp_path / f"{name}_rgb.jpg")
        Image.new("RGB", (side, side), (1, 2, 3)).save(tmp_path / f"{name}_rgb.tif")
        Image.new("L", (side, side), 7).save(tmp_path / f"{name}_grey.png")
        np.save(tmp_path / f"{name}.npy", np.ones((side, side)))
        (tmp_path / f"{name}.exr").write_bytes(b"\x76\x2f\x31\x01")
        (tmp_path / f"{name}.dpt").write_bytes(b"PIEH")
        grey = np.ones((side, side), np.uint16)
        tifffile.imwrite(tmp_path / f"{name}_grey.tif", grey, metadata=None)
        bands = np.ones((side, side, 4), np.uint16)
        tifffile.imwrite(
            tmp_path / f"{name}_ms.tif", bands, metadata=None, photometric="minisblack",
            planarconfig="contig",
        )  # fmt: skip
        scale = (33550, "d", 3, (8 / side, 8 / side, 0.0), False)
        tie = (33922, "d", 6, (0.0, 0.0, 0.0, 500.0, 900.0, 0.0), False)
        tifffile.imwrite(tmp_path / f"{name}_geo.tif", grey, metadata=None, extratags=[scale, tie])
        affine = np.diag([8 / side, 8 / side, 1, 1.0])
        image = nibabel.Nifti1Image(np.ones((side, side, 2), np.int16), affine)
        nibabel.save(image, tmp_path / f"{name}.nii.gz")
    return tmp_path


@pytest.mark.parametrize(
    ("target", "guide", "task"),
    [
        ("low_ms.tif", "high_grey.tif", "pansharpening"),
        ("low_ms.tif", "high_rgb.tif", "pansharpening"),
        ("low_geo.tif", "high_geo.tif", "pansharpening"),
        ("low_geo.tif", "high_rgb.tif", "pansharpening"),
        ("low_grey.tif", "high_rgb.tif", "depth"),
        ("low_grey.tif", "high_rgb.png", "depth"),
        ("low_grey.png", "high_rgb.tif", "depth"),
        ("low_grey.png", "high_rgb.jpg", "depth"),
        ("low.npy", "high_grey.png", "depth"),
        ("low.nii.gz", "high.nii.gz", "mri"),
    ],
)
def test_tasks_are_guessed(files: Path, target: str, guide: str, task: str) -> None:
    pytest.importorskip("rasterio")
    assert guess_task(files / target, files / guide) == task


@pytest.mark.parametrize(
    ("target", "guide", "told"),
    [
        ("low_grey.tif", "high_grey.tif", "two TIFFs of one band without georeference"),
        ("low.nii.gz", "high_rgb.png", "no pair"),
        ("low_grey.png", "high.nii.gz", "no pair"),
        ("low_rgb.jpg", "high_rgb.png", "a JPEG is no depth map"),
        ("low_grey.png", "high.npy", "an array is no picture"),
        ("low_grey.png", "high.npy", r".*if high\.npy is the depth map, exchange the two"),
        (
            "low_rgb.png",
            "high.exr",
            r"\.exr is no picture: if high\.exr is the depth map, exchange",
        ),
        ("low.dpt", "high_rgb.png", r"\.dpt is no format that is read: .* \.npz, \.exr, \.pfm"),
        ("low.npy", "high.npy", r"an array is no picture: .*load_model\(\)\(target, guide"),
    ],
)
def test_what_does_not_tell_asks_for_the_task(
    files: Path, target: str, guide: str, told: str
) -> None:
    with pytest.raises(PairError, match=f"{target} and {guide}: {told}.*--task"):
        guess_task(files / target, files / guide)


def test_missing_files_are_named(files: Path) -> None:
    with pytest.raises(FileFormatError, match=r"nothing\.tif: no such file"):
        guess_task(files / "nothing.tif", files / "high_grey.tif")


def test_pairs_are_loaded_and_placed(files: Path) -> None:
    pytest.importorskip("rasterio")
    half = Placement.from_grid("centre", (4, 4), (8, 8))
    raster = read_pair(files / "low_ms.tif", files / "high_grey.tif")
    assert isinstance(raster, RasterPair)
    assert raster.placement == half
    assert (raster.target.shape, raster.target.bands, raster.guide.shape) == ((4, 4), 4, (8, 8))
    volume = read_pair(files / "low.nii.gz", files / "high.nii.gz")
    assert isinstance(volume, VolumePair)
    lines = [volume.placement.axis(axis) for axis in (0, 1)]
    assert [(line.scale, line.offset) for line in lines] == [(0.5, 0.0)] * 2
    depth = read_pair(files / "low.npy", files / "high_rgb.jpg", invalid=1)
    assert isinstance(depth, DepthPair)
    assert (depth.placement, depth.guide.shape) == (half, (8, 8, 3))
    assert not depth.target.valid.any()


def test_a_given_task_is_not_guessed(files: Path) -> None:
    pytest.importorskip("rasterio")
    pair = read_pair(files / "low_grey.tif", files / "high_grey.tif", "depth")
    assert isinstance(pair, DepthPair)
    pair = read_pair(files / "low_grey.tif", files / "high_grey.tif", "pansharpening")
    assert isinstance(pair, RasterPair)


def test_pairs_that_do_not_fit_name_both_files(files: Path) -> None:
    told = (
        r"low_rgb\.png: a picture of 4 x 4 has less detail than the depth map high\.npy of 8 x 8: "
    )
    with pytest.raises(PairError, match=told):
        read_pair(files / "high.npy", files / "low_rgb.png")


def test_importing_loads_no_library_of_formats() -> None:
    # Measured in a fresh interpreter: `gisr --help` must answer at once.
    listing = "import gisr.pipelines.run, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"rasterio", "nibabel", "PIL.Image", "cv2", "tifffile", "OpenEXR", "torch", "affine"}
    assert not heavy.intersection(loaded)


def test_a_missing_package_names_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r'pip install "gisr\[geo\]"'):
        load_extra("a_package_that_is_not_there", "geo")


def test_exchanged_satellite_images_of_8_bits_are_told(files: Path) -> None:
    bands = np.ones((4, 4, 4), np.uint8)
    low = files / "low_ms_8.tif"
    tifffile.imwrite(low, bands, metadata=None, photometric="minisblack", planarconfig="contig")
    tifffile.imwrite(files / "high_8.tif", np.ones((8, 8), np.uint8), metadata=None)
    with pytest.raises(PairError, match=r"guide is coarser .*exchange them, the MS file comes"):
        read_pair(files / "high_8.tif", low)


def test_a_satellite_image_with_a_picture_is_no_depth_map(files: Path) -> None:
    bands = np.random.default_rng(0).integers(0, 99, (4, 4, 4)).astype(np.uint16)
    low = files / "low_bands.tif"
    tifffile.imwrite(low, bands, metadata=None, photometric="minisblack", planarconfig="contig")
    told = "low_bands.tif: 4 channels that differ are no depth map.*guide of a satellite image is a"
    with pytest.raises(FileFormatError, match=told):
        read_pair(low, files / "high_rgb.png")
