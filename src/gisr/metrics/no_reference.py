"""Quality of pansharpened images at full resolution, where there is no truth.

All of them compare how images relate to each other at two scales, so they need the images on the
right grids: *enlarged* is the target interpolated to the guide's grid, *low guide* the guide
low-passed to the target's resolution and interpolated back, *reduced* the estimate low-passed and
sampled at the target's pixels. :mod:`gisr.estimation.no_reference` makes these from a pair.

The block form of DLPan-Toolbox: UQI and Q2n in 32 x 32 blocks that do not overlap, p = q = 1.
"""

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt

from gisr.errors import InputError
from gisr.metrics.blocks import BLOCK, block_moments
from gisr.metrics.checks import compare
from gisr.metrics.universal import q2n


def d_lambda(
    estimate: npt.ArrayLike,
    enlarged: npt.ArrayLike,
    *,
    block: int = BLOCK,
    valid: npt.ArrayLike | None = None,
) -> float:
    """Spectral distortion D_lambda of Alparone et al. (PE&RS 74(2), 2008), p = 1: 0 is best.

    The mean over pairs of bands of ``|Q(estimate_i, estimate_j) - Q(enlarged_i, enlarged_j)|``.
    torchmetrics' ``spectral_distortion_index`` takes Q in windows of 11 x 11 with Gaussian weights
    that slide, and the target at its own size: another number.

    Args:
        estimate: (H, W, bands), at least two bands.
        enlarged: The target on the same grid, the same shape.
        block: Side of the blocks; images are continued by reflection to whole ones.
        valid: (H, W) bool; a block with a False pixel is left out.

    Returns:
        0 to 2, in practice well below 1.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`; fewer than two bands; or no block is
            left.
    """
    images = compare(estimate, enlarged, valid=valid)
    bands = images.estimate.shape[2]
    if bands < 2:
        raise InputError("D_lambda compares bands with each other and needs at least two")
    first, second = zip(*combinations(range(bands), 2), strict=True)
    high, low = (
        block_moments(image, counted=images.counted, side=block).quality(first, second)
        for image in (images.estimate, images.truth)
    )
    return float(np.mean(np.abs(high - low)))


def d_s(
    estimate: npt.ArrayLike,
    guide: npt.ArrayLike,
    enlarged: npt.ArrayLike,
    low_guide: npt.ArrayLike,
    *,
    block: int = BLOCK,
    valid: npt.ArrayLike | None = None,
) -> float:
    """Spatial distortion D_s of Alparone et al. (PE&RS 74(2), 2008), q = 1: 0 is best.

    The mean over bands of ``|Q(estimate_b, guide) - Q(enlarged_b, low_guide)|``. torchmetrics'
    ``spatial_distortion_index`` differs from it as its D_lambda does, and low-passes the guide with
    a 7 x 7 mean unless it is given.

    Args:
        estimate: (H, W) or (H, W, bands).
        guide: (H, W) or (H, W, 1), a panchromatic image.
        enlarged: The target on the same grid, the estimate's shape.
        low_guide: The guide at the target's resolution, on its own grid, (H, W) or (H, W, 1).
        block: Side of the blocks; images are continued by reflection to whole ones.
        valid: (H, W) bool; a block with a False pixel is left out.

    Returns:
        0 to 2, in practice well below 1.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`; a guide of several channels or another
            size; or no block is left.
    """
    images = compare(estimate, enlarged, valid=valid)
    guides = compare(np.atleast_3d(guide), np.atleast_3d(low_guide), valid=valid)
    if guides.estimate.shape != (*images.estimate.shape[:2], 1):
        raise InputError(
            f"guide has shape {np.shape(guide)} and the estimate {np.shape(estimate)}: D_s needs a "
            "guide of one channel on the estimate's grid"
        )
    bands = images.estimate.shape[2]
    high, low = (
        block_moments(*both, counted=images.counted, side=block).quality(
            range(bands), [bands] * bands
        )
        for both in ((images.estimate, guides.estimate), (images.truth, guides.truth))
    )
    return float(np.mean(np.abs(high - low)))


def d_lambda_k(
    reduced: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    block: int = BLOCK,
    valid: npt.ArrayLike | None = None,
) -> float:
    """Spectral distortion of Khan, Alparone and Chanussot (IEEE TGRS 47(11), 2009): 0 is best.

    ``1 - Q2n`` of the target and the estimate brought back to it, never below 0. The papers
    decimate the low-passed estimate, as here; DLPan-Toolbox leaves both at the guide's size and
    compares with the enlarged target.

    Args:
        reduced: (h, w, bands), the estimate low-passed by the sensor's MTF at the target's pixels.
        target: The same shape.
        block: Side of the blocks; images are continued by reflection to whole ones.
        valid: (h, w) bool; a block with a False pixel is left out.

    Returns:
        0 to 1.

    Raises:
        InputError: See :func:`gisr.metrics.q2n`.
    """
    # Rounding, or the algebra above eight bands, may leave Q2n a little above 1.
    return max(0.0, 1.0 - q2n(reduced, target, block=block, valid=valid))


def qnr(d_lambda: float, d_s: float) -> float:
    """Quality with no reference of Alparone et al. (2008): ``(1 - D_lambda)(1 - D_s)``, 1 is best.

    Raises:
        InputError: A distortion is not finite or outside 0 to 2.
    """
    return _joined(d_lambda, d_s)


def hqnr(d_lambda_k: float, d_s: float) -> float:
    """Hybrid QNR of Aiazzi et al. (SPIE 9244, 2014): ``(1 - D_lambda^K)(1 - D_s)``, 1 is best.

    Raises:
        InputError: A distortion is not finite or outside 0 to 2.
    """
    return _joined(d_lambda_k, d_s)


def _joined(spectral: float, spatial: float) -> float:
    for value in (spectral, spatial):
        if not (math.isfinite(value) and 0 <= value <= 2):
            raise InputError(f"{value} is no distortion: D_lambda and D_s lie between 0 and 2")
    return (1.0 - spectral) * (1.0 - spatial)
