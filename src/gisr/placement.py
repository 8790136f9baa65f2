"""Where the target's samples lie on the guide's grid."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

from gisr.errors import InputError, PairError
from gisr.sizes import picture_size
from gisr.windows import Window

LARGEST_RATIO = 64.0
"""Guide samples per target sample along one axis; the paper goes to 16."""
_SAME = 1e-3
"""Target pixels of drift across the picture below which two grids are the same: float32 headers."""


@dataclass(frozen=True)
class Placement:
    """How guide pixels map to target pixels, one factor and one shift an axis.

    Along each axis ``target_index = guide_index * scale + offset``, where an index is a whole
    number at a pixel's centre. Axis 0 is the row, axis 1 the column.
    """

    scale: tuple[float, float]
    """Target pixels per guide pixel: at most 1."""
    offset: tuple[float, float]
    """Target index of the centre of guide pixel 0, in target pixels."""

    def __post_init__(self) -> None:
        """Check that the guide is at least as fine as the target and not absurdly finer.

        Raises:
            PairError: A number is not finite, or a ratio is below 1 or above the largest allowed.
        """
        if not all(map(math.isfinite, (*self.scale, *self.offset))):
            raise PairError(f"placement is not finite: scale {self.scale}, offset {self.offset}")
        for axis, scale in zip(("rows", "columns"), self.scale, strict=True):
            if not scale > 0:
                raise PairError(f"target and guide run in opposite directions along the {axis}")
            if 1 / scale < 1 - 1e-6:
                raise PairError(
                    f"the guide is coarser than the target along the {axis} (ratio {1 / scale:.4g})"
                    ": exchange them, or give a guide with more detail than the target"
                )
            if 1 / scale > LARGEST_RATIO * (1 + 1e-6):
                raise PairError(
                    f"ratio {1 / scale:.4g} along the {axis} is above {LARGEST_RATIO:g}"
                    ": check that the two files show the same scene, or reduce the guide first"
                )

    @classmethod
    def from_grid(
        cls,
        grid: Literal["centre", "kspace"],
        target_shape: tuple[int, int],
        guide_shape: tuple[int, int],
        stretch: float = 0.0,
    ) -> "Placement":
        """Place two arrays that cover the same scene, from their shapes alone.

        Args:
            grid: ``centre`` when pixel areas are aligned, ``kspace`` when target sample j lies at
                guide index j * ratio, as a crop of k-space leaves it.
            target_shape: (h, w).
            guide_shape: (H, W).
            stretch: By how much, as a share, proportions may differ beyond rounding.

        Raises:
            PairError: A shape is empty, the guide is smaller, the ratio is impossible, or (for
                ``centre``) the proportions of the two differ.
        """
        if min(*target_shape, *guide_shape) < 1:
            raise PairError(f"empty picture: {_sizes(target_shape, guide_shape)}")
        rows, columns = (
            small / large for small, large in zip(target_shape, guide_shape, strict=True)
        )
        if grid == "kspace":  # k-space is often cropped along one direction only
            return cls((rows, columns), (0.0, 0.0))
        placed = cls((rows, columns), (0.5 * rows - 0.5, 0.5 * columns - 0.5))
        # A size that was rounded to whole pixels is off by up to one target pixel.
        most = max(1 / min(target_shape) + 1e-6, stretch)
        if abs(rows / columns - 1) > most:
            turned = (target_shape[1] / guide_shape[0]) / (target_shape[0] / guide_shape[1])
            remedy = "crop them to the same scene"
            if abs(turned - 1) <= most:
                remedy = "turn one by 90 degrees if it lies on its side, or " + remedy
            raise PairError(
                f"{_sizes(target_shape, guide_shape)} have different proportions "
                f"(ratios {1 / columns:.4g} and {1 / rows:.4g}): {remedy}"
            )
        return placed

    @property
    def ratios(self) -> tuple[float, float]:
        """Guide pixels per target pixel along rows and columns."""
        return 1 / self.scale[0], 1 / self.scale[1]

    def of(self, window: Window) -> "Placement":
        """Return how a window of the guide lies on the target."""
        rows, columns = (
            part.start * scale + offset
            for part, scale, offset in zip(window, self.scale, self.offset, strict=True)
        )
        return Placement(self.scale, (rows, columns))

    @property
    def ratio(self) -> float:
        """The linear scale factor: the geometric mean of the two axes, so areas stay right."""
        return math.sqrt(self.ratios[0] * self.ratios[1])

    def drift(
        self,
        other: "Placement",
        guide_shape: tuple[int, int],
    ) -> float:
        """Return the largest distance between two placements over a guide, in target pixels."""
        return max(
            abs(
                self.offset[axis]
                - other.offset[axis]
                + end * (self.scale[axis] - other.scale[axis])
            )
            for axis in (0, 1)
            for end in (0, guide_shape[axis] - 1)
        )

    def grid(
        self, target_shape: tuple[int, int], guide_shape: tuple[int, int]
    ) -> Literal["centre", "kspace"] | None:
        """Return the named grid this placement is, or None when it is neither.

        Where the two coincide (ratio 1) the answer is ``centre``.
        """
        for name in ("centre", "kspace"):
            try:
                same = self.drift(Placement.from_grid(name, target_shape, guide_shape), guide_shape)
            except PairError:
                continue
            if same < _SAME:
                return name
        return None

    def snapped(self, target_shape: tuple[int, int], guide_shape: tuple[int, int]) -> "Placement":
        """Return the named grid's exact numbers where only a header's rounding differs."""
        name = self.grid(target_shape, guide_shape)
        return self if name is None else Placement.from_grid(name, target_shape, guide_shape)

    def covered(
        self, target_shape: tuple[int, int], guide_shape: tuple[int, int]
    ) -> Bool[np.ndarray, "H W"]:
        """Return which guide pixels have their centre inside the target's area."""
        rows, columns = self.covered_axes(target_shape, guide_shape)
        inside: np.ndarray = rows[:, None] & columns[None, :]
        return inside

    def covered_axes(
        self, target_shape: tuple[int, int], guide_shape: tuple[int, int]
    ) -> tuple[Bool[np.ndarray, " H"], Bool[np.ndarray, " W"]]:
        """Return which rows and which columns of the guide lie inside the target's area."""
        edge = 0.5 + _SAME
        rows, columns = (
            (np.arange(guide_shape[axis]) * self.scale[axis] + self.offset[axis]) for axis in (0, 1)
        )
        return (
            (rows > -edge) & (rows < target_shape[0] - 1 + edge),
            (columns > -edge) & (columns < target_shape[1] - 1 + edge),
        )

    def shared(
        self, target_shape: tuple[int, int], guide_shape: tuple[int, int], margin: int
    ) -> tuple[Window, Window] | None:
        """Return which part of the target, and of the guide, lies in the other or close to it.

        Args:
            target_shape: (h, w).
            guide_shape: (H, W).
            margin: Target pixels that count as close.

        Returns:
            None where the two do not overlap.
        """
        target, guide = list[slice](), list[slice]()
        for axis, inside in enumerate(self.covered_axes(target_shape, guide_shape)):
            places = np.flatnonzero(inside)
            if not len(places):
                return None
            first, last = int(places[0]), int(places[-1])
            reach = math.ceil(margin / self.scale[axis])
            guide.append(slice(max(0, first - reach), min(guide_shape[axis], last + 1 + reach)))
            low, high = (each * self.scale[axis] + self.offset[axis] for each in (first, last))
            start, stop = math.floor(low) - margin, math.ceil(high) + margin + 1
            target.append(slice(max(0, start), min(target_shape[axis], stop)))
        return (target[0], target[1]), (guide[0], guide[1])

    def shown(self, target_shape: tuple[int, int], guide_shape: tuple[int, int]) -> float:
        """Return which part of the target's area the guide's area covers, 0 to 1."""
        part = 1.0
        for axis in (0, 1):
            # In target pixels, from the outer edge of the first pixel to that of the last.
            first = self.offset[axis] - self.scale[axis] / 2
            last = first + guide_shape[axis] * self.scale[axis]
            shown = min(last, target_shape[axis] - 0.5) - max(first, -0.5)
            part *= min(max(shown / target_shape[axis], 0.0), 1.0)
        return part


