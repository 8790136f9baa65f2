"""Which bands of a guide explain a target best, where a guide has more than can be used."""

import numpy as np
from jaxtyping import Float

from gisr.threads import with_one_blas_thread


@with_one_blas_thread
def best_channels(
    target: Float[np.ndarray, "pixels bands"],
    guide: Float[np.ndarray, "pixels channels"],
    count: int,
) -> tuple[int, ...]:
    """Return the channels from which the bands can be predicted best, in ascending order.

    One after the other is taken, always the one that leaves the least of the bands unexplained by
    least squares (forward selection); bands count alike, whatever their range.

    Args:
        target: Values of pixels, or their detail.
        guide: The same of the guide, at the target's resolution.
        count: Channels to choose, at most as many as there are.
    """
    wanted = _standardised(target)
    offered = _standardised(guide)
    chosen: list[int] = []
    while len(chosen) < count:
        left = [channel for channel in range(guide.shape[1]) if channel not in chosen]
        errors = [_unexplained(wanted, offered[:, [*chosen, channel]]) for channel in left]
        chosen.append(left[int(np.argmin(errors))])
    return tuple(sorted(chosen))


def _standardised(values: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
    centred = values.astype(np.float64) - values.mean(axis=0)
    deviation = centred.std(axis=0)
    result: Float[np.ndarray, "n c"] = centred / np.where(deviation > 0, deviation, 1.0)
    return result


def _unexplained(
    wanted: Float[np.ndarray, "n bands"], offered: Float[np.ndarray, "n chosen"]
) -> float:
    weights = np.linalg.lstsq(offered, wanted, rcond=None)[0]
    return float(np.square(wanted - offered @ weights).sum())
