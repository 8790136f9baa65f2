"""A published network behind the call of every system: groups of bands, whole images or tiles."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float

from gisr.array_types import ImageArray
from gisr.baselines.network import ComparedNetwork, NetworkInput
from gisr.baselines.systems import SystemShape
from gisr.baselines.whole_multiple import WholeMultiple, is_near
from gisr.data.pair import Pair
from gisr.data.resample import shift
from gisr.errors import InputError, LimitError
from gisr.inference.answers import Answer, Check, Progress, Settings, Shared, unchecked
from gisr.inference.consistency.correction import Consistency, consistent_image, is_corrected
from gisr.inference.survey import Survey
from gisr.inference.system import PairSystem
from gisr.inference.tiling import TilePlan, blended, gathered
from gisr.inference.window_work import as_tensor
from gisr.inference.windowed_pair import ArraySource
from gisr.memory import is_out_of_memory
from gisr.tasks import TaskName, find_task
from gisr.windows import Window

_TILE, _OVERLAP = 512, 64
"""Of images too large to go through as one, in guide pixels, rounded to the ratio."""
_SMALLEST_TILE = 128
_ALIGN = 8
"""Tiles start at multiples of so many target pixels: the largest blocks that the networks work
on, so that a tile is cut into the same blocks as the image."""
_SAME_RATIO = 1e-3
_DEFAULT = Settings()


@dataclass(frozen=True, eq=False)
class _Images:
    """A pair as a network sees it, the guide a whole number of times as large."""

    target: ImageArray
    enlarged: ImageArray
    guide: ImageArray
    ratio: int


class ComparedSystem(PairSystem):
    """A published network with its weights."""

    spreads: ClassVar[bool] = False

    def __init__(
        self,
        network: ComparedNetwork,
        shape: SystemShape,
        name: str,
        device: str | torch.device | None = None,
        *,
        tile: int = _TILE,
    ) -> None:
        """Put a network to work.

        Args:
            network: Of this shape.
            shape: What it was built for.
            name: Name in tables.
            device: torch device; where the network is when None.
            tile: Side in guide pixels of the tiles that a larger image goes through. Networks with
                statistics of the whole image see those of a tile then.
        """
        network = network.eval().requires_grad_(False)
        self.network = network if device is None else network.to(device)
        self.shape, self._name, self._tile = shape, name, tile
        self.tasks = shape.tasks  # type: ignore[misc]  # of this one, not of the class

    @property
    def name(self) -> str:
        """Name in tables and messages."""
        return self._name

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @property
    def device_name(self) -> str:
        """What it computes on."""
        return str(self.device)

    def can(self, task: TaskName, ratio: float) -> bool:
        """Return whether the network fits pairs of a task at a ratio."""
        fits = self.shape.all_in_one or is_near((ratio, ratio), self.shape.ratio)
        return fits and task in self.tasks

    def answer(
        self,
        pair: Pair,
        settings: Settings = _DEFAULT,
        *,
        shared: Shared | None = None,
        check: Check = unchecked,
        progress: Progress | None = None,
    ) -> Answer:
        """Sharpen a pair in memory.

        The guide is aligned, and the result made consistent, as for MAG-Net. Arguments are those of
        :meth:`gisr.inference.system.PairSystem.answer`.

        Raises:
            InputError: The task, ratio or placement is not what the network was built for, or it
                gave values that are not finite.
            LimitError: Memory does not suffice even for small tiles.
        """
        ratio = self._checked_ratio(pair)
        source, alignment = ArraySource(pair), None
        if shared is not None:
            source.survey = shared.survey
        elif settings.align == "auto":
            alignment = source.align()
        on_grid = pair.on_guide_grid()
        guide = pair.guide if source.offset == (0.0, 0.0) else shift(pair.guide, source.offset)
        target = pair.filled_target
        if ratio is None:
            whole = WholeMultiple(pair, self.shape.ratio)
            low, high = whole.enlarged(), whole.taken(guide)
            images = self._normalised(target, low, high, source.survey, whole.ratio)
            added = whole.given_back(self._in_tiles(images, check, progress))
        else:
            images = self._normalised(target, on_grid, guide, source.survey, ratio)
            added = self._in_tiles(images, check, progress)[: on_grid.shape[0], : on_grid.shape[1]]
        image = on_grid + source.survey.normalisation.residual(added)
        if not np.isfinite(image).all():
            raise InputError(
                f"{pair.name or 'pair'}: the network {self.name} gave values that are not finite: "
                "check the value range of target and guide"
            )
        image = source.survey.clip(image, pair.bits)
        answer = Answer(image, alignment=alignment)
        pair, source = source.of_measured()
        if not is_corrected(settings.consistent, pair, source):
            return answer
        found = Consistency()
        return replace(
            answer, image=consistent_image(image, pair, source, found), consistency=found
        )

    def _checked_ratio(self, pair: Pair) -> int | None:
        """Return the ratio of a pair that the network can sharpen; None where it is nearly its own.

        1 stands for the ratios that an all-in-one network takes an enlarged target at.
        """
        if find_task(pair.task).name not in self.tasks:
            raise InputError(
                f"{self.name} does not apply to task {pair.task!r}: its weights are for "
                f"{', '.join(self.tasks)}"
            )
        ratio, rows, columns = round(pair.ratio), *pair.guide.shape[:2]
        if not self.can(pair.task, pair.ratio):
            raise InputError(
                f"{self.name} was built for ratio {self.shape.ratio}, the pair has "
                f"{pair.ratio:.4g}: take weights of that ratio"
            )
        spare = [
            low * ratio - high
            for low, high in zip(pair.target.shape[:2], (rows, columns), strict=True)
        ]
        whole = abs(pair.ratio - ratio) <= _SAME_RATIO and all(0 <= each < ratio for each in spare)
        if self.shape.all_in_one:
            return ratio if whole else 1
        if not whole and not is_near(pair.placement.ratios, self.shape.ratio):
            raise InputError(
                f"{self.name} takes guides that are {ratio} times as large as the target, to 5 %: "
                f"{columns} x {rows} is not {ratio} times {pair.target.shape[1]} x "
                f"{pair.target.shape[0]}"
            )
        return ratio if whole else None

    def _normalised(
        self,
        target: ImageArray,
        on_grid: ImageArray,
        guide: ImageArray,
        survey: Survey,
        ratio: int,
    ) -> _Images:
        """Return what the network sees; a ratio of 1 means that it takes the enlarged target."""
        normal = survey.normalisation
        low, high = normal.target(on_grid), normal.guide(guide)
        if ratio == 1:
            return _Images(low, low, _channels(high, self.shape.guide_channels), 1)
        sides = target.shape[0] * ratio, target.shape[1] * ratio
        low, high = _padded(low, sides), _padded(high, sides)
        channels = self.shape.guide_channels
        return _Images(normal.target(target), low, _channels(high, channels), ratio)

    def _in_tiles(
        self, images: _Images, check: Check, progress: Progress | None
    ) -> Float[np.ndarray, "H W bands"]:
        """Return what the network adds, in tiles that become smaller when memory runs out."""
        side = max(images.enlarged.shape[:2])
        tile = side if side <= self._tile else self._tile
        while True:
            try:
                return self._added(images, tile, check, progress)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = error.with_traceback(None)
            tile = min(tile, side) // 2
            if tile < _SMALLEST_TILE:
                raise LimitError(
                    f"{self.name}: memory does not suffice even for tiles of {2 * tile} x "
                    f"{2 * tile} pixels: close other programs, or use the CPU (--device cpu)"
                ) from reason
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _added(
        self, images: _Images, tile: int, check: Check, progress: Progress | None
    ) -> Float[np.ndarray, "H W bands"]:
        (height, width, bands), ratio = images.enlarged.shape, images.ratio
        align = ratio * _ALIGN
        tile = -(-tile // align) * align
        plan = TilePlan(height, width, tile, min(_OVERLAP, tile // 4 // align * align), align)

        def compute(window: Window) -> Float[np.ndarray, "h w bands"]:
            check()
            rows, columns = (slice(part.start // ratio, part.stop // ratio) for part in window)
            cut = _Images(
                images.target[rows, columns], images.enlarged[window], images.guide[window], ratio
            )
            added = np.empty_like(cut.enlarged)
            for group in _groups(bands, self.shape.target_channels):
                added[..., group] = self._network(cut, group)
            if progress is not None:
                progress(min(height, window[0].stop) * min(width, window[1].stop), height * width)
            return added

        return gathered(blended(plan, bands, compute), (height, width), bands)

    def _network(self, cut: _Images, group: slice) -> Float[np.ndarray, "H W bands"]:
        """Return what the network adds to a group of bands, repeated where it takes more."""
        channels = self.shape.target_channels
        count = cut.enlarged[..., group].shape[2]
        order = [channel % count for channel in range(channels)]
        given = NetworkInput(
            as_tensor(cut.target[..., group][..., order], self.device),
            as_tensor(cut.enlarged[..., group][..., order], self.device),
            as_tensor(cut.guide, self.device),
            cut.ratio,
        )
        with torch.inference_mode():
            image = self.network.sharpen(given)
        added = (image.float() - given.enlarged)[0].permute(1, 2, 0).cpu().numpy()
        # The mean of the channels that stand for the same band.
        return np.stack(
            [
                added[..., [c for c in range(channels) if order[c] == band]].mean(axis=2)
                for band in range(count)
            ],
            axis=2,
        )


def _groups(bands: int, most: int) -> list[slice]:
    """Return the groups that bands go through in, as even as possible."""
    count = -(-bands // most)
    return [slice(bands * k // count, bands * (k + 1) // count) for k in range(count)]


def _channels(guide: ImageArray, channels: int) -> ImageArray:
    """Return a guide with a number of channels: repeated, or their mean."""
    if guide.shape[2] == channels:
        return guide
    if channels == 1:
        mean: ImageArray = guide.mean(axis=2, keepdims=True)
        return mean
    return guide[..., [channel % guide.shape[2] for channel in range(channels)]]


def _padded(image: ImageArray, sides: tuple[int, int]) -> ImageArray:
    """Return an image whose last rows and columns are repeated up to a size."""
    spare = [(0, side - own) for side, own in zip(sides, image.shape[:2], strict=True)]
    return np.pad(image, (*spare, (0, 0)), mode="edge") if np.any(spare) else image


__all__ = ["ComparedSystem"]
