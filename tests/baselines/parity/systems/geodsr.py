from collections.abc import Mapping

import torch.nn.functional as F
from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.depth import GeoDSR
from gisr.baselines.depth.geodsr import DepthwiseFeedForward, GeometricAggregator, SpatialAttention


def run(network: GeoDSR, entry: Entry) -> Mapping[str, Tensor]:
    ratio = int(entry.configuration[1:])
    target = uniform(1, 1, 1, entry.height // ratio, entry.width // ratio)
    enlarged = F.interpolate(target, scale_factor=ratio, mode="bicubic")
    sharpened = network(target, uniform(2, 1, 3, entry.height, entry.width), enlarged)
    return {
        "": sharpened,
        "network part only (output minus upsampled depth)": sharpened - enlarged,
    }


GEODSR = ParitySystem(
    kind=GeoDSR,
    sheet="B",
    configurations={
        ratio: Configuration(GeoDSR, params="all ratios") for ratio in ("x4", "x8", "x16")
    },
    run=run,
    blocks={
        "scale-modulated convolution unit (1x1, GELU, modulated 3x3, 1x1), scale value 0.25, "
        "fill BS, input rng3 (1,128,16,24)": Block(
            build=lambda: GeometricAggregator(128),
            call=lambda block: block(uniform(3, 1, 128, 16, 24), 0.25),
            fill="BS",
            not_free=("modulated.kernel",),
        ),
        "enhanced spatial attention, 32 inner channels, fill BS, input rng3 (1,128,16,24)": Block(
            build=lambda: SpatialAttention(128),
            call=lambda block: block(uniform(3, 1, 128, 16, 24)),
            fill="BS",
        ),
        "gated feed-forward, hidden 340, fill BS, input rng3 (1,128,16,24)": Block(
            build=lambda: DepthwiseFeedForward(128),
            call=lambda block: block(uniform(3, 1, 128, 16, 24)),
            fill="BS",
        ),
    },
    small=lambda target, guide, ratio: GeoDSR(target, guide, width=8, blocks=1),
    channels=((1, 3), (4, 1)),
    not_free=("*.modulated.kernel",),
    quick=("x4 | fill BS", "scale-modulated", "enhanced spatial", "gated feed-forward"),
    gradient_size=(60, 60),
)
