"""Whether a pair can be scored by a benchmark; what cannot is refused before any system sees it."""

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.experiments.benchmark import Benchmark
from gisr.sizes import picture_size


def is_empty(pair: Pair) -> bool:
    """Whether a truth has one value a band wherever it is known, like a slice above the head."""
    if pair.truth is None:
        return False
    known = pair.truth.reshape(-1, pair.truth.shape[2])
    if pair.truth_valid is not None:
        known = known[pair.truth_valid.ravel()]
    return bool(known.size and (known.min(axis=0) == known.max(axis=0)).all())


def check_scorable(benchmark: Benchmark, pair: Pair) -> None:
    """Refuse a pair whose score would be none, or wrong.

    Raises:
        InputError: Its bits cannot hold its values, it is smaller than the border, or nothing of
            it is known inside the border.
    """
    if pair.truth is None:
        return
    _check_bits(pair)
    border, (rows, columns) = benchmark.border, pair.truth.shape[:2]
    if 2 * border >= min(rows, columns):
        raise InputError(
            f"{picture_size((rows, columns))} pixels are too few for {benchmark.name}, which cuts "
            f"{border} on every side: leave the pair out, or name others with --benchmarks"
        )
    inside = slice(border, rows - border), slice(border, columns - border)
    if pair.truth_valid is not None and not pair.truth_valid[inside].any():
        raise InputError(
            f"no pixel is known inside the border of {border} that {benchmark.name} cuts: leave "
            "the pair out, or name others with --benchmarks"
        )


def _check_bits(pair: Pair) -> None:
    """Refuse bits that cannot hold the values: scores would count from a wrong peak."""
    if pair.bits is None or pair.truth is None:
        return
    known = pair.truth if pair.truth_valid is None else pair.truth[pair.truth_valid]
    most, highest = 2**pair.bits - 1, float(known.max(initial=0))
    if highest > most:
        raise InputError(
            f"bits {pair.bits} hold values up to {most}, the truth has {highest:g}: state the "
            "sensor's bits, or leave them out"
        )
