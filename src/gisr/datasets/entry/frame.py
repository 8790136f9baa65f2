"""Depth frames: a map of one value a pixel, with a colour image on the same grid."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.degradations import ReducedAs
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair
from gisr.datasets.entry.base import (
    Entry,
    Images,
    Pixels,
    Read,
    check_finite,
    cut,
    middle,
    whole,
)
from gisr.datasets.entry.checks import check_equal, checked_image
from gisr.errors import InputError
from gisr.tasks import TaskName
from gisr.tasks.depth import DEPTH
from gisr.windows import Window


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame(Entry):
    """A depth or disparity map with its colour image."""

    read_depth: Callable[[], tuple[Pixels, Pixels]]
    """Gives values (H, W) and where they are known (H, W), bool."""
    read_colour: Read
    """Gives (H, W, channels) in the file's units (0 to 255 for 8 bits)."""
    unit: str = ""
    """Unit of the values, for tables: m, cm, px, 8-bit levels."""
    task: TaskName = DEPTH.name

    @property
    def depth(self) -> tuple[Float[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
        """Depth or disparity, float32, and where it is known."""
        values, valid = self.stored_depth
        return whole(values), np.asarray(valid, dtype=bool)

    @property
    def colour(self) -> Float[np.ndarray, "H W channels"]:
        """Colour image, float32."""
        return whole(self.stored_colour)

    @cached_property
    def stored_depth(self) -> tuple[Pixels, Pixels]:
        """Values, and where they are known, to cut windows from."""
        return self.read_depth()

    @cached_property
    def stored_colour(self) -> Pixels:
        """Colour image to cut windows from."""
        return self.read_colour()

    @property
    def kind(self) -> str:
        """Unit."""
        return self.unit or "unit not stated"

    def images(self) -> dict[str, Pixels]:
        """Return the map and the colour image."""
        return {"depth": self.stored_depth[0], "colour": self.stored_colour}

    def crop(
        self, window: Window
    ) -> tuple[
        Float[np.ndarray, "h w"], Bool[np.ndarray, "h w"], Float[np.ndarray, "h w channels"]
    ]:
        """Return a window of depth, of where it is known, and of the colour image."""
        values, valid = self.stored_depth
        colour = cut(self.stored_colour, window)
        return cut(values, window), np.asarray(valid[window], dtype=bool), colour

    def reduced_pair(
        self, ratio: int, *, side: int | None = None, reduced_as: ReducedAs = "float32"
    ) -> Pair:
        """Return the frame reduced by Pillow's bicubic.

        Args:
            ratio: Scale factor.
            side: Only the middle of this many pixels a side; all when None.
            reduced_as: Named by the protocol.
        """
        self.check_size()
        (values, valid), colour = self.depth, self.colour
        if side is not None:
            values, valid, colour = (middle(image, side) for image in (values, valid, colour))
        return depth_pair(
            values,
            colour,
            ratio,
            valid=valid,
            reduced_as=reduced_as,
            name=self.name,
            task=self.task,
        )

    def pairs(self, ratio: int) -> Iterator[Pair]:
        """Yield the whole frame, reduced as floating point."""
        yield self.reduced_pair(ratio)

    def middle_pairs(self, ratio: int, side: int) -> Iterator[Pair]:
        """Yield its middle, reduced as floating point."""
        yield self.reduced_pair(ratio, side=side)

    def check_size(self) -> None:
        """Refuse a colour image of another size: a part of it would be taken for all.

        Raises:
            InputError: It has another size.
        """
        depth, colour = self.stored_depth[0].shape, self.stored_colour.shape[:2]
        check_equal("colour", colour, "depth", depth)

    def check_values(self) -> None:
        """Refuse a map of which no pixel is known, and values as other entries refuse them."""
        values, valid = self.depth
        _check_known(valid)
        check_finite("depth", values[valid])
        check_finite("colour", self.colour)

    def checked_images(self) -> Images:
        """Read and check the images: a known pixel, and one size."""
        stored_values, stored_valid = self.read_depth()
        values, valid = np.asarray(stored_values), np.asarray(stored_valid, dtype=bool)
        check_equal("mask of known values", valid.shape, "depth", values.shape)
        _check_known(valid)
        known = np.where(valid, values, values.dtype.type(0))
        depth = checked_image("depth", known, axes=2)
        colour = checked_image("colour", self.read_colour(), axes=3)
        check_equal("colour", colour.shape[:2], "depth", depth.shape)
        return {"depth": depth, "valid": valid, "colour": colour}

    @classmethod
    def of_images(cls, reads: Mapping[str, Read], about: Mapping[str, Any]) -> Self:
        """Return a frame that reads its images from elsewhere."""
        depth = partial(_both, reads["depth"], reads["valid"])
        return cls(**about, read_depth=depth, read_colour=reads["colour"])


def _check_known(valid: Bool[np.ndarray, "H W"]) -> None:
    if not valid.any():
        raise InputError("depth is empty: no pixel is known: leave the file out")


def _both(values: Read, valid: Read) -> tuple[Pixels, Pixels]:
    # No lambda: processes that load data get entries pickled on some systems.
    return values(), valid()
