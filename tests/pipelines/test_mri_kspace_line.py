"""Targets that were cropped in k-space along one axis: told from thick slices, and restored."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from tests.volume_files import save, told

from gisr.array_types import Voxels
from gisr.data.volume_resample import average_axis, sample_axis
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.pipelines.mri_kspace_line import KSpaceLine, find_kspace_line

nibabel = pytest.importorskip("nibabel")
LINE = AxisPlacement(16, 48, 1 / 3, 0.0)


@pytest.fixture(scope="module")
def contrasts() -> tuple[Voxels, Voxels]:
    """Two contrasts of one head of tissues with sharp borders."""
    noise = np.random.default_rng(0).normal(size=(48, 40, 24))
    tissue = ndimage.gaussian_filter(noise, 1.5)
    levels = np.digitize(tissue, np.quantile(tissue, (0.3, 0.5, 0.8)))
    first, second = (
        ndimage.gaussian_filter(np.array(values, np.float32)[levels], 0.6)
        for values in ((20, 300, 150, 420), (400, 90, 250, 30))
    )
    return first, second


def shown(volume: Voxels, size: int) -> Voxels:
    """Return the middle of k-space along the first axis, by another way than gisr's."""
    spectrum = np.fft.fftshift(np.fft.fft(volume, axis=0), axes=0)
    first = len(volume) // 2 - size // 2
    middle = np.fft.ifftshift(spectrum[first : first + size], axes=0)
    result: Voxels = (np.fft.ifft(middle, axis=0).real * (size / len(volume))).astype(np.float32)
    return result


def zero_filled(volume: Voxels, size: int) -> Voxels:
    spectrum = np.zeros((size, *volume.shape[1:]), complex)
    first = size // 2 - len(volume) // 2
    spectrum[first : first + len(volume)] = np.fft.fftshift(np.fft.fft(volume, axis=0), axes=0)
    filled = np.fft.ifft(np.fft.ifftshift(spectrum, axes=0), axis=0).real
    result: Voxels = (filled * (size / len(volume))).astype(np.float32)
    return result


def test_a_crop_is_that_of_fourier_and_given_back(contrasts: tuple[Voxels, Voxels]) -> None:
    truth, _ = contrasts
    low = shown(truth, 16)
    found = KSpaceLine.of(0, LINE, turned=False)
    np.testing.assert_allclose(found.cropped(truth), low, atol=1e-2)
    turned = KSpaceLine.of(0, LINE, turned=True)
    np.testing.assert_allclose(turned.cropped(truth[::-1])[::-1], low, atol=1e-2)
    values, before, left = found.agreeing(np.zeros_like(truth) + 100, low - low.min())
    assert np.abs(left).max() < 0.1 * np.abs(before).max()
    assert values.min() >= 0


def test_crops_are_told_from_means_and_from_voxels_left_out(
    contrasts: tuple[Voxels, Voxels],
) -> None:
    truth, guide = contrasts
    assert find_kspace_line(shown(truth, 16), guide, 0, LINE, None) is not None
    for way in (average_axis, sample_axis):
        low = way(truth, 0, LINE)
        assert find_kspace_line(low, guide, 0, LINE, None) is None
        assert find_kspace_line(low, guide, 0, LINE, "kspace") is not None
    areas = AxisPlacement(16, 48, 1 / 3, -1 / 3)
    assert find_kspace_line(shown(truth, 16), guide, 0, areas, None) is None


@pytest.mark.parametrize("turned", [False, True])
def test_a_file_is_at_least_as_good_as_zero_filled(
    contrasts: tuple[Voxels, Voxels], turned: bool, tmp_path: Path
) -> None:
    """It was taken for thick slices, 5 dB below."""
    truth, high = contrasts
    low = shown(truth, 16)
    base = float(np.square(zero_filled(low, 48) - truth).mean())
    images = [
        nibabel.Nifti1Image(volume, np.diag([*steps, 1.0]))
        for volume, steps in ((low, (3.0, 1.0, 1.0)), (high, (1.0, 1.0, 1.0)))
    ]
    if turned:
        images = [image.as_reoriented(np.array([[0, -1], [1, 1], [2, 1]])) for image in images]
    names = tmp_path / "s_T2w.nii", tmp_path / "g_T1w.nii"
    for image, name in zip(images, names, strict=True):
        save(name, np.asarray(image.dataobj), image.affine)
    said = told(*names, align="off")
    assert (
        "T2 is a crop of k-space along axis 0 of T1 alone: sharpened along it (x3" in said["note"]
    )
    assert "outside" not in said["note"]
    result = np.asarray(nibabel.load(tmp_path / "out.nii").dataobj)[:: -1 if turned else 1]
    assert float(np.square(result - truth).mean()) < 1.02 * base
    said = told(*names, align="off", grid="centre")
    assert "thick slices" in said["note"] or "coarsest along axis 0" in said["note"]
