"""What a network for depth is given: size and colours as its authors had them."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gisr.baselines.network import NetworkInput

_MEANS = (0.485, 0.456, 0.406)
_SPREADS = (0.229, 0.224, 0.225)
"""Of red, green and blue over ImageNet, in [0, 1]."""


def standardised(guide: Float[Tensor, "b g H W"]) -> Float[Tensor, "b g H W"]:
    """Return a guide in [0, 1] less ImageNet's mean, over its spread.

    A guide of other than 3 channels has no colours to tell: all get the mean of the constants.
    """
    channels = guide.shape[1]
    means, spreads = (
        guide.new_tensor(values if channels == 3 else [sum(values) / 3] * channels)
        for values in (_MEANS, _SPREADS)
    )
    return (guide - means[:, None, None]) / spreads[:, None, None]


def mirrored(given: NetworkInput, *, least: int = 1, fine_multiple: int = 1) -> NetworkInput:
    """Return a pair that goes on below and to the right until a network can take it.

    All images are mirrored at their edge, the outermost row being repeated: a mirror there lies
    between the same pixels on both grids, so target and guide still fit together.

    Args:
        given: A batch of pairs.
        least: Fewest rows and columns of the target.
        fine_multiple: What the guide's rows and columns must be a multiple of.
    """
    step = fine_multiple // math.gcd(fine_multiple, given.ratio)
    height, width = (-(-max(size, least) // step) * step for size in given.target.shape[2:])
    if (height, width) == given.target.shape[2:]:
        return given
    fine = height * given.ratio, width * given.ratio
    return NetworkInput(
        target=_extended(given.target, (height, width)),
        enlarged=_extended(given.enlarged, fine),
        guide=_extended(given.guide, fine),
        ratio=given.ratio,
    )


def cut(
    sharpened: Float[Tensor, "b c H_padded W_padded"], given: NetworkInput
) -> Float[Tensor, "b c H W"]:
    """Return the part of a padded result that belongs to the pair itself."""
    height, width = given.guide.shape[2:]
    return sharpened[:, :, :height, :width]


def _extended(image: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c H W"]:
    rows, columns = (
        _mirrored_indices(old, new, image.device)
        for old, new in zip(image.shape[2:], size, strict=True)
    )
    return image[:, :, rows[:, None], columns]


def _mirrored_indices(old: int, new: int, device: torch.device) -> Tensor:
    """Return which of ``old`` pixels each of ``new`` shows: 0 1 2 2 1 0 0 1 ..."""
    place = torch.arange(new, device=device) % (2 * old)
    return torch.minimum(place, 2 * old - 1 - place)
