"""MR volumes as researchers have them: turned, thick, in time, as DICOM; files in, a file out."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from nibabel import Nifti1Image
from numpy.typing import NDArray

from gisr.apps.cli import main
from gisr.errors import PairError
from gisr.inference.upscaler import Upscaler
from gisr.io.volumes.nifti import read_nifti
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files

RNG = np.random.default_rng(0)
LOW = RNG.integers(10, 900, (8, 6, 3)).astype(np.int16)
HIGH = RNG.integers(0, 900, (32, 24, 3)).astype(np.int16)
OUT = "out.nii.gz"


def save(path: Path, voxels: NDArray[Any], affine: NDArray[Any]) -> Path:
    nibabel.save(Nifti1Image(voxels, affine), path)
    return path


def scaled(affine: NDArray[Any], *factors: float) -> NDArray[Any]:
    """Return the affine of a coarser grid whose voxel areas are aligned."""
    coarse = affine @ np.diag([*factors, 1.0])
    coarse[:3, 3] = (affine @ [*((factor - 1) / 2 for factor in factors), 1.0])[:3]
    return coarse


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    return save(tmp_path / "sub-01_T1w.nii.gz", HIGH, np.diag([1.0, 1.0, 5.0, 1.0]))


def test_a_turned_target_gives_the_same_file_on_the_guides_grid(
    tmp_path: Path, guide: Path, tiny_upscaler: Upscaler
) -> None:
    affine = np.diag([4.0, 4.0, 5.0, 1.0])
    plain = save(tmp_path / "plain_T2w.nii", LOW, affine)
    nibabel.save(
        Nifti1Image.from_filename(plain).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]])),
        tmp_path / "turned_T2w.nii",
    )
    found = []
    for name in ("plain", "turned"):
        out = tmp_path / f"{name}_out.nii"
        result = upscale_files(tiny_upscaler, tmp_path / f"{name}_T2w.nii", guide, out)
        assert (result.shape, result.grid, result.ratio) == ((32, 24, 3), "kspace", 4)
        image = Nifti1Image.from_filename(out)
        np.testing.assert_array_equal(image.affine, Nifti1Image.from_filename(guide).affine)
        found.append(np.asarray(image.dataobj))
    assert tuple(read_nifti(tmp_path / "turned_T2w.nii").shape) == (6, 3, 8)
    np.testing.assert_array_equal(found[0], found[1])


def test_a_series_is_sharpened_volume_by_volume(
    tmp_path: Path, guide: Path, tiny_upscaler: Upscaler
) -> None:
    affine = np.diag([4.0, 4.0, 5.0, 1.0])
    series = np.stack([LOW, LOW[::-1], LOW // 2], axis=3)
    image = Nifti1Image(series, affine)
    image.header["pixdim"][4] = 2.5
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, tmp_path / "bold_T2w.nii.gz")
    seen: list[tuple[int, int]] = []
    result = upscale_files(
        tiny_upscaler, tmp_path / "bold_T2w.nii.gz", guide, tmp_path / OUT, Options(align="off"),
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert result.shape == (32, 24, 3, 3)
    assert seen == [(done, 9) for done in range(1, 10)]
    out = Nifti1Image.from_filename(tmp_path / OUT)
    assert out.header.get_zooms() == (1, 1, 5, 2.5)
    for index in range(3):
        one = save(tmp_path / f"one{index}_T2w.nii", series[..., index], affine)
        upscale_files(tiny_upscaler, one, guide, tmp_path / f"one{index}.nii", Options(align="off"))
        alone = np.asarray(Nifti1Image.from_filename(tmp_path / f"one{index}.nii").dataobj)
        np.testing.assert_array_equal(np.asarray(out.dataobj)[..., index], alone)


def test_a_series_of_guides_has_to_be_as_long(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    low, high = np.stack([LOW] * 3, axis=3), np.stack([HIGH, HIGH[::-1]], axis=3)
    target = save(tmp_path / "low.nii", low, np.diag([4.0, 4.0, 5.0, 1.0]))
    grid = np.diag([1.0, 1.0, 5.0, 1.0])
    with pytest.raises(PairError, match=r"high\.nii: 2 volumes for 3 of .*slicer\[\.\.\., 0\]"):
        upscale_files(
            tiny_upscaler, target, save(tmp_path / "high.nii", high, grid), tmp_path / OUT
        )
    save(tmp_path / "high.nii", np.concatenate([high, high[..., :1]], axis=3), grid)
    upscale_files(tiny_upscaler, target, tmp_path / "high.nii", tmp_path / OUT)
    out = np.asarray(Nifti1Image.from_filename(tmp_path / OUT).dataobj)
    np.testing.assert_array_equal(out[..., 0], out[..., 2])
    assert (out[..., 0] != out[..., 1]).any()


def test_thick_slices_of_a_real_volume_come_out_better_than_cubic(
    tmp_path: Path,
    data_folder: Path,
    embedded_weights: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = data_folder / "mri" / "lesjak_mni_patient07"
    middle = slice(58, 74), slice(68, 84), slice(36, 60)
    truth = read_nifti(folder / "T2.nii.gz").voxels[middle]
    low = truth.reshape(16, 16, 6, 4).mean(3)
    grid = np.eye(4)
    save(tmp_path / "T2.nii.gz", low, scaled(grid, 1, 1, 4))
    save(tmp_path / "T1.nii.gz", read_nifti(folder / "T1.nii.gz").voxels[middle], grid)
    words = [str(tmp_path / name) for name in ("T2.nii.gz", "T1.nii.gz")]
    out = str(tmp_path / OUT)
    assert (
        main(["upscale", *words, "-o", out, "--model", embedded_weights, "--align", "report"]) == 0
    )
    told = capsys.readouterr()
    line = json.loads(told.out.splitlines()[0])
    assert max(map(abs, line["guide_offset_px"])) < 0.5 and not line["corrected"]
    assert "thick slices: sharpened through them (x4)" in told.err
    assert "mri x4, T2 guided by T1, 16 x 16 x 24 float32" in told.out
    sharp = read_nifti(out).voxels
    cubic = np.stack(
        [np.interp(np.arange(24), np.arange(6) * 4 + 1.5, line) for line in low.reshape(-1, 6)]
    ).reshape(truth.shape)
    ours, theirs = (np.mean((image - truth)[4:-4, 4:-4, 4:-4] ** 2) for image in (sharp, cubic))
    assert ours < 0.75 * theirs
    means = sharp.reshape(16, 16, 6, 4).mean(3)
    assert np.abs(means - low)[:, :, 1:-1].mean() < 0.1 * np.abs(low - low.mean()).mean()


def test_a_dicom_series_becomes_nifti(
    tmp_path: Path, guide: Path, embedded_weights: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pydicom = pytest.importorskip("pydicom")
    (tmp_path / "series").mkdir()
    for index in range(3):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = pydicom.uid.MRImageStorage
        meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        image = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        image.SeriesInstanceUID, image.SeriesDescription = "1.2", "ax t2 tse"
        image.ImagePositionPatient = [-0.0, -0.0, 5.0 * index]
        # Rows run along -x and columns along -y of NIfTI: the target comes flipped.
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient[0], image.ImagePositionPatient[1] = -28.0, -20.0
        image.PixelSpacing, image.SliceThickness = [4.0, 4.0], 5.0
        image.Columns, image.Rows = LOW.shape[:2]
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.PixelRepresentation = 0
        pixels = LOW[::-1, ::-1, index].T.astype(np.uint16)
        image.PixelData = np.ascontiguousarray(pixels).tobytes()
        image.save_as(tmp_path / "series" / f"{2 - index}", enforce_file_format=True)
    plain = save(tmp_path / "plain_T2w.nii", LOW.astype(np.uint16), np.diag([4.0, 4.0, 5.0, 1.0]))
    found = []
    for name, target in (("dicom", tmp_path / "series"), ("nifti", plain)):
        words = [str(target), str(guide), "-o", str(tmp_path / f"{name}.nii"), "--align", "off"]
        assert main(["upscale", *words, "--model", embedded_weights]) == 0
        assert "mri x4, T2 guided by T1, 32 x 24 x 3 uint16" in capsys.readouterr().out
        found.append(np.asarray(Nifti1Image.from_filename(tmp_path / f"{name}.nii").dataobj))
    np.testing.assert_array_equal(found[0], found[1])
    words = [str(tmp_path / "series"), str(guide), "-o", str(tmp_path / "out.tif")]
    assert main(["upscale", *words]) == 2
    assert "a sharpened MR volume is written as .nii, .nii.gz" in capsys.readouterr().err
