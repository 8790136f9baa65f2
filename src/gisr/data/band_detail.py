"""The detail that fine bands give coarse ones, by regression in the neighbourhood of every pixel.

What a bicubic kernel is to other tasks, where nothing better is known before the network: a band is
mostly a combination of others of its sensor, and which one changes from field to field. The idea is
hypersharpening (Selva et al., IEEE JSTARS 8(6), 2015) with the local regression of the guided
filter (He, Sun, Tang, IEEE TPAMI 35(6), 2013), of detail on detail.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.degradations import mtf_reduced
from gisr.data.resample import bicubic_to_guide
from gisr.placement import Placement

_DETAIL = 0.5
"""Target pixels: standard deviation of the blur that detail is what is lost by."""
_AROUND = 1.5
"""Target pixels: standard deviation of the window of a regression."""
_TOWARDS_ALL = 0.1
"""Weight of the regression over all pixels beside that around a pixel, where little varies."""
_SMALLEST = 1e-6
"""Share of the mean variance that is added to each: bands may be alike, or constant."""


def guided_detail(
    target: Float[np.ndarray, "h w bands"],
    guide: Float[np.ndarray, "H W channels"],
    placement: Placement,
    gain: float,
    valid: Bool[np.ndarray, "h w"] | None = None,
) -> Float[np.ndarray, "H W bands"]:
    """Return what to add to interpolated bands: the guide's detail in the proportions found.

    Args:
        target: Coarse bands.
        guide: Fine bands, without holes.
        placement: Where the guide's samples lie on the target.
        gain: Response of the target's bands at the Nyquist frequency of their grid.
        valid: Known target pixels; all when None.
    """
    sides = guide.shape[0], guide.shape[1]
    counted = _shown(target.shape[:2], sides, placement)
    if valid is not None:  # what is not counted has no weight, and no value
        target, counted = np.where(valid[..., None], target, np.float32(0)), counted & valid
    if not counted.any():
        return np.zeros((*sides, target.shape[2]), np.float32)
    low = mtf_reduced(guide, target.shape[:2], placement, gain)
    share = counted[..., None].astype(np.float32)
    weights = _weights(_detail(low, share), _detail(target, share), share)
    fine = guide - bicubic_to_guide(low, sides, placement)
    found = np.zeros((*sides, target.shape[2]), np.float32)
    for channel in range(guide.shape[2]):
        found += fine[..., [channel]] * bicubic_to_guide(weights[channel], sides, placement)
    return found


def _weights(
    guide: Float[np.ndarray, "h w channels"],
    target: Float[np.ndarray, "h w bands"],
    share: Float[np.ndarray, "h w 1"],
) -> Float[np.ndarray, "channels h w bands"]:
    """Return what each channel counts in each band around every pixel: ridge regression."""
    channels, bands = guide.shape[2], target.shape[2]
    both = np.concatenate([guide, target], axis=2)
    products = np.stack(
        [_around(guide[..., [c]] * both * share, _AROUND) for c in range(channels)], axis=2
    )
    own, with_bands = products[..., :channels], products[..., channels:]
    all_own, all_with = own.mean(axis=(0, 1)), with_bands.mean(axis=(0, 1))
    least = _SMALLEST * max(float(np.trace(all_own)) / channels, np.finfo(np.float32).tiny)
    diagonal = least * np.eye(channels, dtype=np.float64)
    everywhere = np.linalg.solve(all_own + diagonal, all_with.astype(np.float64))
    drawn = _TOWARDS_ALL * (all_own + diagonal)
    found = np.linalg.solve(own + drawn + diagonal, with_bands + drawn @ everywhere)
    weights: NDArray[np.float32] = np.moveaxis(found, 2, 0).astype(np.float32)
    assert weights.shape == (channels, *guide.shape[:2], bands)
    return weights


def _detail(
    image: Float[np.ndarray, "h w c"], share: Float[np.ndarray, "h w 1"]
) -> Float[np.ndarray, "h w c"]:
    """Return an image less its surroundings, of which uncounted pixels are no part."""
    total = np.maximum(_around(share, _DETAIL), 1e-3)
    detail: NDArray[np.float32] = (image - _around(image * share, _DETAIL) / total) * share
    return detail


def _around(image: Float[np.ndarray, "h w c"], deviation: float) -> Float[np.ndarray, "h w c"]:
    blurred: NDArray[np.float32] = ndimage.gaussian_filter(
        image, (deviation, deviation, 0.0), mode="nearest", truncate=3.0
    )
    return blurred


def _shown(
    shape: tuple[int, ...], sides: tuple[int, int], placement: Placement
) -> Bool[np.ndarray, "h w"]:
    """Return the target pixels whose middle lies within the guide."""
    inside = []
    for axis in (0, 1):
        scale, offset = placement.scale[axis], placement.offset[axis]
        places, last = np.arange(shape[axis]), (sides[axis] - 0.5) * scale + offset
        inside.append((places > offset - 0.5 * scale) & (places < last))
    both: Bool[np.ndarray, "h w"] = inside[0][:, None] & inside[1][None, :]
    return both
