"""GSA, Gram-Schmidt adaptive: the classical pansharpening method to beat."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.baselines.classical.baseline import BaselineName, ClassicalBaseline, interpolated
from gisr.data.degradations import gaussian_sigma
from gisr.data.pair import Pair
from gisr.data.resample import shift, weighted_taps
from gisr.errors import InputError
from gisr.tasks.sensors import find_sensor
from gisr.tasks.task import TaskName

LARGEST_SHIFT = 8.0
"""Largest misregistration taken for real, in guide pixels. Known pairs are off by 1 to 2."""
_SUBPIXEL = 20
"""Shifts are estimated to 1/20 of a guide pixel: finer than they can be told from real pairs."""


@dataclass(frozen=True)
class GramSchmidtAdaptive(ClassicalBaseline):
    """GSA of Aiazzi, Baronti and Selva (IEEE TGRS 45(10), 2007).

    The intensity is the combination of bands that best predicts the guide at the target's
    resolution (least squares, with a constant). The guide, matched to the intensity in mean and
    standard deviation, replaces it; the difference goes into every band with gain
    cov(band, intensity) / var(intensity). Unknown target pixels are left out of every statistic.
    A guide or a target without any contrast has no detail to give, so the result is bicubic.
    """

    align: Literal["off", "auto"] = "off"
    """``auto`` estimates a shift of the whole guide against the target and undoes it first."""
    guide_offset: tuple[float, float] | None = None
    """Known shift (dy, dx) in guide pixels: ``aligned[y, x] = guide[y + dy, x + dx]``."""
    matching: Literal["guide", "low-pass guide"] = "guide"
    """Which standard deviation is matched to the intensity's: that of the guide itself, or that of
    the guide at the target's resolution, which keeps all of its detail. The intensity is the
    regression of the latter, so this is close to matching the mean only (as DLPan-Toolbox does)."""
    tasks: ClassVar[tuple[TaskName, ...]] = ("pansharpening",)

    def __post_init__(self) -> None:
        """Refuse a known and an estimated shift together."""
        if self.align == "auto" and self.guide_offset is not None:
            raise InputError("guide_offset is the shift to undo: leave align off")

    @property
    def name(self) -> BaselineName:
        """Name in tables."""
        return "gsa" if self.align == "off" and self.guide_offset is None else "gsa-aligned"

    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Return the target with the guide's detail.

        Raises:
            InputError: The guide has more than one channel, the sensor is unknown, or the estimated
                shift is larger than :data:`LARGEST_SHIFT`.
        """
        if pair.guide.shape[2] != 1:
            raise InputError(
                f"baseline {self.name} needs a panchromatic guide of one channel, "
                f"not of {pair.guide.shape[2]}: pass one band"
            )
        guide = pair.guide[:, :, 0]
        offset = estimate_offset(pair) if self.align == "auto" else self.guide_offset
        if offset is not None:
            guide = shift(guide, offset)
        return self._inject(pair, guide)

    def _inject(
        self, pair: Pair, guide: Float[np.ndarray, "H W"]
    ) -> Float[np.ndarray, "H W bands"]:
        bands = interpolated(pair).astype(np.float64)
        low_guide = guide_at_target(pair, guide)
        weights = intensity_weights(pair, low_guide)
        intensity = bands @ weights[:-1] + weights[-1]
        known = known_at_guide(pair)
        full_size = self.matching == "guide"
        reference = (guide[known] if full_size else low_guide[known_at_target(pair)]).astype(float)
        if _flat(reference, guide) or _flat(intensity[known], guide):
            return bands
        centred = intensity - intensity[known].mean()
        matched = (guide - reference.mean()) * (centred[known].std() / reference.std())
        covariance = centred[known] @ (bands[known] - bands[known].mean(axis=0))
        gains = covariance / np.square(centred[known]).sum()
        sharpened: NDArray[np.float64] = bands + (matched - centred)[:, :, None] * gains
        return sharpened


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


def estimate_offset(pair: Pair) -> tuple[float, float]:
    """Estimate the shift of a guide from the pair itself.

    Cross-correlation (Guizar-Sicairos et al., Optics Letters 33, 2008, in scikit-image) of the
    guide, low-passed as the target was, with the intensity predicted from the interpolated target.
    Plain correlation, not phase only: the target holds nothing but noise at most frequencies, and
    whitening would give these most of the vote.

    Returns:
        (dy, dx) in guide pixels: ``aligned[y, x] = guide[y + dy, x + dx]``.

    Raises:
        InputError: The estimate is larger than :data:`LARGEST_SHIFT`.
    """
    from skimage.registration import phase_cross_correlation

    guide = pair.guide[:, :, 0]
    gain = find_sensor(pair.sensor).mtf_gain
    blur = [gaussian_sigma(1 / scale, gain) for scale in pair.placement.scale]
    smooth = ndimage.gaussian_filter(guide, blur)
    weights = intensity_weights(pair, guide_at_target(pair, guide))
    intensity = interpolated(pair) @ weights[:-1]
    known = known_at_guide(pair)
    if _flat(smooth[known], guide) or _flat(intensity[known], guide):
        return 0.0, 0.0  # nothing to see a shift by
    # A window, because the correlation is circular: image borders would vote for no shift.
    window = np.outer(np.hanning(guide.shape[0] + 2)[1:-1], np.hanning(guide.shape[1] + 2)[1:-1])
    images = [
        np.where(known, image - image[known].mean(), 0.0) * window for image in (intensity, smooth)
    ]
    registration = phase_cross_correlation(  # type: ignore[no-untyped-call]
        *images, upsample_factor=_SUBPIXEL, normalization=None
    )
    dy, dx = (-float(value) for value in registration[0])
    if max(abs(dy), abs(dx)) > LARGEST_SHIFT:
        raise InputError(
            f"the guide seems shifted by ({dy:.1f}, {dx:.1f}) pixels, more than {LARGEST_SHIFT:g}: "
            "check the pair, or give the shift as guide_offset"
        )
    return dy, dx


def _flat(values: Float[np.ndarray, " pixels"], guide: Float[np.ndarray, "H W"]) -> bool:
    """Return whether values in the guide's units have no contrast: rounding leaves about 1e-7."""
    return bool(values.std(dtype=np.float64) <= 1e-6 * np.abs(guide).max())
