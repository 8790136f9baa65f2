"""A depth map and a picture that belong together: both loaded, and how they lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt

from gisr.errors import PairError
from gisr.io.colour import colour_shape, read_colour
from gisr.io.depth.maps import DepthMap, read_depth
from gisr.io.limits import Limits
from gisr.notes import Note
from gisr.placement import Placement


@dataclass(frozen=True, eq=False)
class DepthPair:
    """A depth map and a colour picture: (H, W) or (H, W, 3), uint8 or uint16."""

    target: DepthMap
    guide: UInt[np.ndarray, "H W *channels"]
    guide_path: Path
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
    guide_shape = colour_shape(guide_path, limits)

    def place(shape: tuple[int, int], guide_shape: tuple[int, int] = guide_shape) -> Placement:
        try:
            return Placement.from_grid("centre", shape, guide_shape, stretch)
        except PairError as error:
            raise PairError(f"{target_path.name} and {guide_path.name}: {error}") from error

    # Both headers go before the pixels of either: a small file may unpack to a large picture.
    target = read_depth(target_path, invalid=invalid, limits=limits, fits=place)
    guide = read_colour(guide_path, limits)
    sides = guide.shape[0], guide.shape[1]
    notes = _stretched(target.shape, sides)
    return DepthPair(target, guide, guide_path, place(target.shape, sides), notes)


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
