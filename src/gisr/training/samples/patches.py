"""Samples: patches of pairs, normalised and carried as the network sees them.

A patch is degraded together with a margin around it, so that its border is made as the middle of a
large image is, and the margin is cut afterwards.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.random import Generator

from gisr.data.degradations import fill_holes
from gisr.data.normalisation import Normalisation
from gisr.data.pair import Pair
from gisr.errors import RecipeError
from gisr.tasks import TaskName, find_task
from gisr.tasks.task import MOST_GUIDE_CHANNELS
from gisr.training.samples.augmentation import random_orientation
from gisr.windows import Window

_TARGET_CHANNELS = 4
_MARGIN = 4
"""Target samples around a patch: the reach of the bicubic kernel and of the MTF, rounded up."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One training example, normalised."""

    target: Float[np.ndarray, "4 s s"]
    """On the guide's grid."""
    coarse: Float[np.ndarray, "4 t t"]
    """At its own size; empty where the patch is not a whole number of its pixels."""
    guide: Float[np.ndarray, "4 s s"]
    """Fewer channels are repeated."""
    truth: Float[np.ndarray, "4 s s"]
    known: Float[np.ndarray, "1 s s"]
    """1 where the truth is known."""
    scale: Float[np.ndarray, " 4"]
    """What a step of 1 means in the target's units, relative: the mean of their squares is 1. Bands
    are normalised each by itself, but errors count in the units of the image, as scores have it."""
    description: str
    ratio: float
    task: TaskName
    cropped: bool
    """Whether the target is a crop of k-space."""


def window_side(patch: int, ratio: int) -> int:
    """Return the side of a patch with its margin, in guide pixels."""
    return patch + 2 * _MARGIN * ratio


