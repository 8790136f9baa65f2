"""Weights without MGRM or without MPGM, to be trained on: what a module earns, from the same start.

    python tools/without_module.py runs/no-mgrm MGRM
    gisr train magnet-s-open --initial_weights runs/no-mgrm --network.routing none --steps 1400 \
        --folder runs/no-mgrm-1400

All tensors that both networks have are kept; the shifts by which the prompt enters without MGRM
begin at zero. Trained on as the whole network is, a module earns at most the difference: the rest
had learnt to work with it.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import nn

from gisr.errors import GisrError
from gisr.magnet import MAGNet, MAGNetConfig
from gisr.weights.store import load_weights, save_weights

Module = Literal["MGRM", "MPGM"]


def without(network: MAGNet, module: Module) -> MAGNet:
    """Return a network without a module, with the tensors of the one it comes from."""
    left = MAGNet(_config(network.config, module))
    left.load_state_dict(network.state_dict(), strict=False)
    for parameter in left.prompt_shift.parameters():
        nn.init.zeros_(parameter)
    return left


def _config(config: MAGNetConfig, module: Module) -> MAGNetConfig:
    return (
        replace(config, routing="none")
        if module == "MGRM"
        else replace(config, prompt_module=False)
    )


def main(words: Sequence[str] | None = None) -> int:
    """Write the weights. Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("module", choices=get_args(Module))
    parser.add_argument("--of", default="magnet-s", help="weights to begin from")
    given = parser.parse_args(words)
    torch.manual_seed(1)
    try:
        weights = load_weights(given.of)
        network = without(weights.network, given.module)
        save_weights(given.out, network, weights.descriptions, name=weights.name)
    except GisrError as error:
        print(f"without_module: {error}", file=sys.stderr)
        return 2
    count = sum(parameter.numel() for parameter in network.parameters())
    print(f"{given.out}: {count:,} parameters, to be trained")
    return 0


if __name__ == "__main__":
    sys.exit(main())
