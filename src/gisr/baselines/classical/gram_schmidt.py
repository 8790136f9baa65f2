"""GSA, Gram-Schmidt adaptive: the classical pansharpening method to beat."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gisr.baselines.classical.baseline import BaselineName, ClassicalBaseline, interpolated
from gisr.data.pair import Pair
from gisr.data.resample import shift
from gisr.errors import InputError
from gisr.estimation.intensity import intensity_weights, is_flat
from gisr.estimation.masks import known_at_guide, known_at_target
from gisr.estimation.registration import (
    Align,
    align_guide,
    guide_at_target,
)
from gisr.tasks import TaskName
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.threads import with_one_blas_thread


@dataclass(frozen=True)
class GramSchmidtAdaptive(ClassicalBaseline):
    """GSA of Aiazzi, Baronti and Selva (IEEE TGRS 45(10), 2007).

    The intensity is the combination of bands that best predicts the guide at the target's
    resolution (least squares, with a constant). The guide, matched to the intensity in mean and
    standard deviation, replaces it; the difference goes into every band with gain
    cov(band, intensity) / var(intensity). Unknown target pixels are left out of every statistic.
    A guide or a target without any contrast has no detail to give, so the result is bicubic.
    """

    align: Align = "off"
    """``auto`` estimates a shift of the whole guide against the target and undoes it first."""
    guide_offset: tuple[float, float] | None = None
    """Known shift (dy, dx) in guide pixels: ``aligned[y, x] = guide[y + dy, x + dx]``."""
    matching: Literal["guide", "low-pass guide"] = "guide"
    """Which standard deviation is matched to the intensity's: that of the guide itself, or that of
    the guide at the target's resolution, which keeps all of its detail. The intensity is the
    regression of the latter, so this is close to matching the mean only (as DLPan-Toolbox does)."""
    tasks: ClassVar[tuple[TaskName, ...]] = (PANSHARPENING.name,)

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
            InputError: The guide has more than one channel, or the sensor is unknown.
        """
        if pair.guide.shape[2] != 1:
            raise InputError(
                f"baseline {self.name} needs a panchromatic guide of one channel, "
                f"not of {pair.guide.shape[2]}: pass one band"
            )
        if self.align == "auto":
            pair, _ = align_guide(pair)
        guide = pair.guide[:, :, 0]
        if self.guide_offset is not None:
            guide = shift(guide, self.guide_offset)
        return self._inject(pair, guide)

    @with_one_blas_thread
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
        if is_flat(reference, guide) or is_flat(intensity[known], guide):
            return bands
        centred = intensity - intensity[known].mean()
        matched = (guide - reference.mean()) * (centred[known].std() / reference.std())
        covariance = centred[known] @ (bands[known] - bands[known].mean(axis=0))
        gains = covariance / np.square(centred[known]).sum()
        sharpened: NDArray[np.float64] = bands + (matched - centred)[:, :, None] * gains
        return sharpened
