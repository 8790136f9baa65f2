"""Slices of a guide that show nothing where the target does are unknown, and move nothing."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.volume_files import save, smooth, told

from gisr.io.limits import DEFAULT_LIMITS
from gisr.io.volumes.pair import VolumePair, read_volume_pair
from gisr.pipelines.volume_blank import (
    blank_volumes,
    seen_by_guide,
    unknown_slices,
    without_blank_slices,
)

pytest.importorskip("nibabel")
THICK = np.diag([1.0, 1.0, 4.0, 1.0])
THICK[2, 3] = 1.5
FULL = smooth((40, 40, 24))
TARGET = FULL.reshape(40, 40, 6, 4).mean(axis=3)


def read(folder: Path, target: NDArray[np.float32], guide: NDArray[np.float32]) -> VolumePair:
    low = save(folder / "s_T2w.nii", target, THICK)
    high = save(folder / "s_T1w.nii", guide, np.eye(4))
    return without_blank_slices(read_volume_pair(low, high, DEFAULT_LIMITS))


def cut(guide: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    result = guide.copy()
    result[..., :count] = 0
    return result


def test_slices_of_zeros_are_unknown_where_the_target_shows_a_head(tmp_path: Path) -> None:
    files = read(tmp_path, TARGET, cut(FULL, 7))
    assert np.flatnonzero(unknown_slices(files.guide.voxels, 2)).tolist() == list(range(7))
    low = files.placement.turned(files.target.voxels)
    seen = seen_by_guide(low, files.guide.voxels, files.placement)
    assert np.isnan(seen[..., :2]).all() and (seen[..., 2:] == low[..., 2:]).all()
    (again,) = files.guide.read()
    assert np.array_equal(again, files.guide.voxels, equal_nan=True)


def test_slices_of_air_in_both_are_data(tmp_path: Path) -> None:
    air = TARGET.copy()
    air[..., :2] = np.random.default_rng(0).uniform(0, 20, air[..., :2].shape)
    files = read(tmp_path, air, cut(FULL, 7))
    assert not unknown_slices(files.guide.voxels, 2).any()
    assert np.isfinite(read(tmp_path, TARGET, FULL).guide.voxels).all()


def test_a_guide_of_one_value_stays_one(tmp_path: Path) -> None:
    files = read(tmp_path, TARGET, np.zeros_like(FULL))
    assert (files.guide.voxels == 0).all()


def test_what_a_guide_does_not_show_is_told_and_moves_nothing(tmp_path: Path) -> None:
    """The edge where the guide begins had been taken for a guide that was off."""
    low = save(tmp_path / "s_T2w.nii", TARGET, THICK)
    said = told(low, save(tmp_path / "s_T1w.nii", cut(1000 - FULL, 7), np.eye(4)))["note"]
    words = "7 of 24 slices of T1 show nothing there: the nearest that do guide T2 in their place"
    assert words in said and "the guide was" not in said


def test_slices_that_a_target_lacks_are_told(tmp_path: Path) -> None:
    """A result with a hole, and slices beside it that were darker than they should be."""
    full = save(tmp_path / "s_T1w.nii", FULL, np.eye(4))
    some = TARGET.copy()
    some[..., 2] = 0
    said = told(save(tmp_path / "s_T2w.nii", some, THICK), full)["warning"]
    words = "s_T2w.nii: 1 slice holds one value between others that show a head (index 2): "
    assert words in said
    some[..., 2] = np.nan
    assert (
        "one value between" not in told(save(tmp_path / "s_T2w.nii", some, THICK), full)["warning"]
    )
    some = TARGET.copy()
    some[..., :2] = some[..., 5:] = 0
    assert (
        "one value between" not in told(save(tmp_path / "s_T2w.nii", some, THICK), full)["warning"]
    )


def test_volumes_of_a_series_that_show_nothing_are_told(tmp_path: Path) -> None:
    series = np.stack([TARGET, 0 * TARGET, TARGET], axis=-1)
    low = save(tmp_path / "s_T2w.nii", series, THICK)
    high = save(tmp_path / "s_T1w.nii", FULL, np.eye(4))
    text = "volume 2 of 3 shows one value everywhere, and came out so: was a scan lost?"
    assert told(low, high)["warning"] == text
    whole = save(tmp_path / "w_T2w.nii", np.stack([TARGET, TARGET], axis=-1), THICK)
    assert "one value everywhere" not in told(whole, high)["warning"]
    assert blank_volumes([2, *range(4, 11)], 12)[0].text == (
        "volumes 2, 4, 5, 6, 7 and 3 more of 12 show one value everywhere, and came out so: was a "
        "scan lost?"
    )
