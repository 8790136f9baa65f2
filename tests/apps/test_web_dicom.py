"""Several uploads that are one DICOM series."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from tests.apps.web_files import LIMITS, RNG, dicom_series, run

from gisr.apps.web.dicom_upload import one_path
from gisr.apps.web.form import Uploads
from gisr.apps.web.job import preview
from gisr.errors import InputError, LimitError
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.run import upscale_files


def test_images_of_a_dicom_series_are_one_volume(tmp_path: Path, upscaler: Upscaler) -> None:
    images = dicom_series(tmp_path)
    target = one_path(images, tmp_path / "made" / "target", 10**6)
    assert len(list(target.iterdir())) == 3
    affine = np.diag((-1.0, -1.0, 5.0, 1.0))
    affine[:2, 3] = 1.5  # the middle of a target voxel is that of four by four
    guide = tmp_path / "high_T1w.nii.gz"
    nibabel.save(
        nibabel.Nifti1Image(RNG.uniform(10, 900, (64, 48, 3)).astype(np.float32), affine), guide
    )
    files = Uploads(target, guide)
    found = preview(files, {}, LIMITS, tmp_path)
    assert found.summary == "MR volume, 16 x 12 x 3 (uint16) to 64 x 48 x 3: x4"
    outcome = run(upscaler, files)
    assert outcome.path.name == "target_sharpened.nii"
    assert (outcome.result.contrast, outcome.result.guide_contrast) == ("T2", "T1")
    upscale_files(upscaler, target, guide, tmp_path / "same.nii")
    assert outcome.path.read_bytes() == (tmp_path / "same.nii").read_bytes()


def test_several_files_that_are_no_series_are_refused(tmp_path: Path) -> None:
    images = dicom_series(tmp_path)
    assert one_path(images[:1], tmp_path / "made", 10) == images[0]
    with pytest.raises(LimitError, match=r"3 DICOM images of .* more than the 1e-05 MB"):
        one_path(images, tmp_path / "made", 10)
    (tmp_path / "notes.zip").write_bytes(b"PK\3\4")
    with pytest.raises(InputError, match=r"notes\.zip: is no DICOM image; give one file here"):
        one_path([*images, tmp_path / "notes.zip"], tmp_path / "made", 10**6)
    assert not (tmp_path / "made").exists()
