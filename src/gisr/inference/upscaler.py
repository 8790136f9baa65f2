"""The upscaler: trained weights behind one call that takes images in their own units."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gisr.data.pair import Pair
from gisr.errors import InputError, LimitError
from gisr.estimation.registration import Align
from gisr.inference.consistency.correction import Consistency, consistent_image, is_wanted
from gisr.inference.memory import memory_taken, network_bytes, prompt_bytes
from gisr.inference.self_ensemble import SYMMETRIES
from gisr.inference.system import PairSystem
from gisr.inference.tile_runner import TileJob, as_tensor
from gisr.inference.tiling import Rows, TilePlan, blended, gathered
from gisr.inference.windowed_pair import ArraySource, PairSource
from gisr.magnet import LevelRouting, MAGNet, MAGNetOutput
from gisr.tasks.text.encoder import load_text_encoder
from gisr.tasks.text.interface import TextEncoder
from gisr.weights.store import Weights, load_weights, save_weights
from gisr.windows import Window

Progress = Callable[[int, int], None]
"""Called with (guide pixels done, guide pixels in all)."""

_PROMPT_CELL = 256
"""Side of the parts over which the prompt's feature is averaged."""
_SMALLEST_TILE = 64
_ROWS_IN_WORK = 96
"""Rows of float32 in the making beside the canvas: those that are encoded, and where they moved."""
_IMAGES_IN_WORK = 8
"""Float32 images of a tile alive at once: read, filled, interpolated, normalised, sharpened."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A sharpened image, and what else is known of it."""

    image: Float[np.ndarray, "H W bands"]
    """In the target's units."""
    spread: Float[np.ndarray, "H W bands"] | None
    """Standard deviation of the network's answers to the image turned in all eight ways."""
    consistency: Consistency | None
    """What degrading the result gives, before and after it was made consistent."""


