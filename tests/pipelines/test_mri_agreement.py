"""How targets were reduced is found by the guide, and corrected results give them back."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.degradations import kspace_crop
from gisr.data.volume_resample import to_guide_axis
from gisr.estimation.noise import volume_noise
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.io.volumes.nifti import read_nifti
from gisr.pipelines.mri_agreement import ReducedBy, agreeing, find_reduction, reduced
from gisr.pipelines.mri_slices import Places, Storage, along

SIDE, SLICES = 96, 6
CENTRE = AxisPlacement(48, SIDE, 0.5, -0.25)
CROP = AxisPlacement(48, SIDE, 0.5, 0.0)
Images = NDArray[np.float32]


@pytest.fixture(scope="module")
def contrasts() -> tuple[Images, Images]:
    """Two contrasts of one texture of tissues, slices first, with fine detail in both."""
    random = np.random.default_rng(0)
    tissue = ndimage.gaussian_filter(random.normal(size=(SLICES, SIDE, SIDE)), (0.5, 1.0, 1.0))
    levels = np.digitize(tissue, np.quantile(tissue, (0.3, 0.5, 0.8)))
    first, second = (
        np.array(values)[levels] for values in ((20, 300, 150, 420), (400, 90, 250, 30))
    )
    smooth = [ndimage.gaussian_filter(image, (0, 0.6, 0.6)) for image in (first, second)]
    return smooth[0].astype(np.float32), smooth[1].astype(np.float32)


def places(line: AxisPlacement) -> Places:
    return {1: line, 2: line}


@pytest.mark.parametrize("way", ["means", "bicubic"])
def test_the_way_of_reducing_is_found(contrasts: tuple[Images, Images], way: ReducedBy) -> None:
    truth, guide = contrasts
    low = reduced(truth, places(CENTRE), way)
    assert find_reduction(low, guide, (CENTRE, CENTRE), cropped=False) == way


def test_left_out_voxels_are_told_from_a_crop_of_kspace(contrasts: tuple[Images, Images]) -> None:
    truth, guide = contrasts
    crop = np.stack([kspace_crop(each, 2) for each in truth])
    assert find_reduction(crop, guide, (CROP, CROP), cropped=True) == "kspace"
    assert find_reduction(truth[:, ::2, ::2], guide, (CROP, CROP), cropped=True) == "samples"


@pytest.mark.parametrize("ratio", [2, 4])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_left_out_voxels_of_a_real_volume_are_told(
    data_folder: Path, ratio: int, noise: float
) -> None:
    """A crop is never taken for left-out voxels, which cost 1.4 dB where they are not told."""
    folder = data_folder / "mri" / "lesjak_mni_patient26"
    truth, guide = (
        np.moveaxis(read_nifti(folder / f"{name}.nii.gz").voxels[20:116, 30:126, 48:52], 2, 0)
        for name in ("FLAIR", "T1")
    )
    size = SIDE // ratio
    line = AxisPlacement(size, SIDE, 1 / ratio, 0.0)
    random = np.random.default_rng(0)

    def found(low: Images) -> ReducedBy:
        low = low + random.normal(scale=noise * truth.max(), size=low.shape).astype(np.float32)
        return find_reduction(low, guide, (line, line), cropped=True)

    assert found(np.stack([kspace_crop(each, ratio) for each in truth])) == "kspace"
    assert found(truth[:, ::ratio, ::ratio]) == "samples"


def test_a_guide_that_says_little_decides_nothing(contrasts: tuple[Images, Images]) -> None:
    low = reduced(contrasts[0], places(CENTRE), "bicubic")
    noise = np.random.default_rng(1).normal(size=contrasts[1].shape).astype(np.float32)
    assert find_reduction(low, noise, (CENTRE, CENTRE), cropped=False) == "means"
    assert find_reduction(low[:, :6, :6], noise[:, :12, :12], (CENTRE, CENTRE), cropped=True) == (
        "kspace"
    )


@pytest.mark.parametrize("way", ["means", "bicubic", "samples"])
def test_a_corrected_result_gives_its_target(
    contrasts: tuple[Images, Images], way: ReducedBy
) -> None:
    truth, _ = contrasts
    low = reduced(truth, places(CENTRE), way)
    start = ndimage.gaussian_filter(truth, (0, 1.5, 1.5))
    found, before, after = agreeing(start, low, places(CENTRE), way)
    assert np.sqrt(np.mean(after**2)) < 0.1 * np.sqrt(np.mean(before**2))
    again = low - reduced(found, places(CENTRE), way)
    np.testing.assert_allclose(again, after, atol=0.5)
    assert np.mean((found - truth) ** 2) < 0.5 * np.mean((start - truth) ** 2)


@pytest.mark.parametrize("way", ["means", "bicubic"])
@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_noise_is_not_made_up_for(
    contrasts: tuple[Images, Images], way: ReducedBy, unit: float
) -> None:
    """Undoing a reduction amplifies noise; half of what is gained without noise is kept with it."""
    truth = contrasts[0] * np.float32(unit)
    clean = reduced(truth, places(CENTRE), way)
    start = along(to_guide_axis, clean, places(CENTRE))
    random = np.random.default_rng(1).normal(scale=60 * unit, size=clean.shape)
    low = (clean + random).astype(np.float32)
    noisy = start + along(to_guide_axis, low - clean, places(CENTRE))
    noise = volume_noise(low, 0)
    assert noise == pytest.approx(60 * unit, rel=0.35)

    def error(values: Images, noise: float) -> float:
        found = agreeing(
            values, low if values is noisy else clean, places(CENTRE), way, noise=noise
        )
        return float(np.sqrt(np.mean(np.square((found[0] - truth) / unit))))

    assert error(noisy, noise) < 0.97 * error(noisy, 0)
    assert error(start, 0.01 * unit) == pytest.approx(error(start, 0), rel=1e-3)


def test_what_lies_outside_the_guide_is_not_missing() -> None:
    line = AxisPlacement(6, 8, 0.5, 1.0)  # the target reaches two voxels further
    low = np.zeros((1, 6, 1), np.float32)
    low[0, 0] = 50
    found, before, _ = agreeing(np.zeros((1, 8, 1), np.float32), low, {1: line}, "means")
    assert not found.any() and not before.any()


@pytest.mark.parametrize("covers", [1.5, 2.0, 2.5, 3.0])
def test_slices_that_overlap_are_undone(contrasts: tuple[Images, Images], covers: float) -> None:
    """Those thrice as thick as their distance hold fine waves with the other sign."""
    truth, line = contrasts[0], AxisPlacement(48, SIDE, 0.5, -0.25, covers)
    low = reduced(truth, {1: line}, "means")
    start = along(to_guide_axis, low, {1: line})
    found, before, after = agreeing(start, low, {1: line}, "means")
    inner = np.s_[:, 12:-12]
    errors = [float(np.square(each - truth)[inner].mean()) for each in (found, start)]
    assert errors[0] < 0.75 * errors[1]
    assert np.square(after).mean() < 0.25 * np.square(before).mean()


def test_gaps_are_left_out_of_the_means() -> None:
    line = AxisPlacement(2, 8, 0.25, -0.375, covers=0.5)
    fine = np.arange(8, dtype=np.float32).reshape(8, 1, 1)
    assert along_first(fine, line) == [1.5, 5.5]
    spike = np.zeros_like(fine)
    spike[0] = 1  # in the gap before the first slice's middle half
    assert along_first(spike, line) == [0, 0]
    full = AxisPlacement(2, 8, 0.25, -0.375)
    assert along_first(spike, full) == [0.25, 0]


def along_first(volume: Images, line: AxisPlacement) -> list[float]:
    return cast(list[float], reduced(volume, {0: line}, "means").ravel().tolist())


@pytest.mark.parametrize(
    ("offset", "grid", "turned"),
    [
        (0.0, "kspace", False),
        (0.005, "kspace", False),  # 0.01 mm of a voxel of 2 mm
        (-0.5, "kspace", True),  # stored the other way round
        (-0.5 + 0.04, "kspace", True),
        (-0.25, "centre", False),
        (-0.13, None, False),
    ],
)
def test_grids_are_judged_to_a_fraction_of_a_voxel(
    offset: float, grid: str | None, turned: bool
) -> None:
    lines = AxisPlacement(16, 32, 0.5, offset), CROP_SMALL
    if grid == "centre":
        lines = lines[0], AxisPlacement(16, 32, 0.5, -0.25)
    found = Storage.of(lines, None)
    assert (found.grid, found.turned) == (grid, (turned, False))


CROP_SMALL = AxisPlacement(16, 32, 0.5, 0.0)


def test_a_requested_grid_takes_the_direction_of_the_affines() -> None:
    backwards = AxisPlacement(16, 32, 0.5, -0.45)
    found = Storage.of((CROP_SMALL, backwards), "kspace")
    assert (found.grid, found.turned) == ("kspace", (False, True))
    slices = np.arange(6.0).reshape(1, 2, 3)
    np.testing.assert_array_equal(found(slices), slices[:, :, ::-1])
    np.testing.assert_array_equal(found(found(slices)), slices)
    assert along(lambda volume, axis, line: volume + axis, slices, {1: CROP})[0, 0, 0] == 1
