"""MR slices in pictures (PNG, JPEG): volumes of one slice, without an affine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from gisr.errors import FileFormatError, PairError
from gisr.io.colour import colour_header, read_colour, turned_note
from gisr.io.files import check_not_input, file_suffix, typed_errors
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.volumes.clipping import Clipping
from gisr.io.volumes.header import Volume, VolumeHeader
from gisr.io.volumes.libraries import volume_library
from gisr.notes import Note

SUFFIXES = (".png", ".jpg", ".jpeg")
"""Pictures that are read; PNG alone is written."""
WRITTEN = ".png"

_PLACED = "pictures hold no affine: both are taken to show one field of view, the target"
_AS_CROP = Note(
    f"{_PLACED} as a crop of k-space leaves it (--grid centre if it was reduced as pictures are)"
)
_AS_PICTURE = Note(
    f"{_PLACED} as reduced pictures are, for so the guide explains most of it (--grid kspace if it "
    "is a crop of k-space)"
)


def read_picture(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Volume:
    """Read a grey picture as a volume of one slice: rows and columns are its first two axes.

    Raises:
        FileFormatError: Missing, damaged, or in colour.
        LimitError: The header claims more than the limits.
        MissingExtraError: nibabel is not installed.
    """
    name = Path(path)
    samples = read_colour(name, limits)
    if samples.ndim == 3:
        if (samples != samples[..., :1]).any():
            raise FileFormatError(f"{name}: a colour picture: give MR images in grey, or as NIfTI")
        samples = samples[..., 0]
    header = volume_library("nibabel").Nifti1Header()
    shape = samples.shape[0], samples.shape[1], 1
    header.set_data_shape(shape)
    header.set_data_dtype(samples.dtype)
    voxels = samples.astype(np.float32)[..., None]

    def read() -> Iterator[Float32[np.ndarray, "X Y Z"]]:
        yield voxels

    return Volume(
        shape=shape,
        affine=np.eye(4),
        header=header,
        dtype=samples.dtype,
        path=name,
        count=1,
        read=read,
        voxels=voxels,
        stated=False,
        notes=_turned(name, limits),
    )


def _turned(path: Path, limits: Limits) -> tuple[Note, ...]:
    """Say that a picture was turned upright."""
    header = colour_header(path, limits)
    if header.orientation == 1:
        return ()
    return (turned_note(path, header, "the image lies as it is stored"),)


def is_picture(path: str | PathLike[str]) -> bool:
    """Return whether a file is called as a picture is."""
    return file_suffix(path) in SUFFIXES


def with_places(
    target: VolumeHeader, guide: VolumeHeader
) -> tuple[VolumeHeader, VolumeHeader, list[Note]]:
    """Place two pictures of one field of view, first samples on each other.

    Raises:
        PairError: Only one of them is a picture.
    """
    if not (is_picture(target.path) and is_picture(guide.path)):
        raise PairError(
            f"{target.path.name} and {guide.path.name}: a picture has no affine to go by: give "
            "both images as NIfTI, or both as pictures of one field of view"
        )
    affine = np.diag([guide.shape[0] / target.shape[0], guide.shape[1] / target.shape[1], 1.0, 1.0])
    return replace(target, affine=affine), guide, [_AS_CROP]


def as_reduced_pictures(
    target: Volume, guide: VolumeHeader, notes: Sequence[Note]
) -> tuple[Volume, tuple[Note, ...]]:
    """Place the first of two pictures so that their areas agree.

    Args:
        target: As :func:`with_places` placed it.
        guide: Of the same field of view.
        notes: Of the pair; the one that says otherwise is replaced.
    """
    affine = target.affine.copy()
    affine[:2, 3] = (np.diag(affine)[:2] - np.diag(guide.affine)[:2]) / 2
    said = tuple(_AS_PICTURE if note is _AS_CROP else note for note in notes)
    return replace(target, affine=affine), said


class PictureWriter:
    """Writes the one slice of a result."""

    def __init__(
        self, path: Path, temporary: Path, shape: tuple[int, ...], dtype: np.dtype
    ) -> None:
        """Prepare a picture.

        Args:
            path: The output, for messages.
            temporary: Where it is written.
            shape: Voxels along each axis, the last 1.
            dtype: uint8 or uint16, the target's.
        """
        self._temporary, self._shape = temporary, shape
        self._stored = Clipping(path, dtype)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a user should know of values that the type could not hold."""
        return self._stored.notes

    def write(self, voxels: Float[np.ndarray, "X Y 1"]) -> None:
        """Write it.

        Raises:
            InputError: A value is not finite.
            FileFormatError: The disk refuses it.
        """
        from PIL import Image

        levels = self._stored(voxels, (1.0, 0.0), None)
        with typed_errors(self._stored.path, "cannot be written as PNG"):
            Image.fromarray(levels[..., 0]).save(self._temporary, format="PNG")


@contextmanager
def picture_writer(
    path: str | PathLike[str], temporary: Path, *, target: VolumeHeader, guide: VolumeHeader
) -> Iterator[PictureWriter]:
    """Open a PNG for the result of two pictures, in the target's type.

    Raises:
        FileFormatError: The output is an input.
    """
    check_not_input(path, target.path, guide.path)
    yield PictureWriter(Path(path), temporary, guide.shape, target.dtype)
