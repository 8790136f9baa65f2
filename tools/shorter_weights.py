"""A network that is faster by one level, begun from one that was trained.

    python tools/shorter_weights.py runs/start --of magnet-s --blocks 2 2 2

The finest level is left out: the new network works at half the resolution of the old one, and its
first level is the old one's second. Of every level the blocks that stay are spread over those that
were there. What brings images to the first level is the product of both convolutions that did so,
the finest level's blocks between them left out; the head is new and adds nothing, so are the
encoders of the guidance and of the prompt, which see images. The result has to be trained
(``initial_weights`` of a recipe).
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gisr.errors import GisrError
from gisr.magnet import MAGNet, MAGNetConfig
from gisr.weights.store import load_weights, save_weights

_LEVELS = ("encoder", "decoder")
_BETWEEN = ("down", "up", "merge", "encoder_routing", "decoder_routing")
"""Modules with one part a level that is not made of blocks."""


def shorter_network(network: MAGNet, blocks: Sequence[int]) -> MAGNet:
    """Return a network without the finest level.

    Args:
        network: Trained, of three levels at least.
        blocks: Transformer blocks of each level that stays, at most as many as there are.

    Raises:
        ValueError: Another number of levels, or more blocks than there are.
    """
    old = network.config
    left = old.blocks[1:]
    if len(blocks) != len(left) or any(a > b for a, b in zip(blocks, left, strict=True)):
        raise ValueError(f"blocks {tuple(blocks)}: give up to {left}, one number a level")
    short = MAGNet(_shorter(old, blocks))
    values, trained = short.state_dict(), network.state_dict()
    for name, new in values.items():
        was = _source(name, old, blocks)
        if was is not None:
            values[name] = _fitted(trained[was], new)
    values["embed.weight"] = _composed(network, values["embed.weight"])
    short.load_state_dict(values)
    return short


def _shorter(old: MAGNetConfig, blocks: Sequence[int]) -> MAGNetConfig:
    return replace(
        old,
        unshuffle=2 * old.unshuffle,
        width=2 * old.width,
        blocks=tuple(blocks),
        heads=old.heads[1:],
    )


def _source(name: str, old: MAGNetConfig, blocks: Sequence[int]) -> str | None:
    """Return the tensor that one of the shorter network begins from; None for a new one."""
    part, *rest = name.split(".")
    if part in _BETWEEN:
        return ".".join([part, str(int(rest[0]) + 1), *rest[1:]])
    if part in _LEVELS:
        level, number = int(rest[0]), int(rest[1])
        last = blocks[level] - 1
        was = round(number * (old.blocks[level + 1] - 1) / last) if last else 0
        return ".".join([part, str(level + 1), str(was), *rest[2:]])
    text = ("dictionary", "fuse.bias", "text_scale", "text_shift")
    return name if name.startswith(tuple(f"prompt_generator.{each}" for each in text)) else None


def _fitted(was: Tensor, wanted: Tensor) -> Tensor:
    """Return old values; inputs beyond theirs, which the wider guidance has, stay new."""
    if was.shape == wanted.shape:
        return was.clone()
    known = wanted.shape[0] if wanted.ndim == 4 else 0  # a level's fusion: feature, then guidance
    result = wanted.clone()
    result[:, :known] = was[:, :known]
    return result


def _composed(network: MAGNet, like: Float[Tensor, "c n 3 3"]) -> Float[Tensor, "c n 3 3"]:
    """Return the one convolution of images that both first ones are together, by impulses."""
    kernels = torch.zeros_like(like)
    side = network.config.unshuffle
    with torch.inference_mode():
        for channel in range(like.shape[1]):
            impulse = torch.zeros(1, like.shape[1], 5, 5)
            impulse[0, channel, 2, 2] = 1
            fine = F.pixel_unshuffle(F.pixel_shuffle(impulse, 2 * side), side)
            seen = F.pixel_unshuffle(network.down[0](network.embed(fine)), 2)[0]
            # A kernel is its answer to an impulse, turned by half.
            kernels[:, channel] = seen[:, 1:4, 1:4].flip(1, 2)
    return kernels


def main(words: Sequence[str] | None = None) -> int:
    """Write the weights. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--of", default="magnet-s", help="weights to begin from")
    parser.add_argument("--descriptions", help="weights whose descriptions are taken")
    parser.add_argument("--blocks", type=int, nargs="+", default=[2, 2, 2], help="of each level")
    parser.add_argument("--name", default="magnet-xs")
    given = parser.parse_args(words)
    torch.manual_seed(1)
    try:
        weights = load_weights(given.of)
        network = shorter_network(weights.network, given.blocks)
        table = load_weights(given.descriptions or given.of).descriptions
        save_weights(given.out, network, table, name=given.name)
    except (GisrError, ValueError) as error:
        print(f"shorter_weights: {error}", file=sys.stderr)
        return 2
    count = sum(parameter.numel() for parameter in network.parameters())
    print(f"{given.out}: {count:,} parameters, to be trained")
    return 0


if __name__ == "__main__":
    sys.exit(main())
