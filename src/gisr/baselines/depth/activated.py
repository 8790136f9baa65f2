"""Convolutions with a learned slope for negative values, as DAGF and AHMF use them everywhere."""

from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.residual import convolution


def activated(inputs: int, outputs: int, size: int = 3) -> nn.Sequential:
    """Return a convolution that keeps the size, and a PReLU with one slope."""
    return nn.Sequential(convolution(inputs, outputs, size), nn.PReLU())


class ActivatedResidual(nn.Module):
    """Two convolutions, the input added, each sum through a PReLU."""

    def __init__(self, width: int) -> None:
        """Create one that keeps ``width`` channels."""
        super().__init__()
        self.first = activated(width, width)
        self.second = convolution(width, width)
        self.activation = nn.PReLU()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine the feature; its shape stays."""
        refined: Tensor = self.activation(x + self.second(self.first(x)))
        return refined
