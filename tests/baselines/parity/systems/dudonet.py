from collections.abc import Mapping

import torch
from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor, nn

from gisr.baselines.mri import DuDoNet
from gisr.baselines.mri.deformable_alignment import DeformableAlignment
from gisr.baselines.mri.dudonet import magnitude, spectrum_parts
from gisr.baselines.mri.kspace import centre_mask

LEARNED_MASK = "mask learner: rescaled probability map (before the random threshold), sparsity 0.25"


def mask_learner() -> nn.Module:
    """Return what learns a mask, which super-resolution does not use."""
    return nn.ParameterList([torch.empty(128, 128)])


def mask_of(image: Tensor, ratio: int) -> Tensor:
    size = (image.shape[2], image.shape[3])
    return centre_mask(size, (size[0] // ratio, size[1] // ratio), image)


def zero_filled(image: Tensor, ratio: int) -> Tensor:
    return magnitude(spectrum_parts(image) * mask_of(image, ratio))


def run(network: DuDoNet, entry: Entry) -> Mapping[str, Tensor]:
    ratio = int(entry.configuration[-1])
    truth, guide = (uniform(stream, 1, 1, entry.height, entry.width) for stream in (1, 2))
    return {"": network(zero_filled(truth, ratio), guide, mask_of(truth, ratio))}


DUDONET = ParitySystem(
    kind=DuDoNet,
    sheet="B",
    configurations={
        f"given centre mask x{ratio}": Configuration(
            DuDoNet, mask_learner, params="with 128x128 mask learner"
        )
        for ratio in (2, 4, 8)
    },
    run=run,
    blocks={
        "deformable alignment, fill BS, inputs rng3 (1,32,64,96) and rng4 (1,32,64,96)": Block(
            build=lambda: DeformableAlignment(32),
            call=lambda block: block(uniform(3, 1, 32, 64, 96), uniform(4, 1, 32, 64, 96)),
            fill="BS",
        ),
        "zero-filled magnitude input of rng1 (1,1,64,64), centre mask x4": Block(
            call=lambda _: zero_filled(uniform(1, 1, 1, 64, 64), 4)
        ),
        "centred 2-channel FFT of rng1 (1,1,64,64): [real, imag]": Block(
            call=lambda _: spectrum_parts(uniform(1, 1, 1, 64, 64))
        ),
    },
    small=lambda target, guide, ratio: DuDoNet(width=8, entry_blocks=1, blocks=1, iterations=2),
    channels=((1, 1),),
    quick=("given centre mask x2", "deformable", "zero-filled", "centred"),
    gradient_size=(16, 16),
    not_compared={f"{LEARNED_MASK}, fill BS, 64x64": "no mask is learned for super-resolution"},
)
