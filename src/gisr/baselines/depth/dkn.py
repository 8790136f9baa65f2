"""DKN and FDKN: each pixel gathers nine places of the target that both images point to.

Kim, Ponce and Ham, "Deformable kernel networks for joint image filtering", IJCV 129 (2021), arXiv
1910.08373. Licence of the original code: GPL-3.0; this module is written from a description.
1,158,070 parameters; the fast variant FDKN has 693,856.

The original differs from its paper: the nine places are not centred on the pixel (they lie at
about -0.5, 0.5 and 1.5), and the first index of a place runs along columns. Positions depend on
the version of PyTorch: corner-aligned before 1.3, with which the published weights were trained,
and half a pixel off since. ``corner_aligned`` chooses; it is on, as published. Results lie within
windows of 15 x 15 pixels. Its images are read as blue, green and red.

Ours: any number of channels (FDKN makes a guide of other than 3 channels grey by their mean, and
takes each channel of the target apart). DKN filters the whole image in one pass with dilated
convolutions, which gives the numbers of the original's 16 passes over shifted copies, at any size;
in training the batch normalisation then sees all 16 at once. FDKN's images are reflected
up to multiples of 4.
"""

from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.blocks.residual import convolution
from gisr.baselines.buildable import require_buildable
from gisr.baselines.depth.given import cut
from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem, scaled_width

_SIDE = 3
_TAPS = _SIDE**2
_WINDOW = 15
_BEFORE, _AFTER = 25, 24
"""Pixels that DKN sees before and after each; zero beyond the edge of the image."""
_STRIDE = 4
_GREY = (0.114, 0.587, 0.299)
"""Of blue, green and red."""


