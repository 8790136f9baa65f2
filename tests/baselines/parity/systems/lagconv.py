from collections.abc import Mapping
from functools import partial

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.pansharpening import LAGConv
from gisr.baselines.pansharpening.lagconv import LocalAdaptiveConvolution


def run(network: LAGConv, entry: Entry) -> Mapping[str, Tensor]:
    bands, size = int(entry.configuration[0]), (entry.height, entry.width)
    return {"": network(uniform(2, 1, 1, *size), uniform(1, 1, bands, *size))}


LAGCONV = ParitySystem(
    kind=LAGConv,
    sheet="A",
    configurations={
        "4 bands (adapted)": Configuration(partial(LAGConv, 4)),
        "8 bands (original)": Configuration(partial(LAGConv, 8)),
    },
    run=run,
    blocks={
        "local adaptive convolution 32->32, fill B, input rng3 (1,32,20,28)": Block(
            build=lambda: LocalAdaptiveConvolution(32, 32),
            call=lambda block: block(uniform(3, 1, 32, 20, 28)),
        ),
    },
    small=lambda target, guide, ratio: LAGConv(target, guide, width=6, blocks=2),
    channels=((4, 1), (1, 3)),
    gradient_size=(16, 24),
)
