"""The network on one tile after another, in smaller tiles where memory runs out."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gisr.array_types import ImageArray
from gisr.errors import InputError, LimitError
from gisr.inference.answers import Check, unchecked
from gisr.inference.self_ensemble import UPRIGHT, Symmetry
from gisr.inference.side_by_side import side_by_side, tiles_prepared
from gisr.inference.surfaces import bounded
from gisr.inference.survey import Survey
from gisr.inference.tiling import TilePlan, blended
from gisr.inference.value_bounds import bounds_of
from gisr.inference.value_levels import seen_at, within_range
from gisr.inference.window_work import WindowWork, as_batch, as_tensor
from gisr.inference.windowed_pair import Cut, PairSource
from gisr.magnet import MAGNet
from gisr.memory import is_out_of_memory
from gisr.threads import in_order
from gisr.windows import Window

Prompt = Float[Tensor, "1 p"]
PromptPart = tuple[Float[Tensor, "s n"], int]
"""GAP(F_IT) of a window times its known pixels, one row a symmetry; and their number."""


@dataclass
class TileJob:
    """What all tiles of a pair share."""

    network: MAGNet
    model: str
    """Name of its weights."""
    device: torch.device
    survey: Survey
    text: Float[Tensor, "1 d"]
    ratio: Float[Tensor, "1"]
    side: int
    """Side of what goes through the network at once; halved when memory runs out."""
    overlap: int
    symmetries: tuple[Symmetry, ...] = (UPRIGHT,)
    """How images are turned before the network sees them; its answers are turned back."""
    prompt: Float[Tensor, "s p"] | None = None
    """P_mm of the whole pair, one row a symmetry; None for a network without MPGM."""
    check: Check = unchecked
    """Called before every answer of the network; what it raises ends the run."""
    bounded: bool = False
    """Whether every window is kept in the range of its target."""
    batch: int = 1
    """Windows of one size that go through the network at once; halved when memory runs out."""

    def sharpen(self, cut: Cut) -> ImageArray:
        """Return a window in the target's units, clipped to where values of its kind can lie.

        With several symmetries it is the mean of the answers, as many further bands hold how far
        they spread.

        Raises:
            InputError: The network gave values that are not finite.
            LimitError: Memory does not suffice even for the smallest tiles.
        """
        return next(self.sharpened([self._work(cut)]))

    def sharpened(self, works: Sequence[WindowWork]) -> Iterator[ImageArray]:
        """Yield windows in the target's units, as :meth:`sharpen` returns one."""
        for number in range(len(self.symmetries)):
            seen = [(each.low, each.high) for work in works for each in work.seen]
            residuals = self.residuals(seen, number)
            for work in works:
                self._take(work, residuals)
        for work in works:
            mean = work.answers.mean
            alone = len(self.symmetries) == 1
            yield mean if alone else np.concatenate([mean, work.answers.spread], axis=2)

    def tiles(
        self, source: PairSource, windows: Iterable[Window], *, masked: bool, at_once: int = 1
    ) -> Generator[ImageArray | None, None, None]:
        """Yield windows of a pair, sharpened; None where all is unknown.

        Close the iterator before what the source reads is closed.

        Args:
            source: Where they are cut from.
            windows: In the order of the answers.
            masked: Whether unknown pixels are NaN.
            at_once: Windows at work side by side, if one goes through the network at once.
        """
        if self.batch == 1:
            yield from side_by_side(partial(self._tile, source, masked), windows, at_once)
            return
        preparing = tiles_prepared(self.device)
        works = in_order(partial(self.prepared, source), windows, preparing, ahead=self.batch)
        while chosen := list(islice(works, self.batch)):
            images = self.sharpened([work for work in chosen if work is not None])
            for work in chosen:
                yield None if work is None else _masked(next(images), work.cut, masked)

    def _tile(self, source: PairSource, masked: bool, window: Window) -> ImageArray | None:
        cut = source.cut(window)
        return None if cut is None else _masked(self.sharpen(cut), cut, masked)

    def prepared(self, source: PairSource, window: Window) -> WindowWork | None:
        """Return a window as it is before the network sees it; None where all is unknown."""
        cut = source.cut(window)
        return None if cut is None else self._work(cut)

    def _work(self, cut: Cut) -> WindowWork:
        on_grid, levels = cut.on_guide_grid(), self.survey.levels
        seen = list(seen_at(levels, on_grid, cut.pair.guide, float(self.ratio)))
        return WindowWork(cut, on_grid, seen, bounds_of(cut, self.survey.normalisation))

    def _take(self, work: WindowWork, residuals: Iterator[ImageArray]) -> None:
        """Add the network's next answer for a window to those it gave."""
        pair = work.cut.pair
        with np.errstate(over="ignore", invalid="ignore"):  # reported, with the remedy
            image = work.on_grid + work.added(residuals)
        if not np.isfinite(image).all():
            raise InputError(
                f"{pair.name or 'pair'}: the network {self.model} gave values that are not "
                "finite; check the value range of target and guide"
            )
        if work.bounds is not None:
            image = work.bounds.clip(image)
        image = self.survey.clip(image, pair.bits)
        work.answers.add(bounded(image, pair) if self.bounded else image)

    def prompt_part(self, cut: Cut) -> PromptPart:
        """Return what a window contributes to the prompt, for a network with MPGM.

        Raises:
            LimitError: Memory does not suffice even for the smallest parts.
        """
        return self._prompt_from(*self._prompt_images(cut))

    def prompt_parts(
        self, source: PairSource, windows: Iterable[Window], at_once: int = 1
    ) -> Iterator[PromptPart]:
        """Yield what windows of a pair contribute to its prompt, for a network with MPGM."""

        def images(window: Window) -> tuple[ImageArray, ImageArray, int] | None:
            cut = source.cut(window)
            return None if cut is None else self._prompt_images(cut)

        def part_of(window: Window) -> PromptPart | None:
            seen = images(window)
            return None if seen is None else self._prompt_from(*seen)

        preparing = tiles_prepared(self.device)
        if not preparing:
            yield from filter(None, side_by_side(part_of, windows, at_once))
        else:  # read and prepared in threads, while the network has others
            prepared = in_order(images, windows, preparing)
            yield from (self._prompt_from(*seen) for seen in prepared if seen is not None)

    def _prompt_images(self, cut: Cut) -> tuple[ImageArray, ImageArray, int]:
        """Return target and guide as the network sees them, and the number of known pixels."""
        normal, known = self.survey.normalisation, int(cut.known.sum())
        low, high = normal.target(cut.on_guide_grid()), normal.guide(cut.pair.guide)
        return within_range(low), within_range(high), known

    def _prompt_from(self, low: ImageArray, high: ImageArray, known: int) -> PromptPart:
        with torch.inference_mode():
            pooled = [self.pooled(s.apply(low), s.apply(high)) for s in self.symmetries]
            return known * torch.cat(pooled), known

    def take_prompt(self, parts: Iterable[PromptPart]) -> None:
        """Take P_mm of the whole pair: the mean of its windows, by their known pixels."""
        pooled, weight = None, 0
        for part, known in parts:
            pooled, weight = part if pooled is None else pooled + part, weight + known
        if pooled is not None:
            generator = self.network.prompt_generator
            assert generator is not None  # the caller has looked
            with torch.inference_mode():
                self.prompt = generator.compose(pooled / weight)

    def residuals(
        self, images: Sequence[tuple[ImageArray, ImageArray]], number: int = 0
    ) -> Iterator[ImageArray]:
        """Yield what the network adds to normalised targets, several of one size at once.

        Args:
            images: Targets on their guides' grids, and guides.
            number: Which of the symmetries the network is to see them under.

        Raises:
            LimitError: Memory does not suffice even for the smallest tiles.
        """
        done = 0
        while done < len(images):
            alike = [images[done]]
            for each in images[done + 1 : done + self.batch]:
                if any(a.shape != b.shape for a, b in zip(each, alike[0], strict=True)):
                    break
                alike.append(each)
            if len(alike) == 1 or max(alike[0][0].shape[:2]) > self.side:
                alike, answers = alike[:1], [self.residual(*alike[0], number)]
            else:
                answers = self._together(alike, number)
            yield from answers
            done += len(answers)

    def _together(
        self, images: Sequence[tuple[ImageArray, ImageArray]], number: int
    ) -> list[ImageArray]:
        """Return the answers to images of one size; none where memory allows fewer of them."""
        self.check()
        symmetry = self.symmetries[number]
        prompt = None if self.prompt is None else self.prompt[number : number + 1]
        low, high = (np.stack([symmetry.apply(each[side]) for each in images]) for side in (0, 1))
        try:
            return [symmetry.undo(each) for each in self._network(low, high, prompt)]
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        self.batch = len(images) // 2
        self._empty()
        return []

    def residual(self, low: ImageArray, high: ImageArray, number: int = 0) -> ImageArray:
        """Return what the network adds to a normalised target.

        Args:
            low: Target on the guide's grid.
            high: Guide.
            number: Which of the symmetries the network is to see them under.

        Raises:
            LimitError: Memory does not suffice even for the smallest tiles.
        """
        self.check()
        symmetry = self.symmetries[number]
        prompt = None if self.prompt is None else self.prompt[number : number + 1]
        low, high = symmetry.apply(low), symmetry.apply(high)
        while True:
            side = self.side  # another thread may halve it meanwhile
            try:
                return symmetry.undo(self._in_tiles(low, high, prompt, side))
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                # Without its traceback, which would hold on to the memory.
                reason = error.with_traceback(None)
            self._halve(min(side, max(low.shape[:2])), reason)

    def pooled(self, low: ImageArray, high: ImageArray) -> Float[Tensor, "1 n"]:
        """Return GAP(F_IT) of Eq. (5) for a network with MPGM.

        Raises:
            LimitError: Memory does not suffice even for the smallest parts.
        """
        self.check()
        try:
            part = self.network.pool_prompt(
                as_tensor(low, self.device), as_tensor(high, self.device), self.text, self.ratio
            )
            assert part is not None  # the caller has looked
            return part
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            reason = error.with_traceback(None)
        axis = int(low.shape[1] > low.shape[0])
        half = low.shape[axis] // 2
        if half < self._smallest:
            raise _too_little(low.shape[axis]) from reason
        shares = half / low.shape[axis], 1 - half / low.shape[axis]
        parts = zip(np.split(low, [half], axis), np.split(high, [half], axis), strict=True)
        first, second = (self.pooled(*part) for part in parts)
        mean: Tensor = shares[0] * first + shares[1] * second
        return mean

    @property
    def _smallest(self) -> int:
        return 2 * self.network.config.size_multiple

    def _halve(self, side: int, reason: BaseException) -> None:
        multiple = self.network.config.size_multiple
        half = side // 2 // multiple * multiple
        if half < self._smallest:
            raise _too_little(side) from reason
        self.side = min(self.side, half)
        self._empty()

    def _empty(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _in_tiles(
        self, low: ImageArray, high: ImageArray, prompt: Prompt | None, side: int
    ) -> ImageArray:
        """Send a tile through the network, cut into smaller ones if it is too large by now."""
        multiple = self.network.config.size_multiple
        overlap = min(self.overlap, side // 2 // multiple * multiple)
        plan = TilePlan(low.shape[0], low.shape[1], side, overlap, multiple)
        if len(plan) == 1:
            alone: ImageArray = self._network(low[None], high[None], prompt)[0]
            return alone

        def compute(window: Window) -> ImageArray:
            part: ImageArray = self._network(low[window][None], high[window][None], prompt)[0]
            return part

        residual = np.empty_like(low)
        for rows in blended(plan, low.shape[2], compute):
            residual[rows.start : rows.stop] = rows.image
        return residual

    def _network(
        self,
        low: Float[np.ndarray, "n h w bands"],
        high: Float[np.ndarray, "n h w channels"],
        prompt: Prompt | None,
    ) -> Float[np.ndarray, "n h w bands"]:
        target, guide = (as_batch(images, self.device) for images in (low, high))
        count = len(target)
        text, ratio = self.text.expand(count, -1), self.ratio.expand(count)
        prompts = None if prompt is None else prompt.expand(count, -1)
        with torch.inference_mode():
            image = self.network(target, guide, text, ratio, prompts).image
            residual: Float[np.ndarray, "n h w bands"] = (
                (image - target).permute(0, 2, 3, 1).float().cpu().numpy()
            )
        return residual


def _masked(image: ImageArray, cut: Cut, masked: bool) -> ImageArray:
    """Return an image with NaN where it is unknown, if it is to be masked."""
    if masked:
        image[~cut.known] = np.nan
    return image


def _too_little(side: int) -> LimitError:
    return LimitError(
        f"memory does not suffice even for tiles of {side} x {side} pixels: close other programs, "
        "use a smaller model (--model), or the CPU (--device cpu)"
    )
