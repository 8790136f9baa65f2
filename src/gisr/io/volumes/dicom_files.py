"""Which files of a folder are DICOM images, and their headers.

They may be called anything. Raw exports lack the preamble of 128 bytes and begin with an element.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError, LimitError
from gisr.io.files import check_readable, typed_errors
from gisr.io.volumes.dicom_slice import VOLUME_ELEMENTS
from gisr.io.volumes.libraries import volume_library
from gisr.notes import Note

_PREAMBLE, _MAGIC = 128, b"DICM"
_FIRST_GROUPS, _LAST_FIRST_ELEMENT, _LONGEST_FIRST_ELEMENT = (b"\x02\0", b"\x08\0"), 0x18, 256
"""Groups, and limits of number and length, of the element that a file without preamble begins
with."""
_OTHER_FILES = ("DICOMDIR", "LICENSE", "README", "VERSION", "LOCKFILE")
"""Files without suffix that exports of images have beside them."""
_LOOKED_AT = 16
"""Files of a folder that are checked to see whether it holds DICOM images."""
_MOST_FILES = 20_000
_LARGEST_FILE = 2**30
_DEFLATED = "1.2.840.10008.1.2.1.99"
_TAGS = (
    "SOPInstanceUID", "SeriesInstanceUID", "SeriesDescription", "ImagePositionPatient",
    "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "NumberOfFrames",
    "SamplesPerPixel", "ImageType", "SliceThickness", "SpacingBetweenSlices", "InstanceNumber",
    "BitsAllocated", "BitsStored", "PixelRepresentation", "RescaleSlope", "RescaleIntercept",
    "Modality", "PixelPaddingValue", "PhotometricInterpretation", "BurnedInAnnotation",
    "LossyImageCompression", "FrameOfReferenceUID", *VOLUME_ELEMENTS,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class DicomImage:
    """A file with an image, of some series."""

    path: Path
    series: str
    about: Any
    """pydicom's data set without its pixels."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What two files have in common that hold one image, as they are stored.

        Of images without a name of their own the path.
        """
        if "SOPInstanceUID" not in self.about:
            return (str(self.path),)
        tags = ("SOPInstanceUID", "InstanceNumber", "ImagePositionPatient")
        stored = [self.about.get_item(tag) for tag in tags if tag in self.about]
        return (self.series, *(repr(each.value) for each in stored))


def is_dicom(path: str | PathLike[str]) -> bool:
    """Return whether a file is DICOM, or a folder holds files that are."""
    found = Path(path)
    try:
        if found.is_dir():
            files = sorted(file for file in found.iterdir() if file.is_file())
            return any(map(_begins_as_dicom, files[:_LOOKED_AT]))
        return found.is_file() and _begins_as_dicom(found)
    except (OSError, ValueError):
        return False


def has_preamble(path: Path) -> bool:
    """Return whether a file begins as the standard has it."""
    with path.open("rb") as stream:
        return stream.read(_PREAMBLE + len(_MAGIC))[_PREAMBLE:] == _MAGIC


def _begins_as_dicom(path: Path) -> bool:
    """Return whether a file begins as DICOM does, with or without a preamble."""
    if has_preamble(path):
        return True
    with path.open("rb") as stream:
        first = stream.read(8)
    element = int.from_bytes(first[2:4], "little")
    if len(first) < 8 or first[:2] not in _FIRST_GROUPS or element > _LAST_FIRST_ELEMENT:
        return False
    explicit = first[4:6].isalpha() and first[4:6].isupper()
    return explicit or int.from_bytes(first[4:], "little") <= _LONGEST_FIRST_ELEMENT


def read_images(name: Path) -> tuple[list[DicomImage], tuple[Note, ...]]:
    """Read the headers of all images in a folder, or in that of a file.

    Returns:
        The images, each once, and what a user should know of the files that were left out.

    Raises:
        FileFormatError: There is none, or a file that is damaged.
        LimitError: More or larger files than a series has.
        MissingExtraError: pydicom is not installed.
    """
    folder = name if name.is_dir() else check_readable(name).parent
    files = sorted(file for file in folder.iterdir() if file.is_file())
    if len(files) > _MOST_FILES:
        raise LimitError(f"{folder}: {len(files)} files: more than {_MOST_FILES} of one series")
    with typed_errors(folder, "cannot be read"):
        found = [_read_header(file) for file in files if _begins_as_dicom(file)]
    images = [image for image in found if image is not None]
    if not images:
        raise FileFormatError(
            f"{name}: is a folder without DICOM images: name a file, or a folder with one series"
            if name.is_dir()
            else f"{name}: not a DICOM image"
        )
    once: dict[tuple[str, ...], DicomImage] = {}
    for image in sorted(images, key=lambda each: each.path != name):  # the named one stays
        once.setdefault(image.identity, image)
    kept = sorted(once.values(), key=lambda each: each.path)
    return kept, (*_copied(name, images, once), *_left_out(name, files, images))


def _copied(
    name: Path, images: Sequence[DicomImage], once: dict[tuple[str, ...], DicomImage]
) -> Iterator[Note]:
    """Yield what to say of files that hold an image of another file."""
    copies = [image for image in images if once[image.identity] is not image]
    if copies:
        first = copies[0]
        yield Note(
            f"{name.name}: images that are there twice: {len(copies)} (such as "
            f"{first.path.name}, as {once[first.identity].path.name}): each is taken once"
        )


def _left_out(name: Path, files: Sequence[Path], images: Sequence[DicomImage]) -> Iterator[Note]:
    """Yield what to say of files that are called as the images are and hold none."""
    called = {image.path.suffix for image in images}
    taken = {image.path for image in images}
    others = [
        file
        for file in files
        if file not in taken
        and file.suffix in called
        and not file.name.startswith(".")
        and file.name.upper() not in _OTHER_FILES
    ]
    if others:
        yield Note(
            f"{name.name}: files without an image: {len(others)} of {len(files)} (such as "
            f"{others[0].name}): left out, check that no slice is lost"
        )


def _read_header(path: Path) -> DicomImage | None:
    """Return the header of one file, None where it holds no image."""
    pydicom = volume_library("pydicom")
    with typed_errors(path, "cannot be read as DICOM"), quiet():
        if path.stat().st_size > _LARGEST_FILE:
            raise LimitError(f"{path}: larger than {_LARGEST_FILE} bytes: not one slice")
        whole = has_preamble(path)
        meta = pydicom.filereader.read_file_meta_info(path) if whole else {}
        if meta.get("TransferSyntaxUID") == _DEFLATED:
            raise FileFormatError(f"{path}: deflated DICOM: convert it to plain DICOM first")
        about = pydicom.dcmread(
            path, stop_before_pixels=True, specific_tags=list(_TAGS), force=not whole
        )
        if "Rows" not in about:
            return None
        return DicomImage(path, str(about.get("SeriesInstanceUID", "")), about)


@contextmanager
def quiet() -> Iterator[None]:
    """Let pydicom say nothing about values that break the standard: what counts is raised."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
