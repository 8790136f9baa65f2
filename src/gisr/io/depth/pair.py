"""A depth map and a picture that belong together: both loaded, and how they lie."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt

from gisr.errors import PairError, percentage
from gisr.io.colour import (
    ColourHeader,
    colour_header,
    read_colour,
    transparent_share,
    turned_note,
)
from gisr.io.depth.maps import DepthMap, read_depth
from gisr.io.limits import Limits
from gisr.notes import Note, warning
from gisr.placement import Placement
from gisr.sizes import picture_size


@dataclass(frozen=True, eq=False)
class DepthPair:
    """A depth map and a colour picture: (H, W) or (H, W, 3), uint8 or uint16."""

    target: DepthMap
    guide: UInt[np.ndarray, "H W *channels"]
    placement: Placement
    notes: tuple[Note, ...] = ()
    """What a user should know about how they were read."""


def read_depth_pair(
    target_path: Path, guide_path: Path, invalid: Sequence[float], stretch: float, limits: Limits
) -> DepthPair:
    """Read a depth map and a picture that show the same field of view.

    Args:
        target_path: The depth map.
        guide_path: The picture.
        invalid: Values of unknown pixels of the depth map.
        stretch: By how much, as a share, their proportions may differ beyond rounding.
        limits: What the headers may claim.

    Raises:
        PairError: The shapes do not fit together.
        FileFormatError: A file is missing, damaged or of the wrong kind.
        LimitError: A header claims more than the limits.
        MissingExtraError: The package that reads the format is not installed.
    """
    if target_path.resolve() == guide_path.resolve():
        raise PairError(
            f"{target_path.name}: is given twice, as the depth map and as its picture: name the "
            "colour picture second"
        )
    header = colour_header(guide_path, limits)

    def place(shape: tuple[int, int], guide_shape: tuple[int, int]) -> Placement:
        if _lies_across(shape, guide_shape, stretch):
            raise PairError(_across(target_path, shape, guide_path, guide_shape))
        if min(shape) > 0 and any(map(operator.lt, guide_shape, shape)):
            raise PairError(
                f"{guide_path.name}: a picture of {picture_size(guide_shape)} has less detail than "
                f"the depth map {target_path.name} of {picture_size(shape)}: give it at its full "
                "size, or exchange the two if the depth map is the other one"
            )
        try:
            return Placement.from_grid("centre", shape, guide_shape, stretch)
        except PairError as error:
            raise PairError(f"{target_path.name} and {guide_path.name}: {error}") from error

    # Both headers go before the pixels of either: a small file may unpack to a large picture.
    upright = True

    def fits(shape: tuple[int, int]) -> None:
        nonlocal upright
        if header.stored != header.upright and _fit(shape, header.stored, stretch):
            upright = _fit(shape, header.upright, stretch)
        place(shape, header.upright if upright else header.stored)

    target = read_depth(target_path, invalid=invalid, limits=limits, fits=fits)
    guide = read_colour(guide_path, limits, upright=upright)
    sides = guide.shape[0], guide.shape[1]
    turned, stretched = _turned(guide_path, header, upright), _stretched(target.shape, sides)
    notes = (*target.notes, *turned, *stretched, *_plain(guide_path, guide, limits))
    return DepthPair(target, guide, place(target.shape, sides), notes)


def _lies_across(shape: tuple[int, int], guide_shape: tuple[int, int], stretch: float) -> bool:
    """Return whether a picture fits a depth map only after a quarter turn."""
    turned = guide_shape[1], guide_shape[0]
    large = all(map(operator.ge, turned, shape))
    return large and _fit(shape, turned, stretch) and not _fit(shape, guide_shape, stretch)


def _across(target: Path, shape: tuple[int, int], guide: Path, guide_shape: tuple[int, int]) -> str:
    """Return the refusal of a picture that was turned by a quarter, and the way to turn it back."""
    code = (
        f"from PIL import Image; Image.open('{guide}').transpose(Image.Transpose.ROTATE_90)"
        f".save('{guide.stem}_turned.png')"
    )
    return (
        f"{target.name} and {guide.name}: depth of {picture_size(shape)} and colour of "
        f"{picture_size(guide_shape)}: one of them is turned by a quarter: turn the picture "
        f'(python -c "{code}"; ROTATE_270 is the other way)'
    )


def _fit(target: tuple[int, int], guide: tuple[int, int], stretch: float) -> bool:
    try:
        Placement.from_grid("centre", target, guide, stretch)
    except PairError:
        return False
    return True


def _turned(path: Path, header: ColourHeader, upright: bool) -> tuple[Note, ...]:
    """Say what became of a picture with an EXIF orientation."""
    if header.orientation == 1:
        return ()
    if not upright:
        text = "left as it is stored, which is how the depth map fits it"
        return (Note(f"{path.name}: its EXIF orientation {header.orientation} is ignored: {text}"),)
    return (turned_note(path, header, "the depth map lies as the sensor stored it"),)


def _plain(
    path: Path, guide: UInt[np.ndarray, "H W *channels"], limits: Limits
) -> tuple[Note, ...]:
    """Say that there is nothing to see in a picture, or that some of it is not to be seen."""
    notes = []
    if (share := transparent_share(path, limits)) > 0:
        text = (
            f"{percentage(share)} of it is transparent, which is ignored: the colours below guide"
        )
        notes.append(Note(f"{path.name}: {text}"))
    if guide.shape[0] * guide.shape[1] > 1 and (guide == guide[:1, :1]).all():
        text = "every pixel has one colour, so no edge of the depth map is placed by it"
        notes.append(warning(f"{path.name}: {text}: is it the right picture?"))
    return tuple(notes)


def _stretched(target: tuple[int, int], guide: tuple[int, int]) -> tuple[Note, ...]:
    """Say that proportions differ by more than rounding."""
    try:
        Placement.from_grid("centre", target, guide)
    except PairError:
        off = abs(guide[0] * target[1] / (guide[1] * target[0]) - 1)
        text = (
            f"depth {target[1]} x {target[0]} and colour {guide[1]} x {guide[0]} differ by "
            f"{off:.1%} in proportion: taken to show the same field of view; if not, crop the "
            "larger to that of the other"
        )
        return (Note(text),)
    return ()
