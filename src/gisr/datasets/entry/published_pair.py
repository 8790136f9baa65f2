"""Published pairs: targets that came reduced already, or of full resolution without a truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.datasets.entry.base import Images, Pixels, Read, cut, whole
from gisr.datasets.entry.checks import check_equal, checked_image
from gisr.datasets.entry.pair_entry import PairEntry
from gisr.errors import PairError
from gisr.placement import Placement
from gisr.sizes import picture_size
from gisr.tasks import find_task
from gisr.windows import Window


@dataclass(frozen=True, kw_only=True, eq=False)
class PublishedPair(PairEntry):
    """A target and guide published as such, reduced by their makers or of full resolution."""

    ratio: int
    read_target: Read
    """Gives (h, w, bands)."""
    read_guide: Read
    """Gives (h * ratio, w * ratio, channels)."""
    read_truth: Read | None = None
    """Gives (h * ratio, w * ratio, bands); None where there is no truth."""
    bits: int | None = None
    peak: float | None = None
    """Value range that PSNR refers to; that of the bits where this is None."""

    @property
    def target(self) -> Float[np.ndarray, "h w bands"]:
        """Low-resolution image, float32."""
        return whole(self.stored_target)

    @property
    def guide(self) -> Float[np.ndarray, "H W channels"]:
        """High-resolution image of the other modality, float32."""
        return whole(self.stored_guide)

    @property
    def truth(self) -> Float[np.ndarray, "H W bands"] | None:
        """High-resolution reference, float32."""
        return None if self.stored_truth is None else whole(self.stored_truth)

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

    @property
    def ratios(self) -> tuple[int, ...]:
        """The ratio that it was made at."""
        return (self.ratio,)

    def has_truth_at(self, ratio: int) -> bool:
        """Whether it was made at this ratio and has a truth."""
        return ratio == self.ratio and self.read_truth is not None

    @property
    def kind(self) -> str:
        """Sensor, where the task knows sensors, and ratio."""
        unknown = "any sensor" if "sensors" in find_task(self.task).vocabulary else ""
        return f"{self.sensor or unknown} pairs x{self.ratio}".strip()

    def images(self) -> dict[str, Pixels]:
        """Return target, guide, and truth where there is one."""
        images = {"target": self.stored_target, "guide": self.stored_guide}
        return images if self.stored_truth is None else {**images, "truth": self.stored_truth}

    def target_shape(self, ratio: int) -> tuple[int, ...]:
        """Return the shape of the target, whatever the ratio."""
        return self.stored_target.shape

    def crop(
        self, window: Window
    ) -> tuple[
        Float[np.ndarray, "h w bands"],
        Float[np.ndarray, "H W channels"],
        Float[np.ndarray, "H W bands"] | None,
    ]:
        """Return a window of target, guide and truth (None where there is none).

        Args:
            window: In target pixels.
        """
        rows, columns = (slice(s.start * self.ratio, s.stop * self.ratio) for s in window)
        truth = None if self.stored_truth is None else cut(self.stored_truth, (rows, columns))
        return cut(self.stored_target, window), cut(self.stored_guide, (rows, columns)), truth

    def pair(self, ratio: int | None = None, window: Window | None = None) -> Pair:
        """Return the pair as it was published.

        Args:
            ratio: That of the pair; None means the same.
            window: In target pixels; all when None.

        Raises:
            PairError: Another ratio, or its images do not fit together.
        """
        if ratio not in (None, self.ratio):
            raise PairError(f"{self.name}: published at ratio {self.ratio}, not {ratio}")
        if window is None:
            target, guide, truth = self.target, self.guide, self.truth
        else:
            target, guide, truth = self.crop(window)
        wanted = tuple(side * self.ratio for side in target.shape[:2])
        if guide.shape[:2] != wanted:
            raise PairError(
                f"{self.name}: guide {picture_size(guide.shape[:2])} must be {self.ratio} "
                f"times the target {picture_size(target.shape[:2])}, {picture_size(wanted)}"
            )
        grid = find_task(self.task).grid
        return Pair(
            target,
            guide,
            self.task,
            Placement.from_grid(grid, target.shape[:2], guide.shape[:2]),
            grid,
            truth=truth,
            name=self.name,
            sensor=self.sensor,
            bits=self.bits,
            peak=self._peak(truth),
        )

    def _peak(self, truth: Float[np.ndarray, "H W bands"] | None) -> float | None:
        if self.peak is not None:
            return self.peak
        if self.bits is not None:
            return float(2**self.bits - 1)
        return None if truth is None else float(truth.max())

    def checked_images(self) -> Images:
        """Read and check the images: guide and truth finer than the target by the ratio."""
        images = {
            "target": checked_image("target", self.read_target(), axes=3),
            "guide": checked_image("guide", self.read_guide(), axes=3),
        }
        rows, columns, bands = images["target"].shape
        high = rows * self.ratio, columns * self.ratio
        wanted = f"{self.ratio} times the target"
        check_equal("guide", images["guide"].shape[:2], wanted, high)
        if self.read_truth is not None:
            images["truth"] = checked_image("truth", self.read_truth(), axes=3)
            check_equal("truth", images["truth"].shape, wanted, (*high, bands))
        return images

    @classmethod
    def of_images(cls, reads: Mapping[str, Read], about: Mapping[str, Any]) -> Self:
        """Return a pair that reads its images from elsewhere."""
        return cls(
            **about,
            read_target=reads["target"],
            read_guide=reads["guide"],
            read_truth=reads.get("truth"),
        )
