"""The upscaler: trained weights behind one call that takes images in their own units."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gisr.data.normalisation import Normalisation
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.align import Align, align_guide
from gisr.inference.call import PairSystem
from gisr.inference.tiles import Blend, TilePlan
from gisr.inference.weights import Weights, load_weights, save_weights
from gisr.magnet import LevelRouting, MAGNet, MAGNetOutput
from gisr.tasks.task import describe, find_task
from gisr.tasks.text.encoder import TextEncoder, load_text_encoder

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""


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

        Args:
            pair: What to sharpen.
            description: Free text in place of the built-in description.
            align: In place of the upscaler's own choice, for a guide that was aligned already.
            progress: Called after every tile.

        Raises:
            InputError: The network gave values that are not finite.
        """
        pair = align_guide(pair)[0] if (align or self.align) == "auto" else pair
        text = self._embed(pair, description)
        normal = Normalisation.of(pair.target, pair.guide, find_task(pair.task), pair.valid)
        on_grid = pair.on_guide_grid()
        low, high = normal.target(on_grid), normal.guide(pair.guide)
        plan = self._plan(pair.guide.shape[0], pair.guide.shape[1])
        with torch.inference_mode():
            residual = self._run(plan, low, high, text, pair.ratio, progress)
        with np.errstate(over="ignore", invalid="ignore"):  # reported below, with the remedy
            result = on_grid + normal.residual(residual)
        if not np.isfinite(result).all():
            raise InputError(
                f"{pair.name or 'pair'}: the network {self.name} gave values that are not finite; "
                "check the value range of target and guide"
            )
        return _clipped(result, pair)

    def routing(self, pair: Pair, *, description: str | None = None) -> tuple[LevelRouting, ...]:
        """Return which experts refine which pixels of a pair, untiled."""
        pair = align_guide(pair)[0] if self.align == "auto" else pair
        text = self._embed(pair, description)
        normal = Normalisation.of(pair.target, pair.guide, find_task(pair.task), pair.valid)
        low = self._tensor(normal.target(pair.on_guide_grid()))
        high = self._tensor(normal.guide(pair.guide))
        with torch.inference_mode():
            output: MAGNetOutput = self.network(low, high, text, self._ratio(pair.ratio))
        return output.routing

    def save_pretrained(self, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write the weights in the Hugging Face hub's layout, as ``gisr.load_model`` reads them."""
        save_weights(folder, self.network, self.descriptions, name=self.name, dtype=dtype)

    def _plan(self, height: int, width: int) -> TilePlan:
        align = self.network.config.size_multiple
        return TilePlan(height, width, self.tile, self.overlap, align)

    def _run(
        self,
        plan: TilePlan,
        low: Float[np.ndarray, "H W bands"],
        high: Float[np.ndarray, "H W channels"],
        text: Float[Tensor, "1 d"],
        ratio: float,
        progress: Progress | None,
    ) -> Float[np.ndarray, "H W bands"]:
        """Return the network's residual, tile by tile with one prompt for all."""
        number = self._ratio(ratio)
        prompt = self._shared_prompt(plan, low, high, text, number) if len(plan) > 1 else None
        blend = Blend(plan, low.shape[2])
        for done, window in enumerate(plan.windows(), start=1):
            target, guide = self._tensor(low[window]), self._tensor(high[window])
            image = self.network(target, guide, text, number, prompt).image
            residual = (image - target)[0].permute(1, 2, 0).float().cpu().numpy()
            blend.add(window, residual)
            if progress is not None:
                progress(done, len(plan))
        return blend.result()

    def _shared_prompt(
        self,
        plan: TilePlan,
        low: Float[np.ndarray, "H W bands"],
        high: Float[np.ndarray, "H W channels"],
        text: Float[Tensor, "1 d"],
        ratio: Float[Tensor, "1"],
    ) -> Tensor | None:
        """Return P_mm of the whole image: its pooled feature is the mean of its tiles'."""
        pooled = []
        for window in plan.windows():
            part = self.network.pool_prompt(
                self._tensor(low[window]), self._tensor(high[window]), text, ratio
            )
            if part is None:
                return None
            pooled.append(part)
        return self.network.compose_prompt(torch.stack(pooled).mean(dim=0))

    def _embed(self, pair: Pair, description: str | None) -> Float[Tensor, "1 d"]:
        if description is not None and not description.strip():
            raise InputError("description is empty: leave it out to use the built-in one")
        sentence = description or describe(
            pair.task,
            pair.ratio,
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

    def _tensor(self, image: Float[np.ndarray, "h w c"]) -> Float[Tensor, "1 c h w"]:
        planes = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        return planes.to(self.device)


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


def _clipped(result: Float[np.ndarray, "H W bands"], pair: Pair) -> NDArray[np.float32]:
    """Keep the result where values of its kind can lie."""
    known = pair.target if pair.valid is None else pair.target[pair.valid]
    low = 0.0 if known.min() >= 0 else None
    high = None if pair.bits is None else float(2**pair.bits - 1)
    clipped: NDArray[np.float32] = np.clip(result, low, high).astype(np.float32)
    return clipped
