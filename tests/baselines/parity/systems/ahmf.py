from collections.abc import Mapping

import torch.nn.functional as F
from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.depth import AHMF
from gisr.baselines.depth.ahmf import ConvolutionalGRU, MultiModalFusion


def run(network: AHMF, entry: Entry) -> Mapping[str, Tensor]:
    ratio = int(entry.configuration[1:])
    target = uniform(1, 1, 1, entry.height // ratio, entry.width // ratio)
    enlarged = F.interpolate(target, scale_factor=ratio, mode="bicubic")
    sharpened = network(target, uniform(2, 1, 3, entry.height, entry.width), enlarged)
    return {
        "": sharpened,
        "network part only (output minus upsampled depth)": sharpened - enlarged,
    }


AHMF_SYSTEM = ParitySystem(
    kind=AHMF,
    sheet="B",
    configurations={
        "x4": Configuration(AHMF),
        "x8": Configuration(lambda: AHMF(ratio=8)),
        "x16": Configuration(lambda: AHMF(ratio=16)),
    },
    run=run,
    blocks={
        "multi-modal fusion block, fill B, inputs depth rng3 (1,64,16,24), guide rng4 "
        "(1,64,16,24)": Block(
            build=lambda: MultiModalFusion(64),
            call=lambda block: block(uniform(3, 1, 64, 16, 24), uniform(4, 1, 64, 16, 24)),
        ),
        "two-layer convolutional GRU, last step of the top layer, fill B, input rng3 "
        "(1,4,64,16,24) as a 4-step sequence": Block(
            build=lambda: ConvolutionalGRU(64),
            call=lambda block: block(uniform(3, 1, 4, 64, 16, 24).unbind(dim=1))[-1],
        ),
    },
    small=lambda target, guide, ratio: AHMF(target, guide, ratio, width=4),
    channels=((1, 3), (4, 1)),
    gradient_size=(32, 32),
)
