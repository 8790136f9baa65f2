"""The noise of a diffusion model: how much there is at each step, and how it is taken away.

Nichol and Dhariwal, "Improved denoising diffusion probabilistic models", ICML 2021, for the cosine
schedule; Song, Meng, Ermon, "Denoising diffusion implicit models", ICLR 2021, for steps without new
noise. Of a noisy image ``sqrt(a) clean + sqrt(1 - a) noise``, ``a`` is what is left of the image.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

_OFFSET = 0.008
_MOST_NOISE = 0.999
"""Share of the image that one step takes at most."""


def cosine_schedule(steps: int) -> Float[Tensor, " steps"]:
    """Return what is left of the image after each of a number of steps, in float64."""
    at = torch.arange(steps + 1, dtype=torch.float64) / steps + _OFFSET
    left = (at / (1 + _OFFSET) * math.pi / 2).cos().square()
    taken = (1 - left[1:] / left[:-1]).clamp(max=_MOST_NOISE)
    return (1 - taken).cumprod(dim=0)


def kept_steps(steps: int, kept: int) -> list[int]:
    """Return which of the trained steps are taken when only some are, evenly from the first.

    Raises:
        ValueError: More are asked for than there are, or none.
    """
    if not 1 <= kept <= steps:
        raise ValueError(f"{kept} steps of {steps} cannot be taken: use 1 to {steps}")
    return list(range(0, steps, steps // kept))[:kept]


def noised(
    clean: Float[Tensor, "b c h w"], noise: Float[Tensor, "b c h w"], left: Float[Tensor, " b"]
) -> Float[Tensor, "b c h w"]:
    """Return images of which only a part is left, each its own."""
    share = left.to(clean.dtype)[:, None, None, None]
    return share.sqrt() * clean + (1 - share).sqrt() * noise


def implicit_step(
    noisy: Float[Tensor, "b c h w"], clean: Float[Tensor, "b c h w"], left: float, then: float
) -> Float[Tensor, "b c h w"]:
    """Return images with less noise, without drawing any.

    Args:
        noisy: The images.
        clean: What they are taken to be without noise.
        left: What is left of them in ``noisy``.
        then: What shall be left of them in the answer; 1 gives ``clean``.
    """
    noise = (noisy / math.sqrt(left) - clean) / math.sqrt(1 / left - 1)
    return math.sqrt(then) * clean + math.sqrt(1 - then) * noise
