"""DCTNet: features that share kernels, and a closed-form solution by the cosine transform.

Zhao, Zhang, Xu, Lin and Pfister, "Discrete cosine transform network for guided depth map
super-resolution", CVPR 2022 (arXiv 2104.06977). The original code has no licence; this module is
written from a description. 480,545 parameters take part; the original builds 482,865.

The original differs from its paper, and its weights depend on it: the Laplacian that is applied
(eight neighbours, over 16, border mirrored without repetition) is not the one whose eigenvalues
divide (four neighbours, border mirrored with repetition); the edge weights lie between the two
Laplacians; the guide's second derivative is that of its feature; lambda starts at exp of a normal
number (0.1, 0.3), not at 3. The last ReLU keeps results from falling below 0, and a unit that
dies there leaves an empty map. The authors clamp results to [0, 1]; here only 0 bounds them.

Ours: any number of channels; images below 15 x 15 pixels are reflected up to it.
"""

import math
from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.blocks.residual import convolution
from gisr.baselines.buildable import require_buildable
from gisr.baselines.depth.given import cut, standardised
from gisr.baselines.network import (
    ComparedNetwork,
    NetworkInput,
    PublishedSystem,
    known_mean,
    scaled_width,
)

_LEAST = 15
"""Rows and columns below which the edge weights have nothing left to pool."""
_COUPLED_LAYERS = 4


