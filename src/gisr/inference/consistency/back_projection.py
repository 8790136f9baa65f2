"""How a target is sampled from a result, and what to add to the result where that misses it.

D and the interpolation work on rows and columns apart, so both are small sparse matrices, and all
rounds happen on the target's grid.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage, sparse

from gisr.array_types import ImageArray
from gisr.data.degradations import mtf_samples
from gisr.data.resample import (
    area_to_target,
    bicubic_to_guide,
    bicubic_to_target,
    samples_at_target,
)
from gisr.estimation.depth_reduction import DepthReduction
from gisr.placement import Placement
from gisr.windows import Window, widened

_REACH = 2.5
"""Target pixels beyond which D does not look, whichever it is."""
_CONTRIBUTES = 1e-6
"""Smallest weight by which a result's pixel counts in a target's."""
_NOISE = 0.85
"""How much of the noise of a target its residual holds: the network takes over the rest of it."""
_AROUND = 4.0
"""Target pixels: standard deviation of the neighbourhood whose residual is compared with noise."""

Matrix = Float[np.ndarray, "to from"]
Kernel = float | DepthReduction | None
"""What D is: a Gaussian MTF by its gain, or a reduction by its name; None is bicubic."""
_REDUCE: dict[DepthReduction, Callable[[Matrix, tuple[int, int], Placement], Matrix]] = {
    "sampled": samples_at_target,
    "averaged": area_to_target,
    "bicubic": bicubic_to_target,
}

Samples = Float[np.ndarray, "h w bands"]


@dataclass(frozen=True, eq=False)
class Sampling:
    """How a window of the target is made from a window of the result, and brought back to it."""

    rows: sparse.csr_array
    """Target rows from result rows: D along the first axis."""
    columns: sparse.csr_array
    up_rows: sparse.csr_array
    """Result rows from target rows: bicubic interpolation."""
    up_columns: sparse.csr_array
    ratios: tuple[float, float]
    centres: tuple[Float[np.ndarray, " h"], Float[np.ndarray, " w"]]
    """Where target rows and columns lie, in result pixels of the window."""

    @classmethod
    @lru_cache(maxsize=8)  # most windows of a scene lie alike on their target
    def of(
        cls,
        target: tuple[int, ...],
        image: tuple[int, ...],
        placement: Placement,
        gain: Kernel,
    ) -> "Sampling":
        """Make the matrices of a window.

        Args:
            target: Shape of the target's part.
            image: Shape of the result's part.
            placement: How the one lies on the other.
            gain: Response of D, a Gaussian MTF, at the target's Nyquist frequency, or the name of
                another D; when None it is bicubic reduction.
        """
        centres = [
            (np.arange(target[axis]) - placement.offset[axis]) / placement.scale[axis]
            for axis in (0, 1)
        ]
        down = [_down(placement, axis, target[axis], image[axis], gain) for axis in (0, 1)]
        up = [_up(placement, axis, target[axis], image[axis]) for axis in (0, 1)]
        down_rows, down_columns, up_rows, up_columns = map(sparse.csr_array, (*down, *up))
        axes = (down_rows, down_columns, up_rows, up_columns)
        return cls(*axes, placement.ratios, (centres[0], centres[1]))

    def down(self, image: ImageArray) -> Samples:
        """Return D of a result."""
        return along_both(self.rows, self.columns, image)

    def up(self, samples: Samples) -> ImageArray:
        """Return samples interpolated to the guide's grid."""
        return along_both(self.up_rows, self.up_columns, samples)

    def around(self, core: Window, sides: tuple[int, int]) -> Window:
        """Return a part of the window with what D sees for the target pixels within it.

        Args:
            core: The part, in result pixels of the window.
            sides: Of the window.
        """
        rows, columns = (math.ceil(_REACH * ratio) + 1 for ratio in self.ratios)
        return widened(core, (rows, columns), sides)

    def part(self, window: Window) -> "Sampling":
        """Return the same for a part of the result; target pixels that see beyond it are wrong."""
        rows, columns = window
        return Sampling(
            self.rows[:, rows],
            self.columns[:, columns],
            self.up_rows[rows],
            self.up_columns[columns],
            self.ratios,
            self.centres,
        )

    def solve(self, missing: Samples, counted: Bool[np.ndarray, "h w"], rounds: int) -> Samples:
        """Return what to interpolate and add so that nothing is missing where it counts."""
        answer, left = np.zeros_like(missing), missing
        for _ in range(rounds):
            answer = answer + left
            seen = along_both(*self._there_and_back, answer)
            left = np.where(counted[..., None], missing - seen, np.float32(0))
        return answer

    @cached_property
    def _there_and_back(self) -> tuple[sparse.csr_array, sparse.csr_array]:
        """D of interpolated target rows, and columns."""
        return self.rows @ self.up_rows, self.columns @ self.up_columns

    def complete(
        self, known: Bool[np.ndarray, "H W"], ends: list[tuple[bool, bool]]
    ) -> Bool[np.ndarray, "h w"]:
        """Return which target pixels are made of known result pixels of the window alone.

        Args:
            known: Known result pixels.
            ends: By axis, whether the window begins and ends where the result does: there D takes
                what there is.
        """
        spoilt = np.zeros((self.rows.shape[0], self.columns.shape[0]), np.float32)
        if not known.all():
            unknown = (~known).astype(np.float32)[..., None]
            rows, columns = (
                (abs(matrix) > _CONTRIBUTES).astype(np.float32)
                for matrix in (self.rows, self.columns)
            )
            spoilt = along_both(rows, columns, unknown)[..., 0]
        inside = []
        for axis, place in enumerate(self.centres):
            reach = _REACH * self.ratios[axis]
            begin, end = ends[axis]
            first = -0.5 if begin else reach
            last = known.shape[axis] - (0.5 if end else 1 + reach)
            inside.append((place >= first) & (place <= last))
        whole: Bool[np.ndarray, "h w"] = (spoilt == 0) & inside[0][:, None] & inside[1][None, :]
        return whole

    def centred(self, part: Window) -> Bool[np.ndarray, "h w"]:
        """Return which target pixels have their centre in a part of the window."""
        inside = [
            (place >= span.start - 0.5) & (place < span.stop - 0.5)
            for place, span in zip(self.centres, part, strict=True)
        ]
        both: Bool[np.ndarray, "h w"] = inside[0][:, None] & inside[1][None, :]
        return both