class Upscaler(PairSystem):
    """MAG-Net with its weights, its descriptions, and what lies between files and the network."""

    def __init__(
        self,
        weights: Weights,
        device: str | torch.device | None = None,
        *,
        align: Align = "auto",
        tile: int = 256,
        overlap: int = 32,
    ) -> None:
        """Put weights to work.

        Args:
            weights: From :func:`gisr.weights.store.load_weights`.
            device: torch device; None takes CUDA where there is one, else the CPU.
            align: Whether the shift of panchromatic guides is estimated and undone first.
            tile: Side in guide pixels of the tiles a larger image goes through; the prompt is
                computed once per image and shared by its tiles.
            overlap: Guide pixels that neighbouring tiles share and blend over.

        Raises:
            InputError: ``tile`` or ``overlap`` cannot cut an image.
        """
        self.name = weights.name
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        network = weights.network.eval().to(self.device)
        # torch's types do not know this argument of Module.to.
        self.network: MAGNet = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.descriptions = weights.descriptions
        self.align: Align = align
        self.tile = tile
        self.overlap = overlap
        self.plan(tile, tile)
        self._encoder: TextEncoder | None = None

    def upscale(
        self,
        pair: Pair,
        *,
        description: str | None = None,
        align: Align | None = None,
        progress: Progress | None = None,
    ) -> Float[np.ndarray, "H W bands"]:
        """Sharpen a pair whose grids are already known; the call above without its conveniences.

        Arguments and errors are those of :meth:`answer`.
        """
        return self.answer(pair, description=description, align=align, progress=progress).image

    def answer(
        self,
        pair: Pair,
        *,
        description: str | None = None,
        align: Align | None = None,
        progress: Progress | None = None,
        spread: bool = False,
        consistent: bool | None = None,
        measured: Bool[np.ndarray, "h w"] | None = None,
    ) -> Answer:
        """Sharpen a pair in memory and say more of the result.

        Where no target pixel is known for a whole tile, the result is the interpolated target.

        Args:
            pair: What to sharpen.
            description: Free text in place of the built-in description.
            align: In place of the upscaler's own choice.
            progress: Called after every tile.
            spread: Whether the result is the mean of the network's answers under the eight
                symmetries of the square, whose spread is wanted: eight times the work.
            consistent: Whether the result is corrected so that degrading it gives the target. When
                None, it is on k-space grids, and for satellite images whose blur can be measured.
            measured: Target pixels with which a consistent result agrees, where others were filled
                in beforehand; all that are known when None.

        Raises:
            InputError: The network gave values that are not finite.
            LimitError: Memory does not suffice even for small tiles.
        """
        source = self._source(pair, align)
        rows = self.stream(
            source, description=description, masked=False, progress=progress, spread=spread
        )
        whole = gathered(rows, source.shape, source.bands * (1 + spread))
        image, spreads = whole[..., : source.bands], whole[..., source.bands :]
        unknown = np.isnan(image)
        if unknown.any():
            image = np.where(unknown, pair.on_guide_grid(), image)
        answer = Answer(image, spreads if spread else None, None)
        if measured is not None:
            pair = replace(pair, valid=measured)
            source = self._source(pair, align)
        if not is_wanted(consistent, pair, source):
            return answer
        found = Consistency()
        image = consistent_image(image, pair, source, found)
        return replace(answer, image=image, consistency=found)

    def stream(
        self,
        source: PairSource,
        *,
        description: str | None = None,
        masked: bool = True,
        progress: Progress | None = None,
        tile: int | None = None,
        spread: bool = False,
    ) -> Iterator[Rows]:
        """Sharpen a pair of any size and yield rows as soon as they are finished.

        The prompt is that of the whole pair: the mean over all of it is taken first, by the
        prompt's own small encoders. A tile without a known pixel is passed over, in both passes.

        Args:
            source: What to sharpen, aligned already.
            description: Free text in place of the built-in description.
            masked: Whether unknown pixels are NaN; otherwise only those of tiles passed over.
            progress: Called after every tile.
            tile: Side of the tiles in place of the upscaler's own.
            spread: Whether images are turned in all eight ways; the rows then have the mean of the
                answers, and in as many further bands their standard deviation.

        Raises:
            InputError: The network gave values that are not finite, or nothing is known.
            LimitError: Memory does not suffice even for small tiles.
        """
        plan, job = self.plan(*source.shape, tile), self.job(source, description, tile)
        if spread:
            job.symmetries = SYMMETRIES
        if self.network.prompt_generator is not None:
            cuts = (source.cut(window) for window in prompt_cells(source.shape))
            job.take_prompt(job.prompt_part(cut) for cut in cuts if cut is not None)
        done, total = _PixelsDone(plan), source.shape[0] * source.shape[1]

        def compute(window: Window) -> Float[np.ndarray, "tile_h tile_w bands"] | None:
            cut, image = source.cut(window), None
            if cut is not None:
                image = job.sharpen(cut)
                if masked:
                    image[~cut.known] = np.nan
            if progress is not None:
                progress(done.after(window), total)
            return image

        yield from blended(plan, source.bands * (1 + spread), compute)

    def job(
        self, source: PairSource, description: str | None = None, tile: int | None = None
    ) -> TileJob:
        """Return what all tiles of a pair share; its prompt is still to be taken.

        Args:
            source: The pair, aligned already.
            description: Free text in place of the built-in description.
            tile: Side of the tiles in place of the upscaler's own.
        """
        text, ratio = self._embed(source, description), self._ratio(source.ratio)
        side = tile or self.tile
        return TileJob(
            self.network, self.name, self.device, source.survey, text, ratio, side, self.overlap
        )

    def plan(self, height: int, width: int, tile: int | None = None) -> TilePlan:
        """Return how an image of this many rows and columns is cut."""
        align = self.network.config.size_multiple
        return TilePlan(height, width, tile or self.tile, self.overlap, align)

    def routing(self, pair: Pair, *, description: str | None = None) -> tuple[LevelRouting, ...]:
        """Return which experts refine which pixels of a pair, untiled."""
        source = self._source(pair, None)
        whole = slice(0, source.shape[0]), slice(0, source.shape[1])
        return self.route(source, whole, description=description)

    def route(
        self, source: PairSource, window: Window, *, description: str | None = None
    ) -> tuple[LevelRouting, ...]:
        """Return which experts refine which pixels of a window, by the prompt of the window.

        Raises:
            InputError: No pixel of it is known.
        """
        cut = source.cut(window)
        if cut is None:
            raise InputError("no known pixel: there is nothing to route")
        text, normal = self._embed(source, description), source.survey.normalisation
        low = as_tensor(normal.target(cut.on_guide_grid()), self.device)
        high = as_tensor(normal.guide(cut.pair.guide), self.device)
        with torch.inference_mode():
            output: MAGNetOutput = self.network(low, high, text, self._ratio(source.ratio))
        return output.routing

    def save_pretrained(self, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write the weights in the Hugging Face hub's layout, as ``gisr.load_model`` reads them."""
        save_weights(folder, self.network, self.descriptions, name=self.name, dtype=dtype)

    def tile_within(
        self, source: PairSource, budget: int, waiting: int = 0, reached: int = 0
    ) -> int:
        """Return the largest side of tiles, up to the upscaler's own, that keeps to a budget.

        Args:
            source: What will be streamed, surveyed already.
            budget: Bytes that the process may hold in all, weights and libraries included.
            waiting: Bytes that the output will hold back.
            reached: Bytes that the process held in all while the pair was looked at.

        Raises:
            LimitError: Even the smallest tiles would not.
        """
        align, taken = self.network.config.size_multiple, memory_taken()
        smallest = max(_SMALLEST_TILE, -(-2 * self.overlap // align) * align)
        needed = taken
        for tile in range(self.tile, smallest - 1, -align):
            columns = source.shape[1]
            canvas = 4 * (min(tile, source.shape[0]) + _ROWS_IN_WORK) * columns * (source.bands + 1)
            working = self._working_bytes(tile, source.bands)
            needed = max(reached, taken + canvas + working + waiting)
            if needed <= budget:
                return tile
        raise LimitError(
            f"max-memory {budget / 1e6:.0f} MB is too little: {taken / 1e6:.0f} MB are taken by "
            f"libraries, weights and what was read, and tiles of {smallest} need "
            f"{needed / 1e6:.0f} MB in all"
        )

    def _working_bytes(self, tile: int, bands: int) -> int:
        """Return about how much one tile takes, or one cell of the prompt if that is more."""
        on_host = self.device.type == "cpu"
        parts = ((tile, network_bytes), (_PROMPT_CELL, prompt_bytes))
        return max(
            4 * _IMAGES_IN_WORK * side**2 * (bands + 1)
            + (network(self.network.config, side, bands) if on_host else 0)
            for side, network in parts
        )

    def _source(self, pair: Pair, align: Align | None) -> ArraySource:
        source = ArraySource(pair)
        if (align or self.align) == "auto":
            source.align()
        return source

    def _embed(self, source: PairSource, description: str | None) -> Float[Tensor, "1 d"]:
        if description is not None and not description.strip():
            raise InputError("description is empty: leave it out to use the built-in one")
        sentence = description or source.description
        if sentence in self.descriptions.sentences:
            embedding = self.descriptions.lookup(sentence)
        else:
            if self._encoder is None:
                self._encoder = load_text_encoder(self.descriptions.encoder)
            embedding = self.descriptions.embed(sentence, self._encoder)
        return torch.tensor(embedding, device=self.device)[None]

    def _ratio(self, ratio: float) -> Float[Tensor, "1"]:
        return torch.tensor([ratio], dtype=torch.float32, device=self.device)


def load_model(
    name_or_path: str | Path | None = None, device: str | torch.device | None = None
) -> Upscaler:
    """Load weights and put them to work.

    Args:
        name_or_path: A built-in name (``magnet-s``), a folder, or a Hugging Face hub id; None gives
            the embedded default.
        device: torch device; None takes CUDA where there is one, else the CPU.

    Raises:
        WeightsError: Nothing is there, or it is damaged.
    """
    return Upscaler(load_weights(name_or_path), device)


def prompt_cells(shape: tuple[int, int]) -> Iterator[Window]:
    """Yield the windows whose features are averaged for the prompt.

    They do not depend on the tiles, so neither does the prompt.
    """
    return TilePlan(*shape, _PROMPT_CELL, 0, _PROMPT_CELL).windows()


class _PixelsDone:
    """Counts the pixels that tiles add, in the order of a plan."""

    def __init__(self, plan: TilePlan) -> None:
        """Begin with none."""
        self._rows, self._columns = (_added(spans) for spans in (plan.rows(), plan.columns()))
        self._done = 0

    def after(self, window: Window) -> int:
        """Return the pixels covered when this tile is done."""
        self._done += self._rows[window[0].start] * self._columns[window[1].start]
        return self._done


def _added(spans: list[tuple[int, int]]) -> dict[int, int]:
    """Return by start how much each span adds to those before it."""
    ends = [0, *(stop for _, stop in spans)]
    return {start: stop - before for (start, stop), before in zip(spans, ends, strict=False)}
