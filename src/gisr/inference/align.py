"""Aligning a guide to its target before the network sees them.

A real panchromatic band is often off by one or two of its pixels (every Landsat-7 pair of the
project's data by exactly (-1, -1)), which costs a classical method 1 to 2.4 dB.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.degradations import gaussian_sigma
from gisr.data.pair import Pair
from gisr.data.resample import shift, weighted_taps
from gisr.tasks.sensors import find_sensor

Align = Literal["auto", "off"]
"""``auto`` estimates the shift of a panchromatic guide and undoes it; ``off`` trusts the grids."""

LARGEST_SHIFT = 8.0
"""Largest misregistration taken for real, in guide pixels. Known pairs are off by 1 to 2."""
SMALLEST_CORRELATION = 0.5
"""A shift is believed only where the shifted guide correlates at least so well with the target's
intensity: unrelated images have a best shift, too."""
_SUBPIXEL = 20
"""Shifts are estimated to 1/20 of a guide pixel: finer than they can be told from real pairs."""


@dataclass(frozen=True)
class Alignment:
    """What was found about the registration of a pair."""

    offset: tuple[float, float]
    """(dy, dx) in guide pixels: ``aligned[y, x] = guide[y + dy, x + dx]``."""
    applied: bool
    """False where no shift could be seen, or it was too large to be believed."""
    note: str
    """One sentence for people."""


def align_guide(pair: Pair) -> tuple[Pair, Alignment]:
    """Estimate the shift of a panchromatic guide and undo it.

    Other tasks are left as they are: MR contrasts and colour images come registered, and their
    contrast is too unlike the target's for this estimate.

    Returns:
        The pair with its guide shifted, and what was found.
    """
    if pair.task != "pansharpening":
        return pair, Alignment((0.0, 0.0), False, f"guides of task {pair.task} are not aligned")
    offset, before, after = _estimate(pair)
    shown = f"({offset[0]:+.2f}, {offset[1]:+.2f}) pixels (down, right)"
    if max(abs(value) for value in offset) > LARGEST_SHIFT:
        note = f"the guide seems off by {shown}: too much to be believed, left as it is"
        return pair, Alignment(offset, False, note)
    if offset == (0.0, 0.0) or after < SMALLEST_CORRELATION or after <= before:
        note = f"no shift of the guide can be seen (correlation with the target {before:.2f})"
        return pair, Alignment((0.0, 0.0), False, note)
    moved = replace(pair, guide=shift(pair.guide, offset))
    note = f"the guide was off by {shown}, corrected (correlation {before:.3f} to {after:.3f})"
    return moved, Alignment(offset, True, note)


def estimate_offset(pair: Pair) -> tuple[float, float]:
    """Estimate the shift of a guide from the pair itself, believable or not.

    Cross-correlation (Guizar-Sicairos et al., Optics Letters 33, 2008, in scikit-image) of the
    guide, low-passed as the target was, with the intensity predicted from the interpolated target.
    Plain correlation, not phase only: the target holds nothing but noise at most frequencies, and
    whitening would give these most of the vote.

    Returns:
        (dy, dx) in guide pixels: ``aligned[y, x] = guide[y + dy, x + dx]``; (0, 0) where target or
        guide has no contrast to see a shift by.
    """
    return _estimate(pair)[0]


def _estimate(pair: Pair) -> tuple[tuple[float, float], float, float]:
    """Return the shift, and the correlation of guide and target before and after it."""
    from skimage.registration import phase_cross_correlation

    guide = pair.guide.mean(axis=2)
    gain = find_sensor(pair.sensor).mtf_gain
    blur = [gaussian_sigma(1 / scale, gain) for scale in pair.placement.scale]
    smooth = ndimage.gaussian_filter(guide, blur)
    weights = intensity_weights(pair, guide_at_target(pair, guide))
    intensity = pair.on_guide_grid() @ weights[:-1]
    known = known_at_guide(pair)
    if is_flat(smooth[known], guide) or is_flat(intensity[known], guide):
        return (0.0, 0.0), 0.0, 0.0
    # A window, because the correlation is circular: image borders would vote for no shift.
    window = np.outer(np.hanning(guide.shape[0] + 2)[1:-1], np.hanning(guide.shape[1] + 2)[1:-1])
    images = [
        np.where(known, image - image[known].mean(), 0.0) * window for image in (intensity, smooth)
    ]
    registration = phase_cross_correlation(  # type: ignore[no-untyped-call]
        *images, upsample_factor=_SUBPIXEL, normalization=None
    )
    row, column = (-float(value) for value in registration[0])
    before, after = (
        float(np.corrcoef(intensity[known], moved[known])[0, 1])
        for moved in (smooth, shift(smooth, (row, column)))
    )
    return (row, column), before, after


def guide_at_target(pair: Pair, guide: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "h w"]:
    """Return a guide at the target's resolution and samples: Gaussian MTF, then decimation.

    As :func:`gisr.data.degradations.wald`, but for the target's own grid and size.
    """
    gain = find_sensor(pair.sensor).mtf_gain
    result = guide
    for axis in (0, 1):
        scale, offset = pair.placement.scale[axis], pair.placement.offset[axis]
        sigma = gaussian_sigma(1 / scale, gain)
        reach = int(np.ceil(3.5 * sigma))
        centres = (np.arange(pair.target.shape[axis]) - offset) / scale
        taps = np.floor(centres).astype(np.int64)[:, None] + np.arange(-reach, reach + 2)
        weights = np.exp(-0.5 * ((taps - centres[:, None]) / sigma) ** 2)
        result = weighted_taps(result, taps, weights, axis)
    return result


def intensity_weights(
    pair: Pair, low_guide: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "bands+1"]:
    """Return one weight a band and a constant: the least squares prediction of the guide."""
    known = known_at_target(pair)
    spectra = pair.target[known].astype(np.float64)
    design = np.column_stack([spectra, np.ones(len(spectra))])
    weights: NDArray[np.float64] = np.linalg.lstsq(design, low_guide[known], rcond=None)[0]
    return weights


def known_at_target(pair: Pair) -> Bool[np.ndarray, "h w"]:
    """Return which target pixels are known."""
    return np.ones(pair.target.shape[:2], dtype=np.bool_) if pair.valid is None else pair.valid


def known_at_guide(pair: Pair) -> Bool[np.ndarray, "H W"]:
    """Return which guide pixels have a known target pixel nearest to them."""
    known = known_at_target(pair)
    indices = []
    for axis in (0, 1):
        scale, offset = pair.placement.scale[axis], pair.placement.offset[axis]
        nearest = np.rint(np.arange(pair.guide.shape[axis]) * scale + offset)
        indices.append(np.clip(nearest, 0, known.shape[axis] - 1).astype(np.int64))
    return known[np.ix_(*indices)]


def is_flat(values: Float[np.ndarray, " pixels"], guide: Float[np.ndarray, "H W"]) -> bool:
    """Return whether values in the guide's units have no contrast: rounding leaves about 1e-7."""
    return bool(values.std(dtype=np.float64) <= 1e-6 * np.abs(guide).max())
