"""Satellite scenes: bands, and the panchromatic band or finer bands that guide them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.data.protocols import wald_pair
from gisr.data.resample import resize_pillow, shift
from gisr.datasets.entry.base import Entry, Images, Pixels, Read, cut, middle, whole
from gisr.datasets.entry.checks import checked_image
from gisr.errors import InputError
from gisr.placement import Placement
from gisr.sizes import picture_size
from gisr.tasks import TaskName, find_task
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.tasks.task import MOST_GUIDE_CHANNELS
from gisr.windows import Window

_REACH = 2
"""Samples to each side that the bicubic kernel looks at, and a shift beyond its own length."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene(Entry):
    """A multispectral image and its panchromatic image at their full resolution.

    In place of the panchromatic band there may be finer bands of the same sensor, by the task.
    """

    read_multispectral: Read
    """Gives (H, W, bands) in digital numbers."""
    read_panchromatic: Read
    """Gives (H2, W2, 1) in digital numbers, or up to four bands for a task that takes some."""
    sensor: str | None = None
    bits: int | None = None
    """Significant bits per sample; None for floating point."""
    guide_offset: tuple[float, float] = (0.0, 0.0)
    """How far the guide is off, in its pixels: ``aligned[y, x] = guide[y + dy, x + dx]``."""
    task: TaskName = PANSHARPENING.name

    @property
    def multispectral(self) -> Float[np.ndarray, "H W bands"]:
        """Multispectral image, float32."""
        return whole(self.stored_multispectral)

    @property
    def panchromatic(self) -> Float[np.ndarray, "H2 W2 channels"]:
        """Panchromatic image, float32."""
        return whole(self.stored_panchromatic)

    @cached_property
    def stored_multispectral(self) -> Pixels:
        """Multispectral image to cut windows from."""
        return self.read_multispectral()

    @cached_property
    def stored_panchromatic(self) -> Pixels:
        """Panchromatic image to cut windows from."""
        return self.read_panchromatic()

    @property
    def on_one_grid(self) -> bool:
        """Whether both images have the same pixels."""
        return self.stored_multispectral.shape[:2] == self.stored_panchromatic.shape[:2]

    @property
    def native_ratio(self) -> int:
        """How many times finer the panchromatic image is.

        Raises:
            InputError: By no whole number.
        """
        return _whole_ratio(self.stored_multispectral.shape, self.stored_panchromatic.shape)

    def check_ratio(self) -> None:
        """Refuse a panchromatic image that is finer by no whole number, wherever the scene is used.

        Raises:
            InputError: It is.
        """
        _whole_ratio(self.stored_multispectral.shape, self.stored_panchromatic.shape)

    @property
    def kind(self) -> str:
        """Sensor."""
        return self.sensor or "any sensor"

    def images(self) -> dict[str, Pixels]:
        """Return both images."""
        return {
            "multispectral": self.stored_multispectral,
            "panchromatic": self.stored_panchromatic,
        }

    def crop(
        self, window: Window
    ) -> tuple[Float[np.ndarray, "h w bands"], Float[np.ndarray, "h w channels"]]:
        """Return a window of both images on the multispectral grid, the guide aligned.

        The window of the guide is the one that the resized guide of the whole scene would have:
        enough is read around it for every kernel, and nothing else.

        Args:
            window: In multispectral pixels. The ratio of the two images need not be whole.
        """
        multispectral = cut(self.stored_multispectral, window)
        stored = self.stored_panchromatic
        parts, boxes = [], []
        for axis, side in enumerate(window):
            scale = stored.shape[axis] / self.stored_multispectral.shape[axis]
            first, last = side.start * scale, side.stop * scale
            reach = math.ceil(_REACH * max(scale, 1.0)) + math.ceil(abs(self.guide_offset[axis]))
            low = max(math.floor(first) - reach - _REACH, 0)
            high = min(math.ceil(last) + reach + _REACH, stored.shape[axis])
            parts.append(slice(low, high))
            boxes.append((first - low, last - low))
        guide = cut(stored, (parts[0], parts[1]))
        if any(self.guide_offset):
            guide = shift(guide, self.guide_offset)
        shape = multispectral.shape[:2]
        return multispectral, resize_pillow(guide, shape, box=(boxes[0], boxes[1]))

    def reduced_pair(self, ratio: int, *, side: int | None = None) -> Pair:
        """Return Wald's pair of the scene, the guide as misregistered as it was delivered.

        Args:
            ratio: Scale factor.
            side: Only the middle of this many multispectral pixels a side; all when None.
        """
        native = self.native_ratio
        multispectral, panchromatic = self.multispectral, self.panchromatic
        if side is not None:
            multispectral = middle(multispectral, side)
            panchromatic = middle(panchromatic, side * native)
        return wald_pair(
            multispectral,
            panchromatic,
            ratio,
            sensor=self.sensor,
            bits=self.bits,
            name=self.name,
            task=self.task,
        )

    def full_pair(self) -> Pair:
        """Return the scene at full resolution, as delivered: it has no truth."""
        target, guide = self.multispectral, self.panchromatic
        return Pair(
            target,
            guide,
            self.task,
            Placement.from_grid("centre", target.shape[:2], guide.shape[:2]),
            "centre",
            name=self.name,
            sensor=self.sensor,
            bits=self.bits,
            peak=None if self.bits is None else float(2**self.bits - 1),
        )

    def pairs(self, ratio: int) -> Iterator[Pair]:
        """Yield Wald's pair of the whole scene."""
        yield self.reduced_pair(ratio)

    def middle_pairs(self, ratio: int, side: int) -> Iterator[Pair]:
        """Yield Wald's pair of its middle."""
        yield self.reduced_pair(ratio, side=side)

    def checked_images(self) -> Images:
        """Read and check both images: the guide's channels, finer by a whole factor."""
        multispectral = checked_image("multispectral", self.read_multispectral(), axes=3)
        panchromatic = checked_image("panchromatic", self.read_panchromatic(), axes=3)
        low, high = multispectral.shape, panchromatic.shape
        bands = find_task(self.task).guide_bands
        if high[2] > (MOST_GUIDE_CHANNELS if bands else 1):
            most = f"at most {MOST_GUIDE_CHANNELS}" if bands else "one"
            raise InputError(f"panchromatic image has {high[2]} channels: it must have {most}")
        _whole_ratio(low, high)
        return {"multispectral": multispectral, "panchromatic": panchromatic}

    @classmethod
    def of_images(cls, reads: Mapping[str, Read], about: Mapping[str, Any]) -> Self:
        """Return a scene that reads its images from elsewhere."""
        return cls(
            **about,
            read_multispectral=reads["multispectral"],
            read_panchromatic=reads["panchromatic"],
        )


def _whole_ratio(low: tuple[int, ...], high: tuple[int, ...]) -> int:
    """Return how many times finer the second of two sizes is; refuse what is no whole number."""
    ratio = round(high[0] / low[0])
    # Published scenes are cut to less than one multispectral pixel: 310 x 400 and 620 x 799.
    off = max(abs(high[axis] - ratio * low[axis]) for axis in (0, 1))
    if ratio < 1 or off >= ratio:
        raise InputError(
            f"panchromatic image of {picture_size(high)} is no whole multiple of the "
            f"multispectral one of {picture_size(low)}: resample it to one"
        )
    return ratio
