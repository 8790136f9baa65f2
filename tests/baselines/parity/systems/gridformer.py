from collections.abc import Mapping

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from tests.baselines.parity.systems.all_in_one import image
from torch import Tensor

from gisr.baselines.restoration import GridFormer
from gisr.baselines.restoration.gridformer import ResidualDenseBlock


def run(network: GridFormer, entry: Entry) -> Mapping[str, Tensor]:
    full, half, quarter = network(image(entry))
    return {
        "full size (last of the list)": full,
        "half size": half,
        "quarter size (first of the list)": quarter,
    }


GRIDFORMER = ParitySystem(
    kind=GridFormer,
    sheet="A",
    configurations={
        "7->4 adapted (blocks 1,2,4)": Configuration(GridFormer),
        "3->3 original (yml: blocks 1,2,4)": Configuration(lambda: GridFormer(3, 3)),
        "3->3 class default (blocks 2,3,4)": Configuration(
            lambda: GridFormer(3, 3, blocks=(2, 3, 4))
        ),
    },
    run=run,
    blocks={
        "residual dense block of row 0 (48 channels), fill B, input rng3 (1, 48, 30, 34)": Block(
            build=lambda: ResidualDenseBlock(48, 1, 2, 4),
            call=lambda block: block(uniform(3, 1, 48, 30, 34)),
        ),
        "residual dense block of row 1 (96 channels), fill B, input rng3 (1, 96, 31, 17)": Block(
            build=lambda: ResidualDenseBlock(96, 2, 4, 2),
            call=lambda block: block(uniform(3, 1, 96, 31, 17)),
        ),
        "feature extractor row 1 (7->96), fill B, input rng3 (1, 7, 30, 33)": Block(
            build=lambda: GridFormer(width=48).extract[0],
            call=lambda block: block(uniform(3, 1, 7, 30, 33)),
        ),
    },
    small=lambda target, guide, ratio: GridFormer(
        target + guide, target, width=8, blocks=(1, 1, 1)
    ),
    channels=((4, 3),),
    gradient_size=(8, 8),
    quick=("7->4 adapted (blocks 1,2,4) | fill B", "residual dense", "feature extractor"),
)
