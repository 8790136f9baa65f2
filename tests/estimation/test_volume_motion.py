"""Guides that were shifted and turned against their targets: real heads, and what is none."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from tests.volume_grids import placed

from gisr.estimation.local_fit import LocalFit
from gisr.estimation.volume_motion import Motion, find_motion, moved_guide
from gisr.estimation.volume_registration import find_volume_motion
from gisr.io.volumes.nifti import read_nifti


def texture(shape: tuple[int, int, int]) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, (2.5, 2.5, 1.2))
    return (100 * smooth / smooth.std()).astype(np.float32)


def test_a_motion_keeps_lengths_in_millimetres_and_is_undone() -> None:
    motion = Motion((1.0, -2.0, 0.5), (3.0, -4.0, 5.0), (40, 36, 20), (0.5, 0.5, 2.0))
    points = np.random.default_rng(0).uniform(0, 20, (3, 5))
    moved = motion.move[:3, :3] @ points + motion.move[:3, 3:]
    before, after = (
        np.linalg.norm((each - each[:, :1]) * np.array(motion.zooms)[:, None], axis=0)
        for each in (points, moved)
    )
    np.testing.assert_allclose(before, after, rtol=1e-9)
    middle = (np.array(motion.shape) - 1) / 2
    np.testing.assert_allclose(
        motion.move[:3, :3] @ middle + motion.move[:3, 3], middle + np.array([1, -2, 0.5])
    )
    image = texture((40, 36, 20))
    back = moved_guide(moved_guide(image, motion.move), np.linalg.inv(motion.move))
    inner = np.s_[12:-12, 12:-12, 7:-7]
    assert np.abs(back - image)[inner].max() < 25


@pytest.mark.parametrize("zooms", [(1.0, 1.0, 1.0), (0.6, 0.6, 2.4)])
@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (2.0, -1.0, 1.5), (0.0, 0.0, 6.0)])
def test_shifts_and_turns_are_found_about_every_axis(
    zooms: tuple[float, float, float], turn: tuple[float, float, float]
) -> None:
    truth = texture((64, 56, 24))
    true = Motion((1.2, -0.7, 0.4), turn, truth.shape, zooms)
    low = (500 - truth).reshape(32, 2, 28, 2, 24).mean((1, 3))
    guide = moved_guide(np.where(truth > 0, truth, 0.4 * truth), np.linalg.inv(true.move))
    fit = LocalFit.of(low, guide, placed(low.shape, guide.shape, zooms))
    found = find_motion(fit, Motion((0, 0, 0), (0, 0, 0), guide.shape, zooms))
    assert found.shift == pytest.approx(true.shift, abs=0.12)
    assert found.turn == pytest.approx(true.turn, abs=0.15)


def test_a_single_slice_is_turned_in_its_plane_alone() -> None:
    truth = texture((96, 96, 1))
    true = Motion((0.5, 0.5, 0.0), (0.0, 0.0, 2.0), truth.shape, (1, 1, 1))
    low = truth.reshape(48, 2, 48, 2, 1).mean((1, 3))
    guide = moved_guide(truth, np.linalg.inv(true.move))
    fit = LocalFit.of(low, guide, placed(low.shape, guide.shape, (1, 1, 1)))
    found = find_motion(fit, Motion((0, 0, 0), (0, 0, 0), guide.shape, (1, 1, 1)))
    assert (found.shift[2], *found.turn[:2]) == (0, 0, 0)
    assert found.turn[2] == pytest.approx(2, abs=0.1)


def test_a_turned_real_guide_is_found_told_and_undone(data_folder: Path) -> None:
    folder = data_folder / "mri" / "lesjak_mni_patient07"
    target, guide = (read_nifti(folder / f"{name}.nii.gz").voxels for name in ("T2", "T1"))
    true = Motion((0.8, -0.5, 0.3), (1.0, -1.0, 2.0), guide.shape, (1, 1, 1))
    middle = slice(20, 116), slice(36, 132), slice(30, 78)
    low = target[middle].reshape(48, 2, 48, 2, 48).mean((1, 3))
    whole = moved_guide(guide, np.linalg.inv(true.move))
    moved = whole[middle]
    found = find_volume_motion(low, moved, placed(low.shape, moved.shape, (1, 1, 1)))
    assert found.applied
    assert found.turn == pytest.approx(true.turn, abs=0.2)
    assert "the guide was turned by (+" in found.note and "degrees and off by" in found.note
    inner = np.s_[8:-8, 8:-8, 8:-8]
    error = np.abs(moved_guide(moved, found.move) - guide[middle])[inner].mean()
    assert error < 0.35 * np.abs(moved - guide[middle])[inner].mean()
    still = find_volume_motion(low, guide[middle], placed(low.shape, moved.shape, (1, 1, 1)))
    assert not still.applied and still.turn == (0, 0, 0)


def test_nothing_is_undone_for_a_guide_that_says_nothing() -> None:
    low = texture((64, 56, 24)).reshape(32, 2, 28, 2, 24).mean((1, 3))
    other = np.random.default_rng(5).normal(size=(64, 56, 24)).astype(np.float32)
    for guide in (other, np.ones_like(other)):
        found = find_volume_motion(low, guide, placed(low.shape, guide.shape, (1, 1, 1)))
        assert not found.applied
        assert found.turn == (0, 0, 0) and (found.move == np.eye(4)).all()
