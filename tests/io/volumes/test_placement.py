from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gisr.errors import PairError
from gisr.io.volumes.header import VolumeHeader
from gisr.io.volumes.placement import VolumePlacement, place_volumes

pytest.importorskip("nibabel")

OBLIQUE = np.array(
    [[-0.6, 0.01, -0.12, 86], [0, -0.6, -0.42, 96], [-0.02, -0.08, 3.27, -51], [0, 0, 0, 1.0]]
)
ISOTROPIC = np.diag([1.0, 1.0, 1.0, 1.0])


def header(name: str, shape: tuple[int, int, int], affine: NDArray[np.float64]) -> VolumeHeader:
    return VolumeHeader(
        shape=shape, affine=affine, header=None, dtype=np.dtype("i2"), path=Path(f"{name}.nii"),
        count=1, read=lambda: iter(()),
    )  # fmt: skip


def place(
    target: NDArray[np.float64],
    shape: tuple[int, int, int],
    guide: NDArray[np.float64] = OBLIQUE,
    guide_shape: tuple[int, int, int] = (8, 6, 4),
) -> VolumePlacement:
    return place_volumes(header("low", shape, target), header("high", guide_shape, guide))


def coarser(
    affine: NDArray[np.float64], *factors: float, centre: bool = False
) -> NDArray[np.float64]:
    """Return the affine of a grid that is coarser by ``factors`` along its axes."""
    coarse = affine @ np.diag([*factors, 1.0])
    if centre:
        coarse[:3, 3] = (affine @ [*((factor - 1) / 2 for factor in factors), 1.0])[:3]
    return coarse


