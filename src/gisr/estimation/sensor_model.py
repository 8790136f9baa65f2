"""The sensor model of a satellite pair's target, estimated from the pair: blur and noise.

A sensor's tables and its products differ, and products are resampled. Blur is found as the MTF
under which the low-passed guide is best explained by the target's bands (the idea of Vivone et al.,
IEEE TIP 24, 2015: a pair's filter by regression), with nothing but fine detail counted, because
there MTFs differ. Images that were reduced on a computer often went through a bicubic kernel,
which no Gaussian comes near: it is tested too. Noise is what the finest detail of one band
shares with no other (as Roger and Arnold, IJRS 17, 1996), in the quietest blocks.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_target
from gisr.estimation.masks import known_at_target, saturated
from gisr.estimation.noise import DETAIL, QUIET, block_steps, blocks
from gisr.estimation.registration import guide_at_target
from gisr.threads import with_one_blas_thread

_LEAST_GAIN, _MOST_GAIN = 0.1, 0.9
"""Range of gains that are tried. Sensors have 0.15 to 0.4; an area average is like 0.6."""
_AGREEMENT = 0.5
"""Share of the guide's fine detail that the bands must explain for a gain to be accepted."""
_BETTER = 0.97
"""How much of what the best gain leaves unexplained a bicubic kernel may leave to be accepted: so
none of 3,807 targets is that went through none, and most are that did, noisy or hardly reduced ones
aside (benchmarks/bicubic_recognised.py)."""
_FINE = 1.0
"""Target pixels: standard deviation of the blur that fine detail is what is lost by."""
_BORDER = 4
"""Target pixels from anything unknown within which nothing counts."""
_OUTSIDE = 2.5
"""Target pixels from the guide's border within which the MTF would need more of it."""
_ALL = 0.99
"""Share of what a target pixel sees of the guide that must count."""
_FEWEST, _FEWEST_BY_BAND = 64, 8
"""Target pixels that must count for any estimate, in all and for each of its bands: as many
bands as pixels explain any guide."""

_BLOCKY = 2.0
"""Steps between blocks of 8 x 8 pixels, over those within them, from which JPEG is told. Of 68 real
scenes none is above 1.7; of 39 compressed with a quality of 20 all but two are above 2, with 75
three."""


@dataclass(frozen=True)
class TargetSigns:
    """What a target and its guide show of how far they can be trusted."""

    likeness: float = 0.0
    """Correlation of the fine detail of all bands together with that of the guide."""
    noise_share: float = 0.0
    """The noise as a share of the target's contrast, all bands together."""
    noise_in_detail: float = 0.0
    """The same as a share of the target's finest detail: near 1, it shows noise alone."""
    block_steps: float = 1.0
    """How much larger steps of the target between blocks of 8 x 8 pixels are than within them, and
    no such steps of the guide."""

    @property
    def blocky(self) -> bool:
        """Whether the target shows the blocks of strong JPEG compression."""
        return self.block_steps >= _BLOCKY


@dataclass(frozen=True, eq=False)
class SensorModel:
    """How a target was made of the truth: estimated, or from the sensor's table."""

    gains: tuple[float, float]
    """Least and largest response that the bands can have at the Nyquist frequency of their grid."""
    noise: Float[np.ndarray, " bands"]
    """Standard deviation of the target's noise by band, in its unit."""
    measured: bool
    """False where the pair is too small, or guide and target too unlike, to estimate the blur:
    the gains are then the tabled one."""
    bicubic: bool = False
    """Whether the target looks reduced by a bicubic kernel; the gains then count for nothing."""
    signs: TargetSigns = TargetSigns()
    """How far the pair can be trusted."""

    @property
    def reductions(self) -> tuple[float | None, ...]:
        """What the target's blur can be, from most to least: gains, or None, a bicubic kernel."""
        return (None,) if self.bicubic else tuple(dict.fromkeys(self.gains))

    def note(self, target: str) -> str:
        """Return one sentence for the user, with what the target is called."""
        if not self.measured:
            gain = f"{self.gains[0]:.2f}"
            return f"the blur of the {target} cannot be estimated: a gain of {gain} is assumed"
        if self.bicubic:
            return f"the {target} looks reduced by a bicubic kernel"
        least, most = self.gains
        rather = f", by its sensor up to {most:.2f}" if most > least else ""
        return (
            f"the blur of the {target} has a gain of {least:.2f} at the Nyquist frequency{rather}"
        )


def estimate_sensor_model(parts: Iterable[Pair], tabled: float, bands: int) -> SensorModel:
    """Estimate blur and noise of a target from parts of a pair whose guide is aligned.

    A measured gain above the tabled one replaces it. One below it may also mean that the truth
    would be less sharp than the guide, as interpolated products are, so both are kept.

    Args:
        parts: Windows with target and guide; medians over them count.
        tabled: The sensor's gain.
        bands: Of the target.
    """
    found = [each for each in map(_window_estimate, parts) if each is not None]
    noise = np.median([each.noise for each in found], axis=0) if found else np.zeros(bands)
    signs = TargetSigns()
    if found:
        signs = TargetSigns(*np.median([astuple(each.signs) for each in found], axis=0).tolist())
    agreeing = [each for each in found if each.unexplained <= 1 - _AGREEMENT]
    if not agreeing:
        return SensorModel((tabled, tabled), noise, False, signs=signs)
    measured = float(np.median([each.gain for each in agreeing]))
    bicubic = float(np.median([each.by_bicubic / each.unexplained for each in agreeing]))
    gains = measured, max(measured, tabled)
    return SensorModel(gains, noise, True, bicubic < _BETTER, signs)


