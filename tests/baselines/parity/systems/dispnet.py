from collections.abc import Mapping
from functools import partial

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.pansharpening import DISPNet

PUBLISHED = "4 bands, ratio 4, T=4 (original)"


def run(network: DISPNet, entry: Entry) -> Mapping[str, Tensor]:
    bands, ratio = int(entry.configuration[0]), network.ratio
    target = uniform(1, 1, bands, entry.height // ratio, entry.width // ratio)
    stages = network(target, uniform(2, 1, 1, entry.height, entry.width))
    last = stages[-1]
    return {
        "image": last.image,
        "image after stage 1": stages[0].image,
        "reflectance of MS, last stage": last.target.reflectance,
        "illumination of MS, last stage": last.target.illumination,
        "reflectance of PAN, last stage": last.guide.reflectance,
        "illumination of PAN, last stage": last.guide.illumination,
    }


DISPNET = ParitySystem(
    kind=DISPNet,
    sheet="A",
    configurations={
        PUBLISHED: Configuration(partial(DISPNet, 4, 4)),
        # The ratio changes no parameter.
        "4 bands, ratio 2, T=4 (generalised)": Configuration(
            partial(DISPNet, 4, 2), params=PUBLISHED
        ),
        "8 bands, ratio 4, T=4 (generalised)": Configuration(partial(DISPNet, 8, 4)),
        "1 bands, ratio 4, T=4 (generalised)": Configuration(partial(DISPNet, 1, 4)),
    },
    run=run,
    blocks={},
    small=lambda target, guide, ratio: DISPNet(target, ratio, width=6, stages=2),
    channels=((4, 1), (1, 3)),
    quick=(f"{PUBLISHED} | fill B",),
    gradient_size=(16, 24),
)
