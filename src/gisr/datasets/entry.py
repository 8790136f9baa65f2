"""What data sets are made of: satellite scenes, MR scans, depth frames and pairs made by others.

Every reader of a published layout returns these, so that training, benchmarks and the prepared
store do not know where an image came from. An entry reads its images when they are asked for and
keeps what its readers gave.

Two ways lead to the values. ``multispectral``, ``volume``, ``depth`` and so on give whole images in
float32, for benchmarks. ``stored_...`` give what the reader gave, in its own type: an array, or the
image of a prepared store, which stays in its file until a window of it is cut. Training cuts
windows of these and converts what it cut, so its memory does not grow with the data set.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from gisr.tasks import TaskName

Split = Literal["train", "val", "test", "research"]
"""``research`` entries serve experiments and are never in shipped weights."""


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
class _Entry:
    """What every entry says of itself."""

    name: str
    """Identifier, unique in its data set."""
    dataset: str
    """Data set it belongs to, ``open-pairs`` or a name of :data:`gisr.datasets.readers.LAYOUTS`."""
    split: Split
    """A group never stands in two splits."""
    group: str = ""
    """What must stay together in a split: the volume, the scene family, the orbit."""
    open: bool = False
    """Whether the licence lets weights trained on it be given away."""
    files: tuple[Path, ...] = ()
    """Files it is read from, where the reader can name them; the store notes their sums."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene(_Entry):
    """A multispectral image and its panchromatic image at their full resolution."""

    read_multispectral: Read
    """Gives (H, W, bands) in digital numbers."""
    read_panchromatic: Read
    """Gives (H2, W2, 1) in digital numbers."""
    sensor: str | None = None
    bits: int | None = None
    """Significant bits per sample; None for floating point."""
    guide_offset: tuple[float, float] = (0.0, 0.0)
    """How far the guide is off, in its pixels: ``aligned[y, x] = guide[y + dy, x + dx]``."""
    task: Literal["pansharpening"] = field(default="pansharpening", init=False)

    @property
    def multispectral(self) -> Float[np.ndarray, "H W bands"]:
        """Multispectral image, float32."""
        return _whole(self.stored_multispectral)

    @property
    def panchromatic(self) -> Float[np.ndarray, "H2 W2 1"]:
        """Panchromatic image, float32."""
        return _whole(self.stored_panchromatic)

    @cached_property
    def stored_multispectral(self) -> Pixels:
        """Multispectral image to cut windows from."""
        return self.read_multispectral()

    @cached_property
    def stored_panchromatic(self) -> Pixels:
        """Panchromatic image to cut windows from."""
        return self.read_panchromatic()


@dataclass(frozen=True, kw_only=True, eq=False)
class Scan(_Entry):
    """Co-registered MR volumes of one subject in several contrasts."""

    read_contrasts: Mapping[str, Read]
    """By contrast (T1, T2, FLAIR, ...); each gives (X, Y, Z), slices along the last axis."""
    slices: tuple[int, ...] | None = None
    """Slices of the last axis that count, by the data set's rule; all when None."""
    task: Literal["mri"] = field(default="mri", init=False)

    @property
    def contrasts(self) -> tuple[str, ...]:
        """Contrasts, alphabetically."""
        return tuple(sorted(self.read_contrasts))

    def volume(self, contrast: str) -> Float[np.ndarray, "X Y Z"]:
        """Return the volume of a contrast, float32."""
        return _whole(self.stored_volume(contrast))

    def stored_volume(self, contrast: str) -> Pixels:
        """Return the volume of a contrast to cut slices from."""
        if contrast not in self._volumes:
            self._volumes[contrast] = self.read_contrasts[contrast]()
        return self._volumes[contrast]

    @cached_property
    def _volumes(self) -> dict[str, Pixels]:
        return {}


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame(_Entry):
    """A depth or disparity map with its colour image."""

    read_depth: Callable[[], tuple[Pixels, Pixels]]
    """Gives values (H, W) and where they are known (H, W), bool."""
    read_colour: Read
    """Gives (H, W, channels) in the file's units (0 to 255 for 8 bits)."""
    unit: str = ""
    """Unit of the values as a table says it: m, cm, px, 8-bit levels."""
    task: Literal["depth"] = field(default="depth", init=False)

    @property
    def depth(self) -> tuple[Float[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
        """Depth or disparity, float32, and where it is known."""
        values, valid = self.stored_depth
        return _whole(values), np.asarray(valid, dtype=bool)

    @property
    def colour(self) -> Float[np.ndarray, "H W channels"]:
        """Colour image, float32."""
        return _whole(self.stored_colour)

    @cached_property
    def stored_depth(self) -> tuple[Pixels, Pixels]:
        """Values, and where they are known, to cut windows from."""
        return self.read_depth()

    @cached_property
    def stored_colour(self) -> Pixels:
        """Colour image to cut windows from."""
        return self.read_colour()


@dataclass(frozen=True, kw_only=True, eq=False)
class MadePair(_Entry):
    """A target and guide published as such, already reduced by others, or of full resolution."""

    task: TaskName
    ratio: int
    read_target: Read
    """Gives (h, w, bands)."""
    read_guide: Read
    """Gives (h * ratio, w * ratio, channels)."""
    read_truth: Read | None = None
    """Gives (h * ratio, w * ratio, bands); None where nobody knows it."""
    sensor: str | None = None
    bits: int | None = None
    peak: float | None = None
    """Value range that PSNR refers to; the bits say it where this is None."""

    @property
    def target(self) -> Float[np.ndarray, "h w bands"]:
        """Low-resolution image, float32."""
        return _whole(self.stored_target)

    @property
    def guide(self) -> Float[np.ndarray, "H W channels"]:
        """High-resolution image of the other modality, float32."""
        return _whole(self.stored_guide)

    @property
    def truth(self) -> Float[np.ndarray, "H W bands"] | None:
        """High-resolution reference, float32."""
        return None if self.stored_truth is None else _whole(self.stored_truth)

    @cached_property
    def stored_target(self) -> Pixels:
        """Low-resolution image to cut windows from."""
        return self.read_target()

    @cached_property
    def stored_guide(self) -> Pixels:
        """High-resolution image of the other modality to cut windows from."""
        return self.read_guide()

    @cached_property
    def stored_truth(self) -> Pixels | None:
        """High-resolution reference to cut windows from."""
        return None if self.read_truth is None else self.read_truth()


Entry: TypeAlias = Scene | Scan | Frame | MadePair


def _whole(image: Pixels) -> Float[np.ndarray, "..."]:
    """Return all of an image; an array that is float32 is not copied."""
    return np.asarray(image, dtype=np.float32)