def check_overlap(
    placement: Placement,
    target_shape: tuple[int, int],
    guide_shape: tuple[int, int],
    names: str,
) -> None:
    """Refuse a pair whose pictures do not show the same place.

    Args:
        placement: Where they lie.
        target_shape: (h, w).
        guide_shape: (H, W).
        names: The two files, for the message.

    Raises:
        PairError: No guide pixel lies on the target.
    """
    if not all(axis.any() for axis in placement.covered_axes(target_shape, guide_shape)):
        raise PairError(
            f"{names}: the two do not overlap (guide row 0, column 0 is target row "
            f"{placement.offset[0]:.6g}, column {placement.offset[1]:.6g} of "
            f"{picture_size(target_shape)} pixels): "
            "give files of the same place"
        )


def place_by_shape(
    target: tuple[int, int],
    guide: tuple[int, int],
    grid: Literal["centre", "kspace"],
    ratio: float | None,
    stretch: float = 0.0,
) -> Placement:
    """Relate two grids by their shapes, or by a ratio that the shapes bear out.

    A guide whose sides are no multiple of the ratio has less than one target pixel too much or too
    little; the grids are then aligned at their first pixel. ``stretch`` is that of
    :meth:`Placement.from_grid`.

    Raises:
        InputError: An image is empty.
        PairError: The shapes do not fit each other, or not the ratio.
    """
    if 0 in target or 0 in guide:
        raise InputError(f"{_sizes(target, guide)}: one is empty")
    if ratio is None or all(high == low * ratio for low, high in zip(target, guide, strict=True)):
        return Placement.from_grid(grid, target, guide, stretch)
    if not ratio >= 1 or any(
        abs(high - low * ratio) >= ratio for low, high in zip(target, guide, strict=True)
    ):
        raise PairError(
            f"ratio {ratio:g} does not fit {_sizes(target, guide)}: leave it out to take it from "
            f"the sizes ({guide[1] / target[1]:.3g} x {guide[0] / target[0]:.3g})"
        )
    if grid == "kspace":
        raise PairError(
            f"grid 'kspace' needs {_sizes(target, guide)} to cover the same field of view "
            "exactly; leave the ratio out"
        )
    offset = 0.5 / ratio - 0.5
    return Placement((1 / ratio, 1 / ratio), (offset, offset))


