"""Aligning a guide to its target before the network sees them.

A real panchromatic band is often off by one or two of its pixels (every Landsat-7 pair of the
project's data by exactly (-1, -1)), which costs a classical method 1 to 2.4 dB.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.degradations import gaussian_sigma, mtf_samples
from gisr.data.pair import Pair
from gisr.data.resample import shift
from gisr.tasks import find_task

Align = Literal["auto", "off"]
"""``auto`` estimates the shift of a panchromatic guide and undoes it; ``off`` trusts the grids."""

_LARGE = 1e15
"""Values above this are divided before they are squared in float32."""
LARGEST_SHIFT = 8.0
"""Largest misregistration taken for real, in guide pixels. Known pairs are off by 1 to 2."""
SMALLEST_CORRELATION = 0.5
"""A shift is accepted only where the shifted guide correlates at least so well with the target's
intensity: unrelated images have a best shift, too."""
_SUBPIXEL = 20
"""Shifts are estimated to 1/20 of a guide pixel: finer than real pairs determine them."""
_FITS = 3
"""Rounds of fitting the intensity and estimating what is left of the shift."""


@dataclass(frozen=True)
class Alignment:
    """What was found about the registration of a pair."""

    offset: tuple[float, float]
    """(dy, dx) in guide pixels: ``aligned[y, x] = guide[y + dy, x + dx]``."""
    applied: bool
    """False where no shift could be seen, or it was too large to be accepted."""
    note: str
    """One sentence for the user."""
    before: float = 0.0
    """Correlation of guide and target as they come."""
    after: float = 0.0
    """Their correlation with the guide shifted."""


@dataclass(frozen=True)
class _Estimate:
    """The shift seen in one part of a pair."""

    offset: tuple[float, float]
    before: float
    after: float

    @property
    def seen(self) -> bool:
        """Whether shifting by it helps, and the two then resemble each other at all."""
        return (
            self.offset != (0.0, 0.0)
            and self.after >= SMALLEST_CORRELATION
            and self.after > self.before
        )

    @property
    def small(self) -> bool:
        return max(map(abs, self.offset)) <= LARGEST_SHIFT


def align_guide(pair: Pair) -> tuple[Pair, Alignment]:
    """Estimate the shift of a panchromatic guide and undo it.

    Other tasks are left as they are: MR contrasts and colour images come registered, and their
    contrast is too unlike the target's for this estimate.

    Returns:
        The pair with its guide shifted, and what was found.
    """
    found = find_alignment([pair])
    return (replace(pair, guide=shift(pair.guide, found.offset)) if found.applied else pair), found


def find_alignment(parts: Iterable[Pair]) -> Alignment:
    """Estimate the one shift of a guide from parts of a pair, at least one.

    Each part gives its own estimate; the median of those that can be accepted counts, so that a
    part with clouds or the sea in it does no harm.
    """
    estimates: list[_Estimate] = []
    for part in parts:
        if find_task(part.task).registration != "correlation":
            return Alignment((0.0, 0.0), False, f"guides of task {part.task} are not aligned")
        estimates.append(_estimate(_squarable(part)))
    # A shift that is too large is reported only where nothing else was seen.
    small = [each for each in estimates if each.small]
    seen = [each for each in small if each.seen]
    if not small:
        first = max(estimates, key=lambda each: each.after)
        note = (
            f"the PAN image seems off by {_shown(first.offset)}: too far to be real, left as it is"
        )
        return Alignment(first.offset, False, note, first.before, first.after)
    if not seen:
        before = _median(each.before for each in small)
        note = f"no shift of the PAN image can be seen (correlation with the MS image {before:.2f})"
        return Alignment((0.0, 0.0), False, note, before, before)
    offset = _median(each.offset[0] for each in seen), _median(each.offset[1] for each in seen)
    before, after = _median(each.before for each in seen), _median(each.after for each in seen)
    note = (
        f"the PAN image was off by {_shown(offset)}, corrected "
        f"(correlation {before:.3f} to {after:.3f})"
    )
    return Alignment(offset, True, note, before, after)


def _median(values: Iterable[float]) -> float:
    return round(float(np.median(list(values))), 4)


def _shown(offset: tuple[float, float]) -> str:
    return f"({offset[0]:+.2f}, {offset[1]:+.2f}) pixels (down, right)"


def _estimate(pair: Pair) -> _Estimate:
    """Return the shift of one part, and the correlation of guide and target before and after it.

    Cross-correlation (Guizar-Sicairos et al., Optics Letters 33, 2008, in scikit-image) of the
    guide, low-passed as the target was, with the intensity predicted from the interpolated target.
    Plain correlation, not phase only: the target holds nothing but noise at most frequencies, and
    whitening would give these most of the vote. The prediction is fitted to a guide that is still
    off, so it is fitted again to the shifted guide, and the rest of the shift estimated. No shift
    where target or guide has no contrast to see one by.
    """
    guide = pair.guide.mean(axis=2)
    gain = pair.mtf_gain
    blur = [gaussian_sigma(1 / scale, gain) for scale in pair.placement.scale]
    smooth = ndimage.gaussian_filter(guide, blur)
    bands, known = pair.on_guide_grid(), known_at_guide(pair)
    offset, moved, before = (0.0, 0.0), guide, 0.0
    for _ in range(_FITS):
        weights = intensity_weights(pair, guide_at_target(pair, moved))
        intensity = bands @ weights[:-1]
        shifted = shift(smooth, offset)
        if is_flat(shifted[known], guide) or is_flat(intensity[known], guide):
            return _Estimate((0.0, 0.0), 0.0, 0.0)
        step = _correlation_peak(intensity, shifted, known)
        if offset == (0.0, 0.0):
            before = _correlation(intensity, smooth, known)
        total = offset[0] + step[0], offset[1] + step[1]
        offset = round(total[0] * _SUBPIXEL) / _SUBPIXEL, round(total[1] * _SUBPIXEL) / _SUBPIXEL
        if step == (0.0, 0.0) or max(map(abs, offset)) > LARGEST_SHIFT:
            break
        moved = shift(guide, offset)
    return _Estimate(offset, before, _correlation(intensity, shift(smooth, offset), known))


def _squarable(pair: Pair) -> Pair:
    """Return a pair of whose values float32 holds the squares; a shift does not depend on units."""
    target, guide = (
        image / np.float32(peak) if (peak := np.abs(image).max()) > _LARGE else image
        for image in (pair.target, pair.guide)
    )
    return (
        pair
        if target is pair.target and guide is pair.guide
        else replace(pair, target=target, guide=guide, bits=None)
    )


def _correlation_peak(
    intensity: Float[np.ndarray, "H W"],
    smooth: Float[np.ndarray, "H W"],
    known: Bool[np.ndarray, "H W"],
) -> tuple[float, float]:
    from skimage.registration import phase_cross_correlation

    # A window, because the correlation is circular: image borders would vote for no shift.
    rows, columns = (np.hanning(side + 2)[1:-1] for side in smooth.shape)
    window = np.outer(rows, columns)
    images = [
        np.where(known, image - image[known].mean(), 0.0) * window for image in (intensity, smooth)
    ]
    registration = phase_cross_correlation(  # type: ignore[no-untyped-call]
        *images, upsample_factor=_SUBPIXEL, normalization=None
    )
    return -float(registration[0][0]), -float(registration[0][1])


def _correlation(
    intensity: Float[np.ndarray, "H W"],
    smooth: Float[np.ndarray, "H W"],
    known: Bool[np.ndarray, "H W"],
) -> float:
    return float(np.corrcoef(intensity[known], smooth[known])[0, 1])


def guide_at_target(
    pair: Pair, guide: Float[np.ndarray, "H W *bands"], gain: float | None = None
) -> Float[np.ndarray, "h w *bands"]:
    """Return a guide at the target's resolution and samples: Gaussian MTF, then decimation.

    As :func:`gisr.data.degradations.wald`, but for the target's own grid and size. Serves any image
    on the guide's grid.

    Args:
        pair: Has the target's grid and sensor.
        guide: On the guide's grid.
        gain: Response at the target's Nyquist frequency; the sensor's when None.
    """
    gain = pair.mtf_gain if gain is None else gain
    result = guide
    for axis in (0, 1):
        scale, offset = pair.placement.scale[axis], pair.placement.offset[axis]
        centres = (np.arange(pair.target.shape[axis]) - offset) / scale
        result = mtf_samples(result, centres, 1 / scale, gain, axis)
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
