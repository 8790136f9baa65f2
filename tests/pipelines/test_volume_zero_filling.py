"""Targets that a scanner filled up with zeros of k-space, made from a crop that is known."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gisr.io.limits import DEFAULT_LIMITS
from gisr.io.volumes.pair import VolumePair, read_volume_pair
from gisr.pipelines.volume_zero_filling import without_zero_filling

nibabel = pytest.importorskip("nibabel")
SIZE, SLICES = 96, 3
FLIPPED = np.diag([-1.0, 1.0, 1.0, 1.0])


def textured() -> NDArray[np.float64]:
    """Return an image whose spectrum falls as that of images does."""
    noise = np.random.default_rng(3).normal(size=(SIZE, SIZE, SLICES))
    far = np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIZE)] * 2, indexing="ij"))[..., None]
    spectrum = np.fft.fft2(noise, axes=(0, 1)) / (far + 0.01)
    image: NDArray[np.float64] = np.fft.ifft2(spectrum, axes=(0, 1)).real
    return image - image.min() + 5


def sampled(image: NDArray[np.float64], kept: int, size: int, start: float) -> NDArray[np.float64]:
    """Return so many samples a side of the middle of k-space, the first at a place of the image."""
    spectrum = np.fft.fftshift(np.fft.fft2(image, axes=(0, 1)), axes=(0, 1))
    turns = np.exp(2j * np.pi * start * (np.arange(SIZE) - SIZE // 2) / SIZE)
    spectrum *= (turns[:, None] * turns)[..., None]
    few = slice(SIZE // 2 - kept // 2 + 1, SIZE // 2 + kept // 2)  # no frequency without its twin
    full = np.zeros((size, size, SLICES), complex)
    part = slice(size // 2 - kept // 2 + 1, size // 2 + kept // 2)
    full[part, part] = spectrum[few, few]
    result: NDArray[np.float64] = np.fft.ifft2(np.fft.ifftshift(full, (0, 1)), axes=(0, 1)).real
    return result * (size / SIZE) ** 2


def pair(folder: Path, target: NDArray[np.float64], affine: NDArray[np.float64]) -> VolumePair:
    low, high = folder / "low_T2w.nii", folder / "high_T1w.nii"
    nibabel.save(nibabel.Nifti1Image(target.astype(np.float32), affine), low)
    guide = np.random.default_rng(0).normal(size=(SIZE, SIZE, SLICES)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(guide, np.eye(4)), high)
    return read_volume_pair(low, high, DEFAULT_LIMITS)


def coarser(ratio: float, start: float) -> NDArray[np.float64]:
    affine = np.diag([ratio, ratio, 1.0, 1.0])
    affine[:2, 3] = start
    return affine


@pytest.mark.parametrize(("kept", "size"), [(24, 48), (32, 48), (24, 64)])
@pytest.mark.parametrize("centred", [False, True])
def test_the_samples_that_were_acquired_are_found_where_they_lie(
    tmp_path: Path, kept: int, size: int, centred: bool
) -> None:
    image, ratio = textured(), SIZE / size
    start, new = ((ratio - 1) / 2, (SIZE / kept - 1) / 2) if centred else (0.0, 0.0)
    files = pair(tmp_path, sampled(image, kept, size, start), coarser(ratio, start))
    found = without_zero_filling(files)
    assert found.target.shape == (kept, kept, SLICES)
    np.testing.assert_allclose(found.target.affine, coarser(SIZE / kept, new), atol=1e-6)
    np.testing.assert_allclose(found.placement.ratios, (SIZE / kept, SIZE / kept, 1), rtol=1e-6)
    wanted = sampled(image, kept, kept, new)
    assert np.abs(found.target.voxels - wanted).max() < 1e-3 * np.ptp(wanted)
    np.testing.assert_array_equal(next(found.target.read()), found.target.voxels)
    (note,) = found.notes
    assert f"of its {size} x {size} samples in the plane k-space holds {kept} x {kept}" in note.text


def test_the_last_sample_stays_where_it_was_stored_the_other_way_round(tmp_path: Path) -> None:
    stored = sampled(textured(), 24, 48, 0)[::-1]
    affine = coarser(2, 0) @ FLIPPED
    affine[0, 3] = 94
    found = without_zero_filling(pair(tmp_path, stored, affine)).target
    np.testing.assert_allclose(found.affine @ [23, 0, 0, 1], [0, 0, 0, 1], atol=1e-6)
    wanted = sampled(textured(), 24, 24, 0)[::-1]
    assert np.abs(found.voxels - wanted).max() < 1e-3 * np.ptp(wanted)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.reshape(48, 2, 48, 2, SLICES).mean((1, 3)),
        lambda image: image[::2, ::2],
        lambda image: ndimage.gaussian_filter(image, (4, 4, 0))[::2, ::2],
        lambda image: ndimage.zoom(image[::4, ::4], (2, 2, 1), order=3),
        lambda image: sampled(image, 48, 48, 0),
        lambda image: sampled(image, 42, 48, 0),  # a little left out, as scanners often do
        lambda image: np.zeros((48, 48, SLICES)),
    ],
)
def test_other_targets_are_taken_as_they_are(tmp_path: Path, change: object) -> None:
    assert callable(change)
    files = pair(tmp_path, change(textured()), coarser(2, 0))
    assert without_zero_filling(files) is files
