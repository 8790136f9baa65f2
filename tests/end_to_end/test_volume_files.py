"""Fill, finer grids and pictures: what is done with MR files before they are sharpened."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.volume_files import save, smooth, told

from gisr.errors import FileFormatError, InputError, PairError
from gisr.inference.upscaler import Upscaler
from gisr.io.limits import DEFAULT_LIMITS
from gisr.io.volumes.nifti import read_nifti
from gisr.io.volumes.pair import read_volume_pair
from gisr.pipelines.options import Options
from gisr.pipelines.run import read_request, upscale_files
from gisr.pipelines.table import guess_task
from gisr.pipelines.volume_fill import without_fill

nibabel = pytest.importorskip("nibabel")
RNG = np.random.default_rng(0)


def ramp(shape: tuple[int, ...], affine: NDArray[Any]) -> NDArray[np.float32]:
    world = np.tensordot(affine, np.stack([*np.indices(shape), np.ones(shape)]), 1)
    return (200 + world[0] - 2 * world[1] + 0.5 * world[2]).astype(np.float32)


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    return save(tmp_path / "sub_T1w.nii", smooth((48, 48, 8)), np.eye(4))


@pytest.mark.parametrize(("fill", "dtype"), [(-2000, "i2"), (-9999, "f4"), (-1e30, "f4")])
def test_fill_is_unknown_and_comes_back_in_integers(
    tmp_path: Path, guide: Path, tiny_upscaler: Upscaler, fill: float, dtype: str
) -> None:
    voxels = smooth((24, 24, 8)).astype(dtype)
    voxels[:8] = fill
    target = save(tmp_path / "sub_T2w.nii", voxels, np.diag([2.0, 2.0, 1.0, 1.0]))
    result = upscale_files(tiny_upscaler, target, guide, tmp_path / "out.nii", Options(align="off"))
    (note,) = [note.text for note in result.notes if "--nodata" in note.text]
    assert "sub_T2w.nii" in note and "33.3% of the voxels is taken for unknown" in note
    found = read_nifti(tmp_path / "out.nii").voxels
    unknown = found[:14]
    assert (unknown == fill).all() if dtype == "i2" else np.isnan(unknown).all()
    assert np.isfinite(found[17:]).all() and found[17:].min() >= 0


@pytest.mark.parametrize("fill", [-1000, -1024, -100])
def test_the_only_value_below_0_is_unknown_in_target_and_guide(
    tmp_path: Path, guide: Path, fill: int
) -> None:
    voxels = smooth((24, 24, 8)).astype("i2")
    voxels[:4] = fill
    target = save(tmp_path / "sub_T2w.nii", voxels, np.diag([2.0, 2.0, 1.0, 1.0]))
    high = smooth((48, 48, 8))
    high[:8] = fill
    save(guide, high, np.eye(4))
    files = without_fill(read_volume_pair(target, guide, DEFAULT_LIMITS), None)
    assert files.target.valid.mean() == files.guide.valid.mean() == pytest.approx(5 / 6)
    assert (files.target.padding, files.guide.padding) == (fill, None)
    assert [note.text for note in files.notes] == [
        f"{name}: {fill} in 16.7% of the voxels is taken for unknown: --nodata {fill} says so, "
        "--nodata none makes it data"
        for name in ("sub_T2w.nii", "sub_T1w.nii")
    ]


def test_background_standardised_air_and_declared_values_are_data(
    tmp_path: Path, guide: Path
) -> None:
    for name, low in (("zero", 0.0), ("standardised", -0.4)):
        voxels = smooth((24, 24, 8)) / 400 - (0.5 if name == "standardised" else 0)
        voxels[:8] = low
        target = save(tmp_path / f"{name}.nii", voxels, np.diag([2.0, 2.0, 1.0, 1.0]))
        files = without_fill(read_volume_pair(target, guide, DEFAULT_LIMITS), None)
        assert files.notes == () and files.target.valid.all()
    voxels[:8] = -9999
    target = save(tmp_path / "filled.nii", voxels, np.diag([2.0, 2.0, 1.0, 1.0]))
    read = read_volume_pair(target, guide, DEFAULT_LIMITS)
    assert without_fill(read, "none").target.valid.all()
    assert without_fill(read, -9999.0).target.valid.mean() == pytest.approx(2 / 3)
    assert not without_fill(read, -9999.0).notes


@pytest.mark.parametrize("degrees", [0.0, 6.0])
def test_the_result_may_have_the_finer_voxels(tmp_path: Path, degrees: float) -> None:
    fine = np.diag([-1.0, 1.0, 1.0, 1.0])
    fine[:3, 3] = [47, 0, 3]
    low = np.diag([-0.5, 0.5, 4.0, 1.0])
    low[:3, 3] = [39.25, 5.75, 4.5]
    turn, angle = np.eye(4), np.deg2rad(degrees)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    high = save(tmp_path / "g_T1w.nii", ramp((48, 48, 24), fine), fine)
    target = save(tmp_path / "t_T2w.nii", ramp((64, 80, 5), turn @ low), turn @ low)
    shapes = {}
    for resolution in ("guide", "finest", "target"):
        request = read_request(
            target,
            high,
            tmp_path / "o.nii",
            Options(resolution=resolution),
        )
        found, place = request.files.guide, request.files.placement
        shapes[resolution] = found.shape
        assert place.coarse == (2,)
        if resolution == "guide":
            continue
        np.testing.assert_allclose(found.zooms, (0.5, 0.5, 1), rtol=1e-6)
        np.testing.assert_allclose(found.header.get_best_affine(), found.affine, atol=1e-4)
        inner = np.zeros(found.shape, bool)
        inner[16:-16, 16:-16, 5:-5] = True
        error = np.abs(found.voxels - ramp(found.shape, found.affine))[inner]
        assert np.nanmax(error) < 0.1 and np.isfinite(error).mean() > 0.9
        assert (place.angle == 0) == (resolution == "target" or not degrees)
    assert shapes["guide"] == (48, 48, 24) and shapes["target"] == (64, 80, 20)
    assert shapes["finest"] in {(96, 96, 24), (95, 95, 24)}


def picture(path: Path, levels: NDArray[Any]) -> Path:
    Image.fromarray(levels).save(path)
    return path


def test_a_picture_that_is_turned_upright_is_told(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    low, high = (RNG.integers(0, 255, sides, dtype=np.uint8) for sides in ((24, 20), (96, 80)))
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(np.rot90(low)).save(tmp_path / "a_T2.png", exif=turned)
    picture(tmp_path / "b_T2.png", low)
    guide = picture(tmp_path / "T1.png", high)
    results = [
        upscale_files(tiny_upscaler, tmp_path / name, guide, tmp_path / f"out_{name}")
        for name in ("a_T2.png", "b_T2.png")
    ]
    told = [[n.text for n in result.notes if "EXIF" in n.text] for result in results]
    assert told[1] == []
    assert told[0][0].startswith("a_T2.png: turned by 90 degrees, as its EXIF orientation 6 says")
    outputs = [np.asarray(Image.open(tmp_path / f"out_{name}_T2.png")) for name in "ab"]
    np.testing.assert_array_equal(outputs[0], outputs[1])


def test_pictures_named_after_contrasts_are_mr(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    low = picture(tmp_path / "IXI002-T2.png", RNG.integers(0, 255, (24, 20), dtype=np.uint8))
    high = picture(tmp_path / "IXI002-T1.png", RNG.integers(0, 255, (96, 80), dtype=np.uint8))
    assert guess_task(low, high) == "mri"
    result = upscale_files(tiny_upscaler, low, high, tmp_path / "out.png")
    assert (result.task, result.grid, result.contrast) == ("mri", "kspace", "T2")
    assert any("pictures hold no affine" in note.text for note in result.notes)
    assert np.asarray(Image.open(tmp_path / "out.png")).shape == (96, 80)
    upscale_files(tiny_upscaler, low, high, tmp_path / "out.nii", Options(grid="centre"))
    assert read_nifti(tmp_path / "out.nii").shape == (96, 80, 1)
    depth = picture(tmp_path / "depth.png", RNG.integers(0, 255, (24, 20), dtype=np.uint8))
    assert guess_task(depth, high) == "depth"


def test_volumes_become_no_picture_in_python(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    """The command said so; here the picture library's words were all that was said."""
    low = save(tmp_path / "s_T2w.nii", np.ones((4, 4, 3), "f4"), np.diag([2.0, 2, 1, 1]))
    high = save(tmp_path / "s_T1w.nii", np.ones((8, 8, 3), "f4"), np.eye(4))
    with pytest.raises(FileFormatError, match=r"out\.png: name the output of volumes \.nii"):
        upscale_files(tiny_upscaler, low, high, tmp_path / "out.png")


