from collections.abc import Mapping

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution, residual_blocks
from gisr.baselines.mri import McMRSR
from gisr.baselines.mri.aggregation import DualResidualAggregation
from gisr.baselines.mri.shifted_windows import ShiftedWindowBlock, ShiftedWindowExtractor

FEATURE = (1, 60, 16, 24)


def left_out_at_ratio_2() -> nn.Module:
    return nn.ModuleList([residual_blocks(60, 4), convolution(60, 60)])


def run(network: McMRSR, entry: Entry) -> Mapping[str, Tensor]:
    low = (entry.height // network.ratio, entry.width // network.ratio)
    target, reduced = (uniform(stream, 1, network.channels, *low) for stream in (1, 3))
    guide = uniform(2, 1, network.channels, entry.height, entry.width)
    return {"": network(target, guide, reduced)}


def by_pixel(block: ShiftedWindowBlock) -> Tensor:
    refined: Tensor = block(uniform(3, *FEATURE).permute(0, 2, 3, 1))
    return refined.permute(0, 3, 1, 2)


MCMRSR = ParitySystem(
    kind=McMRSR,
    sheet="B",
    configurations={
        "2ch x2": Configuration(lambda: McMRSR(2, 2), left_out_at_ratio_2),
        "2ch x4": Configuration(lambda: McMRSR(2, 4)),
        "1ch x4": Configuration(lambda: McMRSR(1, 4)),
    },
    run=run,
    blocks={
        "transformer feature extractor (4 groups + final norm, before the closing convolution "
        "and skip), fill BS, input rng3 (1,60,16,24)": Block(
            build=lambda: ShiftedWindowExtractor(60, 6, 4, 6, dropped=0.1),
            call=lambda block: block(uniform(3, *FEATURE)),
            fill="BS",
        ),
        "one window-attention block, unshifted, fill BS, input rng3 (1,60,16,24)": Block(
            build=lambda: ShiftedWindowBlock(60, 6, shifted=False), call=by_pixel, fill="BS"
        ),
        "one window-attention block, shifted by 4, fill BS, input rng3 (1,60,16,24)": Block(
            build=lambda: ShiftedWindowBlock(60, 6, shifted=True), call=by_pixel, fill="BS"
        ),
        "same-scale aggregation block, fill BS, inputs lr rng3 (1,60,16,24), "
        "ref rng4 (1,60,16,24)": Block(
            build=lambda: DualResidualAggregation(60, same_size=True),
            call=lambda block: block(uniform(3, *FEATURE), uniform(4, *FEATURE)),
            fill="BS",
        ),
    },
    small=lambda target, guide, ratio: McMRSR(
        max(target, guide), ratio, width=12, heads=2, groups=1, group_blocks=2, blocks=(1, 1, 1)
    ),
    channels=((1, 1), (2, 2), (4, 1)),
    quick=("2ch x4 | fill AS", "transformer", "one window", "same-scale"),
    gradient_size=(32, 32),
)
