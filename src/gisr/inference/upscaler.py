"""The upscaler: trained weights behind one call that takes images in their own units."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gisr.data.normalisation import Normalisation
from gisr.data.pair import Pair
from gisr.errors import InputError, PairError
from gisr.inference.align import Align, align_guide
from gisr.inference.tiles import Blend, TilePlan
from gisr.inference.weights import Weights, load_weights, save_weights
from gisr.io.placement import Placement
from gisr.magnet import LevelRouting, MAGNet, MAGNetOutput
from gisr.tasks.task import Grid, TaskName, describe, find_task
from gisr.tasks.text.encoder import TextEncoder, load_text_encoder

Image = NDArray[np.generic] | Tensor
Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all)."""


class Upscales(Protocol):
    """What the upscaler and every baseline have in common."""

    def __call__(
        self,
        target: Image,
        guide: Image,
        task: TaskName,
        *,
        ratio: float | None = None,
        sensor: str | None = None,
        bits: int | None = None,
        contrast: str | None = None,
        guide_contrast: str | None = None,
        description: str | None = None,
        valid: Image | None = None,
        grid: Grid | None = None,
    ) -> NDArray[np.float32]:
        """Return the target on the guide's grid."""
        ...


class Upscaler:
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

    def __call__(
        self,
        target: Image,
        guide: Image,
        task: TaskName,
        *,
        ratio: float | None = None,
        sensor: str | None = None,
        bits: int | None = None,
        contrast: str | None = None,
        guide_contrast: str | None = None,
        description: str | None = None,
        valid: Image | None = None,
        grid: Grid | None = None,
    ) -> NDArray[np.float32]:
        """Sharpen a target with a guide of another modality.

        Args:
            target: (h, w) or (h, w, bands) in the file's own units.
            guide: (H, W) or (H, W, channels), 1 to 3 channels, the same field of view.
            task: ``pansharpening``, ``mri`` or ``depth``.
            ratio: How many times finer the guide is; from the shapes when not given.
            sensor: Satellite sensor, for example ``QuickBird`` (pansharpening).
            bits: Significant bits per sample; the result is clipped to their range.
            contrast: Contrast of the target, for example ``T2`` (mri).
            guide_contrast: Contrast of the guide.
            description: Free text in place of the built-in description; needs the extra ``text``
                unless it is a built-in sentence.
            valid: (h, w), true where the target is known; elsewhere the nearest known value
                stands in.
            grid: Where target samples lie: ``centre`` (pixel areas aligned) or ``kspace`` (sample j
                at guide index j * ratio); the task's own when not given.

        Returns:
            float32 (H, W) or (H, W, bands) in the target's units.

        Raises:
            InputError: An image or an argument cannot be used.
            PairError: Target and guide do not fit together.
        """
        pair = make_pair(
            target,
            guide,
            task,
            ratio=ratio,
            valid=valid,
            grid=grid,
            sensor=sensor,
            bits=bits,
            contrast=contrast,
            guide_contrast=guide_contrast,
        )
        result = self.upscale(pair, description=description)
        return result[..., 0] if np.ndim(target) == 2 else result

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


def make_pair(
    target: Image,
    guide: Image,
    task: TaskName,
    *,
    ratio: float | None = None,
    valid: Image | None = None,
    grid: Grid | None = None,
    sensor: str | None = None,
    bits: int | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
) -> Pair:
    """Build a pair from arrays or tensors that show the same field of view.

    Raises:
        InputError: An image or an argument cannot be used.
        PairError: Target and guide do not fit together.
    """
    record = find_task(task)
    low, high = _image("target", target), _image("guide", guide)
    if bits is not None and not 1 <= bits <= 32:
        raise InputError(f"bits {bits} must lie between 1 and 32")
    where = grid or record.grid
    if where not in ("centre", "kspace"):
        raise InputError(f"grid {where!r} must be 'centre' or 'kspace'")
    pair = Pair(
        low,
        high,
        task,
        _placement(low.shape[:2], high.shape[:2], where, ratio),
        where,
        valid=None if valid is None else _mask(valid),
        sensor=sensor,
        bits=bits,
        contrast=contrast,
        guide_contrast=guide_contrast,
    )
    known = low if pair.valid is None else low[pair.valid]
    if bits is not None and known.max() > 2**bits - 1:
        raise InputError(
            f"target holds {known.max():g}, which {bits} bits cannot: correct bits or leave it out"
        )
    return pair


def _placement(
    target: tuple[int, int], guide: tuple[int, int], grid: Grid, ratio: float | None
) -> Placement:
    """Relate two grids by their shapes, or by a ratio that the shapes bear out.

    A guide whose sides are no multiple of the ratio has less than one target pixel too much or too
    little; the grids are then aligned at their first pixel.
    """
    if 0 in target or 0 in guide:
        raise InputError(f"target {target} or guide {guide} is empty")
    if ratio is None or all(high == low * ratio for low, high in zip(target, guide, strict=True)):
        found = Placement.from_grid(grid, target, guide)
        rows, columns = (1 / scale for scale in found.scale)
        # One whole target pixel of rounding on either axis is what cropping to a ratio leaves.
        slack = 1 + 1 / min(target)
        if max(rows, columns) > min(rows, columns) * max(slack, 1.1):
            raise PairError(
                f"target {target} and guide {guide} give ratios {rows:.3g} and {columns:.3g}: "
                "they do not show the same field of view; crop them to the same extent"
            )
        return found
    if not ratio >= 1 or any(
        abs(high - low * ratio) >= ratio for low, high in zip(target, guide, strict=True)
    ):
        raise PairError(
            f"ratio {ratio:g} does not fit target {target} and guide {guide}: leave it out to take "
            f"it from the shapes ({guide[0] / target[0]:.3g} x {guide[1] / target[1]:.3g})"
        )
    if grid == "kspace":
        raise PairError(
            f"grid 'kspace' needs target {target} and guide {guide} to cover the same field of "
            "view exactly; leave the ratio out"
        )
    offset = 0.5 / ratio - 0.5
    return Placement((1 / ratio, 1 / ratio), (offset, offset))


def _image(name: str, image: Image) -> Float[np.ndarray, "h w c"]:
    array = _array(image)
    if array.ndim not in (2, 3):
        raise InputError(
            f"{name} of shape {array.shape} must be (height, width) or (height, width, bands)"
        )
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or np.iscomplexobj(array):
        raise InputError(f"{name} of type {array.dtype} must hold real numbers")
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite and is reported
        planes = array.astype(np.float32)
    return planes[..., None] if planes.ndim == 2 else planes


def _mask(valid: Image) -> NDArray[np.bool_]:
    return _array(valid).astype(bool)


def _array(image: Image) -> NDArray[np.generic]:
    if not isinstance(image, Tensor):
        return np.asarray(image)
    host = image.detach().cpu()
    return (host.float() if host.dtype == torch.bfloat16 else host).numpy()  # numpy has no bfloat16


def _clipped(result: Float[np.ndarray, "H W bands"], pair: Pair) -> NDArray[np.float32]:
    """Keep the result where values of its kind can lie."""
    known = pair.target if pair.valid is None else pair.target[pair.valid]
    low = 0.0 if known.min() >= 0 else None
    high = None if pair.bits is None else float(2**pair.bits - 1)
    clipped: NDArray[np.float32] = np.clip(result, low, high).astype(np.float32)
    return clipped
