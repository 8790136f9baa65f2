from collections.abc import Mapping

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor, nn

from gisr.baselines.mri import MGDUN
from gisr.baselines.mri.mgdun import (
    ContrastCoupling,
    EnlargementOperator,
    ReductionOperator,
    UNetPrior,
)


def slope() -> nn.Module:
    """Return the activation that the original's U-Net builds and never uses."""
    return nn.PReLU()


def run(network: MGDUN, entry: Entry) -> Mapping[str, Tensor]:
    low = (entry.height // network.ratio, entry.width // network.ratio)
    channels = network.channels
    target = uniform(1, 1, channels, *low)
    return {"": network(target, uniform(2, 1, channels, entry.height, entry.width))}


MGDUN_SYSTEM = ParitySystem(
    kind=MGDUN,
    sheet="B",
    configurations={
        "V1 1ch x2": Configuration(lambda: MGDUN(1, 2)),
        "V3 1ch x2": Configuration(lambda: MGDUN(1, 2, prior="unet"), slope),
        "V1 1ch x4": Configuration(lambda: MGDUN(1, 4)),
        "V3 1ch x4": Configuration(lambda: MGDUN(1, 4, prior="unet"), slope),
        "V1 2ch x4": Configuration(lambda: MGDUN(2, 4)),
    },
    run=run,
    blocks={
        "INN coupling block (4 channels in, halves of 2), forward direction, fill B, "
        "input rng3 (1,4,32,48)": Block(
            build=lambda: ContrastCoupling(2, 64),
            call=lambda block: block(uniform(3, 1, 4, 32, 48)),
        ),
        "INN coupling block, reverse direction, fill B, same input": Block(
            build=lambda: ContrastCoupling(2, 64),
            call=lambda block: block.inverse(uniform(3, 1, 4, 32, 48)),
        ),
        "V3 U-Net denoiser, fill B, input rng3 (1,1,64,96)": Block(
            build=lambda: UNetPrior(1, 16),
            call=lambda block: block(uniform(3, 1, 1, 64, 96)),
        ),
        "down operator x2, fill B, input rng3 (1,1,64,96)": Block(
            build=lambda: ReductionOperator(1, 64, 2),
            call=lambda block: block(uniform(3, 1, 1, 64, 96)),
        ),
        "up operator x2, fill B, input rng3 (1,1,32,48)": Block(
            build=lambda: EnlargementOperator(1, 64, 2),
            call=lambda block: block(uniform(3, 1, 1, 32, 48)),
        ),
    },
    small=lambda target, guide, ratio: MGDUN(max(target, guide), ratio, width=8),
    channels=((1, 1), (2, 2), (4, 1)),
)