_LARGE = 1e15
"""Residuals above this are squared in another unit: float32 would not hold the squares."""


def smaller(first: Samples, second: Samples) -> Samples:
    """Return of two residuals what both agree on: nothing where one is above 0 and one below."""
    nearer = np.where(np.abs(first) < np.abs(second), first, second)
    agreed: Samples = np.where(np.sign(first) * np.sign(second) > 0, nearer, np.float32(0))
    return agreed


def above_noise(
    missing: Samples, counted: Bool[np.ndarray, "h w"], noise: Float[np.ndarray, " bands"]
) -> Samples:
    """Shrink a residual to what noise does not explain, as a local Wiener filter does.

    Args:
        missing: 0 where it does not count.
        counted: Where it counts.
        noise: Standard deviation of the target's noise by band.
    """
    blur = {"sigma": (_AROUND, _AROUND, 0), "truncate": 3, "mode": "constant"}
    share = ndimage.gaussian_filter(counted[..., None].astype(np.float32), **blur)
    peak = np.abs(missing).max(initial=0)
    unit = np.float32(peak if peak > _LARGE else 1)
    power = ndimage.gaussian_filter(np.square(missing / unit), **blur) / np.maximum(share, 1e-6)
    expected = np.square(_NOISE * noise / unit)
    above = power > expected
    believed = np.where(above, 1 - expected / np.where(above, power, 1), 0)
    shrunk: Samples = (missing * believed).astype(np.float32)
    return shrunk


def _down(placement: Placement, axis: int, small: int, large: int, gain: Kernel) -> Matrix:
    """Return D along one axis: the Gaussian MTF of a gain, the bicubic reduction without one."""
    scale, offset = placement.scale[axis], placement.offset[axis]
    every = np.eye(large, dtype=np.float32)
    if gain is None or isinstance(gain, str):
        along = Placement((scale, 1.0), (offset, 0.0))
        return _REDUCE[gain or "bicubic"](every, (small, large), along)
    return mtf_samples(every, (np.arange(small) - offset) / scale, 1 / scale, gain, 0)


def _up(placement: Placement, axis: int, small: int, large: int) -> Matrix:
    """Return bicubic interpolation along one axis."""
    along = Placement((placement.scale[axis], 1.0), (placement.offset[axis], 0.0))
    return bicubic_to_guide(np.eye(small, dtype=np.float32), (large, small), along)


def along_both(rows: sparse.csr_array, columns: sparse.csr_array, image: ImageArray) -> ImageArray:
    """Apply one matrix down the rows of an image and one across its columns."""
    if rows.shape[0] > rows.shape[1]:  # the smaller image is the one that is turned
        return _along(rows, _across(columns, image))
    return _across(columns, _along(rows, image))


def _across(columns: sparse.csr_array, image: ImageArray) -> ImageArray:
    return np.ascontiguousarray(_along(columns, image.swapaxes(0, 1)).swapaxes(0, 1))


def _along(rows: sparse.csr_array, image: ImageArray) -> ImageArray:
    applied: ImageArray = rows @ image.reshape(len(image), -1)
    return applied.reshape(-1, *image.shape[1:])
