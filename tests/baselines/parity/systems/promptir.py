from tests.baselines.parity.fill import uniform
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from tests.baselines.parity.systems.all_in_one import image
from torch import nn

from gisr.baselines.blocks.restormer import RestormerBlock
from gisr.baselines.restoration import PromptIR
from gisr.baselines.restoration.promptir import PromptGeneration


def left_out() -> nn.Module:
    """Return the reductions that the original builds and never uses."""
    pairs = ((64, 64), (128, 128), (320, 256), (112, 48), (224, 96), (448, 192))
    return nn.ModuleList(nn.Conv2d(i, o, 1, bias=False) for i, o in pairs)


PROMPTIR = ParitySystem(
    kind=PromptIR,
    sheet="A",
    configurations={
        "7->4 adapted": Configuration(PromptIR, left_out),
        "3->3 original": Configuration(lambda: PromptIR(3, 3), left_out),
    },
    run=lambda network, entry: {"": network(image(entry))},
    blocks={
        "prompt generator, dims (64,5,64,96), fill B, input rng3 (1,96,32,48)": Block(
            build=lambda: PromptGeneration(96, 64, 64),
            call=lambda block: block(uniform(3, 1, 96, 32, 48)),
        ),
        "transformer block 96 channels, 2 heads, fill B, input rng3 (1,96,16,24)": Block(
            build=lambda: RestormerBlock(96, 2),
            call=lambda block: block(uniform(3, 1, 96, 16, 24)),
        ),
    },
    small=lambda target, guide, ratio: PromptIR(
        target + guide,
        target,
        width=8,
        blocks=(1, 1, 1, 1),
        refinements=1,
        prompt_channels=(8, 8, 16),
        prompt_sizes=(8, 4, 2),
    ),
    channels=((4, 3),),
    gradient_size=(16, 16),
    quick=("7->4 adapted | fill B", "prompt generator", "transformer block"),
)
