import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gisr.errors import FileFormatError, LimitError, MissingExtraError
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.volumes.dicom import read_dicom_header
from gisr.io.volumes.dicom_files import is_dicom
from gisr.io.volumes.pair import read_volume_pair

pydicom = pytest.importorskip("pydicom")
from pydicom.dataset import FileDataset, FileMetaDataset  # noqa: E402
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid  # noqa: E402

VOXELS = np.random.default_rng(0).integers(0, 4000, (6, 5, 4)).astype(np.int16)
"""Columns, rows, slices: as NIfTI orders them."""
ROW, COLUMN = (0.8, 0.6, 0.0), (0.0, 0.0, -1.0)
Change = Callable[[Any, int], None]


def write_series(
    folder: Path,
    voxels: np.ndarray = VOXELS,
    change: Change = lambda image, index: None,
    series: str = "1.2.3",
) -> Path:
    """Write one image a slice, in an order of names that is not that of the positions."""
    folder.mkdir(exist_ok=True)
    normal = np.cross(ROW, COLUMN)
    for index in range(voxels.shape[2]):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = (
            ExplicitVRLittleEndian,
            MRImageStorage,
        )
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[series, str(index)])
        image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        image.SeriesInstanceUID, image.SeriesDescription = UID(series), "t2 tse"
        image.Modality, image.ImageType = "MR", ["ORIGINAL", "PRIMARY", "M"]
        image.ImagePositionPatient = [
            float(x) for x in np.array([10, -20, 30]) + 5 * index * normal
        ]
        image.ImageOrientationPatient = [*ROW, *COLUMN]
        image.PixelSpacing, image.SliceThickness = [2.0, 1.5], 5.0
        image.Columns, image.Rows = voxels.shape[:2]
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.PixelRepresentation = 1
        image.PixelData = np.ascontiguousarray(voxels[..., index].T).tobytes()
        change(image, index)
        image.save_as(folder / f"{(index * 7) % 10}-{series}.dcm", enforce_file_format=True)
    return folder


def test_slices_are_sorted_scaled_and_placed(tmp_path: Path) -> None:
    def scale(image: Any, index: int) -> None:
        image.RescaleSlope, image.RescaleIntercept = 2, -100

    header = read_dicom_header(write_series(tmp_path / "s", change=scale), DEFAULT_LIMITS)
    volume = header.load()
    np.testing.assert_array_equal(volume.voxels, VOXELS * 2.0 - 100)
    assert (header.shape, header.dtype, header.count) == ((6, 5, 4), np.int16, 1)
    assert header.zooms == pytest.approx((1.5, 2.0, 5.0))
    assert header.description == "t2 tse"
    assert header.header.get_slope_inter() == (2, -100)
    # DICOM: left, back, head are positive; NIfTI: right, front, head.
    place = np.array([10, -20, 30]) + 1.5 * 3 * np.array(ROW) + 2.0 * 2 * np.array(COLUMN)
    place = (place + 5 * 1 * np.cross(ROW, COLUMN)) * [-1, -1, 1]
    np.testing.assert_allclose(header.affine @ [3, 2, 1, 1], [*place, 1])
    np.testing.assert_allclose(header.header.get_best_affine(), header.affine, atol=1e-5)


def test_slopes_of_their_own_make_floats(tmp_path: Path) -> None:
    def scale(image: Any, index: int) -> None:
        image.RescaleSlope, image.RescaleIntercept = 1 + index, 0

    header = read_dicom_header(write_series(tmp_path / "s", change=scale), DEFAULT_LIMITS)
    assert header.dtype == np.float32
    np.testing.assert_array_equal(header.load().voxels, VOXELS * (1.0 + np.arange(4)))


