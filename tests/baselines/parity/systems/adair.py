from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from tests.baselines.parity.systems.all_in_one import image
from torch import Tensor, nn

from gisr.baselines.restoration import AdaIR
from gisr.baselines.restoration.adair import FrequencyModule

LARGE = (
    "frequency module: dim 32, 4 heads, in_dim 7, image cat[rng1 (1,4,512,640), rng2 "
    "(1,3,512,640)], feature rng3 (1,32,512,640), fill "
)
SMALL = (
    "frequency module: as above, image 256x320, feature rng3 (1,32,64,80) (image resized bilinear "
    "without antialias; mask empty), fill B"
)


def left_out(channels: int) -> nn.Module:
    """Return the two convolutions of each frequency module that the original never uses."""
    return nn.ModuleList(
        nn.ModuleList([nn.Conv2d(channels, width, 3, bias=False), nn.Conv2d(2, 2, 7)])
        for width in (384, 192, 96)
    )


def frequencies(
    module: FrequencyModule, size: tuple[int, int], feature_size: tuple[int, int]
) -> Tensor:
    picture = image(Entry("7->4", "B", *size))
    return module(picture, uniform(3, 1, 32, *feature_size))


ADAIR = ParitySystem(
    kind=AdaIR,
    sheet="A",
    configurations={
        "7->4 adapted": Configuration(AdaIR, lambda: left_out(7), idle=("*.mine.threshold.*",)),
        "3->3 original": Configuration(
            lambda: AdaIR(3, 3), lambda: left_out(3), idle=("*.mine.threshold.*",)
        ),
    },
    run=lambda network, entry: {"": network(image(entry))},
    blocks={
        LARGE + "A": Block(
            build=lambda: FrequencyModule(32, 7),
            call=lambda module: frequencies(module, (512, 640), (512, 640)),
            fill="A",
        ),
        LARGE + "B": Block(
            build=lambda: FrequencyModule(32, 7),
            call=lambda module: frequencies(module, (512, 640), (512, 640)),
        ),
        SMALL: Block(
            build=lambda: FrequencyModule(32, 7),
            call=lambda module: frequencies(module, (256, 320), (64, 80)),
        ),
    },
    small=lambda target, guide, ratio: AdaIR(
        target + guide, target, width=8, blocks=(1, 1, 1, 1), refinements=1
    ),
    channels=((4, 3),),
    gradient_size=(16, 16),
    quick=("7->4 adapted | fill B", SMALL),
)
