"""Whole numbers of a depth map that lost their upper bits, or whose bytes were exchanged."""

import numpy as np
from jaxtyping import Bool, Shaped

_NEAR = 16
"""A jump is one over the end of a type if it is within a sixteenth of its range from all of it."""
_LEAST, _GOING_ON = 50, 0.8
"""Such jumps that there must be, and their share beside which values go on as before: they run up
to the end of the type and on from its beginning. Contours of near things before far ones do not."""
_ROUGH, _SMOOTHER = 0.1, 0.3
"""Mean step from pixel to pixel, as a share of the standard deviation: that of the bytes as they
are at least, and that of exchanged ones as a share of it at most."""


def byte_doubts(stored: Shaped[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> str | None:
    """Say that values run over the end of their type, or are smooth with their bytes exchanged.

    Args:
        stored: As in the file, of any type.
        valid: What is taken for known.
    """
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2 or not valid.any():
        return None
    if stored.dtype.itemsize == 2 and _exchanged(stored, valid):
        return (
            "its values are smooth only with the two bytes of each exchanged: it seems written in "
            "the other byte order: exchange them (array.byteswap())"
        )
    if runs_over(stored, valid):
        limits = np.iinfo(stored.dtype)
        return (
            f"values run up to {limits.max} and go on at {limits.min}, as where larger ones were "
            f"cut to {limits.bits} bits (astype): save the depth in a wider type"
        )
    return None


def runs_over(stored: Shaped[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> bool:
    """Return whether slopes go on at the other end of the type where they reach its end."""
    limits = np.iinfo(stored.dtype)
    whole = int(limits.max) - int(limits.min)
    jumps = going_on = 0
    for values, known in ((stored, valid), (stored.T, valid.T)):
        if values.shape[1] < 4:
            continue
        steps = np.diff(values.astype(np.int32), axis=1)
        before, at, after = steps[:, :-2], steps[:, 1:-1], steps[:, 2:]
        counted = known[:, :-3] & known[:, 1:-2] & known[:, 2:-1] & known[:, 3:]
        over = counted & (np.abs(at) >= whole - whole // _NEAR)
        jumps += int(over.sum())
        other_way = (before * np.sign(at) <= 0) & (after * np.sign(at) <= 0) & (before + after != 0)
        going_on += int((over & other_way).sum())
    return jumps >= _LEAST and going_on >= _GOING_ON * jumps


def _exchanged(stored: Shaped[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> bool:
    as_they_are, exchanged = (_roughness(each, valid) for each in (stored, stored.byteswap()))
    return as_they_are >= _ROUGH and exchanged <= _SMOOTHER * as_they_are


def _roughness(values: Shaped[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]) -> float:
    """Return the mean step between neighbours as a share of the standard deviation."""
    wide, found = values.astype(np.float64), []
    for each, known in ((wide, valid), (wide.T, valid.T)):
        found.append(np.abs(np.diff(each, axis=1))[known[:, 1:] & known[:, :-1]])
    steps, spread = np.concatenate(found), float(wide[valid].std())
    return float(steps.mean()) / spread if steps.size and spread else 0.0
