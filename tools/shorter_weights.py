"""A network with fewer blocks, begun from one that was trained.

    python tools/shorter_weights.py runs/start --of magnet-s --blocks 1 1 1 1

Of every level the blocks that stay are spread over those that were there, first and last first (of
an encoder's the first where one stays, of a decoder's the last); all else is as it was. The result
has to be trained (``initial_weights`` of a recipe), best with what it was made of as ``teacher``.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from gisr.errors import GisrError
from gisr.magnet import MAGNet
from gisr.weights.store import load_weights, save_weights


def shorter_network(network: MAGNet, blocks: Sequence[int]) -> MAGNet:
    """Return a network with fewer blocks.

    Args:
        network: Trained.
        blocks: Transformer blocks of each level, at most as many as there are.

    Raises:
        ValueError: Another number of levels, or more blocks than there are.
    """
    old = network.config
    if len(blocks) != len(old.blocks) or any(
        not 0 <= new <= was for new, was in zip(blocks, old.blocks, strict=True)
    ):
        raise ValueError(f"blocks {tuple(blocks)}: give up to {old.blocks}, one number a level")
    short = MAGNet(replace(old, blocks=tuple(blocks)))
    trained = network.state_dict()
    values = {name: trained[_source(name, old.blocks, blocks)] for name in short.state_dict()}
    short.load_state_dict(values)
    return short


def _source(name: str, old: Sequence[int], blocks: Sequence[int]) -> str:
    """Return the tensor that one of the shorter network begins as."""
    part, *rest = name.split(".")
    if part not in ("encoder", "decoder"):
        return name
    level, number = int(rest[0]), int(rest[1])
    last, was_last = blocks[level] - 1, old[level] - 1
    single = 0 if part == "encoder" else was_last
    was = round(number * was_last / last) if last else single
    return ".".join([part, str(level), str(was), *rest[2:]])


def main(words: Sequence[str] | None = None) -> int:
    """Write the weights. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--of", default="magnet-s", help="weights to begin from")
    parser.add_argument("--blocks", type=int, nargs="+", default=[1, 1, 1, 1], help="of each level")
    parser.add_argument("--name", default="magnet-xs")
    given = parser.parse_args(words)
    torch.manual_seed(1)
    try:
        weights = load_weights(given.of)
        network = shorter_network(weights.network, given.blocks)
        save_weights(given.out, network, weights.descriptions, name=given.name)
    except (GisrError, ValueError) as error:
        print(f"shorter_weights: {error}", file=sys.stderr)
        return 2
    count = sum(parameter.numel() for parameter in network.parameters())
    print(f"{given.out}: {count:,} parameters, to be trained")
    return 0


if __name__ == "__main__":
    sys.exit(main())
