"""Average the weights of runs that came from the same start: often better than each of them.

    python tools/mean_weights.py runs/mean 0.6 runs/a/weights 0.4 runs/b/weights

Writes a folder that ``gisr upscale --model`` takes. Every tensor is the weighted mean of theirs
("model soups", Wortsman et al. 2022, arXiv:2203.05482); runs from unlike starts do not average.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from gisr.errors import GisrError, InputError
from gisr.weights.store import Weights, load_weights


def mean_weights(shares: Sequence[float], parts: Sequence[Weights]) -> Weights:
    """Return the mean of weights, in the network of the first.

    Args:
        shares: Of the parts; they add up to 1.
        parts: Of one configuration and one table of descriptions.

    Raises:
        InputError: Shares do not add up to 1, or parts are unlike.
    """
    if len(shares) != len(parts) or not math.isclose(sum(shares), 1.0, abs_tol=1e-6):
        raise InputError(f"shares {list(shares)}: expected {len(parts)} that add up to 1")
    first = parts[0]
    for part in parts[1:]:
        if part.network.config != first.network.config:
            raise InputError(f"{part.name}: another network than {first.name}: choose alike runs")
        if part.descriptions.encoder != first.descriptions.encoder:
            raise InputError(f"{part.name}: another text encoder than {first.name}: choose alike")
    states = [part.network.state_dict() for part in parts]
    mean = {
        key: sum(share * state[key].double() for share, state in zip(shares, states, strict=True))
        for key in states[0]
    }
    first.network.load_state_dict(mean)
    return first


def main(words: Sequence[str] | None = None) -> int:
    """Write the mean. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("parts", nargs="+", metavar="SHARE FOLDER", help="two words for each part")
    parser.add_argument("--bfloat16", action="store_true", help="as embedded weights are stored")
    given = parser.parse_args(words)
    dtype = torch.bfloat16 if given.bfloat16 else torch.float32
    try:
        shares = [_share(word) for word in given.parts[::2]]
        mean = mean_weights(shares, [load_weights(word) for word in given.parts[1::2]])
        mean.save(given.out, dtype=dtype)
    except GisrError as error:
        print(f"mean_weights: {error}", file=sys.stderr)
        return 2
    return 0


def _share(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InputError(f"{word}: expected a share, such as 0.5, before each folder") from None


if __name__ == "__main__":
    sys.exit(main())
