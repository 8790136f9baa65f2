import numpy as np
import pytest

from gisr.data.resample import (
    area_to_target,
    bicubic_to_guide,
    bicubic_to_target,
    linear_to_guide,
    samples_at_target,
)
from gisr.estimation.depth_reduction import estimate_reduction
from gisr.placement import Placement

REDUCE = {
    "sampled": samples_at_target,
    "averaged": area_to_target,
    "bicubic": bicubic_to_target,
}
SHAPE = (180, 240)


def discs() -> np.ndarray:
    """Return slanted discs at many distances before a slanted wall."""
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    depth = 4 + rows / 400
    for _ in range(14):
        y, x = random.uniform(0, SHAPE[0]), random.uniform(0, SHAPE[1])
        inside = (rows - y) ** 2 + (columns - x) ** 2 < random.uniform(15, 40) ** 2
        depth = np.where(inside, random.uniform(1, 3) + columns / 900, depth)
    return depth.astype(np.float32)


@pytest.mark.parametrize("kind", ["sampled", "averaged", "bicubic"])
@pytest.mark.parametrize("ratio", [3, 4, 5])
def test_how_a_depth_map_was_made_coarse_is_recognised(kind: str, ratio: int) -> None:
    truth = discs()
    low = (SHAPE[0] // ratio, SHAPE[1] // ratio)
    placement = Placement.from_grid("centre", low, SHAPE)
    target = REDUCE[kind](truth, low, placement)
    if kind == "sampled":  # between pixels of the truth a sensor has none that is a mean
        first = ratio // 2
        target = truth[first::ratio, first::ratio]
    # A network comes near the truth where the target tells where its edges are.
    blurred = bicubic_to_guide(target, SHAPE, placement)
    answer = blurred if kind == "sampled" else 0.75 * truth + 0.25 * blurred
    found = estimate_reduction(target, np.ones(low, bool), answer, placement)
    assert found.kind == kind
    assert (found.sampled == 1) == (kind == "sampled")
    assert found.edges > 50


@pytest.mark.parametrize("kind", ["sampled", "averaged", "bicubic"])
@pytest.mark.parametrize("levels", [16, 24, 48])
def test_stairs_of_a_quantised_map_are_no_edges(kind: str, levels: int) -> None:
    truth = discs()
    low = (SHAPE[0] // 4, SHAPE[1] // 4)
    placement = Placement.from_grid("centre", low, SHAPE)
    target = truth[2::4, 2::4] if kind == "sampled" else REDUCE[kind](truth, low, placement)
    step = np.ptp(target) / (levels - 1)
    rounded = (np.rint((target - target.min()) / step) * step + target.min()).astype(np.float32)
    blurred = bicubic_to_guide(rounded, SHAPE, placement)
    answer = blurred if kind == "sampled" else 0.75 * truth + 0.25 * blurred
    found = estimate_reduction(rounded, np.ones(low, bool), answer, placement)
    assert (found.sampled == 1) == (kind == "sampled")
    assert (found.sampled == 0) == (kind != "sampled")


def test_holes_and_flat_maps_make_no_edges() -> None:
    placement = Placement.from_grid("centre", (45, 60), SHAPE)
    flat = np.full((45, 60), 3, np.float32)
    found = estimate_reduction(flat, flat > 0, np.full(SHAPE, 3, np.float32), placement)
    assert (found.kind, found.sampled, found.edges) == ("bicubic", 0, 0)
    holed = flat.copy()
    holed[:, 30:] = 1
    valid = np.ones(flat.shape, bool)
    valid[:, 28:32] = False
    assert estimate_reduction(holed, valid, np.full(SHAPE, 3, np.float32), placement).edges == 0


def test_area_means_are_means_of_areas_at_any_ratio() -> None:
    image = np.random.default_rng(0).random((12, 20)).astype(np.float32)
    whole = area_to_target(image, (3, 5), Placement.from_grid("centre", (3, 5), (12, 20)))
    np.testing.assert_allclose(whole, image.reshape(3, 4, 5, 4).mean((1, 3)), rtol=1e-5)
    part = area_to_target(image, (8, 13), Placement.from_grid("centre", (8, 13), (12, 20)))
    across = image[:, 0] + image[:, 1] * (20 / 13 - 1)
    assert part[0, 0] == pytest.approx((across[0] + across[1] / 2) / (1.5 * 20 / 13), rel=1e-5)
    assert part.mean() == pytest.approx(image.mean(), rel=1e-5)


def test_linear_interpolation_is_exact_on_slopes_and_repeats_borders() -> None:
    placement = Placement.from_grid("centre", (5, 4), (20, 16))
    slope = np.arange(5, dtype=np.float32)[:, None] + np.zeros((5, 4), np.float32)
    fine = linear_to_guide(slope, (20, 16), placement)
    expected = np.clip((np.arange(20) + 0.5) / 4 - 0.5, 0, 4)
    np.testing.assert_allclose(fine, expected[:, None] + np.zeros(16), atol=1e-5)
    np.testing.assert_allclose(samples_at_target(fine, (5, 4), placement)[1:-1], slope[1:-1])
