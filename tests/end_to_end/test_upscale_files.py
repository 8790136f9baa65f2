"""Files in, a file out: all three formats, on generated files and on crops of real pairs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.geotiffs import BGRN, write_geotiff

from gisr.apps.cli import main
from gisr.baselines.classical import Bicubic, ZeroFilled
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.datasets.entry import Entry, Frame, Scan, Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.errors import FileFormatError, InputError, PairError
from gisr.inference.answers import Settings
from gisr.inference.array_pair import make_pair
from gisr.inference.hole_filling import fill_by_guide
from gisr.inference.upscaler import Upscaler
from gisr.io.depth.maps import read_depth
from gisr.io.geotiff import read_geotiff
from gisr.io.volumes.nifti import read_nifti
from gisr.metrics import psnr, rmse
from gisr.notes import Note
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.placement import Placement
from gisr.tasks.contrasts import guess_contrast

RNG = np.random.default_rng(0)
TARGET = (RNG.integers(120, 1900, (24, 24, 1)) * (1, 0.97, 0.94, 0.91)).astype(np.uint16)
"""What bands share is no noise."""
UNSHIFTED = Options(align="off")
"""Random images have no true shift to align by."""
GUIDE = RNG.integers(100, 1900, (96, 96, 1)).astype(np.uint16)


@pytest.fixture
def tiffs(tmp_path: Path) -> tuple[Path, Path]:
    target = TARGET.copy()
    target[:3, 20:] = 0
    return (
        write_geotiff(tmp_path / "ms.tif", target, names=BGRN, nodata=0, compress="deflate"),
        write_geotiff(tmp_path / "pan.tif", GUIDE, 2.5),
    )


def write_volume(path: Path, voxels: NDArray[Any], zooms: tuple[float, ...], shift: float) -> Path:
    affine = np.diag((*zooms, 1.0))
    affine[:2, 3] = shift
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return path


def write_volumes(folder: Path, dtype: Any, shift: float = 0.0) -> tuple[Path, Path]:
    low = RNG.integers(10, 900, (16, 12, 3)).astype(dtype)
    high = RNG.integers(0, 900, (64, 48, 3)).astype(np.int16)
    return (
        write_volume(folder / "sub-01_T2w.nii.gz", low, (4.0, 4.0, 5.0), shift),
        write_volume(folder / "sub-01_T1w.nii.gz", high, (1.0, 1.0, 5.0), 0.0),
    )


@pytest.fixture
def depth_files(tmp_path: Path) -> tuple[Path, Path]:
    depth = RNG.integers(500, 60_000, (15, 20)).astype(np.uint16)
    depth[4:7, 5:9] = 0
    colour = RNG.integers(0, 256, (60, 80, 3)).astype(np.uint8)
    Image.fromarray(depth).save(tmp_path / "depth.png")
    Image.fromarray(colour).save(tmp_path / "colour.png")
    return tmp_path / "depth.png", tmp_path / "colour.png"


def test_geotiff_gets_the_upscalers_values_on_the_guides_grid(
    tmp_path: Path, tiffs: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    seen: list[tuple[int, int]] = []
    result = upscale_files(
        tiny_upscaler,
        *tiffs,
        tmp_path / "out.tif",
        Options(sensor="QuickBird", align="off"),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (result.task, result.shape, result.dtype) == ("pansharpening", (96, 96, 4), "uint16")
    assert (result.ratio, result.grid) == (pytest.approx(4), "centre")
    assert {note.level for note in result.notes} == {"detail"}  # what it was computed in
    assert seen == [(96 * 96, 96 * 96)]
    low, high = (read_geotiff(path) for path in tiffs)
    out = read_geotiff(tmp_path / "out.tif")
    assert (out.crs, out.transform) == (high.crs, high.transform)
    assert (out.descriptions, out.nodata) == (low.descriptions, 0.0)
    assert out.creation["compress"] == "deflate"
    np.testing.assert_array_equal(out.valid, low.valid.repeat(4, 0).repeat(4, 1))
    pair = make_pair(low.pixels, high.pixels, "pansharpening", sensor="QuickBird", valid=low.valid)
    expected = tiny_upscaler.answer(pair, Settings(align="off")).image
    rounded = np.clip(np.rint(expected), 1, 65535)
    difference = np.abs(out.pixels[out.valid].astype(float) - rounded[out.valid])
    assert difference.max() <= 1  # a value at one half may go either way
    assert (difference == 0).mean() > 0.999


def test_guide_outside_the_target_or_unknown_is_unknown_in_the_output(
    tmp_path: Path, tiny_upscaler: Upscaler
) -> None:
    target = write_geotiff(tmp_path / "ms.tif", TARGET, 10.0, nodata=0)
    guide = GUIDE.copy()
    guide[50:60, 50:60] = 0
    # The guide begins 20 m, two target pixels, west of the target.
    high = write_geotiff(
        tmp_path / "pan.tif", guide, 2.5, nodata=0, origin=(499_980.0, 4_000_000.0)
    )
    result = upscale_files(tiny_upscaler, target, high, tmp_path / "out.tif", UNSHIFTED)
    valid = read_geotiff(tmp_path / "out.tif").valid
    expected = np.ones((96, 96), bool)
    expected[:, :8] = expected[50:60, 50:60] = False
    np.testing.assert_array_equal(valid, expected)
    assert "8.3% of the PAN image lies outside the MS image" in result.notes[0].text
    # So do the last two of the target's 24 columns lie east of the guide.
    assert result.notes[1] == Note(
        "8.3% of the MS image lies outside the PAN image and is not in the result, which has the "
        "pixels of pan.tif: give a guide that covers it"
    )


@pytest.mark.parametrize(("rows", "told"), [(96, None), (95, None), (92, "4.2%"), (48, "50.0%")])
def test_a_target_that_the_guide_does_not_cover_is_told(
    tmp_path: Path, tiny_upscaler: Upscaler, rows: int, told: str | None
) -> None:
    target = write_geotiff(tmp_path / "ms.tif", TARGET, 10.0)
    high = write_geotiff(tmp_path / "pan.tif", GUIDE[:rows], 2.5)
    result = upscale_files(tiny_upscaler, target, high, tmp_path / "out.tif", UNSHIFTED)
    said = [note.text for note in result.notes if "is not in the result" in note.text]
    assert [text.split()[0] for text in said] == ([] if told is None else [told])


def test_guide_of_many_bands_uses_the_first_and_says_so(
    tmp_path: Path, tiffs: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    others = RNG.integers(1, 2000, (96, 96, 3)).astype(np.uint16)
    many = write_geotiff(tmp_path / "many.tif", np.concatenate([GUIDE, others], axis=2), 2.5)
    upscale_files(tiny_upscaler, *tiffs, tmp_path / "one_out.tif", UNSHIFTED)
    named = replace(UNSHIFTED, task="pansharpening")  # else many bands are those of one sensor
    result = upscale_files(tiny_upscaler, tiffs[0], many, tmp_path / "many_out.tif", named)
    assert result.notes[0] == Note("many.tif has 4 bands: band 1 is used as PAN")
    one, four = (read_geotiff(tmp_path / f"{name}_out.tif") for name in ("one", "many"))
    np.testing.assert_array_equal(one.pixels, four.pixels)


def test_a_new_sensor_is_reported_and_its_own_mtf_counts(
    tmp_path: Path, tiffs: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    chosen: dict[str, dict[str, Any]] = {
        "plain": {},
        "new": {"sensor": "Sputnik"},
        "measured": {"sensor": "Sputnik", "mtf": 0.2, "consistent": True},
    }
    results = {
        name: upscale_files(
            tiny_upscaler, *tiffs, tmp_path / f"{name}.tif", Options(align="off", **options)
        )
        for name, options in chosen.items()
    }
    assert {note.level for note in results["plain"].notes} == {"detail"}
    assert "sensor 'Sputnik' is not listed" in results["new"].notes[0].text
    assert "a gain of 0.20 is assumed" in results["measured"].notes[0].text
    plain, new = (read_geotiff(tmp_path / f"{name}.tif").pixels for name in ("plain", "new"))
    np.testing.assert_array_equal(plain, new)


@pytest.mark.parametrize("mask", [False, True])
def test_a_fourth_band_called_alpha_is_data_unless_it_is_a_mask(
    tmp_path: Path, tiffs: tuple[Path, Path], tiny_upscaler: Upscaler, mask: bool
) -> None:
    pixels = np.clip(TARGET // 8, 1, 254).astype(np.uint8)
    if mask:
        pixels[..., 3] = 255
        pixels[:3, :3, 3] = 0
    target = write_geotiff(tmp_path / "rgba.tif", pixels, 10.0, photometric="RGB", alpha="YES")
    result = upscale_files(tiny_upscaler, target, tiffs[1], tmp_path / "out.tif", UNSHIFTED)
    assert result.shape == (96, 96, 3 if mask else 4)
    assert len([note for note in result.notes if note.level != "detail"]) == mask
    assert read_geotiff(tmp_path / "out.tif").valid.all() != mask


@pytest.mark.parametrize(("shift", "grid"), [(0.0, "kspace"), (1.5, "centre")])
def test_nifti_grid_comes_from_the_affine(
    tmp_path: Path, tiny_upscaler: Upscaler, shift: float, grid: Any
) -> None:
    files = write_volumes(tmp_path, np.int16, shift)
    seen: list[tuple[int, int]] = []
    result = upscale_files(
        tiny_upscaler,
        *files,
        tmp_path / "out.nii.gz",
        UNSHIFTED,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (result.task, result.grid, result.dtype) == ("mri", grid, "int16")
    assert (result.contrast, result.guide_contrast) == ("T2", "T1")
    assert seen == [(1, 3), (2, 3), (3, 3)]
    low, high, out = (read_nifti(path) for path in (*files, tmp_path / "out.nii.gz"))
    np.testing.assert_array_equal(out.affine, high.affine)
    assert out.shape == (64, 48, 3) == result.shape
    if grid == "centre":  # resampled volumes agree with their target: means over its voxels
        means = out.voxels.reshape(16, 4, 12, 4, 3).mean((1, 3))
        assert np.abs(means - low.voxels).mean() < 0.05 * low.voxels.std()
        return
    pairs = [
        make_pair(
            low.voxels[..., index],
            high.voxels[..., index],
            "mri",
            contrast="T2",
            guide_contrast="T1",
            grid=grid,
        )
        for index in range(3)
    ]
    shared = tiny_upscaler.share(pairs, Settings())
    for index, pair in enumerate(pairs):
        expected = tiny_upscaler.answer(pair, shared=shared).image[..., 0]
        assert np.abs(out.voxels[..., index] - expected).max() < 0.51


def test_nan_voxels_stay_unknown_and_an_empty_slice_too(
    tmp_path: Path, tiny_upscaler: Upscaler
) -> None:
    target, guide = write_volumes(tmp_path, np.float32)
    volume = nibabel.Nifti1Image.from_filename(target)
    voxels = np.asarray(volume.dataobj).copy()
    voxels[5, 5, 0] = np.nan
    voxels[..., 2] = np.nan
    nibabel.save(nibabel.Nifti1Image(voxels, volume.affine), target)
    upscale_files(tiny_upscaler, target, guide, tmp_path / "out.nii")
    unknown = ~np.isfinite(read_nifti(tmp_path / "out.nii").voxels)
    assert unknown[..., 2].all() and not unknown[..., 1].any()
    # k-space grid: the sample 5 lies at 20, and is the nearest of 18 to 22 (halves go to even).
    assert 9 <= unknown[..., 0].sum() <= 25 and unknown[19:22, 19:22, 0].all()


def test_volume_of_nothing_is_refused(tmp_path: Path, tiny_upscaler: Upscaler) -> None:
    target, guide = write_volumes(tmp_path, np.float32)
    write_volume(target, np.full((16, 12, 3), np.nan, np.float32), (4.0, 4.0, 5.0), 0.0)
    with pytest.raises(InputError, match="no voxel is finite"):
        upscale_files(tiny_upscaler, target, guide, tmp_path / "out.nii")
    assert not (tmp_path / "out.nii").exists()


def test_holes_of_a_depth_map_stay_holes(
    tmp_path: Path, depth_files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    result = upscale_files(tiny_upscaler, *depth_files, tmp_path / "out.png")
    assert (result.task, result.shape, result.dtype) == ("depth", (60, 80), "uint16")
    low, out = read_depth(depth_files[0]), read_depth(tmp_path / "out.png")
    np.testing.assert_array_equal(out.valid, low.valid.repeat(4, 0).repeat(4, 1))
    guide = np.asarray(Image.open(depth_files[1]))
    placement = Placement.from_grid("centre", low.shape, guide.shape[:2])
    seen = fill_by_guide(low.values, low.valid, guide.astype(np.float32), placement)
    pair = replace(make_pair(seen, guide, "depth"), measured=low.valid)
    expected = tiny_upscaler.answer(pair).image[..., 0]
    inside = np.clip(expected, 1, 65535)[out.valid]
    assert np.abs(out.values[out.valid] - inside).max() < 0.51


@pytest.mark.parametrize("stride", [1, 4])
def test_depth_arrays_with_holes_give_what_files_do(
    tmp_path: Path, depth_files: tuple[Path, Path], tiny_upscaler: Upscaler, stride: int
) -> None:
    picture = Image.open(depth_files[1]).reduce(4 // stride)
    picture.save(depth_files[1])
    filled = Options(fill_holes=True)
    upscale_files(tiny_upscaler, *depth_files, tmp_path / "out.npy", filled)
    depth = np.asarray(Image.open(depth_files[0])).astype(np.float32)
    with pytest.warns(UserWarning, match="are 0, .* filled along the edges of the guide"):
        result = tiny_upscaler(depth, np.asarray(picture), "depth")
    np.testing.assert_array_equal(np.rint(result), np.load(tmp_path / "out.npy"))


def test_another_value_may_mark_holes(
    tmp_path: Path, depth_files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    depth = np.asarray(Image.open(depth_files[0])).copy()
    depth[depth == 0] = 65535
    Image.fromarray(depth).save(depth_files[0])
    upscale_files(tiny_upscaler, *depth_files, tmp_path / "out.png", Options(invalid=65535))
    stored = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(stored == 65535, (depth == 65535).repeat(4, 0).repeat(4, 1))


def test_an_existing_output_is_kept_until_told_otherwise(
    tmp_path: Path, depth_files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    output = tmp_path / "out.png"
    output.write_bytes(b"mine")
    with pytest.raises(FileFormatError, match=r"out\.png: exists already.*overwrite=True"):
        upscale_files(tiny_upscaler, *depth_files, output)
    assert output.read_bytes() == b"mine"
    upscale_files(tiny_upscaler, *depth_files, output, Options(overwrite=True))
    assert read_depth(output).shape == (60, 80)


def test_interruption_leaves_nothing_behind(
    tmp_path: Path, depth_files: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        upscale_files(tiny_upscaler, *depth_files, tmp_path / "out.png", progress=interrupt)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thickness": 0}, "thickness 0 must be above 0"),
        ({"thickness": np.float32(-3)}, "thickness -3 must be above 0"),
        ({"ratio": float("nan")}, "ratio nan must be above 0"),
        ({"thickness": "3"}, "thickness '3' must be a number"),
        ({"thickness": True}, "thickness True must be a number"),
        ({"bits": 11.5}, "bits 11.5 must be a whole number"),
        ({"bits": np.int64(33)}, "bits 33 must lie between 1 and 32"),
        ({"bands": [1, 2]}, r"band \[1, 2\] must be a tuple"),
        ({"overwrite": "no"}, "overwrite 'no' must be True or False"),
        ({"contrast": 2}, "contrast 2 must be text"),
        ({"nodata": [0]}, r"nodata \[0\] must be a number, nan or none"),
    ],
)
def test_options_of_another_type_or_range_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        Options(**options)


@pytest.mark.parametrize(
    ("options", "output", "error", "message"),
    [
        ({}, "out.png", FileFormatError, r"sharpened satellite image is written as \.tif, \.tiff"),
        ({}, "ms.tif", FileFormatError, "is also an input"),
        ({}, "nowhere/out.tif", FileFormatError, "nowhere does not exist"),
        ({"task": "sharpening"}, "out.tif", InputError, "task 'sharpening' must be"),
        ({"contrast": "T2"}, "out.tif", InputError, "contrast 'T2' is for another kind of images"),
        ({"ratio": 2}, "out.tif", PairError, r"ratio 2 does not match the files \(4\)"),
        ({"mtf": 1.5}, "out.tif", InputError, "mtf 1.5 must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    tmp_path: Path,
    tiffs: tuple[Path, Path],
    tiny_upscaler: Upscaler,
    options: dict[str, Any],
    output: str,
    error: type[Exception],
    message: str,
) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(error, match=message):
        upscale_files(tiny_upscaler, *tiffs, tmp_path / output, Options(**options))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_pixels_of_no_data_alone_are_refused_by_file(
    tmp_path: Path, tiffs: tuple[Path, Path], tiny_upscaler: Upscaler
) -> None:
    empty = write_geotiff(tmp_path / "empty.tif", np.zeros_like(GUIDE), 2.5, nodata=0)
    with pytest.raises(InputError, match=r"empty\.tif: every pixel is unknown"):
        upscale_files(tiny_upscaler, tiffs[0], empty, tmp_path / "out.tif")


@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        ("sub-01_ses-2_T1w.nii.gz", "T1"),
        ("BraTS-GLI-00001-t1c.nii", "T1ce"),
        ("IXI002-Guys-0828-PD.nii.gz", "PD"),
        ("t2_flair.nii", "FLAIR"),
        ("T2.nii", "T2"),
        ("T1_to_T2.nii.gz", None),
        ("sub-01_T2_star.nii.gz", None),
        ("ax T2* GRE", None),
        ("T1_map.nii", None),
        ("T1_rho.nii", None),
        ("sub-01_ce-gadolinium_T1w.nii.gz", "T1ce"),
        ("sub-01_acq-mprage_T1w_pre.nii", "T1"),
        ("T1_post.nii", "T1ce"),
        ("ax t1 +c", "T1ce"),
        ("t2_tirm_tra_dark-fluid", "FLAIR"),
        ("sub-01_inplaneT2.nii.gz", "T2"),
        ("slice12.nii", None),
    ],
)
def test_contrasts_are_read_from_file_names(name: str, contrast: str | None) -> None:
    assert guess_contrast(f"T2/{name}") == contrast


def _entry(data_folder: Path, identifier: str) -> Entry:
    return next(entry for entry in read_open_pairs(data_folder) if entry.name == identifier)


def _landsat(data_folder: Path, folder: Path) -> tuple[Pair, Path, Path, Path]:
    entry = _entry(data_folder, "l7_19")
    assert isinstance(entry, Scene)
    pair = wald_pair(
        entry.multispectral[:96, :96], entry.panchromatic[:192, :192], 2, sensor="Landsat-7", bits=8
    )
    target = write_geotiff(folder / "ms.tif", np.rint(pair.target).astype(np.uint8), 60.0)
    guide = write_geotiff(folder / "pan.tif", np.rint(pair.guide).astype(np.uint8), 30.0)
    return pair, target, guide, folder / "out.tif"


def _head(data_folder: Path, folder: Path) -> tuple[Pair, Path, Path, Path]:
    entry = _entry(data_folder, "lesjak_long_patient04_study1")
    assert isinstance(entry, Scan)
    target_volume, guide_volume = entry.volume("T2"), entry.volume("T1")
    rows, columns = (slice(side // 2 - 64, side // 2 + 64) for side in target_volume.shape[:2])
    pair = kspace_pair(target_volume[rows, columns, 8], guide_volume[rows, columns, 8], 4)
    ratios = (*pair.placement.ratios, 3.0)
    target = write_volume(folder / "T2.nii.gz", pair.target, ratios, 0.0)
    guide = write_volume(folder / "T1.nii.gz", pair.guide, (1.0, 1.0, 3.0), 0.0)
    return pair, target, guide, folder / "out.nii.gz"


def _middlebury(data_folder: Path, folder: Path) -> tuple[Pair, Path, Path, Path]:
    entry = _entry(data_folder, "mb06t_midd1_v1")
    assert isinstance(entry, Frame)
    values, valid = entry.depth
    window = (slice(80, 272), slice(100, 292))
    pair = depth_pair(values[window], entry.colour[window], 4, valid=valid[window])
    np.save(folder / "depth.npy", pair.target[..., 0])
    Image.fromarray(pair.guide.astype(np.uint8)).save(folder / "colour.png")
    return pair, folder / "depth.npy", folder / "colour.png", folder / "out.npy"


def _read(path: Path) -> NDArray[Any]:
    if path.suffix == ".tif":
        return read_geotiff(path).pixels
    if path.suffix == ".npy":
        return read_depth(path).values[..., None]
    return read_nifti(path).voxels


@pytest.mark.parametrize("make", [_landsat, _head, _middlebury])
def test_real_pairs_come_out_better_than_interpolated(
    tmp_path: Path,
    data_folder: Path,
    embedded_weights: str,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path, Path], tuple[Pair, Path, Path, Path]],
) -> None:
    pair, target, guide, output = make(data_folder, tmp_path)
    words = [str(target), str(guide), "-o", str(output), "--model", embedded_weights]
    assert main(["upscale", *words]) == 0
    assert f"{output}: {pair.task} x{pair.ratio:.4g}" in capsys.readouterr().out
    sharp = _read(output)
    assert pair.truth is not None and pair.peak is not None
    assert sharp.shape == pair.truth.shape
    baseline = ZeroFilled() if pair.task == "mri" else Bicubic()
    interpolated = baseline.answer(pair).image
    if pair.task == "depth":
        ours, theirs = (
            rmse(image, pair.truth, border=6, valid=pair.truth_valid)
            for image in (sharp, interpolated)
        )
        assert ours < 0.95 * theirs
    else:
        ours, theirs = (
            psnr(image, pair.truth, peak=pair.peak, border=8) for image in (sharp, interpolated)
        )
        assert ours > theirs + 0.3
