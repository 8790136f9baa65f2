from collections.abc import Mapping
from functools import partial

import torch
import torch.nn.functional as F
from tests.baselines.parity.fill import normal, uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.pansharpening import DifPAN
from gisr.baselines.pansharpening.diffusion import cosine_schedule, noised
from gisr.baselines.pansharpening.difpan_denoiser import (
    PixelAttention,
    StepEmbedding,
    StyleModulation,
    WaveletModulation,
)

STEP = torch.tensor([123])
INDICES = {f"one DDIM step at respaced index {index}": index for index in (24, 12, 0)}
OTHER_SAMPLER = "of the sampler with 500 steps, which is not built: the paper samples with 25"


def run(network: DifPAN, entry: Entry) -> Mapping[str, Tensor]:
    """Denoise and take steps; sub-bands are drawn, not those of MS and PAN."""
    bands, size = int(entry.configuration[0]), (entry.height, entry.width)
    drawn = uniform(3, 1, bands + 3, entry.height // 2, entry.width // 2)
    wavelets = F.interpolate(drawn, size, mode="bilinear")
    condition = torch.cat([uniform(1, 1, bands, *size), uniform(2, 1, 1, *size), wavelets], dim=1)
    noisy, earlier = normal(4, 1, bands, *size), uniform(5, 1, bands, *size)
    if "PAN" in entry.configuration:
        return {
            "no self condition": network.denoiser(noisy, STEP, condition),
            "with self condition": network.denoiser(noisy, STEP, condition, earlier),
        }
    return {name: network.step(noisy, index, condition) for name, index in INDICES.items()}


def half_noised(_: object) -> Tensor:
    left = cosine_schedule(500)[250:251]
    return noised(uniform(1, 1, 4, 64, 64), normal(4, 1, 4, 64, 64), left)


DIFPAN = ParitySystem(
    kind=DifPAN,
    sheet="A",
    configurations={
        "4 bands, 1 PAN": Configuration(partial(DifPAN, 4)),
        "8 bands, 1 PAN": Configuration(partial(DifPAN, 8)),
        # The steps of sampling, told to the network as the original does.
        "4 bands": Configuration(partial(DifPAN, 4, counted_steps=True), params="4 bands, 1 PAN"),
    },
    run=run,
    blocks={
        "style modulation, encoder block 32->32 with 5 condition channels, fill B": Block(
            build=lambda: StyleModulation(32, 32, 5),
            call=lambda block: block(uniform(1, 1, 32, 12, 20), uniform(2, 1, 5, 12, 20)),
        ),
        "attention modulation, first decoder block 256->128 with 7 condition channels, "
        "fill B": Block(
            build=lambda: WaveletModulation(256, 128, 7),
            call=lambda block: block(uniform(1, 1, 256, 12, 20), uniform(2, 1, 7, 12, 20)),
        ),
        "self attention 128 channels, fill B, input rng1 (1,128,6,10)": Block(
            build=lambda: PixelAttention(128), call=lambda block: block(uniform(1, 1, 128, 6, 10))
        ),
        "time embedding of 123, fill B": Block(
            build=lambda: StepEmbedding(32), call=lambda block: block(STEP)
        ),
        "forward noising q(x_t|x_0)": Block(call=half_noised),
    },
    small=lambda target, guide, ratio: DifPAN(target, guide, width=8, units=1, steps=2),
    channels=((4, 1), (1, 3)),
    quick=(
        "4 bands, 1 PAN | fill B",
        *("style", "attention", "self", "time", "forward"),
    ),
    not_compared={"4 bands | fill B 64x64 | DDPM posterior mean with clipping": OTHER_SAMPLER},
    gradient_size=(16, 24),
)
