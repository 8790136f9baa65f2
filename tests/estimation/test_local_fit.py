"""What a guide says of its target: contrasts of one texture, guides of something else."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from tests.volume_grids import placed

from gisr.estimation.local_fit import Doubt, LocalFit, shifted
from gisr.estimation.volume_registration import find_volume_shift

pytest.importorskip("nibabel")
SHAPE = 48, 40, 12


def texture(seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    return (1000 * ndimage.gaussian_filter(noise, (3, 3, 2))).astype(np.float32)


def fit(guide: NDArray[np.float32]) -> LocalFit:
    truth = texture(0) + 0.1 * texture(1)
    low = truth.reshape(24, 2, 20, 2, 12).mean((1, 3))
    return LocalFit.of(low, guide, placed((24, 20, 12), SHAPE))


def test_a_shift_is_where_least_is_left_unexplained() -> None:
    moved = ndimage.shift(-texture(0), (0, 2, 0), order=3, mode="nearest")
    found = fit(moved)
    shifts = np.arange(-4.0, 5.0)
    left = [found.unexplained(shifted(np.array([0, shift, 0]))) for shift in shifts]
    assert shifts[int(np.argmin(left))] == 2
    assert min(left) < 0.2 < 0.6 < found.unexplained(shifted(np.array([0, -3.0, 0])))


@pytest.mark.parametrize(
    ("guide", "doubt"),
    [
        (500 - texture(0), None),
        (texture(7), "unrelated"),
        (np.full(SHAPE, 7, np.float32), "constant"),
        (texture(0)[::-1], "mirrored along axis 0"),
        (texture(0)[:, ::-1], "mirrored along axis 1"),
        (np.roll(texture(0), 14, 0), "unrelated"),
    ],
)
def test_what_speaks_against_a_guide(guide: NDArray[np.float32], doubt: Doubt | None) -> None:
    assert fit(guide.copy()).doubt() == doubt


def test_too_few_voxels_say_nothing_against_a_guide() -> None:
    found = fit(texture(7))
    known = np.zeros_like(found.known)
    known[:10, :10, :10] = True
    few = LocalFit(found.target, known, found.guide, found.to_guide)
    assert few.doubt() is None


@pytest.mark.parametrize("unit", [1e-15, 1e-9, 1e9])
def test_the_unit_of_a_guide_does_not_count(unit: float) -> None:
    """Diffusivities in m2/s are about 1e-9."""
    guide = 500 - texture(0)
    found = fit((unit * guide).astype(np.float32))
    assert found.doubt() is None
    assert found.unexplained() == pytest.approx(fit(guide).unexplained(), rel=1e-4)


def test_a_constant_guide_of_large_values_explains_nothing() -> None:
    assert fit(np.full(SHAPE, 1e7, np.float32)).unexplained() > 0.99


@pytest.mark.parametrize("spike", [1e5, -1e5])
def test_a_spike_does_not_outweigh_the_rest(spike: float) -> None:
    """The texture is of some hundreds: one voxel would have most of the variance."""
    truth = texture(0) + 0.1 * texture(1)
    low = truth.reshape(24, 2, 20, 2, 12).mean((1, 3))
    low[12, 3, 5] = spike
    shown = 500 - texture(0)
    shown[30, 30, 6] = spike
    found = LocalFit.of(low, shown, placed((24, 20, 12), SHAPE))
    assert found.doubt() is None
    assert found.unexplained() < 0.2
    moved = np.roll(shown, 2, 1)
    shift = find_volume_shift(low, moved, placed((24, 20, 12), SHAPE))
    assert shift.applied
    assert shift.offset == pytest.approx((0, 2, 0), abs=0.3)


def test_what_was_cut_off_a_guide_says_nothing_against_it() -> None:
    guide = 500 - texture(0)
    guide[:26] = 0
    found = fit(guide)
    assert found.doubt() is None
    assert found.blank() == pytest.approx(0.5, abs=0.1)
    assert fit(500 - texture(0)).blank() == 0
    other = texture(7)
    other[:26] = 0
    assert fit(other).doubt() == "unrelated"


def test_a_part_of_the_guide_is_as_good_as_all_of_it() -> None:
    whole = fit(500 - texture(0))
    inner = LocalFit(
        whole.target[4:12, 4:9, 2:9], whole.known[4:12, 4:9, 2:9], whole.guide, whole.to_guide
    )
    near = inner.near(3)
    assert near.origin == (0, 0, 0) and near.guide.shape < whole.guide.shape
    move = shifted(np.array([0.5, -1.0, 0.3]))
    np.testing.assert_array_equal(near.sampled(move), inner.sampled(move))
    moved = LocalFit(
        inner.target, inner.known, whole.guide, shifted(np.array([9, 8, 3])) @ whole.to_guide
    )
    near = moved.near(3)
    assert near.origin == (6, 5, 0)
    np.testing.assert_allclose(near.sampled(move), moved.sampled(move))
