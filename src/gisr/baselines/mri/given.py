"""What the MR networks do to a pair before and after: ratios, equal channels, sizes."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gisr.baselines.network import PublishedSystem


def require_ratio(system: PublishedSystem, ratio: int) -> None:
    """Refuse a ratio for which a network cannot be built.

    Raises:
        ValueError: It is none of the system's ratios; the message lists them.
    """
    if ratio not in system.ratios:
        known = ", ".join(map(str, system.ratios))
        raise ValueError(f"{system.title} cannot be built for ratio {ratio}: use one of {known}")


def require_channels(system: PublishedSystem, target: int, guide: int) -> None:
    """Refuse images without a channel.

    Raises:
        ValueError: Either count is below 1.
    """
    if min(target, guide) < 1:
        raise ValueError(
            f"{system.title} cannot be built for {target} target and {guide} guide channels: "
            "use 1 or more of each"
        )


def common_channels(system: PublishedSystem, target: int, guide: int) -> int:
    """Return the channels of a network that carries target and guide alike: the larger count.

    Raises:
        ValueError: An image has no channel, or the counts differ and neither is one, so that
            neither image can be repeated.
    """
    require_channels(system, target, guide)
    if target != guide and 1 not in (target, guide):
        raise ValueError(
            f"{system.title} carries target and guide in equally many channels and cannot take "
            f"{target} and {guide}: use equal numbers, or one channel on either side"
        )
    return max(target, guide)


def repeated(image: Float[Tensor, "b c h w"], channels: int) -> Float[Tensor, "b d h w"]:
    """Repeat an image of one channel to ``channels``; one that has them is returned as it is."""
    return image.expand(-1, channels, -1, -1)


def averaged(image: Float[Tensor, "b d h w"], channels: int) -> Float[Tensor, "b c h w"]:
    """Undo :func:`repeated`: average the channels to one if the image had one."""
    return image if image.shape[1] == channels else image.mean(dim=1, keepdim=True)


def filled_side(side: int, multiple: int, least: int = 1) -> int:
    """Return the next multiple that is at least ``side`` and at least ``least``."""
    return -(-max(side, least) // multiple) * multiple


def mirrored(image: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c H W"]:
    """Continue an image to the right and downwards by reflection, as often as it takes."""
    for axis, wanted in zip((2, 3), size, strict=True):
        image = image.index_select(axis, _bounced(image.shape[axis], wanted, image.device))
    return image


def edge_repeated(
    image: Float[Tensor, "b c h w"], size: tuple[int, int]
) -> Float[Tensor, "b c H W"]:
    """Continue an image to the right and downwards by its last column and row."""
    right, down = size[1] - image.shape[3], size[0] - image.shape[2]
    return F.pad(image, (0, right, 0, down), mode="replicate")


def _bounced(side: int, wanted: int, device: torch.device) -> Tensor:
    """Return indices 0, 1, ... that turn back at either end of an axis."""
    period = max(1, 2 * (side - 1))
    position = torch.arange(wanted, device=device) % period
    return torch.minimum(position, period - position) if side > 1 else torch.zeros_like(position)
