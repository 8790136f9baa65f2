from collections.abc import Mapping
from functools import partial

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor, nn

from gisr.baselines.pansharpening import AWFLN
from gisr.baselines.pansharpening.awfln import AdaptiveFeatureLearning


def left_out(bands: int) -> nn.Module:
    """Return the upsampler for ratio 2, which the original builds and never uses."""
    return nn.Sequential(nn.Conv2d(bands, 4 * bands, 3), nn.PReLU())


def configuration(bands: int) -> Configuration:
    return Configuration(partial(AWFLN, bands, 1, 4), partial(left_out, bands))


def run(network: AWFLN, entry: Entry) -> Mapping[str, Tensor]:
    bands, (height, width) = int(entry.configuration[0]), (entry.height, entry.width)
    enlarged = uniform(3, 1, bands, height, width)
    target = uniform(1, 1, bands, height // 4, width // 4)
    return {"": network(enlarged, target, uniform(2, 1, 1, height, width))}


AWFLN_SYSTEM = ParitySystem(
    kind=AWFLN,
    sheet="A",
    configurations={
        "4 bands (original file 4b)": configuration(4),
        "8 bands (original file 8b)": configuration(8),
    },
    run=run,
    blocks={
        "adaptive feature learning block (30 channels), fill B, input rng3 (1,30,20,28)": Block(
            build=lambda: AdaptiveFeatureLearning(30),
            call=lambda block: block(uniform(3, 1, 30, 20, 28)),
        ),
    },
    small=lambda target, guide, ratio: AWFLN(target, guide, ratio, width=6),
    channels=((4, 1), (1, 3)),
    gradient_size=(16, 24),
    on_meta=False,
)