def random_window(
    rng: Generator,
    patch: int,
    ratio: int,
    shape: tuple[int, ...],
    name: str = "an image",
    largest: int = 0,
) -> Window:
    """Return a random square of an image: a patch with its margin, or all there is.

    Args:
        rng: Source of randomness.
        patch: Side in guide pixels.
        ratio: How many of them a target pixel has along a side.
        shape: Of the image.
        name: Of the image, for the message.
        largest: Side of the largest patch that the run will cut, refused now, not in hours.

    Raises:
        RecipeError: The image is smaller than a patch.
    """
    rows, columns = shape[:2]
    check_patch(max(patch, largest), rows // ratio * ratio, columns // ratio * ratio, name)
    return _square(rng, window_side(patch, ratio), rows, columns)


def target_window(
    rng: Generator, patch: int, ratio: int, shape: tuple[int, ...], name: str = "an image"
) -> Window:
    """Return a random square of a target that is reduced already, in its own pixels.

    Raises:
        RecipeError: Its guide is smaller than a patch.
    """
    rows, columns = shape[:2]
    check_patch(patch, rows * ratio, columns * ratio, name)
    return _square(rng, -(-patch // ratio) + 2 * _MARGIN, rows, columns)


def cut_sample(
    rng: Generator,
    pair: Pair,
    patch: int,
    description: str,
    *,
    anywhere: bool = False,
    turned: bool = False,
) -> Sample:
    """Normalise a pair and cut a patch: from its middle, or from anywhere.

    The contrast and level of the whole window vary, because a patch of a real scene seldom fills
    the range of the scene.

    Args:
        rng: Source of randomness.
        pair: Has a truth.
        patch: Side in guide pixels.
        description: Sentence of the sample.
        anywhere: Else from the middle, where borders of the pair do not reach.
        turned: Flip and turn the patch, for pairs that were not before they were degraded.
    """
    assert pair.truth is not None  # made by a protocol
    task = find_task(pair.task)
    normal = Normalisation.of(pair.target, pair.guide, task)
    rows, columns = pair.truth.shape[:2]
    check_patch(patch, rows, columns, pair.name or "an image")
    ratio = max(1, round(pair.ratio))
    # Between target pixels: a tile of an image begins there too.
    spare = [(side - patch) // ratio for side in (rows, columns)]
    top, left = (
        ratio * (int(rng.integers(count + 1)) if anywhere else count // 2) for count in spare
    )
    window = (slice(top, top + patch), slice(left, left + patch))
    on_grid, guide = pair.on_guide_grid()[window], pair.guide[window]
    gain, level = rng.uniform(0.6, 1.2), rng.uniform(-0.05, 0.15)
    known = np.ones((patch, patch), bool) if pair.truth_valid is None else pair.truth_valid[window]
    low, high = (normal.target(image) for image in (on_grid, _filled(pair.truth[window], known)))
    coarse = normal.target(_coarse(pair, (top, left), patch, ratio))
    images = (low, normal.guide(guide), high, known[..., None].astype(np.float32), coarse)
    low, guide, high, mask, coarse = random_orientation(rng, *images) if turned else images
    bands = _group(rng, pair.target.shape[2])
    return Sample(
        _carried(low[..., bands] * gain + level, _TARGET_CHANNELS),
        _carried(coarse[..., bands] * gain + level, _TARGET_CHANNELS),
        _carried(guide, MOST_GUIDE_CHANNELS),
        _carried(high[..., bands] * gain + level, _TARGET_CHANNELS),
        _carried(mask, 1),
        _relative_scale(normal.target_scale[bands]),
        description,
        pair.ratio,
        pair.task,
        pair.grid == "kspace",
    )


def _coarse(
    pair: Pair, corner: tuple[int, int], patch: int, ratio: int
) -> Float[np.ndarray, "t t bands"]:
    """Return the target pixels of a patch; none where it is not a whole number of them."""
    side = patch // ratio if patch % ratio == 0 else 0
    rows, columns = (slice(first // ratio, first // ratio + side) for first in corner)
    cut: Float[np.ndarray, "t t bands"] = pair.filled_target[rows, columns]
    return cut if cut.shape[:2] == (side, side) else cut[:0, :0]


def _square(rng: Generator, side: int, rows: int, columns: int) -> Window:
    side_rows, side_columns = min(side, rows), min(side, columns)
    top = int(rng.integers(rows - side_rows + 1))
    left = int(rng.integers(columns - side_columns + 1))
    return slice(top, top + side_rows), slice(left, left + side_columns)


def _group(rng: Generator, bands: int) -> slice:
    """Return the bands of a sample: all, or one of the groups that the network carries them in."""
    if bands <= _TARGET_CHANNELS:
        return slice(None)
    count = -(-bands // _TARGET_CHANNELS)
    chosen = int(rng.integers(count))
    return slice(bands * chosen // count, bands * (chosen + 1) // count)


def check_patch(patch: int, rows: int, columns: int, name: str) -> None:
    """Refuse a patch that is larger than an image.

    Raises:
        RecipeError: It is.
    """
    if min(rows, columns) < patch:
        raise RecipeError(
            f"patch {patch} is larger than {name} of {rows} x {columns}: lower patch, or that of "
            "stages, or leave the image out (exclude)"
        )


def _filled(
    image: Float[np.ndarray, "s s bands"], known: Bool[np.ndarray, "s s"]
) -> Float[np.ndarray, "s s bands"]:
    return fill_holes(image, known) if known.any() else np.zeros_like(image)


def _relative_scale(scales: Float[np.ndarray, " bands"]) -> Float[np.ndarray, " 4"]:
    carried = np.resize(scales, _TARGET_CHANNELS)
    length = float(np.sqrt(np.mean(np.square(carried))))
    relative: Float[np.ndarray, " 4"] = carried / length if length > 0 else np.ones_like(carried)
    return relative.astype(np.float32)


def _carried(image: Float[np.ndarray, "s s bands"], channels: int) -> Float[np.ndarray, "c s s"]:
    """Repeat bands cyclically to a fixed number, channels first, as the network carries them."""
    bands = [channel % image.shape[2] for channel in range(channels)]
    return np.ascontiguousarray(image[..., bands].transpose(2, 0, 1), dtype=np.float32)