def place_scene(target: tuple[int, int], guide: tuple[int, int]) -> tuple[Placement, str]:
    """Relate satellite images of which nothing but the sizes says how they lie.

    A guide whose sides are no multiples of the target's is at a whole ratio from the first pixel
    on, where one is near: scenes are cut, not stretched.

    Returns:
        The placement, and in words what was assumed; nothing where sizes are multiples.

    Raises:
        InputError: An image is empty.
        PairError: The sizes do not fit each other.
    """
    ratio = whole_ratio(target, guide)
    placement = place_by_shape(target, guide, "centre", ratio)
    down, across = placement.ratios
    uneven = f"{picture_size(guide)} is no multiple of {picture_size(target)}"
    if ratio is not None and guide != tuple(side * ratio for side in target):
        return placement, f"{uneven}: taken for ratio {ratio} from the first pixel on"
    if not math.isclose(down, across):
        same = f"both are taken to show the same scene, at {across:.4g} x {down:.4g}"
        return placement, f"{uneven}: {same}"
    return placement, ""


def _sizes(target: tuple[int, int], guide: tuple[int, int]) -> str:
    return f"target of {picture_size(target)} and guide of {picture_size(guide)} pixels"


def whole_ratio(target: tuple[int, int], guide: tuple[int, int]) -> int | None:
    """Return the whole ratio of a guide that has less than one target pixel too much or too little.

    317 x 311 pixels over 80 x 78 are a guide at ratio 4 whose rest was cut, not one at 3.96 x 3.99.

    Returns:
        None where no whole number above 1 is so near.
    """
    if 0 in target or 0 in guide:
        return None
    ratio = round(math.sqrt(guide[0] * guide[1] / (target[0] * target[1])))
    near = all(abs(high - low * ratio) < ratio for low, high in zip(target, guide, strict=True))
    return ratio if near and ratio > 1 else None


def shows_all(
    placement: Placement, target: tuple[int, int], guide: tuple[int, int], most: float = 1e-3
) -> bool:
    """Return whether a guide's edges are those of the target.

    Args:
        placement: Where the guide lies on the target.
        target: Rows and columns.
        guide: Likewise.
        most: Target pixels by which they may differ.
    """
    placed = zip(placement.scale, placement.offset, strict=True)
    return all(
        abs(offset + (1 - scale) / 2) <= most and abs(high * scale - low) <= most
        for (scale, offset), (low, high) in zip(
            placed, zip(target, guide, strict=True), strict=True
        )
    )
