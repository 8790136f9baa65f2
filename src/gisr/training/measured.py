"""The part of an MR error that the consistency step takes away after the network, on patches.

A result on a k-space grid gets the measured block of its spectrum back
(:mod:`gisr.inference.consistency`). What a network adds there is lost, so an error there need not
be learnt from (``measured`` of a recipe).

Satellite images are left out: what back-projection repairs depends on a blur that is measured on
each pair. With one assumed blur they lost 0.1 dB of validation (docs/results/ideas.md).
"""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import fft
from torch import Tensor


def measured_part(
    error: Float[Tensor, "b c s s"], cropped: Bool[Tensor, " b"], ratios: Float[Tensor, " b"]
) -> Float[Tensor, "b c s s"]:
    """Return the part of each sample's error that its target measured; 0 off k-space grids.

    Args:
        error: Of square patches.
        cropped: Whose target is a crop of k-space.
        ratios: Ratio of each sample.
    """
    side = error.shape[-1]
    kept = [
        round(side / ratio) if measured else 0
        for measured, ratio in zip(cropped.tolist(), ratios.tolist(), strict=True)
    ]
    axes = torch.stack([low_pass(side, waves) for waves in kept]).to(error.device)[:, None]
    part: Tensor = axes @ error @ axes
    return part


@lru_cache(maxsize=64)
def low_pass(side: int, kept: int) -> Float[Tensor, "s s"]:
    """Return the projection of rows or columns of a patch onto its slowest cosines.

    Cosines are the spectrum of the patch mirrored at its borders, which does not jump there.

    Args:
        side: Of the patch.
        kept: How many cosines: the target's pixels along the patch.
    """
    waves = fft.dct(np.eye(side), norm="ortho", axis=0)[:kept]
    return torch.from_numpy((waves.T @ waves).astype(np.float32))
