"""Full-reference metrics with the literature's definitions, one image at a time.

The literature averages per-image values over a test set, so every function takes one image and the
caller averages. Images are (H, W) or (H, W, bands) in any unit, the estimate first, the truth
second; everything is computed in float64. :mod:`gisr.metrics.definitions` states each definition
and its source.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gisr.errors import InputError
from gisr.metrics.checks import Float64Image, compare, positive

if TYPE_CHECKING:
    import torch

_GAUSSIAN_WINDOW = 11
_GAUSSIAN_SIGMA = 1.5
_UNIFORM_WINDOW = 7


def psnr(
    estimate: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    peak: float,
    border: int = 0,
    valid: npt.ArrayLike | None = None,
) -> float:
    """Peak signal-to-noise ratio in decibels, jointly over all bands.

    ``10 log10(peak^2 / MSE)`` with one mean squared error over all counted pixels and bands. Some
    pansharpening code averages per-band values instead; that is another number.

    Args:
        estimate: (H, W) or (H, W, bands).
        truth: The same shape.
        peak: The value of full signal in the images' unit: 2047 for 11 bits, the volume's maximum
            for MR. Never taken from the data here, because the literature does not agree on it.
        border: Rows and columns cut on each side.
        valid: (H, W) bool, False where the truth is unknown.

    Returns:
        Decibels; infinity when the images are equal.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`, or a peak that is not above zero.
    """
    error = rmse(estimate, truth, border=border, valid=valid)
    full = positive(peak, "peak")
    return math.inf if error == 0 else 20.0 * (math.log10(full) - math.log10(error))


def rmse(
    estimate: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    border: int = 0,
    valid: npt.ArrayLike | None = None,
) -> float:
    """Root of the mean squared error, jointly over all bands, in the images' unit.

    The depth literature (DKN and its followers) cuts ``border=6``, takes centimetres for NYU v2 and
    RGB-D-D and 8-bit levels for Middlebury and Lu, and averages per-image values.

    Args:
        estimate: (H, W) or (H, W, bands).
        truth: The same shape.
        border: Rows and columns cut on each side.
        valid: (H, W) bool, False where the truth is unknown.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`.
    """
    pair = compare(estimate, truth, border=border, valid=valid)
    difference = pair.estimate[pair.counted] - pair.truth[pair.counted]
    return math.sqrt(float(np.mean(np.square(difference))))


def sam(estimate: npt.ArrayLike, truth: npt.ArrayLike, *, border: int = 0) -> float:
    """Spectral angle mapper in degrees: the mean angle between the two spectra of a pixel.

    Pixels where either spectrum is zero have no angle and are dropped. Equal images give 1e-6
    degrees or less rather than exactly 0: the arc cosine of 1 minus one rounding error is that.

    Args:
        estimate: (H, W, bands), at least two bands.
        truth: The same shape.
        border: Rows and columns cut on each side.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`; fewer than two bands; or no
            pixel where both spectra are non-zero.
    """
    from torchmetrics.functional.image import spectral_angle_mapper

    pair = compare(estimate, truth, border=border)
    if pair.truth.shape[2] < 2:
        raise InputError("the spectral angle needs at least two bands: a single band has no angle")
    norms = np.linalg.norm(pair.estimate, axis=2) * np.linalg.norm(pair.truth, axis=2)
    has_angle = norms > 0
    if not has_angle.any():
        raise InputError(
            "the spectral angle is undefined: at every pixel one of the two spectra is zero"
        )
    # Only the kept pixels go in, as one row: torchmetrics gives NaN where a spectrum is zero.
    radians = spectral_angle_mapper(
        _batch(pair.estimate[has_angle][None]), _batch(pair.truth[has_angle][None])
    )
    return math.degrees(float(radians))


def ergas(estimate: npt.ArrayLike, truth: npt.ArrayLike, *, ratio: float, border: int = 0) -> float:
    """Relative dimensionless global error in synthesis (ERGAS): 0 is best.

    ``100 / ratio * sqrt(mean over bands of MSE_b / mean(truth_b)^2)`` (Wald, 2000).

    Args:
        estimate: (H, W) or (H, W, bands).
        truth: The same shape; its band means are the divisors.
        ratio: Linear scale factor between truth and target, 4 for 4 x 4 (Wald's h/l inverted).
        border: Rows and columns cut on each side.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`; a ratio below 1; or a band of the truth
            with mean zero.
    """
    from torchmetrics.functional.image import error_relative_global_dimensionless_synthesis

    pair = compare(estimate, truth, border=border)
    if not (math.isfinite(ratio) and ratio >= 1):
        raise InputError(
            f"ratio {ratio} is not a scale factor of 1 or more: pass 4 for 4 x 4, not 1/4"
        )
    means = pair.truth.mean(axis=(0, 1))
    if np.any(means == 0):
        band = int(np.flatnonzero(means == 0)[0])
        raise InputError(
            f"ERGAS divides by the mean of each band of the truth, and band {band} (from 0) has "
            "mean 0: leave that band out"
        )
    value = error_relative_global_dimensionless_synthesis(
        _batch(pair.estimate), _batch(pair.truth), ratio=ratio
    )
    return float(value)


def ssim_wang(estimate: npt.ArrayLike, truth: npt.ArrayLike, *, peak: float) -> float:
    """Structural similarity as Wang et al. (2004) define it, the mean over bands.

    Gaussian window 11 x 11 with sigma 1.5, population covariance, K = (0.01, 0.03), and the mean of
    those windows that lie inside the image: MATLAB's ``ssim_index``, BasicSR, most MR papers.

    Args:
        estimate: (H, W) or (H, W, bands), at least 11 x 11 pixels.
        truth: The same shape.
        peak: The value of full signal in the images' unit.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`; images under 11 x 11; or a peak that is
            not above zero.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    pair = compare(estimate, truth)
    _at_least(pair.truth, _GAUSSIAN_WINDOW)
    _, similarity = structural_similarity_index_measure(
        _batch(pair.estimate),
        _batch(pair.truth),
        sigma=_GAUSSIAN_SIGMA,
        data_range=positive(peak, "peak"),
        return_full_image=True,
    )
    # torchmetrics averages windows that hang over a mirrored border; the definition does not.
    edge = _GAUSSIAN_WINDOW // 2
    return float(similarity[..., edge:-edge, edge:-edge].mean())


