"""Resampling with the kernels the literature uses, exactly.

``bicubic`` here always means Keys' kernel with a = -1/2 (IEEE TASSP 1981), which is MATLAB's
``imresize``, Pillow's ``BICUBIC`` and torch's ``bicubic`` with ``antialias=True``.
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse

from gisr.placement import Placement


def bicubic_to_guide(
    target: Float[np.ndarray, "h w *bands"], guide_shape: tuple[int, int], placement: Placement
) -> Float[np.ndarray, "H W *bands"]:
    """Interpolate a target onto the guide's grid with the bicubic kernel.

    Taps outside the image are dropped and the rest rescaled, as Pillow does, so that
    ``Placement.from_grid("centre", ...)`` gives Pillow's result.

    Args:
        target: Any values; float32 out.
        guide_shape: Height and width of the guide.
        placement: Where the guide's samples lie on the target.
    """
    result = np.asarray(target, dtype=np.float32)
    for axis in (1, 0):  # the smaller image is the one that is turned
        positions = np.arange(guide_shape[axis]) * placement.scale[axis] + placement.offset[axis]
        result = bicubic_at(result, positions, axis)
    return result


def bicubic_at(
    image: Float[np.ndarray, "h w *bands"], positions: Float[np.ndarray, " n"], axis: int
) -> Float[np.ndarray, "H W *bands"]:
    """Interpolate along an axis at any positions with the bicubic kernel; taps as above.

    Args:
        image: Any values; float32 out.
        positions: Indices of the axis, between pixels too.
        axis: 0 for rows, 1 for columns.
    """
    first = np.floor(positions).astype(np.int64) - 1
    taps = first[:, None] + np.arange(4)
    weights = _cubic(positions[:, None] - taps)
    return weighted_taps(np.asarray(image, dtype=np.float32), taps, weights, axis)


def bicubic_to_target(
    guide: Float[np.ndarray, "H W *channels"], target_shape: tuple[int, int], placement: Placement
) -> Float[np.ndarray, "h w *channels"]:
    """Reduce a guide to the target's grid with the bicubic kernel stretched by the ratio.

    For ``Placement.from_grid("centre", ...)`` this is Pillow's result, and MATLAB's ``imresize``
    but for the border.

    Args:
        guide: Any values; float32 out.
        target_shape: Height and width of the target.
        placement: Where the guide's samples lie on the target.
    """
    result = np.asarray(guide, dtype=np.float32)
    for axis in (0, 1):
        ratio = 1 / placement.scale[axis]
        positions = (np.arange(target_shape[axis]) - placement.offset[axis]) * ratio
        reach = int(np.ceil(2 * ratio))
        taps = np.floor(positions).astype(np.int64)[:, None] + np.arange(-reach, reach + 2)
        weights = _cubic((positions[:, None] - taps) / ratio)
        result = weighted_taps(result, taps, weights, axis)
    return result


def area_to_target(
    guide: Float[np.ndarray, "H W *channels"], target_shape: tuple[int, int], placement: Placement
) -> Float[np.ndarray, "h w *channels"]:
    """Reduce a guide to the target's grid by the mean of each target pixel's area.

    Args:
        guide: Any values; float32 out.
        target_shape: Height and width of the target.
        placement: Where the guide's samples lie on the target.
    """
    result = np.asarray(guide, dtype=np.float32)
    for axis in (0, 1):
        ratio = 1 / placement.scale[axis]
        middle = (np.arange(target_shape[axis]) - placement.offset[axis]) * ratio
        reach = int(np.ceil(ratio / 2)) + 1
        taps = np.rint(middle).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
        begin = np.maximum(taps - 0.5, middle[:, None] - ratio / 2)
        end = np.minimum(taps + 0.5, middle[:, None] + ratio / 2)
        result = weighted_taps(result, taps, np.maximum(0.0, end - begin), axis)
    return result


def linear_to_guide(
    target: Float[np.ndarray, "h w *bands"], guide_shape: tuple[int, int], placement: Placement
) -> Float[np.ndarray, "H W *bands"]:
    """Interpolate a target onto the guide's grid linearly, its border repeated outside.

    Args:
        target: Any values; float32 out.
        guide_shape: Height and width of the guide.
        placement: Where the guide's samples lie on the target.
    """
    result = np.asarray(target, dtype=np.float32)
    for axis in (1, 0):
        place = np.arange(guide_shape[axis]) * placement.scale[axis] + placement.offset[axis]
        result = weighted_taps(result, *_linear(place), axis)
    return result


def samples_at_target(
    guide: Float[np.ndarray, "H W *channels"], target_shape: tuple[int, int], placement: Placement
) -> Float[np.ndarray, "h w *channels"]:
    """Return the values of a guide at the middles of the target's pixels, between pixels linear.

    Args:
        guide: Any values; float32 out.
        target_shape: Height and width of the target.
        placement: Where the guide's samples lie on the target.
    """
    result = np.asarray(guide, dtype=np.float32)
    for axis in (0, 1):
        middle = (np.arange(target_shape[axis]) - placement.offset[axis]) / placement.scale[axis]
        result = weighted_taps(result, *_linear(middle), axis)
    return result


def shift(
    image: Float[np.ndarray, "H W *channels"], offset: tuple[float, float]
) -> Float[np.ndarray, "H W *channels"]:
    """Return ``shifted[y, x] = image[y + dy, x + dx]``, bicubic between pixels.

    Args:
        image: Any values.
        offset: (dy, dx) in pixels, the meaning of ``guide_offset_px`` in the project's data.
    """
    return bicubic_to_guide(image, image.shape[:2], Placement((1.0, 1.0), offset))


def resize_pillow(
    image: Float[np.ndarray, "h w *bands"],
    shape: tuple[int, int],
    *,
    box: tuple[tuple[float, float], tuple[float, float]] | None = None,
) -> Float[np.ndarray, "H W *bands"]:
    """Resize with Pillow's antialiased bicubic, band by band, in float32.

    The depth protocols (DKN, SGNet, DCTNet) reduce with this.

    Args:
        image: Any values.
        shape: Height and width of the result.
        box: First and last row, first and last column (edges, in pixels) of the part to resize;
            the kernel still sees what lies around it. All of the image when None.
    """
    if image.ndim == 3:
        bands = [resize_pillow(image[..., band], shape, box=box) for band in range(image.shape[2])]
        return np.stack(bands, axis=-1)
    picture = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    part = None if box is None else (box[1][0], box[0][0], box[1][1], box[0][1])
    resized = picture.resize((shape[1], shape[0]), Image.Resampling.BICUBIC, box=part)
    return np.asarray(resized, dtype=np.float32)


def weighted_taps(
    image: Float[np.ndarray, "h w *bands"],
    taps: NDArray[np.int64],
    weights: NDArray[np.float64],
    axis: int,
) -> Float[np.ndarray, "H W *bands"]:
    """Return sums of samples along an axis: ``out[i] = sum_k weights[i, k] * image[taps[i, k]]``.

    Taps outside the image are dropped and the remaining weights brought to sum 1.
    """
    size = image.shape[axis]
    inside = (taps >= 0) & (taps < size)
    weights = np.where(inside, weights, 0.0)
    total = weights.sum(axis=1, keepdims=True)
    # A position more than two samples outside has no tap left: repeat the border there.
    weights = np.where(np.abs(total) > 1e-6, weights / np.where(total == 0, 1, total), 0.0)
    weights[np.abs(total[:, 0]) <= 1e-6, 0] = 1.0
    count, each = taps.shape
    cells = weights.astype(np.float32).ravel(), np.clip(taps, 0, size - 1).ravel()
    sums = sparse.csr_array((*cells, np.arange(count + 1) * each), shape=(count, size))
    moved = np.moveaxis(np.asarray(image, np.float32), axis, 0)
    result = sums @ moved.reshape(size, -1)
    return np.moveaxis(result.reshape(count, *moved.shape[1:]), 0, axis)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _linear(place: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    first = np.floor(place).astype(np.int64)
    after = place - first
    return np.stack([first, first + 1], axis=1), np.stack([1 - after, after], axis=1)