@dataclass(frozen=True, eq=False)
class _WindowEstimate:
    """The estimates of one window."""

    gain: float
    unexplained: float
    """Share of the guide's fine detail that the bands do not explain under that gain, above 0."""
    by_bicubic: float
    """The same with a bicubic kernel."""
    noise: Float[np.ndarray, " bands"]
    signs: TargetSigns


@with_one_blas_thread
def _window_estimate(pair: Pair) -> _WindowEstimate | None:
    """Return the estimates of one window; None where little is known."""
    known = known_at_target(pair)
    if not known.any():
        return None
    target = fill_holes(pair.target, known).astype(np.float64)
    guide = pair.guide.mean(axis=2)
    counted = known & _inside(pair) & _shown(pair, guide)
    for band in range(target.shape[2]):
        counted &= ~saturated(target[..., band], known)
    counted = ndimage.binary_erosion(counted, iterations=_BORDER)
    if counted.sum() < max(_FEWEST, _FEWEST_BY_BAND * target.shape[2]):
        return None
    fine = _fine(target)[counted]
    if pair.guide_valid is not None:
        guide = fill_holes(guide, pair.guide_valid)

    def unexplained(reduced: Float[np.ndarray, "h w"]) -> float:
        wanted = _fine(reduced.astype(np.float64))[counted]
        weights = np.linalg.lstsq(fine, wanted, rcond=None)[0]
        spread = float(np.square(wanted).sum())
        return float(np.square(wanted - fine @ weights).sum()) / spread if spread > 0 else 1.0

    from scipy import optimize  # a quarter of a second to load, for satellite images alone

    found = optimize.minimize_scalar(
        lambda gain: unexplained(guide_at_target(pair, guide, gain)),
        bounds=(_LEAST_GAIN, _MOST_GAIN),
        method="bounded",
        options={"xatol": 0.01},
    )
    bicubic = unexplained(bicubic_to_target(guide, target.shape[:2], pair.placement))
    least = max(float(found.fun), float(np.finfo(np.float64).tiny))
    finest = ndimage.convolve(target, DETAIL[..., None], mode="nearest")
    noise = _noise(finest, counted)
    shown = guide_at_target(pair, guide, float(found.x))
    shares = _share(noise, target[counted]), _share(noise, finest[counted])
    signs = TargetSigns(_likeness(fine, _fine(shown)[counted]), *shares, block_steps(target, shown))
    return _WindowEstimate(float(found.x), least, bicubic, noise, signs)


def _likeness(
    fine: Float[np.ndarray, "pixels bands"], wanted: Float[np.ndarray, " pixels"]
) -> float:
    """Return how the sum of the bands correlates with the guide; 0 where one has no detail."""
    both = [each - each.mean() for each in (fine.sum(axis=1), wanted.astype(np.float64))]
    power = float(np.prod([np.square(each).sum() for each in both]))
    return float((both[0] * both[1]).sum() / np.sqrt(power)) if power > 0 else 0.0


def _share(noise: Float[np.ndarray, " bands"], pixels: Float[np.ndarray, "pixels bands"]) -> float:
    """Return noise as a share of what pixels vary, all bands together."""
    varied = float(pixels.var(axis=0).sum())
    return float(np.sqrt(np.square(noise).sum() / varied)) if varied > 0 else 0.0


def _inside(pair: Pair) -> Bool[np.ndarray, "h w"]:
    """Return the target pixels that lie far enough within the guide."""
    inside = []
    for axis in (0, 1):
        scale, offset = pair.placement.scale[axis], pair.placement.offset[axis]
        places, last = np.arange(pair.target.shape[axis]), pair.guide.shape[axis] - 1
        inside.append((places >= offset + _OUTSIDE) & (places <= last * scale + offset - _OUTSIDE))
    both: Bool[np.ndarray, "h w"] = inside[0][:, None] & inside[1][None, :]
    return both


def _shown(pair: Pair, guide: Float[np.ndarray, "H W"]) -> Bool[np.ndarray, "h w"]:
    """Return the target pixels of which the guide shows all, nothing of it saturated."""
    known = np.ones(guide.shape, bool) if pair.guide_valid is None else pair.guide_valid
    counted = known & ~saturated(guide, known)
    if counted.all():
        return np.ones(pair.target.shape[:2], dtype=bool)
    shown: Bool[np.ndarray, "h w"] = guide_at_target(pair, counted.astype(np.float32)) > _ALL
    return shown


def _fine(image: Float[np.ndarray, "h w *bands"]) -> Float[np.ndarray, "h w *bands"]:
    blur = (_FINE, _FINE, *(0.0 for _ in image.shape[2:]))
    detail: NDArray[np.float64] = image - ndimage.gaussian_filter(image, blur, mode="nearest")
    return detail


def _noise(
    detail: Float[np.ndarray, "h w bands"], counted: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, " bands"]:
    """Return the standard deviation of the bands' noise, by their finest detail."""
    whole = blocks(counted).all(axis=(1, 2))
    levels = []
    for band in range(detail.shape[2]):
        others, own = np.delete(detail, band, axis=2), detail[..., band]
        weights = np.linalg.lstsq(others[counted], own[counted], rcond=None)[0]
        alone = np.square(own - others @ weights)
        means = blocks(alone)[whole].mean(axis=(1, 2))
        level = np.percentile(means, QUIET) if whole.any() else alone[counted].mean()
        levels.append(float(np.sqrt(level)))
    return np.array(levels)
