"""Float GeoTIFFs near the largest float32: a right result, or one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.geotiffs import write_geotiff

from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler
from gisr.io.geotiff import read_geotiff
from gisr.pipelines import Options, upscale_files
from gisr.weights.store import Weights


def write_pair(
    folder: Path, low: float, high: float, dtype: str, **profile: Any
) -> tuple[Path, Path, Path]:
    noise = np.random.default_rng(0)
    target = (noise.uniform(0.5, 1, (32, 32, 3)) * low).astype(dtype)
    guide = (noise.uniform(0.5, 1, (128, 128, 1)) * high).astype(dtype)
    if "nodata" in profile:
        target[4:9, 5:12] = profile["nodata"]
    return (
        write_geotiff(folder / "ms.tif", target, 4.0, **profile),
        write_geotiff(folder / "pan.tif", guide, 1.0),
        folder / "out.tif",
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [3.4e38, -3e38])
@pytest.mark.parametrize("large", ["ms.tif", "pan.tif"])
def test_too_large_values_are_one_line(
    tmp_path: Path, weights: Callable[..., Weights], dtype: str, value: float, large: str
) -> None:
    values = (value, 1.0) if large == "ms.tif" else (1.0, value)
    files = write_pair(tmp_path, *values, dtype)
    with pytest.raises(InputError, match=rf"{large}: holds .*--nodata") as caught:
        upscale_files(Upscaler(weights(), "cpu"), *files)
    assert len(str(caught.value).splitlines()) == 1
    assert not files[2].exists()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [9e37, -9e37, 1e30, 1e-15])
def test_what_float32_can_compute_with_comes_out(
    tmp_path: Path, weights: Callable[..., Weights], dtype: str, scale: float
) -> None:
    nodata = -9999.0
    files = write_pair(tmp_path, scale, scale, dtype, nodata=nodata)
    page = None if abs(scale) > 1e30 else tmp_path / "page.html"
    further = Options(uncertainty=tmp_path / "spread.tif", report=page)
    upscale_files(Upscaler(weights(), "cpu"), *files, further)
    found = read_geotiff(files[2])
    assert not found.valid[16:36, 20:48].any() and found.valid.mean() > 0.9
    assert 0.2 < np.median(found.pixels[found.valid] / scale) < 2
    spread = read_geotiff(tmp_path / "spread.tif")
    assert 0 < np.median(spread.pixels[found.valid] / abs(scale)) < 1


@pytest.mark.parametrize(
    ("dtype", "offset", "step"),
    [("int32", 1e9, 64), ("uint32", 4e9, 256), ("float64", 1e9, 64), ("int32", 1e4, None)],
)
@pytest.mark.parametrize("large", ["ms.tif", "pan.tif"])
def test_steps_of_float32_that_are_coarse_beside_what_varies_are_told(
    tmp_path: Path,
    weights: Callable[..., Weights],
    dtype: str,
    offset: float,
    step: int | None,
    large: str,
) -> None:
    noise = np.random.default_rng(1)
    images = {
        "ms.tif": noise.uniform(50, 1700, (32, 32, 3)),
        "pan.tif": noise.uniform(50, 1700, (128, 128, 1)),
    }
    for (name, image), size in zip(images.items(), (4.0, 1.0), strict=True):
        moved = name == large
        values = (image + offset * moved).astype(dtype if moved else "uint16")
        write_geotiff(tmp_path / name, values, size)
    files = (tmp_path / "ms.tif", tmp_path / "pan.tif", tmp_path / "out.tif")
    result = upscale_files(Upscaler(weights(), "cpu"), *files)
    told = [note.text for note in result.notes if "32-bit floats" in note.text]
    if step is None:
        assert told == []
    else:
        (line,) = told
        assert line.startswith(f"{large}: values near {offset:.3g} that vary by 1.")
        assert f"in steps of {step} (" in line
