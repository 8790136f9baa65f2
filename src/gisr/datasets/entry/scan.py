"""MR scans: co-registered volumes of one subject in several contrasts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.data.protocols import kspace_pair
from gisr.datasets.entry.base import Entry, Images, Pixels, Read, whole
from gisr.datasets.entry.checks import check_equal, checked_image
from gisr.errors import InputError
from gisr.sizes import volume_size
from gisr.tasks import TaskName
from gisr.tasks.mri import MRI

_LEVELS = 255.0
_MIDDLE_SLICES = 4
"""Slices of a subject among its middle pairs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scan(Entry):
    """Co-registered MR volumes of one subject in several contrasts."""

    read_contrasts: Mapping[str, Read]
    """By contrast (T1, T2, FLAIR, ...); each gives (X, Y, Z), slices along the last axis."""
    slices: tuple[int, ...] | None = None
    """Slices of the last axis that count, by the data set's rule; all when None."""
    task: TaskName = MRI.name

    @property
    def contrasts(self) -> tuple[str, ...]:
        """Contrasts, alphabetically."""
        return tuple(sorted(self.read_contrasts))

    def volume(self, contrast: str) -> Float[np.ndarray, "X Y Z"]:
        """Return the volume of a contrast, float32."""
        return whole(self.stored_volume(contrast))

    def stored_volume(self, contrast: str) -> Pixels:
        """Return the volume of a contrast to cut slices from."""
        if contrast not in self._volumes:
            self._volumes[contrast] = self.read_contrasts[contrast]()
        return self._volumes[contrast]

    @cached_property
    def _volumes(self) -> dict[str, Pixels]:
        return {}

    @property
    def kind(self) -> str:
        """Contrasts."""
        return " ".join(self.contrasts)

    def images(self) -> dict[str, Pixels]:
        """Return the volumes by contrast."""
        return {contrast: self.stored_volume(contrast) for contrast in self.contrasts}

    def plane(self, contrast: str, index: int, axis: int = 2) -> Float[np.ndarray, "rows columns"]:
        """Return a slice of a volume; nothing else of it is read.

        Args:
            contrast: One of its contrasts.
            index: Position along the axis.
            axis: Axis that the slice is across; across the last one is the fastest to read.
        """
        place: list[slice | int] = [slice(None)] * 3
        place[axis] = index
        return np.asarray(self.stored_volume(contrast)[tuple(place)], dtype=np.float32)

    def check_grid(self, contrast: str, other: str) -> None:
        """Refuse two volumes of different sizes.

        Raises:
            InputError: They have.
        """
        first, second = (self.stored_volume(name).shape for name in (contrast, other))
        check_equal(other, second, contrast, first, volume_size)

    def default_contrasts(self) -> tuple[str, str]:
        """Return the contrasts of targets and guides where none is chosen: T2 by T1 if there.

        Raises:
            InputError: The scan has one contrast only.
        """
        if len(self.contrasts) < 2:
            raise InputError(f"{self.name}: one contrast only, a guide is missing")
        contrast = "T2" if "T2" in self.contrasts else self.contrasts[-1]
        others = [name for name in self.contrasts if name != contrast]
        return contrast, "T1" if "T1" in others else others[0]

    def slice_pairs(
        self,
        ratio: int,
        *,
        contrast: str,
        guide_contrast: str,
        slices: Iterable[int] | None = None,
        as_levels: bool = False,
    ) -> Iterator[Pair]:
        """Yield slices of one contrast guided by another, k-space cropped; peak is the volume's.

        Args:
            ratio: Scale factor.
            contrast: Of the targets.
            guide_contrast: Of the guides.
            slices: Along the last axis; when None those that count by the data set's rule.
            as_levels: Bring both volumes to 0 to 255 by their own extremes and round, as papers do
                that keep slices as 8-bit pictures (MC-DuDoNet, MC-CDic); the peak is then 255.
        """
        self.check_grid(contrast, guide_contrast)
        truth, guide = self.volume(contrast), self.volume(guide_contrast)
        peak = float(truth.max())
        if as_levels:
            truth, guide, peak = _levels(truth), _levels(guide), _LEVELS
        if slices is None:
            slices = range(truth.shape[2]) if self.slices is None else self.slices
        for index in slices:
            yield kspace_pair(
                np.ascontiguousarray(truth[:, :, index]),
                np.ascontiguousarray(guide[:, :, index]),
                ratio,
                contrast=contrast,
                guide_contrast=guide_contrast,
                peak=peak,
                name=f"{self.name}:{contrast}:{index}",
                task=self.task,
            )

    def pairs(self, ratio: int) -> Iterator[Pair]:
        """Yield the slices that count, in the default contrasts."""
        contrast, guide_contrast = self.default_contrasts()
        yield from self.slice_pairs(ratio, contrast=contrast, guide_contrast=guide_contrast)

    def middle_pairs(self, ratio: int, side: int) -> Iterator[Pair]:
        """Yield slices of the middle half, each whole: a part of a k-space crop is none."""
        contrast, guide_contrast = self.default_contrasts()
        depth = self.stored_volume(contrast).shape[2]
        places = np.linspace(depth // 4, 3 * depth // 4, _MIDDLE_SLICES).astype(int).tolist()
        yield from self.slice_pairs(
            ratio, contrast=contrast, guide_contrast=guide_contrast, slices=places
        )

    def checked_images(self) -> Images:
        """Read and check the volumes: two contrasts or more on one grid."""
        if len(self.contrasts) < 2:
            found = " and ".join(self.contrasts) or "none"
            raise InputError(f"only one contrast ({found}): a guide is missing")
        volumes = {
            # Column order lays the pixels of a slice side by side in the file.
            contrast: np.asfortranarray(
                checked_image(contrast, self.read_contrasts[contrast](), axes=3)
            )
            for contrast in self.contrasts
        }
        first, *others = volumes.items()
        for contrast, volume in others:
            check_equal(contrast, volume.shape, first[0], first[1].shape, volume_size)
        depth = first[1].shape[2]
        wrong = [index for index in self.slices or () if not 0 <= index < depth]
        if wrong:
            raise InputError(f"slice {wrong[0]} counts, but there are {depth}")
        return volumes

    @classmethod
    def of_images(cls, reads: Mapping[str, Read], about: Mapping[str, Any]) -> Self:
        """Return a scan that reads its volumes from elsewhere."""
        return cls(**about, read_contrasts=reads)


def _levels(volume: Float[np.ndarray, "X Y Z"]) -> Float[np.ndarray, "X Y Z"]:
    low, high = volume.min(), volume.max()
    if not high > low:
        raise InputError(f"a volume is {low:g} everywhere: it has no contrast to bring to levels")
    levels: Float[np.ndarray, "X Y Z"] = np.rint((volume - low) / (high - low) * _LEVELS)
    return levels
