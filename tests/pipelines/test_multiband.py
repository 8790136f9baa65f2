"""Coarse bands sharpened by finer ones: files in, a file out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.geotiffs import BGRN, write_geotiff

from gisr.apps.cli import main
from gisr.data.degradations import wald
from gisr.data.synthetic.band_scene import BandScene, generated_band_scene
from gisr.errors import InputError
from gisr.inference.array_pair import make_pair
from gisr.inference.upscaler import Upscaler
from gisr.io.geotiff import read_geotiff
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.pipelines.table import guess_task
from gisr.weights.store import Weights, save_weights

pytest.importorskip("rasterio")
NAMES = ("B5", "B6", "B11")


@pytest.fixture(scope="module")
def scene() -> BandScene:
    """A scene of a sensor with four fine bands and three coarse ones or more."""
    drawn = (generated_band_scene(np.random.default_rng(seed), 96) for seed in range(100))
    return next(s for s in drawn if s.fine.shape[2] == 4 and s.coarse.shape[2] >= 3)


@pytest.fixture
def files(tmp_path: Path, scene: BandScene) -> tuple[Path, Path]:
    coarse = np.rint(wald(scene.coarse[..., :3], 2)).astype(np.uint16)
    fine = scene.fine.astype(np.uint16)
    return (
        write_geotiff(tmp_path / "bands_20m.tif", coarse, 20.0, names=NAMES),
        write_geotiff(tmp_path / "bands_10m.tif", fine, 10.0, names=BGRN),
    )


def test_files_show_that_bands_guide_bands(tmp_path: Path, files: tuple[Path, Path]) -> None:
    assert guess_task(*files) == "multiband"
    pan = write_geotiff(tmp_path / "pan.tif", read_geotiff(files[1]).pixels[..., :1], 10.0)
    assert guess_task(files[0], pan) == "pansharpening"


def test_all_four_bands_guide(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    system, output = Upscaler(weights(), "cpu"), tmp_path / "out.tif"
    result = upscale_files(system, *files, output)
    assert (result.task, result.ratio, result.shape) == ("multiband", 2, (96, 96, 3))
    assert result.alignment is None or not result.alignment.applied
    assert not [str(note) for note in result.notes if "PAN" in str(note) or "MS" in str(note)]
    written, target, guide = (read_geotiff(path) for path in (output, *files))
    assert written.descriptions == NAMES and written.transform == guide.transform
    pair = make_pair(target.pixels, guide.pixels, "multiband")
    expected = system.answer(pair).image
    np.testing.assert_allclose(written.pixels, np.rint(expected), atol=1)
    fewer = make_pair(target.pixels, guide.pixels[..., :1], "multiband")
    assert np.abs(system.answer(fewer).image - expected).max() > 5


def test_bands_that_guide_can_be_named(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    system, output = Upscaler(weights(), "cpu"), tmp_path / "out.tif"
    upscale_files(system, *files, output, Options(guide_bands=(4, 2)))
    target, guide = (read_geotiff(path).pixels for path in files)
    expected = system.answer(make_pair(target, guide[..., [3, 1]], "multiband")).image
    np.testing.assert_allclose(read_geotiff(output).pixels, np.rint(expected), atol=1)
    with pytest.raises(InputError, match=r"bands_10m\.tif.*5"):
        upscale_files(system, *files, tmp_path / "no.tif", Options(guide_bands=(5,)))
    with pytest.raises(InputError, match="at most 1 can guide"):
        pan = Options(task="pansharpening", guide_bands=(1, 2))
        upscale_files(system, *files, tmp_path / "no.tif", pan)


def test_bands_that_are_copied_beside_aligned_ones_are_told(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    fine = read_geotiff(files[1]).pixels.astype(np.uint16)
    moved = write_geotiff(tmp_path / "moved_10m.tif", np.roll(fine, 2, axis=1), 10.0)
    system, told = Upscaler(weights(), "cpu"), dict[str, list[str]]()
    for kept in ("all", "sharpened"):
        asked = Options(bands_out=kept)
        result = upscale_files(system, files[0], moved, tmp_path / f"{kept}.tif", asked)
        assert result.alignment is not None and result.alignment.applied
        told[kept] = [str(note) for note in result.notes if "copied from moved" in str(note)]
    assert len(told["all"]) == 1 and "--bands-out sharpened" in told["all"][0]
    assert not told["sharpened"]
    copied = read_geotiff(tmp_path / "all.tif").pixels[..., :4]
    np.testing.assert_array_equal(copied, np.roll(fine, 2, axis=1))


def test_of_more_than_four_bands_those_that_explain_the_target_guide(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    guide = read_geotiff(files[1]).pixels
    noise = np.random.default_rng(3).integers(0, int(guide.max()), (96, 96, 2)).astype(np.uint16)
    mixed = np.dstack([noise[..., :1], guide[..., :2], noise[..., 1:], guide[..., 2:]])
    six = write_geotiff(tmp_path / "six_10m.tif", mixed, 10.0)
    system = Upscaler(weights(), "cpu")
    result = upscale_files(system, files[0], six, tmp_path / "six.tif")
    assert any("6 bands: 2, 3, 5, 6 guide" in str(note) for note in result.notes)
    upscale_files(system, *files, tmp_path / "four.tif")
    found, wanted = (read_geotiff(tmp_path / f"{name}.tif").pixels for name in ("six", "four"))
    np.testing.assert_array_equal(found, wanted)


def test_a_band_that_is_not_there_is_answered_with_those_that_are(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    system = Upscaler(weights(), "cpu")
    with pytest.raises(InputError, match=r"bands_20m\.tif: no band B8: it has 1 B5, 2 B6, 3 B11$"):
        upscale_files(system, *files, tmp_path / "out.tif", Options(bands=("B11", "B8")))


def test_unknown_pixels_of_one_guide_band_name_the_guides_option(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    fine = read_geotiff(files[1]).pixels.astype(np.uint16)
    fine[20:40, 20:40, 2] = 65535
    holed = write_geotiff(tmp_path / "holed_10m.tif", fine, 10.0, nodata=65535)
    system = Upscaler(weights(), "cpu")
    result = upscale_files(system, files[0], holed, tmp_path / "out.tif")
    (note,) = [str(note) for note in result.notes if "in some bands" in str(note)]
    assert "holed_10m.tif: 4.3%" in note and "--guide-band" in note and "(--band)" not in note
    whole = Options(guide_bands=(1, 2, 4))
    upscale_files(system, files[0], holed, tmp_path / "whole.tif", whole)
    assert read_geotiff(tmp_path / "whole.tif").valid.all()


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ([(2, slice(None))], r"unknown \(no data\) in band 3 red, .*--guide-band"),
        ([(0, slice(48)), (3, slice(48, None))], "known in all of its 4 bands: .*--guide-band"),
        (
            [(band, slice(None)) for band in range(4)],
            r"every pixel is unknown \(no data\): it holds NaN",
        ),
    ],
)
def test_bands_that_leave_no_pixel_known_are_named(
    tmp_path: Path,
    files: tuple[Path, Path],
    weights: Callable[..., Weights],
    lost: list[tuple[int, slice]],
    told: str,
) -> None:
    fine = read_geotiff(files[1]).pixels.astype(np.float32)
    for band, rows in lost:
        fine[rows, :, band] = np.nan
    guide = write_geotiff(tmp_path / "lost_10m.tif", fine, 10.0, names=BGRN)
    system = Upscaler(weights(), "cpu")
    with pytest.raises(InputError, match=rf"lost_10m\.tif: .*{told}"):
        upscale_files(system, files[0], guide, tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


def test_copied_values_that_would_read_as_unknown_are_told(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    low, fine = (read_geotiff(path).pixels.astype(np.uint16) for path in files)
    fine = fine.clip(1)
    fine[20:30, 20:30, 1] = 0  # data: the guide has another nodata
    fine[50:60, 50:60] = 65535
    coarse = write_geotiff(tmp_path / "coarse_20m.tif", low.clip(1), 20.0, nodata=0)
    guide = write_geotiff(tmp_path / "guide_10m.tif", fine, 10.0, nodata=65535)
    system, output = Upscaler(weights(), "cpu"), tmp_path / "out.tif"
    result = upscale_files(system, coarse, guide, output, Options(bands_out="all"))
    (note,) = [str(note) for note in result.notes if "copied bands" in str(note)]
    assert "100 values of the copied bands of guide_10m.tif are 0" in note
    out, known = read_geotiff(output), (fine != 65535).all(axis=-1)
    np.testing.assert_array_equal(out.valid, known)
    np.testing.assert_array_equal(out.pixels[known][:, :4], fine[known].clip(1))
    plain = upscale_files(system, coarse, guide, tmp_path / "plain.tif")
    assert not [str(note) for note in plain.notes if "copied" in str(note)]


def test_a_guide_of_bands_that_was_taken_for_a_panchromatic_one_is_told_the_way(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    low, fine = (read_geotiff(path).pixels for path in files)
    coarse, guide = (
        write_geotiff(tmp_path / name, np.rint(255 * each / each.max()).astype(np.uint8), size)
        for name, each, size in (("coarse.tif", low, 20.0), ("fine.tif", fine, 10.0))
    )
    system = Upscaler(weights(), "cpu")
    result = upscale_files(system, coarse, guide, tmp_path / "out.tif")
    assert result.task == "pansharpening"
    (note,) = [str(note) for note in result.notes if "used as PAN" in str(note)]
    assert "fine.tif has 4 bands: band 1" in note and "--task multiband" in note
    named = Options(task="pansharpening")
    result = upscale_files(system, coarse, guide, tmp_path / "named.tif", named)
    (note,) = [str(note) for note in result.notes if "used as PAN" in str(note)]
    assert "multiband" not in note


def test_weights_for_three_channels_say_what_they_take(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    system = Upscaler(weights(guide_channels=3), "cpu")
    with pytest.raises(InputError, match=r"guides of up to 3 channels, this one has 4.*guide-band"):
        upscale_files(system, *files, tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()
    upscale_files(system, *files, tmp_path / "out.tif", Options(guide_bands=(1, 2, 4)))


def test_a_guide_that_is_no_finer_is_said_to_be_so(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    system, same = Upscaler(weights(), "cpu"), Options(task="multiband")
    result = upscale_files(system, files[1], files[1], tmp_path / "same.tif", same)
    said = [note for note in result.notes if "is no finer than bands_10m.tif (x1)" in str(note)]
    assert [note.level for note in said] == ["warning"]
    finer = upscale_files(system, *files, tmp_path / "finer.tif")
    assert not [note for note in finer.notes if "is no finer" in str(note)]


def test_a_target_that_was_brought_to_the_guides_grid_is_told(
    tmp_path: Path, files: tuple[Path, Path], weights: Callable[..., Weights]
) -> None:
    """In place of parts that seem off, which the lack of detail makes up."""
    coarse = read_geotiff(files[0]).pixels.astype(np.uint16)
    large = write_geotiff(tmp_path / "same_10m.tif", coarse.repeat(2, 0).repeat(2, 1), 10.0)
    result = upscale_files(Upscaler(weights(), "cpu"), large, files[1], tmp_path / "out.tif")
    said = [str(note) for note in result.notes if note.level == "warning"]
    assert len(said) == 2, said
    assert "give the image of coarse bands as it was delivered" in said[0]
    assert "pixels two to four times as large" in said[1]


def test_the_command(
    tmp_path: Path,
    files: tuple[Path, Path],
    weights: Callable[..., Weights],
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    words = ["upscale", *map(str, files), "-o", str(tmp_path / "out.tif"), "--sensor", "Sentinel-2"]
    main([*words, "--model", str(tmp_path / "tiny"), "--device", "cpu"])
    assert "multiband x2, 96 x 96 x 3 uint16" in capsys.readouterr().out
    assert read_geotiff(tmp_path / "out.tif").pixels.shape == (96, 96, 3)
