"""What the MR networks do to a pair before and after: equal channels."""

from jaxtyping import Float
from torch import Tensor

from gisr.baselines.buildable import require_channels
from gisr.baselines.network import PublishedSystem


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
