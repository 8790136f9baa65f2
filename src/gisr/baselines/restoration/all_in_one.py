"""What the all-in-one restoration networks share: how a pair enters them.

They were made to restore one image. For guided super-resolution each gets the enlarged target and
the guide as one image of 4 + 3 channels, and returns the 4 channels of the target.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor

from gisr.baselines.blocks.padding import pad_to_multiple
from gisr.baselines.network import ComparedNetwork, NetworkInput

TARGET_CHANNELS = 4
GUIDE_CHANNELS = 3


class AllInOneNetwork(ComparedNetwork):
    """A network from one image of 7 channels to one of 4, for every task and ratio."""

    multiple: ClassVar[int]
    """What the sides of its image must be multiples of."""
    least: ClassVar[int] = 1
    """The shortest side that it can do."""

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network at its published size, the same for every ratio.

        Raises:
            ValueError: The channels are others than 4 and 3: one network serves all tasks.
        """
        if (target_channels, guide_channels) != (TARGET_CHANNELS, GUIDE_CHANNELS):
            raise ValueError(
                f"{cls.published.title} is one network for all tasks: it takes {TARGET_CHANNELS} "
                f"target and {GUIDE_CHANNELS} guide channels, not {target_channels} and "
                f"{guide_channels}; repeat or group the bands"
            )
        return cls(**cls.scaled(width))

    @classmethod
    @abstractmethod
    def scaled(cls, width: float) -> dict[str, Any]:
        """Return the arguments that multiply every published width by a factor."""

    def image_of(self, given: NetworkInput) -> Float[Tensor, "b c h w"]:
        """Return a pair as one image, reflected at its borders where its size is no multiple."""
        image = torch.cat([given.enlarged, given.guide], dim=1)
        return pad_to_multiple(image, self.multiple, self.least)

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the restored target."""
        height, width = given.guide.shape[2:]
        restored: Tensor = self(self.image_of(given))
        return restored[..., :height, :width]
