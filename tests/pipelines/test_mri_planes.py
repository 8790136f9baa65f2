"""Volumes on every kind of grids, with an upscaler that only interpolates: places must be right."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.pair import Pair
from gisr.data.volume_resample import finite_guide
from gisr.errors import InputError, PairError
from gisr.inference.answers import Answer, unchecked
from gisr.inference.system import PairSystem
from gisr.io.volumes.header import VolumeHeader
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import VolumePlacement, place_volumes
from gisr.pipelines.mri_planes import VolumeSharpener
from gisr.pipelines.options import Options
from gisr.pipelines.request import Request

GUIDE = 24, 20, 16
Affine = NDArray[np.float64]


class Interpolating(PairSystem):
    """Answers with the interpolated target, plus a pattern if asked, and remembers the pairs."""

    name = "interpolating"

    def __init__(self, detail: float = 0.0) -> None:
        self.pairs: list[Pair] = []
        self.detail = detail

    def answer(self, pair: Pair, *_: Any, **__: Any) -> Answer:
        self.pairs.append(pair)
        image = pair.on_guide_grid() + self.detail * pair.guide
        return Answer(image, np.full_like(image, 2.0), None)


def volume(name: str, shape: tuple[int, ...], affine: Affine) -> VolumeHeader:
    x, y, z = shape
    return VolumeHeader(
        shape=(x, y, z), affine=affine, header=None, dtype=np.dtype("f4"), path=Path(f"{name}.nii"),
        count=1, read=lambda: iter(()),
    )  # fmt: skip


def ramp(shape: tuple[int, ...], affine: Affine) -> NDArray[np.float32]:
    """Return a function of the place in the world, linear so that interpolation keeps it."""
    indices = np.stack([*np.indices(shape), np.ones(shape)])
    world = np.tensordot(affine, indices, 1)
    return (200 + world[0] - 2 * world[1] + 0.5 * world[2]).astype(np.float32)


def grid(factors: tuple[float, ...], degrees: float = 0.0) -> Affine:
    """Return the affine of a coarser grid over the same place, rotated about a middle voxel."""
    centre, angle = np.array([12.0, 10.0, 8.0]), np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    scale = np.diag([*factors, 1.0])
    scale[:3, 3] = (np.array(factors) - 1) / 2
    return turn @ scale


def sharpener(
    upscaler: Interpolating, placement: VolumePlacement, **options: Any
) -> VolumeSharpener:
    low, high, out = Path("low.nii"), Path("high.nii"), Path("out.nii")
    request = Request[VolumePair](
        "mri", low, high, out, Options(task="mri", **options), cast(Any, None)
    )
    return VolumeSharpener(upscaler, request, placement, lambda: None, unchecked)


def sharpened(
    factors: tuple[float, ...], degrees: float = 0.0, **options: Any
) -> tuple[NDArray[np.float32], VolumePlacement, Interpolating]:
    shape = tuple(int(side / factor) for side, factor in zip(GUIDE, factors, strict=True))
    affine, upscaler = grid(factors, degrees), Interpolating()
    placement = place_volumes(volume("low", shape, affine), volume("high", GUIDE, np.eye(4)))
    guide = np.random.default_rng(0).uniform(1, 9, GUIDE).astype(np.float32)
    result = sharpener(upscaler, placement, **options)(ramp(shape, affine), guide)
    return result.voxels, placement, upscaler


@pytest.mark.parametrize(
    ("factors", "degrees"),
    [
        ((2, 2, 1), 0),
        ((1, 1, 4), 0),
        ((4, 1, 1), 0),
        ((2, 2, 4), 0),
        ((2, 1, 4), 0),
        ((2, 2, 1), 4),
        ((1, 1, 4), 4),
        ((2, 2, 4), 4),
        ((2, 2, 1), 25),
    ],
)
def test_places_are_kept_on_every_kind_of_grids(factors: tuple[float, ...], degrees: float) -> None:
    found, placement, _ = sharpened(factors, degrees)
    assert placement.angle == pytest.approx(degrees)
    expected, inner = ramp(GUIDE, np.eye(4)), (slice(6, -6), slice(6, -6), slice(4, -4))
    assert np.abs(found[inner] - expected[inner]).max() < 0.3
    inside = placement.covered()
    assert (found[~inside] == 0).all() and inside.mean() > 0.6


def test_thick_slices_are_seen_in_both_planes_at_one_ratio_and_keep_their_means() -> None:
    shape, affine, upscaler = (24, 20, 4), grid((1, 1, 4)), Interpolating(detail=5.0)
    placement = place_volumes(volume("low", shape, affine), volume("high", GUIDE, np.eye(4)))
    random = np.random.default_rng(0)
    low = ndimage.gaussian_filter(random.uniform(0, 900, shape), (2, 2, 0)).astype(np.float32)
    guide = random.uniform(0, 1, GUIDE).astype(np.float32)
    found = sharpener(upscaler, placement)(low, guide).voxels
    assert len(upscaler.pairs) == 24 + 20
    shapes = {pair.guide.shape[:2] for pair in upscaler.pairs}
    assert shapes == {(20, 16), (24, 16)}
    assert {pair.placement.scale for pair in upscaler.pairs} == {(0.25, 0.25)}
    assert {pair.ratio for pair in upscaler.pairs} == {4.0}
    # Detail of the guide along the thick axis is there, none that changes the means.
    interpolated = sharpener(Interpolating(), placement)(low, guide).voxels
    added, means = found - interpolated, guide.reshape(24, 20, 4, 4).mean(3)
    assert np.corrcoef(added.ravel(), (guide - means.repeat(4, 2)).ravel())[0, 1] > 0.9
    assert np.abs(added.reshape(24, 20, 4, 4).mean(3)).max() < 0.2 * np.abs(added).max()


def test_coarse_all_over_goes_through_the_slices_last() -> None:
    _, placement, upscaler = sharpened((2, 2, 4))
    first, rest = upscaler.pairs[:4], upscaler.pairs[4:]
    assert {pair.guide.shape for pair in first} == {(24, 20, 1)}
    assert len(rest) == 24 + 20 and placement.ratio == pytest.approx(16 ** (1 / 3))


def test_unknown_voxels_stay_unknown_through_thick_slices() -> None:
    shape, affine = (24, 20, 4), grid((1, 1, 4))
    placement = place_volumes(volume("low", shape, affine), volume("high", GUIDE, np.eye(4)))
    low = ramp(shape, affine)
    low[3, 4, 1] = np.nan
    found = sharpener(Interpolating(), placement)(low, np.ones(GUIDE, np.float32)).voxels
    expected = np.zeros(GUIDE, bool)
    expected[3, 4, 4:8] = True
    np.testing.assert_array_equal(np.isnan(found), expected)
    with pytest.raises(InputError, match="no voxel is finite"):
        sharpener(Interpolating(), placement)(low * np.nan, np.ones(GUIDE, np.float32))


def test_another_extent_is_interpolated_and_zero_outside() -> None:
    affine, shape = grid((2, 2, 1)), (12, 10, 16)
    affine[2, 3] = 2.5  # half a slice between the guide's
    placement = place_volumes(volume("low", shape, affine), volume("high", GUIDE, np.eye(4)))
    guide = np.ones(GUIDE, np.float32)
    found = sharpener(Interpolating(), placement)(ramp(shape, affine), guide).voxels
    assert (found[:, :, :2] == 0).all() and (found[:, :, 2:] != 0).all()
    inner = (slice(4, -4), slice(4, -4), slice(4, None))
    assert np.abs(found[inner] - ramp(GUIDE, np.eye(4))[inner]).max() < 0.3


def test_a_target_finer_in_the_plane_is_reduced_there() -> None:
    affine, shape = grid((0.5, 0.5, 4)), (48, 40, 4)
    placement = place_volumes(volume("low", shape, affine), volume("high", GUIDE, np.eye(4)))
    assert placement.coarse == (2,)
    guide = np.ones(GUIDE, np.float32)
    found = sharpener(Interpolating(), placement)(ramp(shape, affine), guide).voxels
    inner = (slice(4, -4), slice(4, -4), slice(4, -4))
    assert np.abs(found[inner] - ramp(GUIDE, np.eye(4))[inner]).max() < 0.3


def test_spread_is_that_of_the_answers() -> None:
    shape, affine = (24, 20, 4), grid((1, 1, 4))
    placement = place_volumes(volume("low", shape, affine), volume("high", GUIDE, np.eye(4)))
    guide = np.ones(GUIDE, np.float32)
    run = sharpener(Interpolating(), placement, uncertainty="spread.nii")
    spread = run(ramp(shape, affine), guide).spread
    assert spread is not None and (spread == 2).all()


def test_options_go_before_the_affine_or_are_refused() -> None:
    with pytest.raises(PairError, match=r"ratio 2 does not match the files \(4\)"):
        sharpened((1, 1, 4), ratio=2)
    _, _, upscaler = sharpened((1, 1, 4), grid="kspace", ratio=4)
    assert {pair.placement.offset[1] for pair in upscaler.pairs} == {0.0}


def test_holes_of_a_guide_are_filled_within_the_slice() -> None:
    guide = np.ones((3, 4, 2), np.float32)
    guide[..., 1] = np.nan
    guide[0, 0, 0] = np.nan
    filled = finite_guide(guide, 2)
    assert (filled == 1).all(), "zeros in place of a slice would begin with an edge"
    with pytest.raises(InputError, match="no voxel of the guide"):
        finite_guide(guide * np.nan, 2)


@pytest.mark.parametrize("factors", [(2, 2, 1), (1, 1, 4)])
@pytest.mark.parametrize(("offset", "dead"), [(0.0, 0.0), (-100.0, 0.0), (0.0, -5.0), (0.0, -1e5)])
def test_air_stays_where_it_is_beside_edges(
    factors: tuple[int, int, int], offset: float, dead: float
) -> None:
    """Magnitudes, standardised ones, and one dead voxel among magnitudes."""
    truth = np.zeros(GUIDE, np.float32)
    truth[4:20, 5:15, 4:12] = np.random.default_rng(1).uniform(500, 900, (16, 10, 8))
    x, y, z = (side // factor for side, factor in zip(GUIDE, factors, strict=True))
    low = truth.reshape(x, factors[0], y, factors[1], z, factors[2]).mean((1, 3, 5)) + offset
    low[-1, -1, -1] += dead
    affine = grid(factors)
    placement = place_volumes(volume("low", low.shape, affine), volume("high", GUIDE, np.eye(4)))
    result = sharpener(Interpolating(), placement)(low.astype(np.float32), truth).voxels
    assert result[:18].min() >= offset - 0.5
    assert result[-1, -1, -1] == pytest.approx(offset + dead, rel=0.1)
    assert np.abs(result[4:18, 5:13] - truth[4:18, 5:13] - offset).mean() < 150
