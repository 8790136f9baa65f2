"""Targets that JPEG changed are no measurement: results are made to agree with them on request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.geotiffs import write_geotiff

from gisr.data.phantoms import satellite_scene
from gisr.data.protocols import wald_pair
from gisr.inference.upscaler import Upscaler
from gisr.pipelines import Options, upscale_files
from gisr.pipelines.scene_shift import scene_shift
from gisr.weights.store import Weights

rasterio = pytest.importorskip("rasterio")

SCENE = satellite_scene(384)
PAIR = wald_pair(SCENE.multispectral, SCENE.panchromatic, 4)
LOW = np.clip(PAIR.target[..., :3] * (250 / PAIR.target.max()), 0, 255).round().astype(np.uint8)
HIGH = (PAIR.guide * (60_000 / PAIR.guide.max())).round().astype(np.uint16)
JPEG: dict[str, Any] = {"compress": "jpeg", "photometric": "ycbcr"}


@pytest.fixture(scope="module")
def upscaler(weights: Callable[..., Weights]) -> Upscaler:
    return Upscaler(weights(), "cpu")


def run(
    upscaler: Upscaler, folder: Path, pixels: NDArray[np.uint8], stored: dict[str, Any], **more: Any
) -> tuple[NDArray[np.uint8], str]:
    """Return the result of a target stored in a way, and what was told."""
    target = write_geotiff(folder / "ms.tif", pixels, 4.0, **stored)
    guide = write_geotiff(folder / "pan.tif", HIGH, 1.0)
    options = Options(overwrite=True, **more)
    result = upscale_files(upscaler, target, guide, folder / "out.tif", options)
    with rasterio.open(result.path) as file:
        return file.read(), "\n".join(note.text for note in result.notes)


@pytest.mark.parametrize(
    ("stored", "agrees"),
    [
        ({}, True),
        ({**JPEG, "jpeg_quality": 100}, True),
        ({**JPEG, "jpeg_quality": 95}, False),
        ({**JPEG, "jpeg_quality": 75}, False),
        (JPEG, False),
        ({"compress": "webp", "webp_level": 90}, False),
        ({"compress": "lerc", "max_z_error": 0.5, "dtype": "uint8"}, True),
    ],
)
def test_what_a_codec_left_is_not_agreed_with_unless_requested(
    stored: dict[str, Any], agrees: bool, upscaler: Upscaler, tmp_path: Path
) -> None:
    found, said = run(upscaler, tmp_path, LOW, stored)
    always, _ = run(upscaler, tmp_path, LOW, stored, consistent=True)
    never, _ = run(upscaler, tmp_path, LOW, stored, consistent=False)
    assert not np.array_equal(always, never)
    np.testing.assert_array_equal(found, always if agrees else never)
    told = "the result is not made to agree with what that left (--consistent does)"
    assert (told in said) is not agrees


def test_blocks_of_a_file_that_was_unpacked_count_too(upscaler: Upscaler, tmp_path: Path) -> None:
    write_geotiff(tmp_path / "strong.tif", LOW, 4.0, **JPEG, jpeg_quality=10)
    with rasterio.open(tmp_path / "strong.tif") as file:
        unpacked = np.moveaxis(file.read(), 0, -1)
    found, said = run(upscaler, tmp_path, unpacked, {})
    assert "shows blocks of 8 x 8 pixels" in said and said.count("not made to agree") == 1
    never, _ = run(upscaler, tmp_path, unpacked, {}, consistent=False)
    np.testing.assert_array_equal(found, never)


@pytest.mark.parametrize(("stored", "blamed"), [(JPEG, True), ({}, False)])
def test_where_images_disagree_the_codec_is_blamed_first(
    stored: dict[str, Any], blamed: bool, upscaler: Upscaler, tmp_path: Path
) -> None:
    mirrored = np.ascontiguousarray(LOW[:, ::-1])
    _, said = run(upscaler, tmp_path, mirrored, stored)
    unlike = next(line for line in said.splitlines() if "hardly resemble each other" in line)
    assert unlike.startswith("compression with loss of ms.tif (JPEG)") is blamed
    found = scene_shift(tmp_path / "ms.tif", tmp_path / "pan.tif")
    lines = [note.text for note in found.notes if note.level == "warning"]
    assert [line.startswith("compression with loss of ms.tif") for line in lines] == [True] * blamed
    assert not any("the output is" in note.text for note in found.notes)


def test_a_codec_is_not_blamed_where_images_agree(upscaler: Upscaler, tmp_path: Path) -> None:
    _, said = run(upscaler, tmp_path, LOW, {**JPEG, "jpeg_quality": 90})
    assert "is compressed with loss (JPEG): the result is not made to agree" in said
    assert "compression with loss" not in said