class KernelHeads(nn.Module):
    """Weights in (0, 1) and offsets of the places, from a feature."""

    def __init__(self, channels: int, phases: int = 1) -> None:
        """Create heads for a feature of ``channels`` channels, each pixel ``phases`` pixels."""
        super().__init__()
        self.weights = convolution(channels, _TAPS * phases, 1)
        self.offsets = convolution(channels, 2 * _TAPS * phases, 1)

    def forward(
        self, feature: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b taps h w"], Float[Tensor, "b 2*taps h w"]]:
        """Return weights and offsets."""
        return self.weights(feature).sigmoid(), self.offsets(feature)


class KernelNetwork(nn.Module):
    """DKN's: convolutions without padding that halve the image twice, here without halving it."""

    def __init__(self, inputs: int, width: int) -> None:
        """Create one for ``inputs`` channels; its features have 1, 2 and 4 times ``width``."""
        super().__init__()
        self.features = nn.Sequential(
            *_normalised(nn.Conv2d(inputs, width, 7)),
            nn.Conv2d(width, width, 2),
            nn.ReLU(),
            *_normalised(nn.Conv2d(width, 2 * width, 5, dilation=2)),
            nn.Conv2d(2 * width, 2 * width, 2, dilation=2),
            nn.ReLU(),
            *_normalised(nn.Conv2d(2 * width, 4 * width, 5, dilation=4)),
            nn.Conv2d(4 * width, 4 * width, 3, dilation=4),
            nn.ReLU(),
            nn.Conv2d(4 * width, 4 * width, 3, dilation=4),
            nn.ReLU(),
        )
        self.heads = KernelHeads(4 * width)

    def forward(
        self, image: Float[Tensor, "b i H+49 W+49"]
    ) -> tuple[Float[Tensor, "b 9 H W"], Float[Tensor, "b 18 H W"]]:
        """Return weights and offsets of all pixels but the outermost 25 and 24."""
        heads: tuple[Tensor, Tensor] = self.heads(self.features(image))
        return heads


class FastKernelNetwork(nn.Module):
    """FDKN's: works on a quarter of the size, each 4 x 4 block of pixels being channels."""

    def __init__(self, images: int, width: int) -> None:
        """Create one for ``images`` channels of 16 phases each."""
        super().__init__()
        self.features = nn.Sequential(
            *_normalised(convolution(images * _STRIDE**2, width)),
            convolution(width, width),
            nn.ReLU(),
            *_normalised(convolution(width, 2 * width)),
            convolution(2 * width, 2 * width),
            nn.ReLU(),
            *_normalised(convolution(2 * width, 4 * width)),
            convolution(4 * width, 4 * width),
            nn.ReLU(),
        )
        self.heads = KernelHeads(4 * width, _STRIDE**2)

    def forward(
        self, phases: Float[Tensor, "b 16*i h w"]
    ) -> tuple[Float[Tensor, "b 144 h w"], Float[Tensor, "b 288 h w"]]:
        """Return weights and offsets, the 16 phases of each as channels."""
        heads: tuple[Tensor, Tensor] = self.heads(self.features(phases))
        return heads


class DKN(ComparedNetwork):
    """Kernels from two networks, multiplied; sees the enlarged target only."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="DKN",
        paper="Kim, Ponce, Ham: Deformable kernel networks for joint image filtering, IJCV 2021",
        year=2021,
        tasks=("depth",),
        licence="GPL-3.0",
    )

    def __init__(
        self,
        target_channels: int = 1,
        guide_channels: int = 3,
        *,
        width: int = 32,
        corner_aligned: bool = True,
    ) -> None:
        """Create the network, the same for every ratio.

        Args:
            target_channels: Channels of the target, which share their kernels.
            guide_channels: Channels of the guide.
            width: Channels of the first feature; the later ones have 2 and 4 times as many.
            corner_aligned: Where places lie, as in PyTorch before 1.3 (see the module).
        """
        super().__init__()
        self.corner_aligned = corner_aligned
        self.guide_kernels, self.depth_kernels = self._networks(
            target_channels, guide_channels, width
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
        return cls(target_channels, guide_channels, width=scaled_width(32, width, 1))

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; colours are put in the authors' order."""
        sharpened: Tensor = self(given.enlarged, _blue_first(given.guide))
        return sharpened

    def forward(
        self, enlarged: Float[Tensor, "b c H W"], guide: Float[Tensor, "b g H W"]
    ) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; the weights of the places add up to 0 at each pixel."""
        weights, offsets = self.kernels(enlarged, guide)
        weights = weights - weights.mean(dim=1, keepdim=True)
        return enlarged + gather(enlarged, weights, offsets, corner_aligned=self.corner_aligned)

    def kernels(
        self, enlarged: Float[Tensor, "b c H W"], guide: Float[Tensor, "b g H W"]
    ) -> tuple[Float[Tensor, "b 9 H W"], Float[Tensor, "b 18 H W"]]:
        """Return weights and offsets of the places, products of both networks'."""
        margins = (_BEFORE, _AFTER, _BEFORE, _AFTER)
        depth_weights, depth_offsets = self.depth_kernels(F.pad(enlarged, margins))
        guide_weights, guide_offsets = self.guide_kernels(F.pad(guide, margins))
        return depth_weights * guide_weights, depth_offsets * guide_offsets

    @staticmethod
    def _networks(
        target_channels: int, guide_channels: int, width: int
    ) -> tuple[nn.Module, nn.Module]:
        """Return the kernel networks of guide and target."""
        return KernelNetwork(guide_channels, width), KernelNetwork(target_channels, width)


class FDKN(DKN):
    """The fast variant: kernels from a quarter of the size, of a grey guide."""

    published: ClassVar[PublishedSystem] = PublishedSystem(
        title="FDKN",
        paper=DKN.published.paper,
        year=DKN.published.year,
        tasks=DKN.published.tasks,
        licence=DKN.published.licence,
    )

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target; colours are put in the authors' order."""
        images = given.enlarged, _blue_first(given.guide)
        return cut(self(*(pad_to_multiple(image, _STRIDE) for image in images)), given)

    def kernels(
        self, enlarged: Float[Tensor, "b c H W"], guide: Float[Tensor, "b g H W"]
    ) -> tuple[Float[Tensor, "b 9 H W"], Float[Tensor, "b 18 H W"]]:
        """Return weights and offsets of the places; sides are multiples of 4."""
        depth_weights, depth_offsets = self.depth_kernels(F.pixel_unshuffle(enlarged, _STRIDE))
        guide_weights, guide_offsets = self.guide_kernels(F.pixel_unshuffle(grey(guide), _STRIDE))
        weights = F.pixel_shuffle(depth_weights * guide_weights, _STRIDE)
        return weights, F.pixel_shuffle(depth_offsets * guide_offsets, _STRIDE)

    @staticmethod
    def _networks(
        target_channels: int, guide_channels: int, width: int
    ) -> tuple[nn.Module, nn.Module]:
        return FastKernelNetwork(1, width), FastKernelNetwork(target_channels, width)


def gather(
    image: Float[Tensor, "b c H W"],
    weights: Float[Tensor, "b 9 H W"],
    offsets: Float[Tensor, "b 18 H W"],
    *,
    corner_aligned: bool,
) -> Float[Tensor, "b c H W"]:
    """Return the weighted sum of an image at nine places around each pixel, read bilinearly.

    Tap 3 i + j lies i columns and j rows from the first one; of its two offsets the first is along
    columns. Zero is read beyond the image and beyond a window of 15 x 15 pixels. In float32:
    bfloat16 cannot tell neighbouring positions.
    """
    height, width = image.shape[2:]
    columns, column_share = _places(offsets[:, 0::2], 0, corner_aligned)
    rows, row_share = _places(offsets[:, 1::2], 1, corner_aligned)
    x = columns + torch.arange(width, device=image.device)
    y = rows + torch.arange(height, device=image.device)[:, None]
    # Positions from -1 to 1 between the outer edges of the outermost pixels.
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
    read = F.grid_sample(image.float(), grid.flatten(1, 2), align_corners=False)
    shares = (weights * column_share * row_share).unsqueeze(1)
    gathered: Tensor = (read.unflatten(2, (_TAPS, height)) * shares).sum(dim=2)
    return gathered


def grey(guide: Float[Tensor, "b g H W"]) -> Float[Tensor, "b 1 H W"]:
    """Return the brightness of blue, green and red; the mean of any other number of channels."""
    if guide.shape[1] != len(_GREY):
        return guide.mean(dim=1, keepdim=True)
    return (guide * guide.new_tensor(_GREY)[:, None, None]).sum(dim=1, keepdim=True)


def _places(
    offsets: Float[Tensor, "b 9 H W"], axis: int, corner_aligned: bool
) -> tuple[Float[Tensor, "b 9 H W"], Float[Tensor, "b 9 H W"]]:
    """Return how far from its pixel each tap is read along an axis, and the share that counts.

    Beyond the window lies zero: a place outside is read at the window's edge, for as much as is
    left of that pixel there.
    """
    half = _WINDOW // 2
    taps = torch.arange(_TAPS, device=offsets.device)
    nominal = half + (taps % _SIDE if axis else taps // _SIDE)[:, None, None] + offsets.float()
    place = nominal * ((_WINDOW - 1) / _WINDOW) if corner_aligned else nominal - 0.5
    inside = place.clamp(0, _WINDOW - 1)
    return inside - half, (1 - (place - inside).abs()).clamp(min=0)


def _blue_first(guide: Float[Tensor, "b g H W"]) -> Float[Tensor, "b g H W"]:
    return guide.flip(1) if guide.shape[1] == 3 else guide


def _normalised(layer: nn.Conv2d) -> tuple[nn.Conv2d, nn.BatchNorm2d, nn.ReLU]:
    return layer, nn.BatchNorm2d(layer.out_channels), nn.ReLU()
