"""A depth map and a picture that belong together: both loaded, and how they lie."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt

from gisr.errors import PairError
from gisr.io.colour import colour_shape, read_colour
from gisr.io.depth.maps import DepthMap, read_depth
from gisr.io.limits import Limits
from gisr.placement import Placement


@dataclass(frozen=True, eq=False)
class DepthPair:
    """A depth map and a colour picture: (H, W) or (H, W, 3), uint8 or uint16."""

    target: DepthMap
    guide: UInt[np.ndarray, "H W *channels"]
    guide_path: Path
    placement: Placement


def read_depth_pair(
    target_path: Path, guide_path: Path, invalid: float, limits: Limits
) -> DepthPair:
    """Read a depth map and a picture that show the same field of view.

    Args:
        target_path: The depth map.
        guide_path: The picture.
        invalid: Value of unknown pixels of the depth map.
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
            return Placement.from_grid("centre", shape, guide_shape)
        except PairError as error:
            raise PairError(f"{target_path.name} and {guide_path.name}: {error}") from error

    # Both headers go before the pixels of either: a small file may unpack to a large picture.
    target = read_depth(target_path, invalid=invalid, limits=limits, fits=place)
    guide = read_colour(guide_path, limits)
    return DepthPair(
        target, guide, guide_path, place(target.shape, (guide.shape[0], guide.shape[1]))
    )
