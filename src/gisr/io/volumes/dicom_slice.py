"""One image of a DICOM series: what its header says, as numbers that have been checked.

An element of a damaged or hostile file may be missing or empty, be a list where one number belongs,
or hold anything that is no number; all of this is refused here, by the element's name.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gisr.errors import FileFormatError, shortened

_FARTHEST = 1e6
"""Millimetres, and of scales any unit: what lies farther is no image of a patient."""
_LARGEST_SCALE = 1e12
VOLUME_ELEMENTS = ("EchoTime", "EchoNumbers", "TemporalPositionIdentifier", "DiffusionBValue",
            "InversionTime", "FlipAngle", "TriggerTime", "ImageType", "AcquisitionNumber",
            "AcquisitionTime")  # fmt: skip
"""Elements that tell the volumes of a series apart, those that say most first."""
_LONGEST_VALUE = 40


@dataclass(frozen=True, eq=False)
class DicomSlice:
    """One image of a series: where it lies, and how its values are scaled."""

    path: Path
    description: str
    rows: int
    columns: int
    bits: int
    """Bits allocated for a pixel."""
    signed: bool
    position: NDArray[np.float64]
    """Centre of the first pixel, mm, DICOM's axes (to the left, back and head)."""
    directions: NDArray[np.float64]
    """Direction cosines along a row and along a column."""
    spacing: NDArray[np.float64]
    """Distance of rows, and of columns, mm."""
    scaling: tuple[float, float]
    """Slope and intercept."""
    distance: float
    """Distance of slices, or their thickness, mm; 0 where the header states none."""
    thickness: float
    """Thickness of a slice, mm; 0 where the header states none."""
    padding: float | None
    """Stored value of pixels that show nothing, where the header states one."""
    doubts: tuple[str, ...] = ()
    """What the header says against an image of MR magnitudes."""
    frame: str = ""
    """Identifier of the frame of reference that positions are measured in, where it is stated."""
    volume: tuple[tuple[str, str], ...] = ()
    """Elements by which images of other volumes of the series differ, with their values."""

    @property
    def alike(self) -> tuple[object, ...]:
        """What must be the same for all images of a volume."""
        return (
            self.rows,
            self.columns,
            self.bits,
            self.signed,
            self.padding,
            *np.round(self.spacing, 4),
        )


def parse_slice(path: Path, about: Any) -> DicomSlice:
    """Return what the header of an image says.

    Args:
        path: The file.
        about: pydicom's data set without its pixels.

    Raises:
        FileFormatError: It is no single grey image, or an element is missing or impossible.
    """
    _check_kind(path, about)
    wanted = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "BitsAllocated",
              "Columns", "PixelRepresentation")  # fmt: skip
    missing = [tag for tag in wanted if about.get(tag) in (None, "")]
    if missing:
        raise FileFormatError(
            f"{path}: has no {', '.join(missing)}, so the place of its pixels is unknown: "
            "export the original images again"
        )
    bits = _whole(path, about, "BitsAllocated")
    if bits not in (8, 16, 32):
        raise FileFormatError(f"{path}: {bits} bits a pixel: give 8, 16 or 32")
    distances = (_optional(path, about, t, 0.0) for t in ("SpacingBetweenSlices", "SliceThickness"))
    found = DicomSlice(
        path=path,
        description=description_of(about),
        rows=_whole(path, about, "Rows"),
        columns=_whole(path, about, "Columns"),
        bits=bits,
        signed=bool(_whole(path, about, "PixelRepresentation")),
        position=_numbers(path, about, "ImagePositionPatient", 3),
        directions=_numbers(path, about, "ImageOrientationPatient", 6).reshape(2, 3),
        spacing=_numbers(path, about, "PixelSpacing", 2),
        scaling=_scaling(path, about),
        distance=next((each for each in distances if each > 0), 0.0),
        thickness=max(0.0, _optional(path, about, "SliceThickness", 0.0)),
        padding=_padding(path, about),
        doubts=tuple(_doubts(about)),
        frame=shortened(str(about.get("FrameOfReferenceUID") or "")),
        volume=tuple(
            (name, str(about[name].value)[:_LONGEST_VALUE])
            for name in VOLUME_ELEMENTS
            if name in about
        ),
    )
    _check_place(found)
    return found


def description_of(about: Any) -> str:
    """Return what a series is called; nothing where it has no name."""
    return str(about.get("SeriesDescription") or "")


