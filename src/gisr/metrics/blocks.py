"""Means and covariances of square blocks: all that the universal quality index and its kin need."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gisr.errors import InputError
from gisr.metrics.checks import Float64Image

BLOCK = 32
"""Side of a block in pixels, as in the published toolboxes; blocks do not overlap."""
ROUNDING = 1e-6
"""Share of its size by which a number may differ from another without being another: float32."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BlockMoments:
    """First and second moments of the channels of an image in each of its blocks."""

    mean: Numbers
    """(blocks, channels)."""
    covariance: Numbers
    """(blocks, channels, channels), sample covariance; exactly 0 for a constant channel."""

    @property
    def variance(self) -> Numbers:
        """Variances, (blocks, channels)."""
        return self.covariance.diagonal(axis1=1, axis2=2)

    def quality(self, first: Sequence[int], second: Sequence[int]) -> Numbers:
        """Return Wang and Bovik's universal quality index of channels, the mean over blocks.

        Each of its two factors, contrast with correlation and luminance, is 1 where it is 0 / 0:
        two constants have the index of their means, and of two zeros it is 1.

        Args:
            first: Channels.
            second: The channels they are compared with, one for one.

        Returns:
            One number from -1 to 1 for each of ``first``.
        """
        one, other = self.mean[:, first], self.mean[:, second]
        variance = self.variance
        contrast = ratio_or_one(
            2 * self.covariance[:, first, second], variance[:, first] + variance[:, second]
        )
        luminance = ratio_or_one(2 * one * other, one**2 + other**2)
        quality: Numbers = np.mean(contrast * luminance, axis=0)
        return quality


def block_moments(
    *images: Float64Image, counted: npt.NDArray[np.bool_], side: int = BLOCK
) -> BlockMoments:
    """Return the moments of all channels of images on one grid, block by block.

    Images whose sides are no multiple of the block are continued by reflection at the bottom and on
    the right (the edge pixel twice), as DLPan-Toolbox does for Q2n.

    Args:
        images: (H, W, channels) each; their channels in a row are the channels of the result.
        counted: (H, W); a block with a pixel that is not counted is left out.
        side: Side of a block.

    Raises:
        InputError: ``side`` is below 2, or no block is left.
    """
    if side < 2:
        raise InputError(f"blocks of side {side} have no variance: use 2 or more, usually {BLOCK}")
    height, width = counted.shape
    columns = _reflected(width, side)
    means, covariances = [], []
    # A row of blocks at a time, because a scene must not be held several times over.
    for rows in _reflected(height, side).reshape(-1, side):
        whole = _blocks(counted[rows][:, columns, None], side).all(axis=(1, 2))
        strip = [image[rows][:, columns] for image in images]
        values = _blocks(np.concatenate(strip, axis=2, dtype=np.float64), side)[whole]
        means.append(values.mean(axis=1))
        centred = values - means[-1][:, None]
        covariances.append(centred.transpose(0, 2, 1) @ centred / (side * side - 1))
    mean, covariance = np.concatenate(means), np.concatenate(covariances)
    if not len(mean):
        raise InputError(
            f"no block of {side} x {side} pixels is known everywhere: use smaller blocks"
        )
    return BlockMoments(mean, _without_rounding(mean, covariance))


def ratio_or_one(numerator: Numbers, denominator: Numbers) -> Numbers:
    """Divide; 1 where the denominator (never negative) is 0."""
    result = np.ones_like(numerator)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result


def _reflected(size: int, side: int) -> npt.NDArray[np.intp]:
    """Return indices that continue ``size`` samples by reflection to whole blocks."""
    return np.pad(np.arange(size), (0, -size % side), mode="symmetric")


def _blocks(strip: npt.NDArray[np.generic], side: int) -> npt.NDArray[np.generic]:
    """Cut (side, W, channels) into (blocks, pixels, channels)."""
    channels = strip.shape[2]
    blocks = strip.reshape(side, -1, side, channels).swapaxes(0, 1)
    return blocks.reshape(-1, side * side, channels)


def _without_rounding(mean: Numbers, covariance: Numbers) -> Numbers:
    """Make the covariances of channels exactly 0 whose variance is rounding and nothing else."""
    variance = covariance.diagonal(axis1=1, axis2=2)
    varies = variance > ROUNDING**2 * (mean**2 + variance)
    return covariance * (varies[:, :, None] & varies[:, None, :])
