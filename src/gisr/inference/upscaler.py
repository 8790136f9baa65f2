"""The upscaler: trained weights behind one call that takes images in their own units."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gisr.data.pair import Pair
from gisr.errors import InputError, LimitError
from gisr.inference.align import Align
from gisr.inference.call import PairSystem
from gisr.inference.memory import memory_taken, network_bytes
from gisr.inference.source import ArraySource, PairSource
from gisr.inference.tile_job import TileJob, as_tensor
from gisr.inference.tiles import Rows, TilePlan, Window, blended
from gisr.inference.weights import Weights, load_weights, save_weights
from gisr.magnet import LevelRouting, MAGNet, MAGNetOutput
from gisr.tasks.task import describe
from gisr.tasks.text.encoder import TextEncoder, load_text_encoder

Progress = Callable[[int, int], None]
"""Called with (guide pixels done, guide pixels in all)."""

_PROMPT_CELL = 256
"""Side of the parts over which the prompt's feature is averaged."""
_SMALLEST_TILE = 64
_ROWS_IN_WORK = 96
"""Rows of float32 in the making beside the canvas: those that are encoded, and where they moved."""
_IMAGES_IN_WORK = 8
"""Float32 images of a tile alive at once: read, filled, interpolated, normalised, sharpened."""


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
            weights: From :func:`gisr.inference.weights.load_weights`.
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
        self._plan(tile, tile)
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

        Where no target pixel is known for a whole tile, the result is the interpolated target.

        Args:
            pair: What to sharpen.
            description: Free text in place of the built-in description.
            align: In place of the upscaler's own choice.
            progress: Called after every tile.

        Raises:
            InputError: The network gave values that are not finite.
            LimitError: Memory does not suffice even for small tiles.
        """
        source = self._source(pair, align)
        result = np.full((*source.shape, source.bands), np.nan, dtype=np.float32)
        for rows in self.stream(source, description=description, masked=False, progress=progress):
            if rows.image is not None:
                result[rows.start : rows.stop] = rows.image
        unknown = np.isnan(result)
        return np.where(unknown, pair.on_guide_grid(), result) if unknown.any() else result

    def stream(
        self,
        source: PairSource,
        *,
        description: str | None = None,
        masked: bool = True,
        progress: Progress | None = None,
        tile: int | None = None,
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

        Raises:
            InputError: The network gave values that are not finite, or nothing is known.
            LimitError: Memory does not suffice even for small tiles.
        """
        plan = self._plan(*source.shape, tile)
        text, ratio = self._embed(source, description), self._ratio(source.ratio)
        job = TileJob(self.network, self.device, text, ratio, plan.tile, self.overlap)
        normal = source.survey.normalisation
        with torch.inference_mode():
            self._prompt(source, job)
        done, total = _PixelsDone(plan), source.shape[0] * source.shape[1]

        def compute(window: Window) -> Float[np.ndarray, "tile_h tile_w bands"] | None:
            cut, image = source.cut(window), None
            if cut is not None:
                on_grid = cut.pair.on_guide_grid()
                low, high = normal.target(on_grid), normal.guide(cut.pair.guide)
                with torch.inference_mode():
                    residual = job.residual(low, high)
                with np.errstate(over="ignore", invalid="ignore"):  # reported, with the remedy
                    image = on_grid + normal.residual(residual)
                self._check(image, source)
                image = _clipped(image, source)
                if masked:
                    image[~cut.known] = np.nan
            if progress is not None:
                progress(done.after(window), total)
            return image

        yield from blended(plan, source.bands, compute)

    def routing(self, pair: Pair, *, description: str | None = None) -> tuple[LevelRouting, ...]:
        """Return which experts refine which pixels of a pair, untiled."""
        source = self._source(pair, None)
        cut = source.cut((slice(0, source.shape[0]), slice(0, source.shape[1])))
        if cut is None:
            raise InputError("no known pixel: there is nothing to route")
        text, normal = self._embed(source, description), source.survey.normalisation
        low = as_tensor(normal.target(cut.pair.on_guide_grid()), self.device)
        high = as_tensor(normal.guide(cut.pair.guide), self.device)
        with torch.inference_mode():
            output: MAGNetOutput = self.network(low, high, text, self._ratio(source.ratio))
        return output.routing

    def save_pretrained(self, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write the weights in the Hugging Face hub's layout, as ``gisr.load_model`` reads them."""
        save_weights(folder, self.network, self.descriptions, name=self.name, dtype=dtype)

    def tile_within(self, source: PairSource, budget: int, waiting: int = 0) -> int:
        """Return the largest side of tiles, up to the upscaler's own, that keeps to a budget.

        Args:
            source: What will be streamed, surveyed already.
            budget: Bytes that the process may hold in all, weights and libraries included.
            waiting: Bytes that the output will hold back.

        Raises:
            LimitError: Even the smallest tiles would not.
        """
        align, taken = self.network.config.size_multiple, memory_taken()
        smallest = max(_SMALLEST_TILE, -(-2 * self.overlap // align) * align)
        on_host = self.device.type == "cpu"
        needed = taken
        for tile in range(self.tile, smallest - 1, -align):
            network = network_bytes(self.network.config, tile, source.bands) if on_host else 0
            columns = source.shape[1]
            canvas = 4 * (min(tile, source.shape[0]) + _ROWS_IN_WORK) * columns * (source.bands + 1)
            images = 4 * _IMAGES_IN_WORK * tile**2 * (source.bands + 1)
            needed = taken + network + canvas + images + waiting
            if needed <= budget:
                return tile
        raise LimitError(
            f"max-memory {budget / 1e6:.0f} MB is too little: {taken / 1e6:.0f} MB are taken by "
            f"libraries, weights and what was read, and tiles of {smallest} need "
            f"{needed / 1e6:.0f} MB in all"
        )

    def _source(self, pair: Pair, align: Align | None) -> ArraySource:
        source = ArraySource(pair)
        if (align or self.align) == "auto":
            source.align()
        return source

    def _plan(self, height: int, width: int, tile: int | None = None) -> TilePlan:
        align = self.network.config.size_multiple
        return TilePlan(height, width, tile or self.tile, self.overlap, align)

    def _prompt(self, source: PairSource, job: TileJob) -> None:
        """Give the job P_mm of the whole pair: the mean of all cells, by their known pixels.

        The cells do not depend on the tiles, so neither does the prompt.
        """
        if self.network.prompt_generator is None:
            return
        normal, pooled, weight = source.survey.normalisation, None, 0
        for window in TilePlan(*source.shape, _PROMPT_CELL, 0, _PROMPT_CELL).windows():
            cut = source.cut(window)
            if cut is None:
                continue
            low, high = normal.target(cut.pair.on_guide_grid()), normal.guide(cut.pair.guide)
            known = int(cut.known.sum())
            part = known * job.pooled(low, high)
            pooled, weight = part if pooled is None else pooled + part, weight + known
        if pooled is not None:
            job.prompt = self.network.compose_prompt(pooled / weight)

    def _check(self, image: Float[np.ndarray, "H W bands"], source: PairSource) -> None:
        if not np.isfinite(image).all():
            raise InputError(
                f"{source.about.name or 'pair'}: the network {self.name} gave values that are not "
                "finite; check the value range of target and guide"
            )

    def _embed(self, source: PairSource, description: str | None) -> Float[Tensor, "1 d"]:
        if description is not None and not description.strip():
            raise InputError("description is empty: leave it out to use the built-in one")
        pair = source.about
        sentence = description or describe(
            pair.task,
            source.ratio,
            sensor=pair.sensor,
            contrast=pair.contrast,
            guide_contrast=pair.guide_contrast,
        )
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


def _clipped(
    result: Float[np.ndarray, "H W bands"], source: PairSource
) -> Float[np.ndarray, "H W bands"]:
    """Keep the result where values of its kind can lie."""
    low = 0.0 if source.survey.lowest >= 0 else None
    bits = source.about.bits
    high = None if bits is None else float(2**bits - 1)
    clipped: NDArray[np.float32] = np.clip(result, low, high).astype(np.float32)
    return clipped
