"""The noise of few light paths, smoothed where surfaces go on. Pure numpy.

Blender builds without OpenImageDenoise (Debian's) have no denoiser of their own. This is the
edge-avoiding wavelet filter of Dammertz et al. (2010, "Edge-avoiding a-trous wavelet transform for
fast global illumination filtering"): light alone is filtered, without the surfaces' own colours,
between pixels of like normal, colour, distance and brightness.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_KERNEL = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16


def smoothed(colour: Floats, albedo: Floats, normal: Floats, depth: Floats) -> Floats:
    """Return colours with less noise.

    Args:
        colour: (H, W, 3), linear, from 0.
        albedo: (H, W, 3), the surfaces' own colours from 0 to 1, without noise.
        normal: (H, W, 3), of length 1 or, where several surfaces meet in a pixel, less.
        depth: (H, W), metres.
    """
    own: Floats = np.maximum(albedo, np.float32(0.02))
    light: Floats = np.divide(colour, own)
    middle = np.float32(max(float(np.median(light)), 1e-6))
    light = light / (light + middle)  # from 0 to 1, so that single bright paths count little
    nearness = np.log(np.maximum(depth, np.float32(1e-3)))[..., None]
    # Differences in units at which weights fall by e.
    parts = (normal / 0.25, albedo / 0.1, nearness / 0.06)
    guide = np.concatenate(parts, axis=-1, dtype=np.float32)
    for step, tolerance in ((1, 0.2), (2, 0.1), (4, 0.05)):
        light = _filtered(light, guide, step, tolerance)
    limited = np.minimum(light, np.float32(0.99))
    result: Floats = own * limited * middle / (1 - limited)
    return result


def _filtered(light: Floats, guide: Floats, step: int, tolerance: float) -> Floats:
    """Return one pass over 5 x 5 pixels that are ``step`` apart."""
    brightness = _blurred(light.mean(axis=-1))[..., None] / np.float32(tolerance)
    features = np.concatenate([guide, brightness], axis=-1).astype(np.float32)
    edge = 2 * step
    height, width = light.shape[:2]
    margins = ((edge, edge), (edge, edge), (0, 0))
    wide, far = np.pad(light, margins, mode="edge"), np.pad(features, margins, mode="edge")
    total, weights = np.zeros_like(light), np.zeros((height, width, 1), dtype=np.float32)
    for row in range(5):
        for column in range(5):
            here = (
                slice(row * step, row * step + height),
                slice(column * step, column * step + width),
            )
            unlike = np.square(far[here] - features).sum(axis=-1, keepdims=True)
            weight = _KERNEL[row] * _KERNEL[column] * np.exp(-unlike)
            total += weight * wide[here]
            weights += weight
    return total / weights


def _blurred(image: Floats) -> Floats:
    """Return the mean over 3 x 3 pixels."""
    wide = np.pad(image, 1, mode="edge")
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    mean: Floats = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return mean