def test_pictures_and_volumes_do_not_mix(tmp_path: Path, guide: Path) -> None:
    low = picture(tmp_path / "a_T2.png", RNG.integers(0, 255, (24, 24), dtype=np.uint8))
    with pytest.raises(PairError, match="give both images as NIfTI, or both as pictures"):
        read_volume_pair(low, guide, DEFAULT_LIMITS)
    colour = picture(tmp_path / "b_T1.png", RNG.integers(0, 255, (48, 48, 3), dtype=np.uint8))
    with pytest.raises(FileFormatError, match="a colour picture: give MR images in grey"):
        read_volume_pair(low, colour, DEFAULT_LIMITS)


def test_a_target_that_was_zero_filled_is_told(tmp_path: Path) -> None:
    truth = 300 + RNG.normal(0, 40, (96, 96, 3))
    spectrum = np.fft.fftshift(np.fft.fft2(truth, axes=(0, 1)), axes=(0, 1))
    coarse = np.diag([2.0, 2.0, 1.0, 1.0])
    guide = save(tmp_path / "s_T1w.nii", truth.astype("f4"), np.eye(4))
    for name, kept in (("whole", 24), ("line", 12), ("plane", 12)):
        part = np.pad(spectrum[48 - kept : 48 + kept, 24:72], ((24 - kept,) * 2, (0, 0), (0, 0)))
        if name == "plane":
            part[:, :12] = part[:, 36:] = 0
        low = np.abs(np.fft.ifft2(np.fft.ifftshift(part, axes=(0, 1)), axes=(0, 1)))
        said = told(save(tmp_path / f"{name}_T2w.nii", low.astype("f4"), coarse), guide)["note"]
        one = "line_T2w.nii was zero-filled along its first axis: of its 48 samples k-space holds 2"
        assert (one in said) == (name == "line")
        assert ("plane_T2w.nii was zero-filled: of its 48 x 48" in said) == (name == "plane")


