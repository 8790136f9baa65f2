"""Images in chunks: a lazy Dask array on the guide's grid, computed when and where it is used.

What all tiles share is found in the call itself, for the whole image as in memory: the value range,
the shift of the guide and the prompt. Its time is that of reading both images twice. The tiles are
computed later, in as many processes as Dask has, and every one of them once.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from gisr.choices import check_number
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.answers import Settings
from gisr.inference.array_pair import check_facts, checked_bits, place_arrays
from gisr.inference.array_values import check_axes
from gisr.inference.consistency.correction import (
    Consistency,
    block_sides,
    consistent_block,
    is_corrected,
)
from gisr.inference.dask_pair import DaskSource, Part, PartSource, SharedWork
from gisr.inference.pairs_together import prompt_cells
from gisr.inference.tile_runner import PromptPart
from gisr.inference.tiling import TilePlan, ramp
from gisr.inference.upscaler import Upscaler
from gisr.optional_imports import load_extra
from gisr.placement import Placement
from gisr.tasks import Grid, TaskName, find_task
from gisr.windows import Window, intersection, meet, widened, within

if TYPE_CHECKING:
    from dask.array import Array
    from dask.delayed import Delayed

_CHUNK_TILES = 4
"""Tiles along a side of a chunk of the result: 900 pixels of the usual tiles."""

_DEFAULT = Settings()

Span = tuple[int, int]


def upscale_dask(
    upscaler: Upscaler,
    target: "Array",
    guide: "Array",
    task: TaskName,
    *,
    ratio: float | None = None,
    grid: Grid | None = None,
    sensor: str | None = None,
    mtf: float | None = None,
    bits: int | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
    settings: Settings = _DEFAULT,
    placement: Placement | None = None,
) -> "Array":
    """Sharpen chunked arrays; the result is the upscaler's own for the same images in memory.

    But for what is left of a correction 16 target pixels on, where it is made consistent.

    Args:
        upscaler: Sent to the processes that compute tiles.
        target: (h, w) or (h, w, bands) in any chunks, NaN where unknown; of a depth map 0, too,
            which a warning says.
        guide: (H, W) or (H, W, channels), 1 to 4 channels, NaN where unknown, the same field of
            view.
        task: ``pansharpening``, ``mri`` or ``depth``.
        ratio: How many times finer the guide is; from the shapes when not given.
        grid: ``centre``, the task's own when not given. ``kspace`` cannot be cut.
        sensor: Satellite sensor (pansharpening).
        bits: Significant bits per sample; the result is clipped to their range.
        contrast: MR contrast of the target.
        mtf: Response of the target's bands at their Nyquist frequency; the sensor's when not
            given.
        guide_contrast: MR contrast of the guide.
        settings: How; a spread is not possible here.
        placement: Where the guide lies on the target, if they do not show the same field of view:
            what the target does not show is NaN.

    Returns:
        float32 (H, W) or (H, W, bands) in the target's units, NaN where unknown, nothing of it
        computed yet.

    Raises:
        InputError: An image or an argument cannot be used, or no pixel is known.
        PairError: Target and guide do not fit together.
        MissingExtraError: Dask is not installed.
    """
    if settings.spread:
        raise InputError("spread: chunked arrays have none yet: use the upscaler itself")
    record = find_task(task)
    check_facts(record, sensor, mtf, contrast, guide_contrast)
    check_number("ratio", ratio)
    where = grid or record.grid
    if where != "centre":
        raise InputError(f"grid {where!r}: needs the whole target at once: use the upscaler itself")
    low, high = _with_bands("target", target), _with_bands("guide", guide)
    check_axes(target, guide)
    about = Pair(
        np.zeros((1, 1, low.shape[2]), np.float32),
        np.zeros((1, 1, high.shape[2]), np.float32),
        task,
        placement or place_arrays(record, low.shape, high.shape, ratio, grid),
        where,
        sensor=sensor,
        mtf=mtf,
        bits=checked_bits(bits),
        contrast=contrast,
        guide_contrast=guide_contrast,
    )
    source = DaskSource(about, low, high)
    _ = source.survey  # what is fill must not move the guide
    if settings.align == "auto":
        source.align()
    wanted = is_corrected(settings.consistent, about, source)
    by_sensor = record.reduction == "sensor"
    work = SharedWork(
        upscaler.job(source, settings),
        about,
        source.shape,
        low.shape[:2],
        source.offset,
        source.unknown,
        source.sensor_model if wanted and by_sensor else None,
    )
    if upscaler.network.prompt_generator is not None:
        _take_prompt(work, source)
    image = _lazy_image(work, source, upscaler.plan(*source.shape), wanted)
    return image[..., 0] if target.ndim == 2 else image


def _prompt_part(work: SharedWork, window: Window, target: Part, guide: Part) -> PromptPart | None:
    cut = work.cut(window, target, guide)
    return None if cut is None else work.job.prompt_part(cut)


def _tile(
    work: SharedWork, window: Window, target: Part, guide: Part
) -> Float[np.ndarray, "tile_h tile_w bands"] | None:
    cut = work.cut(window, target, guide)
    if cut is None:
        return None
    image = work.job.sharpen(cut)
    image[~cut.known] = np.nan
    return image


def _blend(
    plan: TilePlan,
    region: Window,
    windows: Sequence[Window],
    tiles: Sequence[Float[np.ndarray, "tile_h tile_w bands"] | None],
    bands: int,
) -> Float[np.ndarray, "h w bands"]:
    """Average the tiles that reach into a region, as :func:`gisr.inference.tiling.blended` does."""
    sides = [part.stop - part.start for part in region]
    canvas: Float[np.ndarray, "h w bands"] = np.zeros((*sides, bands), np.float32)
    weights = np.zeros((*sides, 1), np.float32)
    for window, tile in zip(windows, tiles, strict=True):
        if tile is None:
            continue
        down = ramp(window[0].start, window[0].stop, plan.height, plan.overlap)
        along = ramp(window[1].start, window[1].stop, plan.width, plan.overlap)
        weight = (down[:, None] * along)[..., None]
        shared = intersection(window, region)
        inside, place = within(window, shared), within(region, shared)
        canvas[place] += (weight * tile)[inside]
        weights[place] += weight[inside]
    with np.errstate(invalid="ignore"):  # 0 / 0 where no tile is
        canvas /= weights
    return canvas


def _consistent(
    work: SharedWork,
    wide: Window,
    region: Window,
    blended: Float[np.ndarray, "H W bands"],
    target: Part,
) -> Float[np.ndarray, "h w bands"]:
    """Return a region of what is known of it and around it, made consistent with the target."""
    source = PartSource(work, wide, target, np.zeros((0, 0, 1), np.float32))
    return consistent_block(blended, wide, region, source, Consistency())


def _take_prompt(work: SharedWork, source: DaskSource) -> None:
    """Compute the parts of the prompt, now and by themselves.

    In one graph with the tiles, the chunks of both images would be kept from the one to the other.
    """
    import dask

    shared = dask.delayed(work, traverse=False)
    task = dask.delayed(_prompt_part)
    parts = dask.compute(
        *(task(shared, cell, *_needed(source, cell)) for cell in prompt_cells(source.shape))
    )
    work.job.take_prompt(part for part in parts if part is not None)


def _lazy_image(work: SharedWork, source: DaskSource, plan: TilePlan, consistent: bool) -> "Array":
    import dask
    import dask.array as da

    shared, task, blend, correct = (
        dask.delayed(work, traverse=False),
        dask.delayed(_tile),
        dask.delayed(_blend),
        dask.delayed(_consistent),
    )
    margins = block_sides(source)[1] if consistent else (0, 0)
    tiles: dict[tuple[int, int], Delayed] = {}
    for rows, columns in plan.windows():
        window = rows, columns
        tiles[rows.start, columns.start] = task(shared, window, *_needed(source, window))

    def chunk(rows: Span, columns: Span) -> "Array":
        region = slice(*rows), slice(*columns)
        wide = widened(region, margins, source.shape)
        near = [window for window in plan.windows() if meet(window, wide)]
        parts = [tiles[window[0].start, window[1].start] for window in near]
        value = blend(plan, wide, near, parts, source.bands)
        if consistent:
            value = correct(shared, wide, region, value, source.target[source.target_area(wide)[0]])
        shape = (rows[1] - rows[0], columns[1] - columns[0], source.bands)
        return da.from_delayed(value, shape, dtype=np.float32)

    across = list(_chunk_spans(plan.columns(), plan.width))
    return da.block(
        [
            [[chunk(rows, columns)] for columns in across]
            for rows in _chunk_spans(plan.rows(), plan.height)
        ]
    )


def _needed(source: DaskSource, window: Window) -> tuple["Array", "Array"]:
    """Return the parts of both arrays that a window needs, lazily."""
    return source.target[source.target_area(window)[0]], source.guide[source.guide_area(window)]


def _chunk_spans(tiles: Sequence[Span], size: int) -> Iterator[Span]:
    """Return chunks along an axis: each begins where every fourth tile does."""
    return pairwise([start for start, _ in tiles[::_CHUNK_TILES]] + [size])


def _with_bands(name: str, image: "Array") -> "Array":
    """Return an array as (h, w, bands)."""
    array = load_extra("dask.array", "scale").asarray(image)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise InputError(f"{name} of shape {array.shape} must be (h, w) or (h, w, bands)")
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} of type {array.dtype} must hold numbers")
    if np.isnan(array.shape).any():
        raise InputError(
            f"{name} has chunks of unknown sizes: call its compute_chunk_sizes() first"
        )
    return array[..., None] if array.ndim == 2 else array
