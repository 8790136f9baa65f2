"""Validation during training: held-out pairs through the very upscaler that users get."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean

import numpy as np

from gisr.data.open_pairs import OpenPair, read_open_pairs
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.errors import RecipeError
from gisr.inference.upscaler import Upscaler
from gisr.inference.weights import Weights
from gisr.magnet import MAGNet
from gisr.metrics import psnr, rmse
from gisr.tasks.task import find_task
from gisr.tasks.text.table import DescriptionTable
from gisr.training.loop import Validate
from gisr.training.recipe import Recipe

_SIDE = 256
"""Side of the middle that is validated of each image: enough to rank networks, quick on a CPU."""
_SLICES = 4


def make_validation(recipe: Recipe) -> Validate | None:
    """Return a function that scores a network on held-out pairs of a recipe's data.

    Held out are the entries of the split ``val`` and those the recipe excludes. Values are the mean
    PSNR in dB (pansharpening, mri) or RMSE in the data's unit (depth) by task and ratio, for
    example ``psnr_mri_x4``.

    Returns:
        None when there is nothing to validate on.
    """
    try:
        entries = read_open_pairs(recipe.data)
    except RecipeError:
        return None
    held_out = [entry for entry in entries if entry.split == "val" or entry.name in recipe.exclude]
    pairs = [pair for entry in held_out for pair in _pairs(entry)]
    if not pairs:
        return None

    def validate(network: MAGNet, descriptions: DescriptionTable) -> dict[str, float]:
        device = next(network.parameters()).device
        upscaler = Upscaler(Weights(recipe.name, network, descriptions), device)
        scores: dict[str, list[float]] = defaultdict(list)
        for pair in pairs:
            name, value = _score(pair, upscaler.upscale(pair))
            scores[f"{name}_{pair.task}_x{round(pair.ratio)}"].append(value)
        return {key: fmean(values) for key, values in scores.items()}

    return validate


def _score(pair: Pair, estimate: np.ndarray) -> tuple[str, float]:
    if pair.truth is None or pair.peak is None:
        raise RecipeError(f"{pair.name}: no truth to validate with")
    if pair.task == "depth":
        return "rmse", rmse(estimate, pair.truth, border=6, valid=pair.truth_valid)
    return "psnr", psnr(estimate, pair.truth, peak=pair.peak, border=8)


def _pairs(entry: OpenPair) -> Iterator[Pair]:
    """Yield the middle of an entry at the paper's ratios of its task."""
    for ratio in find_task(entry.task).paper_ratios:
        if entry.task == "pansharpening":
            native = entry.panchromatic.shape[0] // entry.multispectral.shape[0]
            yield wald_pair(
                _middle(entry.multispectral, _SIDE),
                _middle(entry.panchromatic, _SIDE * native),
                ratio,
                sensor=entry.sensor,
                bits=entry.bits,
                name=entry.name,
            )
        elif entry.task == "mri":
            yield from _slices(entry, ratio)
        else:
            values, valid = entry.depth
            yield depth_pair(
                _middle(values, _SIDE),
                _middle(entry.colour, _SIDE),
                ratio,
                valid=_middle(valid, _SIDE),
                name=entry.name,
            )


def _slices(entry: OpenPair, ratio: int) -> Iterator[Pair]:
    """Yield slices of the middle half of a subject: T2 guided by T1, or what there is."""
    contrast = "T2" if "T2" in entry.contrasts else entry.contrasts[-1]
    guide_contrast = "T1" if "T1" in entry.contrasts else entry.contrasts[0]
    truth, guide = entry.volume(contrast), entry.volume(guide_contrast)
    depth = truth.shape[2]
    for index in np.linspace(depth // 4, 3 * depth // 4, _SLICES).astype(int):
        yield kspace_pair(
            np.ascontiguousarray(truth[:, :, index]),
            np.ascontiguousarray(guide[:, :, index]),
            ratio,
            contrast=contrast,
            guide_contrast=guide_contrast,
            peak=float(truth.max()),
            name=f"{entry.name}:{index}",
        )


def _middle(image: np.ndarray, side: int) -> np.ndarray:
    rows, columns = image.shape[:2]
    top, left = max(0, (rows - side) // 2), max(0, (columns - side) // 2)
    cropped: np.ndarray = image[top : top + side, left : left + side]
    return cropped