def test_what_is_wrong_with_a_pair_is_told(tmp_path: Path) -> None:
    texture = smooth((64, 64, 12))
    low = texture.reshape(32, 2, 32, 2, 12).mean((1, 3))
    coarse = np.diag([2.0, 2.0, 1.0, 1.0])
    coarse[:2, 3] = 0.5
    target = save(tmp_path / "s_T2w.nii", low, coarse)
    right = save(tmp_path / "right_T1w.nii", 900 - texture, np.eye(4))
    assert told(target, right)["warning"] == ""
    constant = save(tmp_path / "flat_T1w.nii", np.full_like(texture, 7), np.eye(4))
    assert "T1 is constant" in told(target, constant)["warning"]
    other = save(tmp_path / "other_T1w.nii", smooth((64, 64, 12)), np.eye(4))
    said = told(target, other)["warning"]
    assert "T1 says as little of T2 as another head" in said
    mirrored = save(tmp_path / "mirrored_T1w.nii", (900 - texture)[::-1], np.eye(4))
    said = told(target, mirrored, align="off")["warning"]
    assert "T1 matches T2 better mirrored along axis 0" in said
    stripped = 900 - texture
    stripped[36:] = 0
    cut = told(target, save(tmp_path / "brain_T1w.nii", stripped, np.eye(4)))
    assert cut["warning"] == ""
    assert "T1 has one value in 34% of what T2 shows: it guides nothing there" in cut["note"]
    part = save(tmp_path / "part_T1w.nii", (900 - texture)[:16, :32], np.eye(4))
    said = told(target, part)["warning"]
    assert "88% of the target s_T2w.nii lies outside the guide" in said
    said = told(target, right, grid="centre", thickness=1.0)["warning"]
    assert "thickness is for thick slices" in said


