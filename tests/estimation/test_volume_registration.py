"""Shifts between contrasts: a real pair, and volumes that say nothing of each other."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from tests.volume_grids import placed

from gisr.estimation.volume_motion import moved_guide
from gisr.estimation.volume_registration import find_volume_shift
from gisr.io.volumes.nifti import read_nifti


def test_a_known_shift_of_a_real_guide_is_found_and_undone(data_folder: Path) -> None:
    folder = data_folder / "mri" / "lesjak_mni_patient07"
    target, guide = (read_nifti(folder / f"{name}.nii.gz").voxels for name in ("T2", "T1"))
    middle = slice(36, 100), slice(50, 114), slice(30, 78)
    low = target[middle].reshape(32, 2, 32, 2, 48).mean((1, 3))
    shift = (1.4, -2.2, 2.6)
    moved = ndimage.shift(guide, shift, order=3, mode="nearest")[middle]
    found = find_volume_shift(low, moved, placed(low.shape, moved.shape))
    assert found.applied and found.after > found.before
    assert np.abs(np.array(found.offset) - shift).max() < 0.5
    inner = slice(6, -6), slice(6, -6), slice(6, -6)
    error = np.abs(moved_guide(moved, found.move) - guide[middle])[inner].mean()
    assert error < 0.4 * np.abs(moved - guide[middle])[inner].mean()


@pytest.mark.parametrize("flat", [False, True])
def test_no_shift_is_believed_between_unrelated_volumes(flat: bool) -> None:
    random = np.random.default_rng(0)
    low, guide = random.normal(size=(16, 16, 24)), random.normal(size=(32, 32, 24))
    if flat:
        guide = np.ones_like(guide)
    placement = placed(low.shape, guide.shape)
    found = find_volume_shift(low.astype(np.float32), guide.astype(np.float32), placement)
    assert not found.applied
    assert found.offset == (0, 0, 0)
    assert "no shift of the guide can be seen" in found.note


def test_single_slices_have_no_shift_through_the_plane() -> None:
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(64, 64, 1)), (3, 3, 0))
    image = (100 * smooth).astype(np.float32)
    placement = placed((32, 32, 1), image.shape)
    low = image.reshape(32, 2, 32, 2, 1).mean((1, 3))
    found = find_volume_shift(low, np.roll(image, 2, 0), placement)
    assert found.offset[2] == 0
    assert found.offset[:2] == pytest.approx((2, 0), abs=0.3)
