"""Lessons from slices of an MR volume: the centre of their k-space, or their finer plane."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gisr.adaptation.lesson import LEAST_SIDE, Lesson, TooLittleError, lessons_of
from gisr.data.degradations import fill_holes, kspace_centre
from gisr.data.pair import Pair
from gisr.data.resample import area_to_target
from gisr.placement import Placement

_MOST_SLICES = 60
"""Slices of a volume that are learnt from and judged by, evenly spread over those with contrast."""


def slice_lessons(pairs: Sequence[Pair]) -> list[Lesson]:
    """Return lessons from slices that are as coarse along rows as along columns.

    Of a crop of k-space a smaller crop is its target; other slices are reduced by means of areas.

    Args:
        pairs: As they will be sharpened, in the order of their volume.

    Raises:
        TooLittleError: They are too small, or too little of them is known.
    """
    for pair in pairs:
        rows, columns = pair.target.shape[:2]
        if min(rows, columns) < LEAST_SIDE:
            raise TooLittleError(
                f"slices of {columns} x {rows} voxels are too small to be their own truth: "
                f"{LEAST_SIDE} x {LEAST_SIDE} are needed"
            )
    return lessons_of([_reduced(pair) for pair in chosen_slices(pairs)], neighbours=True)


def chosen_slices(pairs: Sequence[Pair]) -> list[Pair]:
    """Return those of many slices that teach something, evenly spread and not too many."""
    telling = [pair for pair in pairs if _has_contrast(pair)] or list(pairs[:1])
    chosen = np.linspace(0, len(telling) - 1, min(len(telling), _MOST_SLICES))
    return [telling[index] for index in np.unique(chosen.round().astype(int))]


def _has_contrast(pair: Pair) -> bool:
    known = pair.target if pair.valid is None else pair.target[pair.valid]
    return bool(known.min() < known.max())


def _reduced(pair: Pair) -> Pair:
    """Return a slice as a truth, with its guide on its grid and a target of half its detail."""
    truth = pair.target if pair.valid is None else fill_holes(pair.target, pair.valid)
    shape, ratios = (truth.shape[0], truth.shape[1]), pair.placement.ratios
    low = tuple(max(1, round(side / ratio)) for side, ratio in zip(shape, ratios, strict=True))
    coarse = (low[0], low[1])
    if pair.grid == "kspace":
        place = Placement.from_grid("kspace", coarse, shape)
        guide, target = _centre(pair.guide, shape), _centre(truth, coarse)
    else:
        place = Placement.from_grid("centre", coarse, shape)
        guide = area_to_target(pair.guide, shape, pair.placement)
        target = area_to_target(truth, coarse, place)
    return replace(
        pair,
        target=target,
        guide=guide,
        placement=place,
        valid=None,
        guide_valid=None,
        measured=None,
        fill=None,
        truth=truth,
        truth_valid=pair.valid,
    )


def _centre(
    image: Float[np.ndarray, "H W bands"], shape: tuple[int, int]
) -> Float[np.ndarray, "h w bands"]:
    bands = [kspace_centre(image[..., band], shape) for band in range(image.shape[2])]
    return np.stack(bands, axis=-1)