def turned(degrees: float, zooms: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the affine of a grid rotated about the last axis."""
    angle, affine = np.deg2rad(degrees), np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return affine @ np.diag([*zooms, 1.0])


@pytest.mark.parametrize(("centre", "offset"), [(True, -0.25), (False, 0.0)])
def test_the_affine_tells_where_samples_lie(centre: bool, offset: float) -> None:
    found = place(coarser(OBLIQUE, 2, 2, 1, centre=centre), (4, 3, 4))
    assert (found.slice_axis, found.coarse, found.thick_axis, found.angle) == (2, (0, 1), None, 0)
    assert found.ratio == pytest.approx(2)
    for axis in (0, 1):
        assert found.axis(axis).scale == pytest.approx(0.5)
        assert found.axis(axis).offset == pytest.approx(offset, abs=1e-9)
    assert found.axis(2).same


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_may_lie_along_any_axis(axis: int) -> None:
    factors, shape = [2.0, 2.0, 2.0], [4, 3, 2]
    factors[axis], shape[axis] = 1.0, (8, 6, 4)[axis]
    found = place(coarser(OBLIQUE, *factors), (shape[0], shape[1], shape[2]))
    assert axis not in found.coarse
    assert found.slice_axis == axis


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_any_order_and_direction_of_axes_is_related_rightly(
    order: tuple[int, int, int], flips: tuple[int, int, int]
) -> None:
    plain, affine = np.arange(4 * 3 * 4.0).reshape(4, 3, 4), coarser(OBLIQUE, 2, 2, 1)
    voxels = np.moveaxis(plain, order, (0, 1, 2))
    moved = affine[:, [*order, 3]]
    for axis, flip in enumerate(flips):
        if flip < 0:
            voxels = np.flip(voxels, axis)
            moved[:3, 3] += moved[:3, axis] * (voxels.shape[axis] - 1)
            moved[:3, axis] *= -1
    x, y, z = voxels.shape
    found = place(moved, (x, y, z))
    np.testing.assert_array_equal(found.turned(voxels), plain)
    np.testing.assert_allclose(found.to_target, np.diag([0.5, 0.5, 1, 1]), atol=1e-9)
    assert found.target_shape == (4, 3, 4)


def test_thick_slices_are_told_from_a_coarse_line_in_the_plane() -> None:
    thick = place(coarser(ISOTROPIC, 1, 1, 5), (8, 6, 2), ISOTROPIC, (8, 6, 10))
    assert (thick.coarse, thick.thick_axis, thick.ratio) == ((2,), 2, pytest.approx(5))
    line = place(coarser(OBLIQUE, 2, 1, 1), (4, 6, 4))
    assert (line.coarse, line.thick_axis, line.slice_axis) == ((0,), None, 2)


def test_coarse_all_over_has_its_longest_voxel_side_as_thick_axis() -> None:
    found = place(coarser(ISOTROPIC, 2, 2, 5), (4, 3, 2), ISOTROPIC, (8, 6, 10))
    assert (found.coarse, found.thick_axis) == ((0, 1, 2), 2)
    assert found.ratio == pytest.approx(20 ** (1 / 3))


@pytest.mark.parametrize("degrees", [2, 15, 29])
def test_a_small_rotation_is_taken_in(degrees: float) -> None:
    found = place(turned(degrees, (2, 2, 1)), (20, 20, 4), ISOTROPIC, (32, 32, 4))
    assert found.angle == pytest.approx(degrees)
    assert found.ratios == pytest.approx((2, 2, 1))
    assert (found.coarse, found.slice_axis) == ((0, 1), 2)
    # The world point of the guide's voxel is that of its place on the target.
    where = found.to_target @ [7, 5, 2, 1]
    np.testing.assert_allclose(turned(degrees, (2, 2, 1)) @ where, ISOTROPIC @ [7, 5, 2, 1])


def test_a_rotation_below_a_tenth_of_a_voxel_is_none() -> None:
    found = place(turned(0.1, (2, 2, 1)), (16, 16, 4), ISOTROPIC, (32, 32, 4))
    assert found.angle == 0
    np.testing.assert_allclose(found.to_target, np.diag([0.5, 0.5, 1, 1]), atol=1e-5)


def test_covered_is_what_lies_inside_the_target() -> None:
    shifted = coarser(ISOTROPIC, 2, 2, 1)
    shifted[:3, 3] = 4, 0, 1
    found = place(shifted, (4, 8, 2), ISOTROPIC, (16, 16, 4))
    expected = np.zeros((16, 16, 4), bool)
    expected[3:12, :16, 1:3] = True  # edges at 3 and 11: samples at the edge count
    np.testing.assert_array_equal(found.covered(), expected)
    lines = [found.axis(axis).covered for axis in range(3)]
    np.testing.assert_array_equal(lines[0][:, None, None] & lines[1][:, None] & lines[2], expected)


def test_a_grid_that_is_asked_for_goes_before_the_affine() -> None:
    found = place(coarser(ISOTROPIC, 1, 1, 5), (8, 6, 2), ISOTROPIC, (8, 6, 10))
    assert found.axis(2).offset == pytest.approx(0)
    centred = found.with_grid("centre")
    assert (centred.axis(2).scale, centred.axis(2).offset) == pytest.approx((0.2, -0.4))
    rotated = place(turned(5, (2, 2, 1)), (20, 20, 4), ISOTROPIC, (32, 32, 4))
    with pytest.raises(PairError, match=r"rotated by 5\.0 degrees"):
        rotated.with_grid("centre")


def test_pairs_that_do_not_fit_are_refused() -> None:
    far = coarser(OBLIQUE, 2, 2, 1)
    far[:3, 3] += far[:3, 0] * 50
    for affine, shape, reason in (
        (turned(40, (1.2, 1.2, 3.3)), (4, 3, 4), r"rotated .* by .* degrees.*resample"),
        (OBLIQUE, (8, 6, 4), "one grid already"),
        (far, (4, 3, 4), "do not overlap"),
        (coarser(OBLIQUE, 0.5, 0.5, 1), (16, 12, 4), "coarser"),
        (coarser(OBLIQUE, 100, 100, 1), (1, 1, 4), "ratio 100"),
    ):
        with pytest.raises(PairError, match=reason) as caught:
            place(affine, shape)
        assert "low.nii and high.nii" in str(caught.value)
    with pytest.raises(PairError, match="covers only"):
        place(coarser(ISOTROPIC, 4, 4, 5), (2, 2, 2), ISOTROPIC, (200, 200, 200))


def test_a_grid_against_the_affines_is_told() -> None:
    wide = place(coarser(ISOTROPIC, 4, 4, 1), (20, 16, 4), ISOTROPIC, (64, 64, 4))
    (words,) = wide.contradictions("kspace")
    assert words == "fields of view of 80 and 64 mm that begin 1.5 mm apart along axis 0"
    for centre in (True, False):
        sound = place(
            coarser(ISOTROPIC, 4, 4, 1, centre=centre), (16, 16, 4), ISOTROPIC, (64, 64, 4)
        )
        assert not sound.contradictions("kspace") and not sound.contradictions("centre")


def test_a_crop_of_kspace_keeps_the_direction_in_which_it_is_stored() -> None:
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = 63
    low = coarser(ISOTROPIC, 4, 4, 1) @ np.array(
        [[-1, 0, 0, 15], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]
    )
    found = place(low, (16, 16, 4), flip, (64, 64, 4))
    assert [found.axis(axis).offset for axis in (0, 1)] == pytest.approx([-0.75, 0])
    kept = found.with_grid("kspace")
    assert [kept.axis(axis).offset for axis in (0, 1)] == pytest.approx([-0.75, 0])
    assert not found.contradictions("kspace")


def test_what_the_guide_does_not_show_is_counted() -> None:
    found = place(coarser(ISOTROPIC, 2, 2, 1, centre=True), (20, 20, 4), ISOTROPIC, (10, 20, 4))
    assert found.shown().mean() == pytest.approx(5 * 10 / 400)


def test_a_thickness_counts_for_thick_slices() -> None:
    found = place(coarser(ISOTROPIC, 1, 1, 4, centre=True), (8, 8, 4), ISOTROPIC, (8, 8, 16))
    assert found.with_thickness(None) is found
    assert found.with_thickness(2).axis(2).covers == 0.5
    assert found.with_thickness(2).axis(0).covers == 1
    assert found.with_thickness(4.01).axis(2).covers == 1
    with pytest.raises(
        PairError, match=r"^slices 20 mm thick every 4 mm are impossible: correct --"
    ):
        found.with_thickness(20)
    with pytest.raises(
        PairError, match=r"^t2\.nii: slices 20 mm thick .* \(SliceThickness\): give"
    ):
        found.with_thickness(20, "t2.nii")
    flat = place(coarser(ISOTROPIC, 2, 2, 1), (8, 8, 4), ISOTROPIC, (16, 16, 4))
    assert flat.with_thickness(20) is flat


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_thickness_is_of_the_slices_whatever_is_coarsest(order: tuple[int, int, int]) -> None:
    affine = coarser(ISOTROPIC, 4, 4, 2)[:, [*order, 3]]
    x, y, z = ((6, 6, 12)[axis] for axis in order)
    target = replace(header("low", (x, y, z), affine), slice_axis=order.index(2))
    found = place_volumes(target, header("high", (24, 24, 24), ISOTROPIC))
    assert (found.coarse, found.stacked, found.distance) == ((0, 1, 2), 2, 2)
    assert found.thick_axis in (0, 1) and not found.through_slices
    assert found.with_thickness(2) is found
    target = replace(target, slice_axis=order.index(found.thick_axis))
    found = place_volumes(target, header("high", (24, 24, 24), ISOTROPIC))
    assert found.through_slices and found.with_thickness(2).covers == 0.5


def test_of_equal_sides_that_of_the_slices_is_the_thick_one() -> None:
    found = place(coarser(ISOTROPIC, 2, 2, 2), (8, 8, 8), ISOTROPIC, (16, 16, 16))
    assert found.thick_axis == 2 and found.with_thickness(1.5).axis(2).covers == 0.75


def test_slanted_slices_are_as_far_apart_as_their_planes() -> None:
    slanted = coarser(ISOTROPIC, 1, 1, 4)
    slanted[0, 2] = 4 * np.tan(np.deg2rad(14))
    found = place(slanted, (20, 20, 20), ISOTROPIC, (40, 40, 80))
    assert found.target_zooms[2] == pytest.approx(4.122, abs=1e-3)
    assert found.distance == pytest.approx(4)
    assert found.with_thickness(4).covers == 1 and found.with_thickness(2).covers == 0.5
    pixels = coarser(ISOTROPIC, 2, 2, 1)
    pixels[0, 2] = np.tan(np.deg2rad(14))
    found = place(pixels, (20, 20, 20), ISOTROPIC, (40, 40, 20))
    assert found.with_thickness(1).covers == 1
