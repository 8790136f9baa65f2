from collections.abc import Callable

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from tests.baselines.parity.systems.all_in_one import image
from torch import Tensor, nn

from gisr.baselines.restoration import TransWeather
from gisr.baselines.restoration.transweather import (
    PyramidBlock,
    ReducedAttention,
    StridedEmbedding,
    TaskQueryAttention,
)


def left_out() -> nn.Module:
    """Return the last stage's embedding and the convolution that the original never uses."""
    return nn.ModuleList([StridedEmbedding(64, 512, 3, 2), nn.Conv2d(8, 3, 3)])


def block(channels: int, heads: int, reduction: int) -> nn.Module:
    return PyramidBlock(ReducedAttention(channels, heads, reduction), channels, rate=0)


def on_map(channels: int, height: int, width: int) -> Callable[[nn.Module], Tensor]:
    """Return the call of a block; its golden input and output are maps."""
    x = uniform(3, 1, channels, height, width).permute(0, 2, 3, 1)
    return lambda module: module(x).permute(0, 3, 1, 2)


TRANSWEATHER = ParitySystem(
    kind=TransWeather,
    sheet="A",
    configurations={
        "7->4 adapted": Configuration(TransWeather, left_out),
        "3->3 original": Configuration(lambda: TransWeather(3, 3), left_out),
    },
    run=lambda network, entry: {"": network(image(entry))},
    blocks={
        "task-query block (512 channels), fill B, input rng3 (1, 512, 5, 7)": Block(
            build=lambda: PyramidBlock(TaskQueryAttention(512, 8, 48), 512, expansion=4, rate=0),
            call=on_map(512, 5, 7),
        ),
        "encoder block stage 1 (64 channels), fill B, input rng3 (1, 64, 16, 24)": Block(
            build=lambda: block(64, 1, 4), call=on_map(64, 16, 24)
        ),
        "encoder block stage 3 (320 channels), fill B, input rng3 (1, 320, 4, 6)": Block(
            build=lambda: block(320, 4, 2), call=on_map(320, 4, 6)
        ),
    },
    small=lambda target, guide, ratio: TransWeather(
        target + guide, target, widths=(16, 16, 32, 32), tail_widths=(8, 8), queries=8
    ),
    channels=((4, 3),),
    gradient_size=(48, 48),
    quick=("7->4 adapted", "task-query block", "encoder block"),
)
