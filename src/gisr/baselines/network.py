"""What every published network offers to be run, trained and compared with MAG-Net."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from jaxtyping import Float
from torch import Tensor, nn

from gisr.tasks import TaskName


@dataclass(frozen=True)
class PublishedSystem:
    """What is known of a published network beside its layers."""

    title: str
    """Name in tables, as the paper prints it."""
    paper: str
    """Authors, title, venue and year, in one line."""
    year: int
    tasks: tuple[TaskName, ...]
    """What the paper compares it on; all three for an all-in-one network."""
    licence: str
    """Licence of the original code, ``none`` where it has none; ours is written from the paper."""
    ratios: tuple[int, ...] = (2, 4, 8, 16)
    """Ratios that it can be built for."""

    @property
    def all_in_one(self) -> bool:
        """Whether one network serves all tasks and ratios."""
        return len(self.tasks) > 1


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """A batch of pairs as a network is given it; values lie in [0, 1] by percentiles."""

    target: Float[Tensor, "b c h w"]
    """The target at its own size."""
    enlarged: Float[Tensor, "b c H W"]
    """The target on the guide's grid: bicubic, zero-filled on a k-space grid."""
    guide: Float[Tensor, "b g H W"]
    ratio: int
    """H / h and W / w."""


class ComparedNetwork(nn.Module, ABC):
    """A published network, built for one ratio and given numbers of channels."""

    published: ClassVar[PublishedSystem]
    samples: ClassVar[bool] = False
    """Whether its answer is sampled in many steps, as by diffusion: it can be trained on its own
    error alone."""

    @classmethod
    @abstractmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> Self:
        """Return the network with its published initial weights.

        Args:
            target_channels: Bands of the target.
            guide_channels: Channels of the guide.
            ratio: Of the pairs that it will sharpen; an all-in-one network takes any.
            width: Factor of every published width, for networks of a laboratory's size; widths
                are rounded to what the layers can be divided by.

        Raises:
            ValueError: It cannot be built so; the message says what it can.
        """

    @abstractmethod
    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        """Return the sharpened target, of any size: padded and cut again where layers need it."""

    def errors(
        self,
        given: NetworkInput,
        truth: Float[Tensor, "b c H W"],
        known: Float[Tensor, "b 1 H W"],
    ) -> Float[Tensor, " b"]:
        """Return the error of each sample that the system's authors minimise, over known pixels.

        The mean absolute error where a system has no loss of its own.
        """
        return known_mean((self.sharpen(given) - truth).abs(), known)

    @classmethod
    def names_of(cls, published: Iterable[str]) -> dict[str, str]:
        """Return our name of each tensor in a file of the authors' weights.

        Args:
            published: Names in the file; those without a counterpart are left out.

        Raises:
            NotImplementedError: The names in the authors' files are not known.
        """
        raise NotImplementedError(
            f"{cls.published.title}: the names in its authors' files are not known to gisr, none "
            "is converted"
        )


def scaled_width(published: int, factor: float, multiple: int) -> int:
    """Return a width times a factor, rounded to a multiple that the layers need, at least one.

    A factor of 1 gives the published width itself.
    """
    return published if factor == 1 else max(1, round(published * factor / multiple)) * multiple


def known_mean(
    error: Float[Tensor, "b c H W"], known: Float[Tensor, "b 1 H W"]
) -> Float[Tensor, " b"]:
    """Return the mean of an error over known pixels and all channels, by sample."""
    pixels = known.sum(dim=(1, 2, 3)).clamp(min=1)
    return (error * known).sum(dim=(1, 2, 3)) / (pixels * error.shape[1])