def _check_kind(path: Path, about: Any) -> None:
    frames = _optional(path, about, "NumberOfFrames", 1.0)
    if frames > 1:
        raise FileFormatError(
            f"{path}: an enhanced file of {frames:.0f} frames: convert it to NIfTI first "
            "(for example with dcm2niix)"
        )
    if "MOSAIC" in _image_type(about):
        raise FileFormatError(
            f"{path}: a mosaic of many slices in one picture: convert it to NIfTI first (for "
            "example with dcm2niix)"
        )
    colours = str(about.get("PhotometricInterpretation") or "").upper() == "PALETTE COLOR"
    if colours or _optional(path, about, "SamplesPerPixel", 1.0) != 1:
        raise FileFormatError(f"{path}: a colour picture: give magnitudes")


def _image_type(about: Any) -> list[str]:
    """Return the words of ImageType, which may be one, several or none."""
    kind = about.get("ImageType") or ()
    several = isinstance(kind, Iterable) and not isinstance(kind, str)
    return [str(word).upper() for word in (kind if several else [kind])]


def _doubts(about: Any) -> Iterator[str]:
    """Yield what a header says against an image of MR magnitudes, as parts of sentences."""
    modality = str(about.get("Modality") or "MR").upper()
    if modality != "MR":
        yield f"its modality is {shortened(modality)}, not MR: the network has learnt MR alone"
    if str(about.get("PhotometricInterpretation") or "").upper() == "MONOCHROME1":
        yield (
            "its low values are the bright ones (MONOCHROME1): taken as stored, and the result "
            "does not say so: viewers will show it inverted"
        )
    if {"P", "PHASE"} & set(_image_type(about)[2:]):
        yield "it holds phases (its ImageType), which jump where they wrap: give magnitudes"
    if str(about.get("BurnedInAnnotation") or "").upper() == "YES":
        yield "text is burned into its pixels (BurnedInAnnotation), and sharpened as tissue is"
    if str(about.get("LossyImageCompression") or "") == "01":
        yield (
            "its pixels were compressed with loss (LossyImageCompression): blocks and smears are "
            "sharpened too, give the original images if there are any"
        )


def _check_place(image: DicomSlice) -> None:
    numbers = np.concatenate([image.position, image.directions.ravel(), image.spacing])
    lengths = np.linalg.norm(image.directions, axis=1)
    across = abs(float(image.directions[0] @ image.directions[1]))
    sound = np.abs(numbers).max() < _FARTHEST and image.spacing.min() > 0
    if not sound or np.abs(lengths - 1).max() > 0.01 or across > 0.01:
        raise FileFormatError(
            f"{image.path}: its position, orientation or spacing is impossible: export it again"
        )


def _scaling(path: Path, about: Any) -> tuple[float, float]:
    slope = _optional(path, about, "RescaleSlope", 1.0)
    intercept = _optional(path, about, "RescaleIntercept", 0.0)
    if not 1 / _LARGEST_SCALE < abs(slope) < _LARGEST_SCALE > abs(intercept):
        raise FileFormatError(
            f"{path}: scales its values by {slope:g} and adds {intercept:g}, which is impossible: "
            "export it again"
        )
    return slope, intercept


def _padding(path: Path, about: Any) -> float | None:
    """Return the value of pixels outside the image, None where there is none.

    0 is the air of magnitudes as well, which is known.
    """
    return _optional(path, about, "PixelPaddingValue", 0.0) or None


def _optional(path: Path, about: Any, tag: str, default: float) -> float:
    """Return a number, the default where the element is missing or empty."""
    if about.get(tag) in (None, "", []):
        return default
    return float(_numbers(path, about, tag, 1)[0])


def _whole(path: Path, about: Any, tag: str) -> int:
    value = float(_numbers(path, about, tag, 1)[0])
    if not value.is_integer():
        raise FileFormatError(f"{path}: its {tag} {value:g} is no whole number: export it again")
    return int(value)


def _numbers(path: Path, about: Any, tag: str, count: int) -> NDArray[np.float64]:
    """Return the finite numbers of an element, which has to hold just so many."""
    value = about.get(tag)
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    try:
        numbers = [float(each) for each in (value if several else [value])]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise FileFormatError(
            f"{path}: its {tag} {shortened(value)} is not {count} "
            f"number{'s' if count > 1 else ''}: export it again"
        )
    return np.array(numbers)
