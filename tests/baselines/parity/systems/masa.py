from collections.abc import Mapping
from functools import partial

import torch.nn.functional as F
from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.mri import MASA
from gisr.baselines.mri.aggregation import DualResidualAggregation, SpatialAdaptation


def run(network: MASA, entry: Entry) -> Mapping[str, Tensor]:
    channels, low = network.channels, (entry.height // 4, entry.width // 4)
    target, reduced = (uniform(stream, 1, channels, *low) for stream in (1, 3))
    output = network(target, uniform(2, 1, channels, entry.height, entry.width), reduced)
    detail = output - F.interpolate(target, scale_factor=4, mode="bicubic")
    return {"": output, "network part only (output minus bicubic upsampling)": detail}


MASA_SYSTEM = ParitySystem(
    kind=MASA,
    sheet="B",
    configurations={
        f"{channels}ch x4": Configuration(partial(MASA, channels, 4)) for channels in (1, 2, 3)
    },
    run=run,
    blocks={
        "spatial adaptation, fill BS, inputs lr rng3 (1,64,16,24), ref rng4 (1,64,16,24)": Block(
            build=lambda: SpatialAdaptation(64),
            call=lambda block: block(uniform(3, 1, 64, 16, 24), uniform(4, 1, 64, 16, 24)),
            fill="BS",
        ),
        "dual residual aggregation, fill BS, inputs lr rng3 (1,64,16,24), "
        "ref rng4 (1,64,32,48)": Block(
            build=lambda: DualResidualAggregation(64),
            call=lambda block: block(uniform(3, 1, 64, 16, 24), uniform(4, 1, 64, 32, 48)),
            fill="BS",
        ),
    },
    small=lambda target, guide, ratio: MASA(
        max(target, guide), ratio, width=8, encoder_blocks=1, entry_blocks=1, blocks=(1, 1, 1)
    ),
    channels=((1, 1), (2, 2), (4, 1)),
    quick=("1ch x4 | fill AS", "spatial", "dual"),
    gradient_size=(64, 64),
)
