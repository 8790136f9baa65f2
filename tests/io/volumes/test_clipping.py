"""What a type cannot hold is counted, and what files of a slope can hold is kept."""

from pathlib import Path

import numpy as np
import pytest

from gisr.io.files import atomic_output
from gisr.io.volumes.clipping import Clipping
from gisr.io.volumes.nifti import read_nifti, read_nifti_header
from gisr.io.volumes.nifti_writer import nifti_writer

nibabel = pytest.importorskip("nibabel")


def test_values_beyond_a_type_are_counted_and_told() -> None:
    clipping = Clipping(Path("out.nii"), np.dtype(np.uint8))
    assert clipping(np.full((10, 10, 10), 255.4, np.float32), (1.0, 0.0), None).max() == 255
    assert not clipping.notes
    values = np.full((10, 10, 10), 7, np.float32)
    values[0, 0, :5] = 300
    clipping(values, (1.0, 0.0), None)
    (note,) = clipping.notes
    assert note.level == "warning"
    assert "0.0025 of its voxels did not fit into the target's type uint8" in note.text
    assert "they reach 300" in note.text


def test_padding_comes_back_for_what_is_unknown() -> None:
    values = np.array([[[np.nan, -2000.0, 5.0]]], np.float32)
    stored = Clipping(Path("out.nii"), np.dtype(np.int16))(values, (1.0, 0.0), -2000)
    assert stored.tolist() == [[[-2000, -1999, 5]]]


def test_peaks_of_a_result_are_kept_in_scaled_integers(tmp_path: Path) -> None:
    voxels = np.linspace(0, 100, 64).reshape(4, 4, 4)
    image = nibabel.Nifti1Image(voxels, np.eye(4))
    image.set_data_dtype(np.int16)
    nibabel.save(image, tmp_path / "t.nii")
    header = read_nifti_header(tmp_path / "t.nii")
    sharp = (voxels * 1.3 - 10).astype(np.float32)
    with (
        atomic_output(tmp_path / "out.nii", False) as temporary,
        nifti_writer(tmp_path / "out.nii", temporary, target=header, guide=header) as output,
    ):
        output.write(sharp)
    assert not output.notes
    found = read_nifti(tmp_path / "out.nii")
    assert found.dtype == np.int16
    np.testing.assert_allclose(found.voxels, sharp, atol=0.003)


def test_a_failure_between_two_volumes_is_no_fault_of_the_file(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 2, 2), "f4"), np.eye(4)), tmp_path / "t.nii")
    header = read_nifti_header(tmp_path / "t.nii")
    with (
        pytest.raises(RuntimeError, match="illegal instruction"),
        atomic_output(tmp_path / "out.nii", False) as temporary,
        nifti_writer(tmp_path / "out.nii", temporary, target=header, guide=header),
    ):
        raise RuntimeError("CUDA error: an illegal instruction was encountered")
