"""Resampling against independent oracles: Pillow, and MATLAB's imresize from its definition."""

import math

import numpy as np
import pytest
from PIL import Image

from gisr.data.resample import bicubic_to_guide, bicubic_to_target, resize_pillow
from gisr.placement import Placement

RNG = np.random.default_rng(11)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ((16, 12), (32, 24)),
        ((7, 9), (28, 36)),
        ((8, 8), (64, 64)),
        ((10, 15), (25, 37)),  # ratios 2.5 and 2.47
        ((9, 12), (30, 40)),  # 10/3
        ((5, 5), (5, 5)),
        ((1, 1), (6, 6)),
        ((2, 3), (32, 48)),
    ],
)
def test_bicubic_on_the_centre_grid_is_pillows(low: tuple[int, int], high: tuple[int, int]) -> None:
    image = RNG.uniform(-3, 200, low).astype(np.float32)
    picture = Image.fromarray(image).resize(high[::-1], Image.Resampling.BICUBIC)
    ours = bicubic_to_guide(image, high, Placement.from_grid("centre", low, high))
    np.testing.assert_allclose(ours, np.asarray(picture), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize(("shape", "ratio"), [((32, 48), 2), ((24, 24), 8), ((30, 21), 3)])
def test_pillows_reduction_is_its_antialiased_kernel(shape: tuple[int, int], ratio: int) -> None:
    """Keys' kernel stretched by the ratio, taps outside dropped, the rest rescaled."""
    image = RNG.uniform(0, 1, shape).astype(np.float32)
    expected = image.astype(np.float64)
    for axis in (0, 1):
        expected = np.moveaxis(_reduce_dropping(np.moveaxis(expected, axis, 0), ratio), 0, axis)
    low = (shape[0] // ratio, shape[1] // ratio)
    np.testing.assert_allclose(resize_pillow(image, low), expected, atol=2e-6)


@pytest.mark.parametrize("enlarge", [False, True])
@pytest.mark.parametrize(
    ("shape", "ratio"), [((24, 32), 2), ((24, 33), 3), ((24, 32), 4), ((64, 48), 8)]
)
def test_inside_the_border_bicubic_is_matlabs_imresize(
    shape: tuple[int, int], ratio: int, enlarge: bool
) -> None:
    """At the border imresize mirrors the image, where our kernels drop what lies outside."""
    image = RNG.uniform(0, 1, shape).astype(np.float32)
    expected = image.astype(np.float64)
    for axis in (0, 1):
        moved = np.moveaxis(expected, axis, 0)
        expected = np.moveaxis(_imresize(moved, float(ratio) if enlarge else 1 / ratio), 0, axis)
    other = expected.shape[0], expected.shape[1]
    low, high = (shape, other) if enlarge else (other, shape)
    resize, reach = (bicubic_to_guide, 2 * ratio) if enlarge else (bicubic_to_target, 2)
    result = resize(image, other, Placement.from_grid("centre", low, high))
    inside = np.s_[reach:-reach, reach:-reach]
    assert expected[inside].size > 0
    np.testing.assert_allclose(result[inside], expected[inside], atol=1e-6)


def test_a_reduced_step_by_hand() -> None:
    """Reducing by 2: the kernel is stretched to twice its width and halved."""
    step = np.tile(np.repeat(np.array([0, 1], dtype=np.float32), 8), (16, 1))
    # Kernel at distances 1/4, 3/4, 5/4, 7/4 over 2: 0.8671875, 0.2265625, -0.0703125, -0.0234375.
    # Output 2 lies at input 4.5: of the ones it reaches input 8 only, at 3.5 / 2 = 7/4.
    first = -0.0234375 / 2
    # Output 3 lies at input 6.5; inputs 8, 9 and 10 are at 3/4, 5/4 and 7/4.
    second = (0.2265625 - 0.0703125 - 0.0234375) / 2
    expected = [first, second, 1 - second, 1 - first]
    reduced = bicubic_to_target(step, (8, 8), Placement.from_grid("centre", (8, 8), (16, 16)))
    np.testing.assert_allclose(reduced[4, 2:6], expected, atol=1e-6)


def _keys(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def _imresize(image: np.ndarray, scale: float) -> np.ndarray:
    """Resize axis 0 as imresize's documented ``contributions`` do: 1-based, mirrored at borders."""
    size = image.shape[0]
    width, stretch = (4.0, 1.0) if scale >= 1 else (4.0 / scale, scale)
    rows = []
    for x in range(1, round(size * scale) + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        indices = [left + k for k in range(math.ceil(width) + 2)]
        weights = np.array([stretch * _keys(stretch * (u - index)) for index in indices])
        weights /= weights.sum()
        mirror = [*range(size), *range(size - 1, -1, -1)]
        rows.append(
            sum(
                weight * image[mirror[(index - 1) % (2 * size)]]
                for weight, index in zip(weights, indices, strict=True)
            )
        )
    return np.stack(rows)


def _reduce_dropping(image: np.ndarray, ratio: int) -> np.ndarray:
    size, rows = image.shape[0], []
    for j in range(size // ratio):
        position = (j + 0.5) * ratio - 0.5
        weights = np.array([_keys((index - position) / ratio) for index in range(size)])
        rows.append(np.tensordot(weights / weights.sum(), image, axes=1))
    return np.stack(rows)
