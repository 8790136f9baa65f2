"""Whatever the elements of a DICOM series hold: a volume, or one line that names the file."""

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gisr.errors import FileFormatError, GisrError
from gisr.io.limits import DEFAULT_LIMITS
from gisr.io.volumes.dicom import read_dicom_header

pydicom = pytest.importorskip("pydicom")
from pydicom.dataelem import RawDataElement  # noqa: E402
from pydicom.tag import Tag  # noqa: E402
from tests.io.volumes.test_dicom import VOXELS, write_series  # noqa: E402

TAGS = (
    "SeriesInstanceUID", "SeriesDescription", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "ImageType",
    "SliceThickness", "SpacingBetweenSlices", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "RescaleSlope", "RescaleIntercept", "Modality", "PixelData",
    "PhotometricInterpretation", "InstanceNumber",
)  # fmt: skip
VALUES = (
    b"", b" ", b"\\", b"1\\2", b"1\\2\\3\\4", b"abc", b"nan", b"1e400", b"-1", b"0",
    b"1e300\\1e300", b"\0", b"\xff\xfe", b"0\\0\\0\\0\\0\\0", b"5", b"MOSAIC", b"\x01\0\x02\0",
    b"\x01\0\x02\0\x03\0", b"\0\0", b"\xff\xff", b"inf\\inf\\inf", b"1" * 400, b"1\\x\\2",
    b"\x10\0", b"\x01",
)  # fmt: skip
VRS = ("DS", "IS", "US", "SS", "LO", "CS", "UI", "OB", "OW", "FD", "FL", "UL", "UN", "SQ", "PN")


def spoil(path: Path, chance: random.Random) -> str:
    """Replace, empty or remove one or two elements of a file, and return what was done."""
    image, done = pydicom.dcmread(path), []
    for _ in range(chance.randint(1, 2)):
        tag, vr, value = chance.choice(TAGS), chance.choice(VRS), chance.choice(VALUES)
        number = Tag(tag)
        if chance.random() < 0.15:
            image.pop(number, None)
            done.append(f"no {tag}")
            continue
        if chance.random() < 0.5 and number in image:
            vr = image[number].VR
        raw = RawDataElement(number, vr, len(value), value, 0, False, True, True)
        image._dict[number] = raw
        done.append(f"{tag} {vr} {value[:40]!r}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.save_as(path)
    return ", ".join(done)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_elements_end_in_one_line_or_in_a_volume(
    tmp_path: Path, seed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    chance, sound = random.Random(seed), write_series(tmp_path / "sound", VOXELS[..., :2])
    files = {path.name: path.read_bytes() for path in sound.iterdir()}
    folder = tmp_path / "s"
    folder.mkdir()
    refused = 0
    for _ in range(150):
        for name, data in files.items():
            (folder / name).write_bytes(data)
        spoilt = folder / chance.choice(sorted(files))
        try:
            what = spoil(spoilt, chance)
        except Exception:  # pydicom does not write this
            continue
        named = folder if chance.random() < 0.5 else spoilt
        try:
            voxels = read_dicom_header(named, DEFAULT_LIMITS).load().voxels
        except GisrError as error:
            refused += 1
            assert len(str(error).splitlines()) == 1 and len(str(error)) < 600, what
            assert str(folder) in str(error), what
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
        else:
            assert np.isfinite(voxels).all(), what
    assert refused > 40
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        ("Rows", [5, 6], "its Rows .*is not 1 number"),
        ("BitsAllocated", [16, 16], "its BitsAllocated .*is not 1 number"),
        ("PixelRepresentation", [1, 0], "its PixelRepresentation .*is not 1 number"),
        ("SamplesPerPixel", [1, 1], "its SamplesPerPixel .*is not 1 number"),
        ("NumberOfFrames", [1, 2], "its NumberOfFrames .*is not 1 number"),
        ("RescaleSlope", [1.0, 2.0], "its RescaleSlope .*is not 1 number"),
        ("RescaleSlope", 0.0, "scales its values by 0"),
        ("PixelSpacing", 2.0, "its PixelSpacing .*is not 2 numbers"),
        ("ImagePositionPatient", [1.0, 2.0], "its ImagePositionPatient .*is not 3 numbers"),
        ("ImagePositionPatient", [1e300, 0.0, 0.0], "impossible"),
    ],
)
def test_lists_and_other_kinds_are_named(tmp_path: Path, tag: str, value: Any, reason: str) -> None:
    def change(image: Any, index: int) -> None:
        setattr(image, tag, value)

    folder = write_series(tmp_path / "s", change=change)
    with pytest.raises(FileFormatError, match=reason):
        read_dicom_header(folder, DEFAULT_LIMITS)
