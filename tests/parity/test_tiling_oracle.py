"""Tiling against a literal blend, and against MONAI's sliding window where it is installed."""

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from gisr.inference.tiling import TilePlan, blended

RNG = np.random.default_rng(2)


def test_blending_is_the_weighted_mean_of_its_definition() -> None:
    """Weight of a tile at a pixel: per axis, how far inside the tile over the overlap, up to 1."""
    plan = TilePlan(23, 30, tile=12, overlap=5)
    windows = list(plan.windows())
    tiles = [RNG.uniform(size=(12, 12, 1)).astype(np.float32) for _ in windows]
    waiting = iter(tiles)
    result = np.concatenate(
        [np.array(rows.image) for rows in blended(plan, 1, lambda _: next(waiting))]
    )
    for row in range(23):
        for column in range(30):
            total = weights = 0.0
            for (rows, columns), tile in zip(windows, tiles, strict=True):
                if rows.start <= row < rows.stop and columns.start <= column < columns.stop:
                    weight = _inside(row, rows, 23) * _inside(column, columns, 30)
                    total += weight * float(tile[row - rows.start, column - columns.start, 0])
                    weights += weight
            assert result[row, column, 0] == pytest.approx(total / weights, abs=1e-6)


def _inside(index: int, span: slice, size: int) -> float:
    weight = 1.0
    if span.start > 0:
        weight = min(weight, (index - span.start + 0.5) / 5)
    if span.stop < size:
        weight = min(weight, (span.stop - index - 0.5) / 5)
    return weight


def test_monai_agrees_on_a_local_network() -> None:
    """Both give the untiled answer wherever the network's reach does not cross a tile's border."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI's own imports
        inferers = pytest.importorskip("monai.inferers")
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 3)]
    network = torch.nn.Sequential(*layers[:2], torch.nn.ZeroPad2d(1), layers[2]).eval()
    image = torch.rand(1, 2, 40, 56)
    plan = TilePlan(40, 56, tile=24, overlap=8)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = network(image)
        theirs = inferers.sliding_window_inference(
            image, roi_size=(24, 24), sw_batch_size=1, predictor=network, overlap=1 / 3
        )
        ours = np.concatenate(
            [
                np.array(rows.image)
                for rows in blended(
                    plan, 2, lambda window: _planes(network(image[..., window[0], window[1]]))
                )
            ]
        )
    reach = 2
    exact = np.ones((40, 56), bool)
    for rows, columns in plan.windows():
        for axis, span, size in ((0, rows, 40), (1, columns, 56)):
            for border in (edge for edge in (span.start, span.stop) if 0 < edge < size):
                near = (slice(None),) * axis + (slice(border - reach, border + reach),)
                exact[near] = False
    assert exact.mean() > 0.5
    assert [window for window in plan.windows()] == [  # MONAI's scan for these numbers
        (slice(y, y + 24), slice(x, x + 24)) for y in (0, 16) for x in (0, 16, 32)
    ]
    np.testing.assert_allclose(ours[exact], _planes(whole)[exact], atol=1e-5)
    np.testing.assert_allclose(ours[exact], _planes(theirs)[exact], atol=1e-5)


def _planes(image: Tensor) -> np.ndarray:
    return image[0].permute(1, 2, 0).numpy()