class HalfSharedConvolution(nn.Module):
    """Two 3x3 convolutions, of depth and of colour; half of their kernels are the same."""

    def __init__(self, width: int) -> None:
        """Create one that keeps ``width`` channels, an even number."""
        super().__init__()
        self.shared, self.of_depth, self.of_guide = (_kernels(width) for _ in range(3))

    def forward(
        self, depth: Float[Tensor, "b c h w"], guide: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
        """Return the filtered features of both; the channels of shared kernels come first."""
        filtered_depth = torch.cat([self.shared(depth), self.of_depth(depth)], dim=1)
        filtered_guide = torch.cat([self.shared(guide), self.of_guide(guide)], dim=1)
        return filtered_depth, filtered_guide


class CoupledLayer(nn.Module):
    """Two half-shared convolutions with ReLU and a residual, for both features."""

    def __init__(self, width: int) -> None:
        """Create one that keeps ``width`` channels, an even number."""
        super().__init__()
        self.first = HalfSharedConvolution(width)
        self.second = HalfSharedConvolution(width)

    def forward(
        self, depth: Float[Tensor, "b c h w"], guide: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b c h w"]]:
        """Refine the features of depth and guide; their shapes stay."""
        hidden_depth, hidden_guide = self.first(depth, guide)
        more_depth, more_guide = self.second(hidden_depth.relu(), hidden_guide.relu())
        return (more_depth + depth).relu(), (more_guide + guide).relu()


class EdgeWeights(nn.Module):
    """How much each second derivative of the guide's feature is worth, in (0, 1)."""

    def __init__(self, width: int) -> None:
        """Create one for ``width`` channels, a multiple of 4."""
        super().__init__()
        inner = width // 4
        self.enter = convolution(width, inner, 1)
        self.reduce = nn.Conv2d(inner, inner, 3, stride=2)
        self.wide = nn.Sequential(
            convolution(inner, inner),
            nn.ReLU(),
            convolution(inner, inner),
            nn.ReLU(),
            convolution(inner, inner),
        )
        self.near = convolution(inner, inner, 1)
        self.leave = convolution(inner, width, 1)

    def forward(self, guide: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Return the weights for a feature of at least 15 x 15 pixels."""
        entered = self.enter(guide)
        wide = self.wide(F.max_pool2d(self.reduce(entered), kernel_size=7, stride=3))
        wide = F.interpolate(wide, size=guide.shape[2:], mode="bilinear", align_corners=False)
        weights: Tensor = self.leave(wide + self.near(entered)).sigmoid()
        return weights


class CosineSolver(nn.Module):
    """The feature near depth's with the weighted second derivative of the guide's, per channel."""

    def __init__(self, width: int) -> None:
        """Create one for ``width`` channels, with a balance each."""
        super().__init__()
        self.edge_weights = EdgeWeights(width)
        self.log_balance = nn.Parameter(torch.empty(1, width, 1, 1).normal_(0.1, 0.3))

    def forward(
        self, depth: Float[Tensor, "b c h w"], guide: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Return (1 + lambda Laplace^2)^-1 (lambda Laplace(weights Laplace(guide)) + depth).

        The transforms are computed in float32: their sums run over whole images.
        """
        height, width = depth.shape[2:]
        balance = self.log_balance.exp()
        edges = laplacian(self.edge_weights(guide) * laplacian(guide))
        with torch.autocast(depth.device.type, enabled=False):
            right_side = (balance * edges + depth).float()
            squared = eigenvalues(height, width, like=right_side).square()
            return inverse_cosine_transform(cosine_transform(right_side) / (balance * squared + 1))


class DCTNet(ComparedNetwork):
    """A coupled encoder, the solver and a small decoder; sees the enlarged target only."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="DCTNet",
        paper="Zhao, Zhang, Xu, Lin, Pfister: Discrete cosine transform network for guided depth "
        "map super-resolution, CVPR 2022",
        year=2022,
        tasks=("depth",),
        licence="none",
    )

    def __init__(
        self, target_channels: int = 1, guide_channels: int = 3, *, width: int = 64
    ) -> None:
        """Create the network, the same for every ratio; ``width`` is a multiple of 4."""
        super().__init__()
        self.depth_entry = convolution(target_channels, width)
        self.guide_entry = convolution(guide_channels, width)
        self.coupled = nn.ModuleList(CoupledLayer(width) for _ in range(_COUPLED_LAYERS))
        self.solver = CosineSolver(width)
        self.decoder = nn.Sequential(
            convolution(width, width // 2),
            nn.ReLU(),
            convolution(width // 2, width // 4),
            nn.ReLU(),
            convolution(width // 4, target_channels),
            nn.ReLU(),
        )

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size.

        Raises:
            ValueError: No channel, or a ratio that is not published.
        """
        require_buildable(cls.published, target_channels, guide_channels, ratio)
        return cls(target_channels, guide_channels, width=scaled_width(64, width, 4))

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; the guide is normalised as the authors do."""
        guide = standardised(given.guide)
        padded = (pad_to_multiple(image, 1, _LEAST) for image in (given.enlarged, guide))
        return cut(self(*padded), given)

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the mean squared error of each sample, as the authors train."""
        return known_mean((self.sharpen(given) - truth).square(), known)

    def forward(
        self, enlarged: Float[Tensor, "b c H W"], guide: Float[Tensor, "b g H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target, 0 at least, of at least 15 x 15 pixels."""
        depth = self.depth_entry(enlarged).relu()
        colour = self.guide_entry(guide).relu()
        for layer in self.coupled:
            depth, colour = layer(depth, colour)
        sharpened: Tensor = self.decoder(self.solver(depth, colour))
        return sharpened


def laplacian(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Return the sum of differences to the eight neighbours over 16; the border is mirrored."""
    mean = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel_size=3, stride=1)
    return (mean - x) * (9 / 16)


def cosine_transform(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Return the two-dimensional DCT-II without normalisation (a factor of 2 on each axis)."""
    rows, columns = (_cosines(size, like=x) for size in x.shape[2:])
    return 2 * rows @ x @ (2 * columns).T


def inverse_cosine_transform(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Return what :func:`cosine_transform` was given."""
    rows, columns = (
        _cosines(size, like=x) * _inverse_gains(size, like=x)[:, None] for size in x.shape[2:]
    )
    return rows.T @ x @ columns


def eigenvalues(height: int, width: int, like: Tensor) -> Float[Tensor, "height width"]:
    """Return those of the Laplacian with four neighbours and mirrored borders, 0 for the mean."""
    rows, columns = (
        2 * torch.cos(torch.arange(size, dtype=torch.float64) * (math.pi / size)) - 2
        for size in (height, width)
    )
    return (rows[:, None] + columns).to(like)


def _cosines(size: int, like: Tensor) -> Float[Tensor, "k n"]:
    """Return cos(pi k (2 n + 1) / (2 N)), worked out in float64."""
    index = torch.arange(size, dtype=torch.float64)
    angles = index[:, None] * (2 * index + 1) * (math.pi / (2 * size))
    return angles.cos().to(like)


def _inverse_gains(size: int, like: Tensor) -> Float[Tensor, " k"]:
    gains = torch.full((size,), 1 / size, dtype=torch.float64)
    gains[0] = 1 / (2 * size)
    return gains.to(like)


def _kernels(width: int) -> nn.Conv2d:
    """Return half of a convolution, with the authors' initial weights."""
    half = convolution(width, width // 2)
    nn.init.kaiming_uniform_(half.weight, nonlinearity="relu")
    assert half.bias is not None
    nn.init.zeros_(half.bias)
    return half
