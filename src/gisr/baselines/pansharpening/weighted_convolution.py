"""The 3x3 convolution of AWFLN and LAGConv: its nine positions are weighted anew at every pixel."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

POSITIONS = 9


class PixelWeightedConvolution(nn.Module):
    """A 3x3 convolution without bias, whose kernel positions are weighted by pixel.

    One weight a position and pixel, shared by all input and output channels: ``out(p) = sum over
    positions k of w_k(p) V_k x(p + k)``, with zeros around the image.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        """Create one with a kernel drawn as torch draws that of a plain convolution."""
        super().__init__()
        self.kernel = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)

    def forward(
        self, x: Float[Tensor, "b c h w"], weights: Float[Tensor, "b 9 h w"]
    ) -> Float[Tensor, "b o h w"]:
        """Return the convolution of ``x``; weights are ordered row by row, as a kernel's positions.

        One position after the other: unfolding the image to its nine shifted copies at once
        computes the same, holds nine images in memory, and took twice as long.
        """
        height, width = x.shape[2:]
        padded, kernel = F.pad(x, (1, 1, 1, 1)), self.kernel.weight
        total = x.new_zeros(())
        for position in range(POSITIONS):
            row, column = divmod(position, 3)
            shifted = padded[:, :, row : row + height, column : column + width]
            weighted = shifted * weights[:, position : position + 1]
            total = total + F.conv2d(weighted, kernel[:, :, row : row + 1, column : column + 1])
        return total
