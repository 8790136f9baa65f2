"""How noisy a depth map is, and where nothing but that noise is in it.

Second differences along both axes keep the variance of white noise and vanish on planes; their
median over a map is that of its surfaces, of which edges are a small part.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy import ndimage

from gisr.estimation.noise import DETAIL

_SIDE = 5
"""Pixels along the square in which a plane is laid through values."""
_NORMAL = 1.4826
"""Standard deviation of normal values over the median of their sizes."""
_WITHIN, _BEYOND = 1.5, 2.5
"""Deviation from a plane, as a multiple of the noise, up to which there is nothing but noise, and
from which there is something. With 25 values, noise alone has 0.8 to 1.2."""
_BLOCK = 16
"""Pixels along a block that has a noise of its own: sensors' noise grows with distance."""
_FEWEST = 64
"""Pixels of a block from which its noise is seen; of others it is that of the whole map."""


def depth_noise(
    values: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> Float64[np.ndarray, "h w"]:
    """Return the standard deviation of a map's noise around its pixels, 0 where it is not seen.

    Args:
        values: Depth or disparity, in any unit, finite.
        valid: Which were measured: what fills holes is smooth.
    """
    whole = ndimage.binary_erosion(valid, np.ones((3, 3), bool))
    detail = np.abs(ndimage.convolve(values.astype(np.float64), DETAIL, mode="nearest"))
    overall = _median(detail, whole, 0.0)
    counts = [max(1, side // _BLOCK) for side in values.shape]
    medians = [
        [
            _median(each, inside, overall)
            for each, inside in zip(
                *(np.array_split(part, counts[1], 1) for part in row), strict=True
            )
        ]
        for row in zip(*(np.array_split(part, counts[0]) for part in (detail, whole)), strict=True)
    ]
    zoom = [side / count for side, count in zip(values.shape, counts, strict=True)]
    noise: Float64[np.ndarray, "h w"] = ndimage.zoom(
        np.array(medians), zoom, order=1, mode="nearest", grid_mode=True
    )
    return _NORMAL * noise


def within_noise(
    values: Float[np.ndarray, "h w"], noise: Float64[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Return where a map does not leave a plane by more than its noise: 1 there, 0 at edges.

    Args:
        values: Finite.
        noise: As :func:`depth_noise` returns it.
    """
    away = _from_plane(values)
    seen = np.divide(away, noise, out=np.full_like(away, _BEYOND), where=noise > 0)
    share = np.log(_BEYOND / np.maximum(seen, 1e-6)) / np.log(_BEYOND / _WITHIN)
    return np.asarray(np.clip(share, 0, 1), np.float32)


def _median(
    sizes: Float64[np.ndarray, "h w"], counted: Bool[np.ndarray, "h w"], otherwise: float
) -> float:
    return float(np.median(sizes[counted])) if counted.sum() >= _FEWEST else otherwise


def _from_plane(values: Float[np.ndarray, "h w"]) -> Float64[np.ndarray, "h w"]:
    """Return the standard deviation of the values around each pixel from a plane through them."""
    centred = values.astype(np.float64) - float(np.median(values))
    steps = np.tile(np.arange(_SIDE) - _SIDE // 2.0, (_SIDE, 1))
    variance = (
        ndimage.uniform_filter(centred**2, _SIDE) - ndimage.uniform_filter(centred, _SIDE) ** 2
    )
    for along in (steps, steps.T):
        slope = ndimage.correlate(centred, along / (along**2).sum(), mode="nearest")
        variance -= slope**2 * (along**2).mean()
    freedom = _SIDE**2 / (_SIDE**2 - 3)
    return np.asarray(np.sqrt(np.maximum(variance, 0) * freedom))
