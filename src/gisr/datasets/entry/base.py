"""What all entries share: their fields, and what training, benchmarks and stores take of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np
from jaxtyping import Float, Shaped

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.tasks import TaskName
from gisr.windows import Window

Split = Literal["train", "val", "test", "research"]
"""``research`` entries serve experiments and are never in shipped weights."""
Images = dict[str, Shaped[np.ndarray, "..."]]
"""Images of an entry by name; volumes of a scan by contrast."""


class Pixels(Protocol):
    """An image that may still lie in a file: numpy arrays are such, and those of a store."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along every axis."""
        ...

    def __getitem__(self, window: tuple[slice | int, ...], /) -> np.ndarray:
        """Cut a window, in the type of the image."""
        ...

    def __array__(self) -> np.ndarray:
        """Read all of it."""
        ...


Read = Callable[[], Pixels]
"""Reads an image, or opens it, when it is called."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry(ABC):
    """One scene, subject, frame or pair of a data set."""

    name: str
    """Identifier, unique in its data set."""
    dataset: str
    """Data set it belongs to, ``open-pairs`` or a name of :data:`gisr.datasets.readers.LAYOUTS`."""
    split: Split
    """A group is never in two splits."""
    group: str = ""
    """What must stay together in a split: the volume, the scene family, the orbit."""
    open: bool = False
    """Whether the licence lets weights trained on it be given away."""
    files: tuple[Path, ...] = ()
    """Files it is read from, where the reader can name them; the store notes their sums."""
    task: TaskName

    @property
    @abstractmethod
    def kind(self) -> str:
        """What distinguishes it from others of its task: sensor, contrasts, unit."""

    @abstractmethod
    def images(self) -> dict[str, Pixels]:
        """Return its images by name, the target or truth first; windows can be cut.

        Raises:
            GisrError: An image cannot be read.
        """

    @abstractmethod
    def pairs(self, ratio: int) -> Iterator[Pair]:
        """Yield its whole test pairs at a ratio; none where it has none at that ratio.

        Raises:
            GisrError: An image cannot be read, or the images do not fit together.
        """

    @abstractmethod
    def middle_pairs(self, ratio: int, side: int) -> Iterator[Pair]:
        """Yield a few small pairs with a truth, enough to compare networks during training.

        Args:
            ratio: Scale factor, one of ``ratios`` where there are some.
            side: Only the middle of this many truth pixels a side, where a part can be cut.
        """

    @property
    def ratios(self) -> tuple[int, ...] | None:
        """The only ratios that it has pairs at; None where its truth can be reduced by any."""
        return None

    def has_truth_at(self, ratio: int) -> bool:
        """Whether it has pairs with a truth at a ratio, to be trained on."""
        return self.ratios is None or ratio in self.ratios

    def check_values(self) -> None:
        """Refuse values that nothing can be made of.

        Raises:
            GisrError: An image cannot be read.
            InputError: An image holds NaN or infinity where it is known, or none of it is known.
        """
        for name, image in self.images().items():
            check_finite(name, np.asarray(image))

    @abstractmethod
    def checked_images(self) -> Images:
        """Read all images, check them, and keep none of them.

        Every image must hold something, its values must be finite (those of a depth map where they
        are known; unknown ones become 0), and the sizes of the images must fit.

        Raises:
            GisrError: An image cannot be read.
            InputError: What was read breaks a rule; the message names the rule.
        """

    @classmethod
    @abstractmethod
    def of_images(cls, reads: Mapping[str, Read], about: Mapping[str, Any]) -> Self:
        """Return an entry that reads its images from elsewhere.

        Args:
            reads: By the names that :meth:`checked_images` gives them.
            about: All other fields.
        """


def check_finite(name: str, image: Shaped[np.ndarray, "..."]) -> None:
    """Refuse NaN and infinity.

    Raises:
        InputError: There are some; the message names the image.
    """
    wrong = image.size - int(np.isfinite(image).sum())
    if wrong:
        raise InputError(
            f"{name} holds {wrong} values that are NaN or infinite: write numbers in their place, "
            "or leave the file out"
        )


def whole(image: Pixels) -> Float[np.ndarray, "..."]:
    """Return all of an image as float32; an array that is float32 is not copied."""
    return np.asarray(image, dtype=np.float32)


def cut(image: Pixels, window: Window) -> Float[np.ndarray, "h w *bands"]:
    """Return a window of an image as float32; nothing else of it is read or converted."""
    return np.asarray(image[window], dtype=np.float32)


def middle(image: np.ndarray, side: int) -> np.ndarray:
    """Return the middle of so many rows and columns, or all there are."""
    rows, columns = image.shape[:2]
    top, left = max(0, (rows - side) // 2), max(0, (columns - side) // 2)
    cropped: np.ndarray = image[top : top + side, left : left + side]
    return cropped
