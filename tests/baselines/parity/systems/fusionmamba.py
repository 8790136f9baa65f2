from collections.abc import Mapping
from functools import partial

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.pansharpening import FusionMamba
from gisr.baselines.pansharpening.fusionmamba import BandAttention, StateSpaceResidual


def run(network: FusionMamba, entry: Entry) -> Mapping[str, Tensor]:
    bands = int(entry.configuration[0])
    ratio = 2 if "ratio 2" in entry.configuration else 4
    target = uniform(1, 1, bands, entry.height // ratio, entry.width // ratio)
    return {"": network(target, uniform(2, 1, 1, entry.height, entry.width))}


def refined(block: StateSpaceResidual) -> Tensor:
    """Run a block with two inputs, which takes tokens, on images."""
    inputs = (uniform(stream, 1, 32, 12, 20).permute(2, 3, 0, 1) for stream in (1, 2))
    output: Tensor = block(*inputs)
    return output.permute(2, 3, 0, 1)


def refined_alone(block: StateSpaceResidual) -> Tensor:
    output: Tensor = block(uniform(1, 1, 32, 12, 20).permute(2, 3, 0, 1))
    return output.permute(2, 3, 0, 1)


FUSIONMAMBA = ParitySystem(
    kind=FusionMamba,
    sheet="A",
    configurations={
        "4 bands, ratio 4, dim 32": Configuration(partial(FusionMamba, 4, 1, 4)),
        "8 bands, ratio 4, dim 32 (original)": Configuration(partial(FusionMamba, 8, 1, 4)),
        "4 bands, ratio 2, dim 32": Configuration(partial(FusionMamba, 4, 1, 2)),
    },
    run=run,
    blocks={
        "single-input block, 32 channels, 12x20, fill B": Block(
            build=lambda: StateSpaceResidual(32), call=refined_alone
        ),
        "two-input block, 32 channels, 12x20, fill B": Block(
            build=lambda: StateSpaceResidual(32, guided=True), call=refined
        ),
        "spectral attention, 4 bands, width 32, fill B, input rng1 (1,4,16,16)": Block(
            build=lambda: BandAttention(32), call=lambda block: block(uniform(1, 1, 4, 16, 16))
        ),
    },
    small=lambda target, guide, ratio: FusionMamba(target, guide, ratio, width=4),
    channels=((4, 1), (1, 3)),
    quick=("4 bands, ratio 4, dim 32 | fill B", "single", "two", "spectral"),
    gradient_size=(8, 12),
    target=(3, 5),
    on_meta=False,  # which takes its hundreds of small layers longer than memory does
)
