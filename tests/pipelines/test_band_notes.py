"""Bands that are no images are told; those of any image are not."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.geotiffs import write_geotiff

from gisr.data.phantoms import satellite_scene
from gisr.io.geotiff import read_header
from gisr.pipelines.band_notes import band_notes

RNG = np.random.default_rng(4)
IMAGE = satellite_scene(96).multispectral[..., :3].astype(np.uint16)
SIDES = IMAGE.shape[:2]


def told(folder: Path, *bands: NDArray[np.uint16]) -> list[str]:
    """Return what is told of a file with these bands behind an image's three."""
    path = write_geotiff(folder / "ms.tif", np.dstack([IMAGE, *bands]).astype(np.uint16))
    return [str(note) for note in band_notes(read_header(path))]


@pytest.mark.parametrize(
    ("band", "words"),
    [
        (np.where(np.arange(SIDES[1]) < 30, 0, 1) + np.zeros(SIDES), "band 4 holds 0, 1 alone"),
        (np.full(SIDES, 7), "band 4 holds 7 alone"),
        (RNG.choice([21824, 21826, 21890, 54596], SIDES), "band 4 holds 21824, 21826, 21890"),
        (RNG.choice(np.arange(12), SIDES), "band 4 holds 12 values between 0 and 11"),
        (2 ** RNG.integers(0, 16, SIDES) + RNG.integers(0, 2, SIDES), "band 4 holds"),
    ],
    ids=["mask", "constant", "quality", "classes", "bits"],
)
def test_a_band_that_is_no_image_is_told(
    tmp_path: Path, band: NDArray[np.uint16], words: str
) -> None:
    (line,) = told(tmp_path, band)
    assert line.startswith(f"ms.tif: {words}")
    assert line.endswith("no image, but sharpened as one: -b 1 -b 2 -b 3 leaves it out")


def test_bands_of_images_are_not_told(tmp_path: Path) -> None:
    dark = 40 + IMAGE[..., 0] // 60  # a few grey levels, without gaps
    assert told(tmp_path, dark) == []
    saturated = np.minimum(IMAGE[..., 1], np.uint16(np.median(IMAGE[..., 1])))
    assert told(tmp_path, saturated) == []


def test_a_band_may_reach_from_end_to_end_of_its_type(tmp_path: Path) -> None:
    image = np.dstack([IMAGE, 5 * (IMAGE[..., 0] // 60)]).astype(np.int16)  # classes, by levels
    image[:8, :8, 3], image[8, 8, 3] = -32768, 32767
    (note,) = band_notes(read_header(write_geotiff(tmp_path / "ms.tif", image)))
    assert "between -32768 and 32767: no image" in str(note)


def test_an_image_of_few_levels_is_one(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "ms.tif", (IMAGE // 300).astype(np.uint8))
    assert band_notes(read_header(path)) == []
