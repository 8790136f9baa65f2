from collections.abc import Mapping
from functools import partial

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.pansharpening import M3DNet
from gisr.baselines.pansharpening.m3dnet import CoarseSpatialAttention, DetailStep, ImageStep

STEP_INPUT = "HR rng1 (1,4,32,40), S rng2 (1,4,32,40), D rng3 (1,32,32,40)"


def run(network: M3DNet, entry: Entry) -> Mapping[str, Tensor]:
    bands = int(entry.configuration.split()[0])
    ratio = 2 if "ratio 2" in entry.configuration else 4
    target = uniform(1, 1, bands, entry.height // ratio, entry.width // ratio)
    return {"": network(target, uniform(2, 1, 1, entry.height, entry.width))}


def stepped(step: DetailStep | ImageStep) -> Tensor:
    image, enlarged = uniform(1, 1, 4, 32, 40), uniform(2, 1, 4, 32, 40)
    output: Tensor = step(image, enlarged, uniform(3, 1, 32, 32, 40))
    return output


M3DNET = ParitySystem(
    kind=M3DNet,
    sheet="A",
    configurations={
        "4 bands, 4 stages, 32 features (original script values)": Configuration(
            partial(M3DNet, 4)
        ),
        "8 bands": Configuration(partial(M3DNet, 8)),
        "10 bands, ratio 2": Configuration(partial(M3DNet, 10)),
    },
    run=run,
    blocks={
        f"D step of one stage, fill B: {STEP_INPUT}": Block(
            build=lambda: DetailStep(4, 32), call=stepped
        ),
        f"H step of one stage, fill B: {STEP_INPUT}": Block(
            build=lambda: ImageStep(4, 32), call=stepped
        ),
        "attention module alone, fill B, input rng3 (1,4,33,47)": Block(
            build=lambda: CoarseSpatialAttention(4),
            call=lambda block: block(uniform(3, 1, 4, 33, 47)),
        ),
    },
    small=lambda target, guide, ratio: M3DNet(target, width=6, stages=2),
    channels=((4, 1), (1, 3)),
    gradient_size=(16, 24),
)