def _two_echoes(image: Any, index: int) -> None:
    image.EchoTime, image.AcquisitionNumber = (12.0, 90.0)[index % 2], 1
    image.ImagePositionPatient = [0.0, 0.0, float(index // 2)]


def test_volumes_of_one_series_are_told_apart(tmp_path: Path) -> None:
    told = r"2 volumes in one series, which differ by EchoTime \(12.0 as in 0-1.2.3.dcm, 90.0 as in"
    with pytest.raises(FileFormatError, match=told):
        read_dicom_header(write_series(tmp_path / "s", change=_two_echoes), DEFAULT_LIMITS)


def test_echoes_in_one_stack_are_told(tmp_path: Path) -> None:
    def echoes(image: Any, index: int) -> None:
        image.EchoTime = 90.0 if index > 1 else 12.0

    def one(image: Any, index: int) -> None:
        image.EchoTime = 90.0 + index / 10

    (note,) = read_dicom_header(write_series(tmp_path / "s", change=echoes), DEFAULT_LIMITS).notes
    assert note.level == "warning"
    assert "several echoes (EchoTime 12 as in 0-1.2.3.dcm, 90 as in 4-1.2.3.dcm)" in note.text
    assert not read_dicom_header(write_series(tmp_path / "t", change=one), DEFAULT_LIMITS).notes


def test_two_frames_of_reference_are_told(tmp_path: Path) -> None:
    def framed(name: str, voxels: np.ndarray, frame: str, spacing: list[float]) -> Path:
        def change(image: Any, index: int) -> None:
            image.FrameOfReferenceUID, image.PixelSpacing = frame, spacing

        return write_series(tmp_path / name, voxels, change)

    fine = np.repeat(np.repeat(VOXELS, 2, 0), 2, 1)
    low = framed("low", VOXELS, "1.2.5", [2.0, 1.5])
    other = framed("other", fine, "1.2.6", [1.0, 0.75])
    (note,) = read_volume_pair(low, other, DEFAULT_LIMITS).notes
    assert note.text.startswith("low and other have different frames of reference (DICOM): their")
    same = framed("same", fine, "1.2.5", [1.0, 0.75])
    assert not read_volume_pair(low, same, DEFAULT_LIMITS).notes


def test_one_file_stands_for_its_series(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "s")
    write_series(folder, VOXELS + 1, series="1.2.4")
    (folder / "notes.txt").write_text("hello")
    for series, more in (("1.2.3", 0), ("1.2.4", 1)):
        found = read_dicom_header(folder / f"7-{series}.dcm", DEFAULT_LIMITS).load()
        np.testing.assert_array_equal(found.voxels, VOXELS + more)
    with pytest.raises(FileFormatError, match=r"holds 2 series \(.*, such as .*\): name one file"):
        read_dicom_header(folder, DEFAULT_LIMITS)


def _set(name: str, value: Any, only: int | None = None) -> Change:
    def change(image: Any, index: int) -> None:
        if only is None or index == only:
            setattr(image, name, value)

    return change


def _lose_place(image: Any, index: int) -> None:
    del image.ImagePositionPatient


def _one_place(image: Any, index: int) -> None:
    image.ImagePositionPatient = [0.0, 0.0, float(index // 2)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set("ImageOrientationPatient", [1, 0, 0, 0, 1, 0], 2), "not parallel"),
        (_set("PixelSpacing", [2.0, 1.6], 1), "another size, spacing or type"),
        (_set("ImagePositionPatient", [10.0, 5.0, 30.0], 3), "mm apart"),
        (_one_place, "several images at one position"),
        (_lose_place, "has no ImagePositionPatient"),
        (_set("NumberOfFrames", 12), "enhanced file of 12 frames"),
        (_set("ImageType", ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]), "mosaic"),
        (_set("SamplesPerPixel", 3), "colour"),
        (_set("PhotometricInterpretation", "PALETTE COLOR"), "colour"),
        (_set("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]), "impossible"),
    ],
)
def test_what_is_no_volume_is_refused(tmp_path: Path, change: Change, reason: str) -> None:
    folder = write_series(tmp_path / "s", change=change)
    with pytest.raises(FileFormatError, match=reason):
        read_dicom_header(folder, DEFAULT_LIMITS)


def test_a_missing_slice_is_a_gap(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "s")
    (folder / "4-1.2.3.dcm").unlink()
    with pytest.raises(FileFormatError, match="5 to 10 mm apart"):
        read_dicom_header(folder, DEFAULT_LIMITS)


def test_positions_that_jitter_a_little_are_taken_for_even_ones(tmp_path: Path) -> None:
    """Of slices 5 mm apart, one lies 0.3 mm off its place: within a tenth, and told."""

    def moved(off: float) -> Change:
        def change(image: Any, index: int) -> None:
            place = np.array(image.ImagePositionPatient) + off * np.cross(ROW, COLUMN)
            if index == 2:
                image.ImagePositionPatient = place.tolist()

        return change

    found = read_dicom_header(write_series(tmp_path / "s", change=moved(0.3)), DEFAULT_LIMITS)
    assert found.zooms[2] == pytest.approx(5)
    (note,) = found.notes
    assert note.text == "s: its slices are 4.7 to 5.3 mm apart, taken for 5 mm each"
    far = write_series(tmp_path / "far", change=moved(0.8))
    with pytest.raises(FileFormatError, match=r"4\.2 to 5\.8 mm apart .*: get it again, or"):
        read_dicom_header(far, DEFAULT_LIMITS)


def test_damage_and_claims_are_typed(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "s")
    with pytest.raises(LimitError, match="claims 120 voxels"):
        read_dicom_header(folder, Limits(max_voxels=100))
    whole = (folder / "7-1.2.3.dcm").read_bytes()
    (folder / "7-1.2.3.dcm").write_bytes(whole[:-20])
    with pytest.raises(FileFormatError, match="7-1"):
        read_dicom_header(folder, DEFAULT_LIMITS).load()
    for length in (140, 200, 300):
        (folder / "7-1.2.3.dcm").write_bytes(whole[:length])
        with pytest.raises(FileFormatError):
            read_dicom_header(folder, DEFAULT_LIMITS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match="empty: is a folder without DICOM images"):
        read_dicom_header(tmp_path / "empty", DEFAULT_LIMITS)
    assert is_dicom(folder) and not is_dicom(tmp_path / "empty") and not is_dicom(tmp_path / "no")


def shipped(name: str) -> Path:
    path = pydicom.data.get_testdata_file(name, download=False)
    assert path is not None
    return Path(path)


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm"])
def test_a_real_slice(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(shipped(name).read_bytes())
    header = read_dicom_header(tmp_path, DEFAULT_LIMITS)
    expected = pydicom.dcmread(shipped("MR_small.dcm")).pixel_array
    np.testing.assert_array_equal(header.load().voxels[..., 0], expected.T)
    assert header.zooms == pytest.approx((0.3125, 0.3125, 0.8))


def test_a_missing_decoder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compress(image: Any, index: int) -> None:
        image.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.70")
        image.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"])
        image["PixelData"].VR = "OB"

    monkeypatch.setattr(
        "pydicom.pixels.decoders.base.Decoder.is_available", property(lambda self: False)
    )
    header = read_dicom_header(write_series(tmp_path / "s", change=compress), DEFAULT_LIMITS)
    with pytest.raises(MissingExtraError, match=r"JPEG Lossless.*pylibjpeg"):
        header.load()


def test_slices_beside_the_line_of_the_others_are_named(tmp_path: Path) -> None:
    across = np.array(ROW)

    def aside(image: Any, index: int) -> None:
        if index == 2:
            image.ImagePositionPatient = [*(np.array(image.ImagePositionPatient) + 12 * across)]

    def slanted(image: Any, index: int) -> None:
        image.ImagePositionPatient = [*(np.array(image.ImagePositionPatient) + index * across)]

    with pytest.raises(FileFormatError, match=r"not in one straight line: 4-1\.2\.3\.dcm.* 12 mm"):
        read_dicom_header(write_series(tmp_path / "s", change=aside), DEFAULT_LIMITS)
    assert read_dicom_header(write_series(tmp_path / "t", change=slanted), DEFAULT_LIMITS).count


@pytest.mark.parametrize(
    ("tag", "value", "told"),
    [
        ("Modality", "CT", "its modality is CT, not MR"),
        ("PhotometricInterpretation", "MONOCHROME1", "low values are the bright ones"),
        ("ImageType", ["ORIGINAL", "PRIMARY", "P", "ND"], "holds phases"),
        ("ImageType", ["ORIGINAL", "PRIMARY", "M"], None),
        ("Modality", None, None),
        ("BurnedInAnnotation", "YES", "text is burned into its pixels"),
        ("BurnedInAnnotation", "NO", None),
        ("LossyImageCompression", "01", "compressed with loss"),
        ("LossyImageCompression", "00", None),
    ],
)
def test_what_is_no_magnitude_of_mr_is_told(
    tmp_path: Path, tag: str, value: object, told: str | None
) -> None:
    def change(image: Any, index: int) -> None:
        setattr(image, tag, value)

    notes = read_dicom_header(write_series(tmp_path / "t2", change=change), DEFAULT_LIMITS).notes
    assert [bool(re.search(str(told), note.text)) for note in notes] == [True] * (told is not None)


def test_padding_is_unknown_and_thickness_is_kept(tmp_path: Path) -> None:
    voxels = VOXELS.copy()
    voxels[:2] = -2000

    def padded(image: Any, index: int) -> None:
        image.PixelPaddingValue, image.SliceThickness = -2000, 2.5
        image.RescaleSlope, image.RescaleIntercept = 2, 0

    header = read_dicom_header(write_series(tmp_path / "s", voxels, padded), DEFAULT_LIMITS)
    found = header.load().voxels
    assert np.isnan(found[:2]).all()
    np.testing.assert_array_equal(found[2:], voxels[2:] * 2.0)
    assert (header.padding, header.thickness) == (-2000, 2.5)
    assert "-2000 stands for pixels outside the image" in header.notes[0].text


def test_an_image_in_two_files_is_taken_once(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series", change=_named)
    whole = read_dicom_header(folder, DEFAULT_LIMITS)
    first = sorted(folder.iterdir())[0]
    copy = folder / f"{first.stem} (1).dcm"
    copy.write_bytes(first.read_bytes())
    found = read_dicom_header(folder, DEFAULT_LIMITS)
    assert [note.text for note in found.notes] == [
        f"series: images that are there twice: 1 (such as {first.name}, as {copy.name}): each is "
        "taken once"
    ]
    np.testing.assert_array_equal(next(found.read()), next(whole.read()))
    # Programs that take names away may give all images one.
    folder = write_series(tmp_path / "nameless", change=_set("SOPInstanceUID", UID("1.2.3.4")))
    assert read_dicom_header(folder, DEFAULT_LIMITS).shape == whole.shape


def _named(image: Any, index: int) -> None:
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID


def test_files_of_a_series_that_hold_nothing_are_told(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "series")
    last = sorted(folder.iterdir())[-1]
    (folder / "lost.dcm").write_bytes(b"")
    (folder / "DICOMDIR").write_bytes(b"")
    (folder / "notes.txt").write_text("mine")
    found = read_dicom_header(folder, DEFAULT_LIMITS)
    assert [note.text for note in found.notes] == [
        "series: files without an image: 1 of 7 (such as lost.dcm): left out, check that no slice "
        "is lost"
    ]
    assert read_dicom_header(last, DEFAULT_LIMITS).shape == found.shape


@pytest.mark.parametrize("implicit", [True, False])
def test_raw_exports_without_a_preamble_are_read(tmp_path: Path, implicit: bool) -> None:
    folder = write_series(tmp_path / "series", change=_named)
    whole = read_dicom_header(folder, DEFAULT_LIMITS)
    wanted = next(whole.read())
    for file in folder.iterdir():
        image = pydicom.Dataset(pydicom.dcmread(file))
        pydicom.dcmwrite(
            file, image, implicit_vr=implicit, little_endian=True, enforce_file_format=False
        )
        assert file.read_bytes()[:2] == b"\x08\0"
    assert is_dicom(folder) and is_dicom(file)
    found = read_dicom_header(folder, DEFAULT_LIMITS)
    np.testing.assert_array_equal(found.affine, whole.affine)
    np.testing.assert_array_equal(next(found.read()), wanted)
