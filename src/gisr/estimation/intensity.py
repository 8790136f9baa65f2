"""The intensity of a target: the least squares prediction of a panchromatic guide by its bands."""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from gisr.data.pair import Pair
from gisr.estimation.masks import known_at_target
from gisr.threads import with_one_blas_thread

_OUTLYING = 3.0
"""Deviations beyond which a pixel does not count in the fit."""


def fitted_intensity(
    bands: Float[np.ndarray, "H W bands"],
    guide: Float[np.ndarray, "H W"],
    known: Bool[np.ndarray, "H W"],
) -> Float[np.ndarray, "H W"] | None:
    """Return the least squares prediction of a guide by bands, without what does not fit.

    None where nothing is known, or the prediction has no contrast.
    """
    spectra, wanted = bands[known].astype(np.float64), guide[known].astype(np.float64)
    if len(spectra) <= spectra.shape[1]:
        return None
    weights = _weights(spectra, wanted)
    misfit = np.abs((wanted - wanted.mean()) - (spectra - spectra.mean(axis=0)) @ weights)
    fits = misfit <= _OUTLYING * 1.4826 * float(np.median(misfit)) + 1e-12
    weights = _weights(spectra[fits], wanted[fits])
    predicted: NDArray[np.float64] = bands @ weights
    return None if is_flat(predicted[known], guide) else predicted


def _weights(
    spectra: Float[np.ndarray, "pixels bands"], wanted: Float[np.ndarray, " pixels"]
) -> Float[np.ndarray, " bands"]:
    """Return the least squares weights of bands, a constant aside, by the normal equations.

    The squares of a million pixels' values are summed in float64 about their means: enough for a
    prediction, and ten times as fast as the decomposition of all pixels.
    """
    centred = spectra - spectra.mean(axis=0)
    sides = centred.T @ (wanted - wanted.mean())
    weights: NDArray[np.float64] = np.linalg.lstsq(centred.T @ centred, sides, rcond=None)[0]
    return weights


@with_one_blas_thread
def intensity_weights(
    pair: Pair, low_guide: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "bands+1"]:
    """Return one weight a band and a constant: the least squares prediction of the guide."""
    known = known_at_target(pair)
    spectra = pair.target[known].astype(np.float64)
    design = np.column_stack([spectra, np.ones(len(spectra))])
    weights: NDArray[np.float64] = np.linalg.lstsq(design, low_guide[known], rcond=None)[0]
    return weights


def is_flat(values: Float[np.ndarray, " pixels"], guide: Float[np.ndarray, "H W"]) -> bool:
    """Return whether values in the guide's units have no contrast: rounding leaves about 1e-7."""
    return bool(values.std(dtype=np.float64) <= 1e-6 * np.abs(guide).max())
