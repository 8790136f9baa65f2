"""Coarse bands sharpened by several finer ones, by regression over all pixels or around each."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gisr.baselines.classical.baseline import BaselineName, ClassicalBaseline, interpolated
from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_guide
from gisr.estimation.intensity import is_flat
from gisr.estimation.masks import known_at_target
from gisr.estimation.registration import guide_at_target
from gisr.inference.survey import sides_of
from gisr.tasks import TaskName
from gisr.tasks.multiband import MULTIBAND
from gisr.threads import with_one_blas_thread


@dataclass(frozen=True)
class Hypersharpening(ClassicalBaseline):
    """Hypersharpening of Selva, Aiazzi, Butera, Chiarantini and Baronti (IEEE JSTARS 8(6), 2015).

    Every coarse band gets a sharp band of its own: the combination of the fine bands, with a
    constant, that best predicts it at its resolution (least squares). The detail of that one, what
    the sensor's MTF would take of it, is added to the interpolated band. Unknown target pixels are
    left out of the regression.
    """

    tasks: ClassVar[tuple[TaskName, ...]] = (MULTIBAND.name,)

    @property
    def name(self) -> BaselineName:
        """Name in tables."""
        return "hypersharpening"

    @with_one_blas_thread
    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Return the target with the detail of the combined fine bands."""
        fine = pair.filled_guide
        low = guide_at_target(pair, fine)
        known = known_at_target(pair)
        spectra, wanted = (image[known].astype(np.float64) for image in (low, pair.target))
        spectra, wanted = spectra - spectra.mean(axis=0), wanted - wanted.mean(axis=0)
        spectra[:, [is_flat(spectra[:, c], fine[..., c]) for c in range(fine.shape[2])]] = 0
        weights = np.linalg.lstsq(spectra, wanted, rcond=None)[0]
        if not weights.any():
            return interpolated(pair)
        detail = fine - bicubic_to_guide(low, sides_of(fine), pair.placement)
        sharpened: NDArray[np.float64] = interpolated(pair) + detail @ weights
        return sharpened


@dataclass(frozen=True)
class LocalRegression(ClassicalBaseline):
    """What the network adds to: a regression around every pixel, of detail on detail.

    See :mod:`gisr.data.band_detail`.
    """

    tasks: ClassVar[tuple[TaskName, ...]] = (MULTIBAND.name,)

    @property
    def name(self) -> BaselineName:
        """Name in tables."""
        return "local-regression"

    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Return the interpolated target with the detail of the fine bands around every pixel."""
        return pair.on_guide_grid()