def ssim_skimage7(estimate: npt.ArrayLike, truth: npt.ArrayLike, *, peak: float) -> float:
    """Structural similarity with scikit-image's defaults, the mean over bands.

    Uniform window 7 x 7, sample covariance: what fastMRI, MINet and SANet report. Usually a
    few hundredths above :func:`ssim_wang`, so the two must never share a column.

    Args:
        estimate: (H, W) or (H, W, bands), at least 7 x 7 pixels.
        truth: The same shape.
        peak: The value of full signal in the images' unit; those papers take the volume's maximum.

    Raises:
        InputError: See :func:`gisr.metrics.checks.compare`; images under 7 x 7; or a peak that is
            not above zero.
    """
    from skimage.metrics import structural_similarity

    pair = compare(estimate, truth)
    _at_least(pair.truth, _UNIFORM_WINDOW)
    similarity = structural_similarity(  # type: ignore[no-untyped-call]
        pair.estimate,
        pair.truth,
        win_size=_UNIFORM_WINDOW,
        data_range=positive(peak, "peak"),
        channel_axis=2,
    )
    return float(similarity)


def _at_least(image: Float64Image, window: int) -> None:
    height, width = image.shape[:2]
    if min(height, width) < window:
        raise InputError(
            f"the image has {height} x {width} pixels, SSIM's window {window} x {window}: "
            "compare larger images"
        )


def _batch(image: Float64Image) -> "torch.Tensor":
    """Return (H, W, bands) as a (1, bands, H, W) float64 tensor."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
