"""Quality of a pansharpened pair at full resolution, where there is no truth."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_guide, bicubic_to_target
from gisr.errors import InputError
from gisr.estimation.masks import known_at_guide, known_at_target
from gisr.estimation.registration import guide_at_target
from gisr.metrics import d_lambda, d_lambda_k, d_s, hqnr, qnr
from gisr.tasks import find_task


@dataclass(frozen=True, eq=False)
class NoReferenceQuality:
    """The no-reference indices of one estimate, each computed on first use, and kept.

    Target and guide are taken as they are. A guide that is off by a pixel or two makes D_s measure
    the shift more than the estimate, and favours systems that kept the shift: pass the pair of
    :func:`gisr.estimation.registration.align_guide` to judge by the guide where it belongs.

    Raises:
        InputError: The pair is no pansharpening pair with one panchromatic channel, or the estimate
            is not on the guide's grid.
    """

    estimate: Float[np.ndarray, "H W bands"]
    """Sharpened target, in its units."""
    pair: Pair
    """What it was made from; a truth is not used, unknown target pixels are not counted."""

    def __post_init__(self) -> None:
        """Check that the indices are defined for the pair."""
        pair = self.pair
        if not find_task(pair.task).no_reference or pair.guide.shape[2] != 1:
            raise InputError(
                f"{pair.name or 'pair'}: no-reference indices are defined for pansharpening with "
                f"one panchromatic channel, not for {pair.task} with {pair.guide.shape[2]}"
            )
        expected = (*pair.guide.shape[:2], pair.target.shape[2])
        if self.estimate.shape != expected:
            raise InputError(
                f"{pair.name or 'pair'}: the estimate has shape {self.estimate.shape}, the guide's "
                f"grid and the target's bands make {expected}"
            )

    @cached_property
    def d_lambda(self) -> float:
        """Spectral distortion between bands, 0 is best."""
        return d_lambda(self.estimate, self._enlarged, valid=self._known)

    @cached_property
    def d_s(self) -> float:
        """Spatial distortion, 0 is best.

        The guide comes to the target's resolution by the bicubic reduction of MATLAB's
        ``imresize``, as in DLPan-Toolbox, and back by the interpolation of the target (there, a
        polynomial kernel of 23 taps for both).
        """
        guide, placement = self.pair.guide, self.pair.placement
        low = bicubic_to_target(guide, self.pair.target.shape[:2], placement)
        low = bicubic_to_guide(low, guide.shape[:2], placement)
        return d_s(self.estimate, guide, self._enlarged, low, valid=self._known)

    @cached_property
    def d_lambda_k(self) -> float:
        """Spectral distortion against the target itself, 0 is best.

        The sensor's MTF is one Gaussian for all bands (:mod:`gisr.tasks.sensors`).
        """
        reduced = guide_at_target(self.pair, self.estimate)
        known = known_at_target(self.pair) & self._under_guide
        # Unknown target pixels may hold anything, not a number among it.
        return d_lambda_k(reduced, self.pair.target, valid=known)

    @property
    def qnr(self) -> float:
        """Quality with no reference, 1 is best."""
        return qnr(self.d_lambda, self.d_s)

    @property
    def hqnr(self) -> float:
        """Hybrid quality with no reference, 1 is best."""
        return hqnr(self.d_lambda_k, self.d_s)

    @cached_property
    def _enlarged(self) -> Float[np.ndarray, "H W bands"]:
        return self.pair.on_guide_grid()

    @cached_property
    def _known(self) -> Bool[np.ndarray, "H W"]:
        shapes = self.pair.target.shape[:2], self.pair.guide.shape[:2]
        covered = self.pair.placement.covered(*shapes)
        known: Bool[np.ndarray, "H W"] = known_at_guide(self.pair) & covered
        return known

    @property
    def _under_guide(self) -> Bool[np.ndarray, "h w"]:
        """Which target pixels have their centre inside the guide's area."""
        placement, inside = self.pair.placement, []
        for axis in (0, 1):
            place = np.arange(self.pair.target.shape[axis]) - placement.offset[axis]
            place = place / placement.scale[axis]
            inside.append((place >= -0.5) & (place <= self.pair.guide.shape[axis] - 0.5))
        under: Bool[np.ndarray, "h w"] = np.logical_and.outer(*inside)
        return under
