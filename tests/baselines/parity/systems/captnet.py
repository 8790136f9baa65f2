import torch
from tests.baselines.parity.fill import uniform
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from tests.baselines.parity.systems.all_in_one import image
from torch import nn

from gisr.baselines.restoration import CAPTNet
from gisr.baselines.restoration.captnet import GatedChannelBlock, GatedConvolutionBlock


def left_out() -> nn.Module:
    """Return the prompts of the encoder and the middle, which the original never adds."""
    shapes = [(4, 32, 1)] + 28 * [(8, 32, 1)] + [(16, 32, 1)]
    return nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in shapes)


CAPTNET = ParitySystem(
    kind=CAPTNet,
    sheet="A",
    configurations={
        "7->4 adapted": Configuration(CAPTNet, left_out),
        "3->3 original": Configuration(lambda: CAPTNet(3, 3), left_out),
    },
    run=lambda network, entry: {"": network(image(entry))},
    blocks={
        "prompted transformer block, first decoder (256 channels, 4 heads), fill B, "
        "input rng3 (1, 256, 8, 12)": Block(
            build=lambda: GatedChannelBlock(256, 4, prompted=True),
            call=lambda block: block(uniform(3, 1, 256, 8, 12)),
        ),
        "unprompted transformer block, last encoder (256 channels, 8 heads), fill B, "
        "input rng3 (1, 256, 8, 12)": Block(
            build=lambda: GatedChannelBlock(256, 8),
            call=lambda block: block(uniform(3, 1, 256, 8, 12)),
        ),
        "CNN block 32 channels, fill B, input rng3 (1, 32, 16, 24)": Block(
            build=lambda: GatedConvolutionBlock(32),
            call=lambda block: block(uniform(3, 1, 32, 16, 24)),
        ),
    },
    small=lambda target, guide, ratio: CAPTNet(
        target + guide, target, width=8, blocks=(1, 1, 1, 2, 1)
    ),
    channels=((4, 3),),
    gradient_size=(16, 16),
    quick=("7->4 adapted | fill B", "prompted", "unprompted", "CNN block"),
)
