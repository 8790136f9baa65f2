"""Directions of a gradient table are along the target's axes, and a result has the guide's."""

from pathlib import Path

import numpy as np
import pytest
from tests.volume_files import save, smooth, told

pytest.importorskip("nibabel")
COARSE = np.diag([2.0, 2.0, 1.0, 1.0])
COARSE[:2, 3] = 0.5


def test_a_gradient_table_is_said_to_hold_or_not(tmp_path: Path) -> None:
    guide = save(tmp_path / "s_T1w.nii", smooth((24, 24, 4)), np.eye(4))
    voxels = np.stack([smooth((12, 12, 4)) for _ in range(2)], axis=-1)
    target = save(tmp_path / "s_dwi.nii", voxels, COARSE)
    assert "bval" not in str(told(target, guide))
    (tmp_path / "s_dwi.bval").write_text("0 1000\n")
    assert "s_dwi.bval holds for the result too: copy it" in told(target, guide)["note"]
    (tmp_path / "s_dwi.bvec").write_text("0 1\n0 0\n0 0\n")
    words = "s_dwi.bval and s_dwi.bvec hold for the result too: copy them"
    assert words in told(target, guide)["note"]
    flipped = COARSE @ np.diag([-1.0, 1.0, 1.0, 1.0])
    flipped[0, 3] = COARSE[0, 3] + 2 * 11
    said = told(save(target, voxels[::-1], flipped), guide)
    assert "s_dwi.bvec states directions along the axes of s_dwi.nii, and" in said["warning"]
    assert "in another order or flipped: do not copy it" in said["warning"]
    assert "hold for the result" not in said["note"]


def test_a_guide_that_is_rotated_is_named(tmp_path: Path) -> None:
    angle = np.deg2rad(10)
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    guide = save(tmp_path / "s_T1w.nii", smooth((24, 24, 4)), turned)
    voxels = np.stack([smooth((12, 12, 4)) for _ in range(2)], axis=-1)
    target = save(tmp_path / "s_dwi.nii", voxels, COARSE)
    (tmp_path / "s_dwi.bvec").write_text("0 1\n0 0\n0 0\n")
    assert "has the guide's, turned by 10.0 degrees" in told(target, guide)["warning"]
