"""The plainest blocks: a convolution that keeps the size, and two of them around a residual."""

from jaxtyping import Float
from torch import Tensor, nn


def convolution(
    inputs: int, outputs: int, size: int = 3, *, stride: int = 1, bias: bool = True
) -> nn.Conv2d:
    """Return a convolution with an odd kernel and zero padding that keeps the size at stride 1."""
    return nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=bias)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with ReLU between, and the input added."""

    def __init__(self, width: int) -> None:
        """Create one of ``width`` channels, with the framework's initial weights."""
        super().__init__()
        self.first = convolution(width, width)
        self.second = convolution(width, width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refine a feature; its shape stays."""
        refined: Tensor = x + self.second(self.first(x).relu())
        return refined


def residual_blocks(width: int, count: int) -> nn.Sequential:
    """Return ``count`` residual blocks in a row."""
    return nn.Sequential(*(ResidualBlock(width) for _ in range(count)))
