"""Any system runs over files: what it answers for the pair in memory is what is written."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.geotiffs import write_geotiff

from gisr.baselines import load_baseline
from gisr.data.phantoms import satellite_scene
from gisr.errors import InputError
from gisr.inference.array_pair import make_pair
from gisr.io.geotiff import read_geotiff
from gisr.pipelines import Options, upscale_files

SCENE = satellite_scene(128)


@pytest.fixture
def scene(tmp_path: Path) -> tuple[Path, Path]:
    low = SCENE.multispectral.reshape(32, 4, 32, 4, -1).mean(axis=(1, 3))
    return (
        write_geotiff(tmp_path / "ms.tif", np.rint(low).astype(np.uint16), 8.0),
        write_geotiff(tmp_path / "pan.tif", np.rint(SCENE.panchromatic).astype(np.uint16), 2.0),
    )


def test_a_compared_system_runs_over_a_scene(tmp_path: Path, scene: tuple[Path, Path]) -> None:
    system, options = load_baseline("gsa"), Options(align="off", consistent=False)
    result = upscale_files(system, *scene, tmp_path / "out.tif", options)
    assert (result.task, result.ratio) == ("pansharpening", pytest.approx(4))
    low, high = (read_geotiff(path).pixels.astype(np.float32) for path in scene)
    expected = system.answer(make_pair(low, high, "pansharpening")).image
    written = read_geotiff(tmp_path / "out.tif").pixels
    assert np.abs(written - np.clip(np.rint(expected), 0, 65535)).max() <= 1


def test_a_system_that_reads_whole_images_has_no_budget(
    tmp_path: Path, scene: tuple[Path, Path]
) -> None:
    with pytest.raises(InputError, match="max-memory: gsa reads whole images"):
        upscale_files(load_baseline("gsa"), *scene, tmp_path / "out.tif", Options(max_memory="8GB"))
    assert not (tmp_path / "out.tif").exists()


def test_a_system_without_a_spread_refuses_its_file(
    tmp_path: Path, scene: tuple[Path, Path]
) -> None:
    options = Options(uncertainty=tmp_path / "spread.tif")
    with pytest.raises(InputError, match="uncertainty: gsa has no spread of answers"):
        upscale_files(load_baseline("gsa"), *scene, tmp_path / "out.tif", options)
    assert not (tmp_path / "out.tif").exists()


def test_a_compared_system_runs_over_a_depth_map(tmp_path: Path) -> None:
    depth = SCENE.multispectral[::4, ::4, 0].astype(np.uint16)
    Image.fromarray(depth).save(tmp_path / "depth.png")
    colour = np.repeat(SCENE.panchromatic / 8, 3, axis=2).astype(np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    files = tmp_path / "depth.png", tmp_path / "colour.png"
    bicubic = load_baseline("bicubic")
    upscale_files(bicubic, *files, tmp_path / "out.png")
    expected = bicubic.answer(make_pair(depth, colour, "depth")).image[..., 0]
    written = np.asarray(Image.open(tmp_path / "out.png")).astype(float)
    assert np.abs(written - np.clip(np.rint(expected), 1, 65535)).max() <= 1


@pytest.mark.parametrize("wrong", [np.zeros((4, 4)), None, [], [np.zeros(4)], 3])
@pytest.mark.parametrize("place", ["target", "guide", "output"])
def test_what_is_no_name_of_a_file_is_named(
    wrong: object, place: str, tmp_path: Path, scene: tuple[Path, Path]
) -> None:
    """Images of nibabel and arrays ended in errors of Python's own."""
    names: dict[str, object] = {
        "target": scene[0],
        "guide": scene[1],
        "output": tmp_path / "out.tif",
        place: wrong,
    }
    kind = type(wrong[0] if isinstance(wrong, list) and wrong and place != "output" else wrong)
    told = f"{place} is of type {kind.__name__}, and not the name of a file"
    if place == "guide" and wrong is None:
        told = "name the guide after it"
    with pytest.raises(InputError, match=told):
        upscale_files(load_baseline("bicubic"), *names.values())  # type: ignore[arg-type]


def test_options_that_are_none_are_named(tmp_path: Path, scene: tuple[Path, Path]) -> None:
    told = "options of type dict are none for files"
    with pytest.raises(InputError, match=told):
        upscale_files(load_baseline("bicubic"), *scene, tmp_path / "out.tif", {"overwrite": True})  # type: ignore[arg-type]
