"""What holds for depth maps alone: values are places of surfaces, and nothing lies in between.

A result beyond what the target holds around it is a surface that is not there, so it is bounded.
Of a target that was sampled and not averaged, the network knows no better than a guess where its
edges run; interpolation along the edges of the picture does (benchmarks/depth_targets.py).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gisr.data.pair import Pair
from gisr.data.resample import linear_to_guide
from gisr.estimation.depth_noise import depth_noise, within_noise
from gisr.estimation.depth_reduction import DepthReduction, estimate_reduction
from gisr.inference.answers import Answer
from gisr.inference.consistency.correction import Consistency, only_known, residual_of
from gisr.inference.guided_interpolation import belief_in_colours, interpolate_by_guide
from gisr.inference.windowed_pair import PairSource, nearest_pixels
from gisr.notes import Note, detail
from gisr.placement import Placement

_AROUND = 5
"""Side of the square of target pixels around a pixel whose range bounds it: those that bicubic
interpolation sees, and one more."""
_BEYOND: dict[DepthReduction, tuple[float, float]] = {
    "sampled": (0.1, 0.1),
    "averaged": (0.1, 0.1),
    "bicubic": (0.5, 0.25),
}
"""Share of that range by which a result may leave it, and of the smallest value there by which it
may lie below that. Bicubic targets tell of what is thinner than their pixels, and the network has
learnt to read it: at x16 less would cost up to 9 % (nyu_esanet)."""
_WIDE = 10.0
"""Largest value over the one of a hundredth of the pixels from which a map reaches far: below,
logarithms change nothing (24 frames of sensors and Middlebury)."""
_ONE_DISTANCE, _SEVERAL = 0.05, 0.2
"""Range around a pixel, as a share of the whole range, up to which its surroundings are of one
distance, and from which they are of several."""
_NOTES: dict[DepthReduction, Note] = {
    "averaged": detail("the depth map seems to be averaged over areas"),
    "bicubic": detail("the depth map seems to be reduced by a bicubic kernel, or to have no edges"),
}
_LINEAR, _BY_COLOUR = 0.4, 0.4
"""Shares of linear interpolation and of that by colours in the result of a sampled target; the rest
is the network's. Their errors are independent: on 32 frames at ratios 3 to 8 the mean has 0.76 to
0.95 of the error of linear interpolation, the network alone 1.09 to 1.36. Where colours foretell
samples that are left out, they alone are better still (0.6 to 0.8), and count as far as they do."""

_STRAIGHT, _BENT = 0.05, 0.2
"""Bend from pixel to pixel, as a share of the range around, up to which a target runs straight, and
from which it does not. On real frames (10, at x3 to x8) nothing changes by more than 0.2 %; on a
plane under a texture the error falls to that of linear interpolation."""

SurfaceImage = Float[np.ndarray, "H W bands"]


def bounded(image: SurfaceImage, pair: Pair, reduction: DepthReduction = "bicubic") -> SurfaceImage:
    """Keep a result in the range of the target around it.

    A tenth of that range is allowed beyond it (half of it for bicubic targets), and of the smallest
    value below it, where all are above 0, a tenth (a quarter).

    Args:
        image: In the target's unit.
        pair: What it was made from; the nearest known values stand in for unknown ones.
        reduction: How the target was made coarse.
    """
    target = pair.filled_target
    size = (_AROUND, _AROUND, 1)
    low, high = ndimage.minimum_filter(target, size), ndimage.maximum_filter(target, size)
    outside, nearer = _BEYOND[reduction]
    beyond = outside * (high - low)
    below = np.where(low > 0, np.minimum(beyond, nearer * low), beyond)
    lowest, highest = (
        nearest_pixels(bound.astype(np.float32), image.shape[:2], pair.placement)
        for bound in (low - below, high + beyond)
    )
    inside: SurfaceImage = np.clip(image, lowest, highest)
    return inside


def _reaches_far(pair: Pair) -> bool:
    """Return whether near surfaces are too small a part of the range for one linear scale."""
    known = pair.filled_target
    return float(known.min()) > 0 and float(known.max()) >= _WIDE * float(np.percentile(known, 1))


def _in_logarithms(pair: Pair) -> Pair:
    """Return a pair whose target is the logarithm of its values, all above 0."""
    return replace(pair, target=np.log(pair.filled_target), valid=None, measured=None, truth=None)


def _with_near_surfaces(answer: Answer, logarithms: SurfaceImage, pair: Pair) -> Answer:
    """Take an image from the answer in logarithms where its surroundings are of one distance.

    On one linear scale, a network's errors of 0.2 % of the range are 0.2 m on a wall before a field
    of 80 m. Logarithms alone would blur the edge between the two: the mean of a mixed pixel is not
    that of its logarithms. Both as they are best: a third less error on the near surfaces, and what
    there was elsewhere (benchmarks/depth_targets.py).

    Args:
        answer: On the linear scale.
        logarithms: The network's image of a pair in logarithms.
        pair: In the target's unit.
    """
    target, size = pair.filled_target, (_AROUND, _AROUND, 1)
    around = ndimage.maximum_filter(target, size) - ndimage.minimum_filter(target, size)
    share = linear_to_guide(around / np.ptp(target), answer.image.shape[:2], pair.placement)
    low, high = np.log(_ONE_DISTANCE), np.log(_SEVERAL)
    linear = np.clip((np.log(np.maximum(share, 1e-6)) - low) / (high - low), 0, 1)
    limit = float(np.log(target.max())) + 1
    near = bounded(np.exp(np.minimum(logarithms, limit)), pair)
    image = linear * bounded(answer.image, pair) + (1 - linear) * near
    text = (
        f"the depth map reaches from {target.min():.4g} to {target.max():.4g}: surfaces that are "
        "small in that range were sharpened on a logarithmic scale, too"
    )
    return replace(answer, image=image.astype(np.float32), notes=(*answer.notes, detail(text)))


def settled(
    answer: Answer, pair: Pair, sharpen: Callable[[Pair], SurfaceImage] | None
) -> tuple[Answer, DepthReduction]:
    """Bound a network's result, and lean on interpolation as far as the target was sampled.

    Args:
        answer: In the target's unit.
        pair: What it was made from.
        sharpen: The network, for a target that reaches too far for one scale; None where there is
            but the one answer.

    Returns:
        The answer with what a user should know, and how the target was made coarse.
    """
    if sharpen is not None and _reaches_far(pair):
        answer = _with_near_surfaces(answer, sharpen(_in_logarithms(pair)), pair)
    image, target = bounded(answer.image, pair), pair.filled_target
    valid = _measured(pair)
    found = estimate_reduction(target[..., 0], valid, image[..., 0], pair.placement)
    image = _without_noise(bounded(image, pair, found.kind), target, valid, pair.placement)
    network = 1.0
    if found.sampled > 0:
        placed, share = _of_samples(image, target, pair)
        image = image + np.float32(found.sampled) * (placed - image)
        network += found.sampled * (share - network)
    image = _along_planes(image, target, pair.placement)
    note = _sampled_note(network) if found.kind == "sampled" else _NOTES[found.kind]
    return replace(answer, image=image, notes=(*answer.notes, note)), found.kind


def _sampled_note(network: float) -> Note:
    """Return what a user should know of a sampled target.

    Args:
        network: What the network counts.
    """
    share = (
        f"the network counts for {100 * network:.0f} %"
        if network > 0.005
        else "without the network"
    )
    return Note(
        "the depth map seems to be sampled, not averaged (pixels at its edges are not mixed): its "
        f"edges are placed by the picture's colours, {share}"
    )


def bounded_consistent(
    image: SurfaceImage, pair: Pair, source: PairSource, found: Consistency
) -> SurfaceImage:
    """Bound a result that was made consistent, and measure again what is missing in it.

    Args:
        image: The consistent result.
        pair: What it was made from, filled holes included.
        source: The same as it is cut into windows, of what was measured.
        found: Its residual after the correction is replaced.
    """
    image, again = bounded(image, pair, source.reduction), Consistency()
    window = slice(0, source.shape[0]), slice(0, source.shape[1])
    residual_of(only_known(image, pair, source), window, source, again)
    found.after_squares = again.before_squares
    return image


def _without_noise(
    image: SurfaceImage,
    target: SurfaceImage,
    measured: Bool[np.ndarray, "h w"],
    placement: Placement,
) -> SurfaceImage:
    """Take a network's result from linear interpolation where the target holds nothing but noise.

    A network takes noise of a sensor for relief and sharpens it: with 3 % of the range it has 1.2
    times the error of linear interpolation on frames of sensors, and 0.9 times so. Frames without
    noise stay as they were (benchmarks/depth_targets.py).

    Args:
        image: In the target's unit.
        target: Without holes.
        measured: Which of its pixels were.
        placement: Where the image's pixels lie on it.
    """
    shape, result = (image.shape[0], image.shape[1]), image.copy()
    for band in range(image.shape[2]):
        values = target[..., band]
        share = within_noise(values, depth_noise(values, measured))
        weight = linear_to_guide(share, shape, placement)
        result[..., band] += weight * (
            linear_to_guide(values, shape, placement) - result[..., band]
        )
    return result


def _along_planes(image: SurfaceImage, target: SurfaceImage, placement: Placement) -> SurfaceImage:
    """Take a result from linear interpolation where the target runs straight.

    There is no edge there that a picture could place: what a network or colours add is texture.

    Args:
        image: In the target's unit.
        target: Without holes.
        placement: Where the image's pixels lie on it.
    """
    shape, result = (image.shape[0], image.shape[1]), np.empty_like(image)
    for band in range(image.shape[2]):
        weight = linear_to_guide(_straight(target[..., band]), shape, placement)
        linear = linear_to_guide(target[..., band], shape, placement)
        result[..., band] = image[..., band] + weight * (linear - image[..., band])
    return result


def _straight(values: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Return how straight a map runs around its pixels: 1 on planes, 0 beside edges and in noise.

    Args:
        values: Without holes.
    """
    bent, size = np.zeros_like(values), (_AROUND, _AROUND)
    for axis in (0, 1):
        if values.shape[axis] > 2:
            inner = tuple(slice(1, -1) if each == axis else slice(None) for each in (0, 1))
            bent[inner] = np.maximum(bent[inner], np.abs(np.diff(values, 2, axis)))
    spread = ndimage.maximum_filter(values, size) - ndimage.minimum_filter(values, size)
    most = ndimage.maximum_filter(bent, size)
    share = np.divide(most, spread, out=np.zeros_like(values), where=spread > 0)
    low, high = np.log(_STRAIGHT), np.log(_BENT)
    straight = 1 - np.clip((np.log(np.maximum(share, 1e-6)) - low) / (high - low), 0, 1)
    return np.asarray(straight, np.float32)


def _of_samples(
    image: SurfaceImage, target: SurfaceImage, pair: Pair
) -> tuple[SurfaceImage, float]:
    """Return what is made of a sampled target, and what the network counts in it."""
    shape = (image.shape[0], image.shape[1])
    result = np.empty_like(image)
    known, measured = np.ones(target.shape[:2], bool), _measured(pair)
    rest, shares = 1 - _LINEAR - _BY_COLOUR, []
    for band in range(image.shape[2]):
        samples = target[..., band]
        linear = linear_to_guide(samples, shape, pair.placement)
        coloured = interpolate_by_guide(samples, known, pair.guide, pair.placement, linear)
        mixed = _LINEAR * linear + _BY_COLOUR * coloured + rest * image[..., band]
        belief = belief_in_colours(samples, measured, pair.guide, pair.placement)
        result[..., band] = mixed + np.float32(belief) * (coloured - mixed)
        shares.append(rest * (1 - belief))
    return bounded(result, pair, "sampled"), float(np.mean(shares))


def _measured(pair: Pair) -> Bool[np.ndarray, "h w"]:
    for mask in (pair.measured, pair.valid):
        if mask is not None:
            return mask
    return np.ones(pair.target.shape[:2], bool)
