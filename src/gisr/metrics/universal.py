"""The universal quality index and its form for many bands, Q2n (Q4 for four, Q8 for eight).

Both compare an estimate with a reference in 32 x 32 blocks that do not overlap, as
DLPan-Toolbox does.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from gisr.metrics.blocks import BLOCK, ROUNDING, BlockMoments, Numbers, block_moments, ratio_or_one
from gisr.metrics.checks import Float64Image, compare


def uqi(
    estimate: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    border: int = 0,
    block: int = BLOCK,
    valid: npt.ArrayLike | None = None,
) -> float:
    """Universal quality index Q of Wang and Bovik (IEEE SPL 9(3), 2002), the mean over bands.

    ``4 cov(x, y) mean(x) mean(y) / ((var(x) + var(y)) (mean(x)^2 + mean(y)^2))`` in each block,
    averaged over blocks. See :meth:`gisr.metrics.blocks.BlockMoments.quality` for constant blocks.

    Args:
        estimate: (H, W) or (H, W, bands), in any unit; an offset changes the index, a scale not.
        truth: The same shape.
        border: Rows and columns cut on each side.
        block: Side of the blocks; images are continued by reflection to whole ones.
        valid: (H, W) bool; a block with a False pixel is left out.

    Returns:
        -1 to 1, 1 for equal images.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`; or no block is left.
    """
    pair = compare(estimate, truth, border=border, valid=valid)
    moments = block_moments(pair.truth, pair.estimate, counted=pair.counted, side=block)
    bands = pair.truth.shape[2]
    return float(np.mean(moments.quality(range(bands), range(bands, 2 * bands))))


def q2n(
    estimate: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    border: int = 0,
    block: int = BLOCK,
    normalise: bool = True,
    valid: npt.ArrayLike | None = None,
) -> float:
    """Hypercomplex quality index Q2n of Garzelli and Nencini (IEEE GRSL 6(4), 2009).

    The universal quality index of images whose pixels are hypercomplex numbers (Cayley and
    Dickson's algebra; quaternions for four bands), one component a band:
    ``|cov(x, y)| |mean(x)| |mean(y)|`` with ``cov = mean(x conj(y)) - mean(x) conj(mean(y))`` in
    the place of UQI's, averaged over blocks. Missing bands up to a power of two are zero.

    Args:
        estimate: (H, W) or (H, W, bands), in any unit.
        truth: The same shape.
        border: Rows and columns cut on each side.
        block: Side of the blocks; images are continued by reflection to whole ones.
        normalise: Bring each band of each block to mean 1 and standard deviation 1 of the truth
            first, both images by the same map, as DLPan-Toolbox does, so that numbers compare with
            those published from it. The index is then the same in any unit, but not the same when
            the images change places. A block in which a band of the truth is constant has the index
            0, unless the estimate is the same constant. Without, one band gives UQI's absolute
            values.
        valid: (H, W) bool; a block with a False pixel is left out.

    Returns:
        0 to 1, 1 for equal images. (Above eight bands the algebra allows a little more than 1.)

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`; or no block is left.
    """
    pair = compare(estimate, truth, border=border, valid=valid)
    images = (_to_power_of_two(pair.truth), _to_power_of_two(pair.estimate))
    moments = block_moments(*images, counted=pair.counted, side=block)
    if not normalise:
        return float(np.mean(_hypercomplex(moments)))
    spoilt = _constant_in_truth_only(moments)
    return float(np.mean(np.where(spoilt, 0.0, _hypercomplex(_normalised(moments)))))


def _to_power_of_two(image: Float64Image) -> Float64Image:
    """Append zero bands."""
    bands = image.shape[2]
    return np.pad(image, ((0, 0), (0, 0), (0, (1 << (bands - 1).bit_length()) - bands)))


def _normalised(moments: BlockMoments) -> BlockMoments:
    """Return the moments after the truth's bands were brought to mean 1 and deviation 1.

    A band that is the same constant in both images becomes 1 in both, zero bands among them.
    """
    bands = moments.mean.shape[1] // 2
    truth, estimate = moments.mean[:, :bands], moments.mean[:, bands:]
    deviation = np.sqrt(moments.variance[:, :bands])
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    mean = np.concatenate([np.ones_like(truth), 1.0 + (estimate - truth) * scale], axis=1)
    both = np.tile(scale, 2)
    return BlockMoments(mean, moments.covariance * both[:, :, None] * both[:, None, :])


def _constant_in_truth_only(moments: BlockMoments) -> npt.NDArray[np.bool_]:
    """Return in which blocks the truth has a constant band that is another one in the estimate.

    The limit of a vanishing deviation: no map brings such a band to deviation 1.
    """
    bands = moments.mean.shape[1] // 2
    truth, estimate = moments.mean[:, :bands], moments.mean[:, bands:]
    off = np.abs(estimate - truth) > ROUNDING * np.maximum(np.abs(estimate), np.abs(truth))
    constant = moments.variance[:, :bands] == 0
    spoilt = constant & (off | (moments.variance[:, bands:] > 0))
    blocks: npt.NDArray[np.bool_] = spoilt.any(axis=1)
    return blocks


def _hypercomplex(moments: BlockMoments) -> Numbers:
    """Return Q2n of each block; the channels are the truth's bands, then the estimate's."""
    bands = moments.mean.shape[1] // 2
    covariance = _modulus(moments.covariance[:, :bands, bands:])
    contrast = ratio_or_one(2 * covariance, moments.variance.sum(axis=1))
    truth, estimate = (
        np.sum(mean**2, axis=1) for mean in (moments.mean[:, :bands], moments.mean[:, bands:])
    )
    return contrast * ratio_or_one(2 * np.sqrt(truth * estimate), truth + estimate)


def _modulus(covariance: Numbers) -> Numbers:
    """Return |mean(x conj(y)) - mean(x) conj(mean(y))| from the real covariances of components.

    The product is bilinear, so the hypercomplex covariance is the sum over i and j of the real one
    times e_i conj(e_j), which is plus or minus e_(i xor j).
    """
    size = covariance.shape[1]
    units = np.arange(size)
    signs = _conjugate_products(size)
    squares = [np.square(covariance[:, units, units ^ k] @ signs[units, units ^ k]) for k in units]
    modulus: Numbers = np.sqrt(np.sum(squares, axis=0))
    return modulus


@cache
def _conjugate_products(size: int) -> Numbers:
    """Return signs with ``e_i conj(e_j) = signs[i, j] e_(i xor j)`` among ``size`` units.

    Cayley and Dickson double an algebra by ``(a, b)(c, d) = (a c - conj(d) b, d a + b conj(c))``.
    """
    products = np.ones((1, 1))
    while len(products) < size:
        conjugate = np.where(np.arange(len(products)) == 0, 1.0, -1.0)
        products = np.block(
            [[products, products.T], [products * conjugate, -products.T * conjugate]]
        )
    conjugate = np.where(np.arange(len(products)) == 0, 1.0, -1.0)
    signs: Numbers = products * conjugate
    return signs
