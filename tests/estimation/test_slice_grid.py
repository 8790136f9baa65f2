"""Crops of k-space and reduced pictures are told apart by the guide."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from gisr.baselines.classical.interpolation import Bicubic
from gisr.data.degradations import kspace_centre
from gisr.estimation.slice_grid import cropped_in_kspace, reduced_as_picture
from gisr.inference.array_pair import make_pair
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files

nibabel = pytest.importorskip("nibabel")
RNG = np.random.default_rng(5)


def scene(sharp: float) -> NDArray[np.float32]:
    image = ndimage.gaussian_filter(RNG.normal(size=(128, 96)), sharp)
    return (128 + 40 * image / image.std()).clip(0, 255).astype(np.float32)


TRUTH = scene(1.5)
GUIDE = (255 - 0.8 * TRUTH + RNG.normal(0, 4, TRUTH.shape)).astype(np.float32)


def small(way: str, ratio: int) -> NDArray[np.float32]:
    size = 128 // ratio, 96 // ratio
    if way == "kspace":
        return kspace_centre(TRUTH, size).astype(np.float32)
    filters = {"means": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC}
    return np.array(Image.fromarray(TRUTH).resize(size[::-1], filters[way]))


@pytest.mark.parametrize("ratio", [2, 4])
@pytest.mark.parametrize("way", ["kspace", "means", "bicubic"])
def test_the_guide_tells_how_a_slice_was_reduced(way: str, ratio: int) -> None:
    low = small(way, ratio)
    assert reduced_as_picture(low, GUIDE) == (way != "kspace")
    assert cropped_in_kspace(low, GUIDE) == (way == "kspace")
    low[:3, :3] = np.nan
    assert reduced_as_picture(low, GUIDE) == (way != "kspace")


def test_nothing_is_said_by_a_guide_of_another_place_or_few_pixels() -> None:
    assert not reduced_as_picture(small("means", 4), scene(1.5))
    assert not reduced_as_picture(small("means", 4)[:16, :16], GUIDE[:64, :64])


@pytest.mark.parametrize("way", ["kspace", "means"])
def test_pictures_are_placed_as_they_were_reduced(way: str, tmp_path: Path) -> None:
    low, high = tmp_path / "IXI002-T2.png", tmp_path / "IXI002-T1.png"
    Image.fromarray(small(way, 2).clip(0, 255).round().astype(np.uint8)).save(low)
    Image.fromarray(GUIDE.round().clip(0, 255).astype(np.uint8)).save(high)
    result = upscale_files(Bicubic(), low, high, tmp_path / "out.png")
    grid = "kspace" if way == "kspace" else "centre"
    assert result.grid == grid
    told = [note.text for note in result.notes if note.text.startswith("pictures hold no affine")]
    other = "--grid centre if it was reduced" if way == "kspace" else "--grid kspace if it is a"
    assert len(told) == 1 and other in told[0]
    named = upscale_files(Bicubic(), low, high, tmp_path / "k.png", Options(grid="kspace"))
    assert named.grid == "kspace"


def test_arrays_that_seem_no_crop_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="taken for a crop of k-space, but the guide explains"):
        assert make_pair(small("means", 2), GUIDE, "mri").grid == "kspace"
    assert make_pair(small("kspace", 2), GUIDE, "mri").grid == "kspace"
    assert make_pair(small("means", 2), GUIDE, "mri", grid="centre").grid == "centre"


@pytest.mark.parametrize("way", ["kspace", "means"])
def test_volumes_without_a_place_are_placed_as_they_were_reduced(way: str, tmp_path: Path) -> None:
    low, high = tmp_path / "s_T2w.nii", tmp_path / "s_T1w.nii"
    for path, voxels, zooms in ((low, small(way, 2), (2, 2, 1)), (high, GUIDE, (1, 1, 1))):
        image = nibabel.Nifti1Image(np.stack([voxels] * 3, axis=-1), None)
        image.header.set_zooms(zooms)
        nibabel.save(image, path)
    result = upscale_files(Bicubic(), low, high, tmp_path / "out.nii")
    told = [note.text for note in result.notes if "explains most of" in note.text]
    assert result.grid == ("kspace" if way == "kspace" else "centre")
    assert len(told) == (way == "kspace")
    named = upscale_files(Bicubic(), low, high, tmp_path / "c.nii", Options(grid="centre"))
    assert named.grid == "centre"
