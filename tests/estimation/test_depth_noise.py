import numpy as np
import pytest

from gisr.estimation.depth_noise import depth_noise, within_noise


def room(noise: float) -> np.ndarray:
    """Return a slanted wall with a box 1 m before it, 48 x 64, in metres."""
    rows, columns = np.mgrid[:48, :64]
    depth = 3 + 0.01 * rows + 0.004 * columns
    depth[14:34, 20:44] -= 1
    return depth + np.random.default_rng(0).normal(0, noise, depth.shape)


EVERYWHERE = np.ones((48, 64), bool)


@pytest.mark.parametrize("noise", [0.003, 0.01, 0.05])
@pytest.mark.parametrize("offset", [0, 1e5])
def test_noise_is_seen_beside_edges_and_on_slants(noise: float, offset: float) -> None:
    found = depth_noise(room(noise) + offset, EVERYWHERE)
    assert np.median(found) == pytest.approx(noise, rel=0.15)
    assert 0.6 * noise < found.min() <= found.max() < 1.5 * noise


def test_noise_that_grows_with_distance_is_seen_where_it_is() -> None:
    depth = room(0.002)
    depth[:, 32:] += room(0.03)[:, 32:]
    found = depth_noise(depth, EVERYWHERE)
    assert np.median(found[:, :12]) == pytest.approx(0.002, rel=0.3)
    assert np.median(found[:, -12:]) == pytest.approx(0.03, rel=0.3)


def test_planes_have_no_noise_and_filled_holes_do_not_count() -> None:
    assert depth_noise(room(0), EVERYWHERE).max() < 1e-9
    depth = np.where(np.arange(64) < 44, 3.0, room(0.02))  # what was filled is smooth
    found = depth_noise(depth, EVERYWHERE & (np.arange(64) >= 44))
    np.testing.assert_allclose(found, 0.02, rtol=0.4)
    assert (depth_noise(depth, np.eye(48, 64, dtype=bool)) == 0).all()  # single points


def test_surfaces_lie_within_their_noise_and_edges_do_not() -> None:
    depth = room(0.03)
    share = within_noise(depth, np.full(depth.shape, 0.03))
    assert share[4:12, 4:-4].mean() > 0.98
    assert share[18:30, 24:40].mean() > 0.98
    assert share[14:34, 19:21].max() == 0
    assert (within_noise(depth, np.zeros(depth.shape)) == 0).all()
