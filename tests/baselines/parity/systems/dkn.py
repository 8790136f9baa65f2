from collections.abc import Mapping
from typing import Literal

import torch.nn.functional as F
from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.depth import DKN, FDKN
from gisr.baselines.depth.dkn import FastKernelNetwork, KernelNetwork, grey


def run(network: DKN, entry: Entry) -> Mapping[str, Tensor]:
    size = entry.height, entry.width
    enlarged = uniform(1, 1, 1, *size)
    sharpened = network(enlarged, uniform(2, 1, 3, *size))
    return {"": sharpened, "network part only (output minus input depth)": sharpened - enlarged}


def heads(output: Literal[0, 1]) -> Block:
    """Return weights or offsets of every fourth pixel: the original's network sees no others."""
    return Block(
        build=lambda: KernelNetwork(1, 32),
        call=lambda network: network(uniform(3, 1, 1, 83, 99))[output][:, :, ::4, ::4],
        fill="A",
    )


DKN_SYSTEM = ParitySystem(
    kind=DKN,
    sheet="B",
    configurations={
        "DKN | align_corners=True": Configuration(DKN, params="DKN"),
        "DKN | align_corners=False": Configuration(lambda: DKN(corner_aligned=False), params="DKN"),
        "FDKN | align_corners=True": Configuration(FDKN, params="FDKN"),
        "FDKN | align_corners=False": Configuration(
            lambda: FDKN(corner_aligned=False), params="FDKN"
        ),
    },
    run=run,
    blocks={
        "DKN kernel network (depth branch), weight output, fill A, input rng3 (1,1,83,99)": heads(
            0
        ),
        "DKN kernel network (depth branch), offset output, fill A, input rng3 (1,1,83,99)": heads(
            1
        ),
        "FDKN space-to-depth of an RGB image rng3 (1,3,16,24): grey then 4x4 phases": Block(
            call=lambda _: F.pixel_unshuffle(grey(uniform(3, 1, 3, 16, 24)), 4)
        ),
        "FDKN kernel network (RGB branch), weight output, fill A, input rng3 (1,16,16,24)": Block(
            build=lambda: FastKernelNetwork(1, 32),
            call=lambda network: network(uniform(3, 1, 16, 16, 24))[0],
            fill="A",
        ),
    },
    small=lambda target, guide, ratio: DKN(target, guide, width=2),
    channels=((1, 3), (4, 1)),
    quick=("DKN | align_corners=True | fill B", "DKN kernel", "FDKN"),
    gradient_size=(16, 16),
    on_meta=False,
)