def test_thickness_and_large_ratios_are_told(tmp_path: Path) -> None:
    texture = smooth((24, 24, 48))
    coarse = np.diag([1.0, 1.0, 8.0, 1.0])
    coarse[2, 3] = 3.5
    target = save(tmp_path / "s_T2w.nii", texture.reshape(24, 24, 6, 8).mean(3), coarse)
    guide = save(tmp_path / "s_T1w.nii", 900 - texture, np.eye(4))
    said = told(target, guide)["note"]
    assert "taken as 8 mm thick, without gaps" in said
    assert "at x8 structure smaller than a voxel of T2 that only T1 shows" in said
    (tmp_path / "s_T2w.json").write_text('{"SliceThickness": 5}', encoding="utf-8")
    said = told(target, guide)["note"]
    assert "5 mm thick, with gaps of 3 mm" in said
    assert "10 mm thick every 8 mm" in told(target, guide, thickness=10.0)["note"]
    (tmp_path / "s_T2w.json").write_text('{"SliceThickness": 0.005}', encoding="utf-8")
    with pytest.raises(
        PairError, match=r"^s_T2w\.nii: slices 0\.005 mm thick every 8 mm are imposs"
    ):
        told(target, guide)


def test_slices_thinner_than_pixels_have_no_gaps(tmp_path: Path) -> None:
    texture = smooth((24, 24, 24))
    low = texture.reshape(6, 4, 6, 4, 12, 2).mean((1, 3, 5))
    coarse = np.diag([4.0, 4.0, 2.0, 1.0])
    coarse[:3, 3] = 1.5, 1.5, 0.5
    target = save(tmp_path / "s_T2w.nii", low, coarse)
    guide = save(tmp_path / "s_T1w.nii", 900 - texture, np.eye(4))
    without = told(target, guide)
    result = read_nifti(tmp_path / "out.nii").voxels
    (tmp_path / "s_T2w.json").write_text('{"SliceThickness": 2}', encoding="utf-8")
    assert told(target, guide) == without
    np.testing.assert_array_equal(read_nifti(tmp_path / "out.nii").voxels, result)
    assert "T2 is coarsest along axis 0 of T1, which is not that of its slices" in without["note"]
    assert "gaps" not in without["note"] and without["warning"] == ""
    said = told(target, guide, thickness=2.0)
    assert (
        "thickness is for slices, which follow axis 2 of T1, not axis 0: ignored"
        in (said["warning"])
    )
    assert "image.header.set_dim_info(slice=0)" in said["warning"]
    np.testing.assert_array_equal(read_nifti(tmp_path / "out.nii").voxels, result)


def test_samples_that_coincide_are_not_interpolated_where_the_guide_shows_more(
    tmp_path: Path,
) -> None:
    texture = smooth((32, 32, 16))
    coarse = np.diag([1.0, 1.0, 4.0, 1.0])
    coarse[:3, 3] = 6, 0.05, 1.5  # six voxels into the guide, and a rounded header
    low = texture[6:26].reshape(20, 32, 4, 4).mean(3)
    target = save(tmp_path / "s_T2w.nii", low, coarse)
    said = told(target, save(tmp_path / "s_T1w.nii", 900 - texture, np.eye(4)))
    assert "sampled alike" not in said["note"]
    found = read_nifti(tmp_path / "out.nii").voxels
    np.testing.assert_allclose(found[6:26].reshape(20, 32, 4, 4).mean(3), low, rtol=1e-3)
    assert (found[:6] == 0).all() and (found[26:] == 0).all()


def test_nodata_counts_for_every_volume_of_a_series(tmp_path: Path, guide: Path) -> None:
    coarse = np.diag([2.0, 2.0, 1.0, 1.0])
    series = np.stack([smooth((24, 24, 8))] * 2, -1)
    series[:6, ..., 1] = 999
    target = save(tmp_path / "s_T2w.nii", series, coarse)
    read = read_volume_pair(target, guide, DEFAULT_LIMITS)
    first, second = without_fill(read, 999.0).target.read()
    assert np.isfinite(first).all()
    assert np.isnan(second[:6]).all() and np.isfinite(second[6:]).all()
    single = read_volume_pair(save(target, series[..., 0], coarse), guide, DEFAULT_LIMITS)
    assert [note.text for note in without_fill(single, 999.0).notes] == [
        "no voxel of s_T2w.nii or sub_T1w.nii holds 999: --nodata changes nothing"
    ]
    series[..., 1] = np.nan
    with pytest.raises(InputError, match=r"s_T2w\.nii: volume 2 of 2 has no known voxel: take it"):
        told(save(target, series, coarse), guide)
