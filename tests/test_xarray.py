"""``.gisr.sharpen``: DataArrays that rioxarray opened, against the files they were opened from."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.geotiffs import BGRN, write_geotiff

from gisr.errors import InputError, PairError
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files
from gisr.weights.folder import EMBEDDED, TENSORS_FILE, embedded_folder

xarray = pytest.importorskip("xarray", reason="needs the extra xarray")
rioxarray = pytest.importorskip("rioxarray", reason="needs the extra xarray")
import gisr.xarray  # noqa: E402

# affine 3.1 tells rioxarray 0.19 so.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

RNG = np.random.default_rng(5)
TARGET = RNG.integers(100, 1900, (24, 24, 4)).astype(np.uint16)
TARGET[:3, 20:] = 0
GUIDE = RNG.integers(100, 1900, (104, 100, 1)).astype(np.uint16)
ORIGIN = 500_000.0, 4_000_000.0


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Write a pair whose PAN shows more than its MS, on three sides."""
    corner = ORIGIN[0] - 5.0, ORIGIN[1] + 5.0
    return (
        write_geotiff(tmp_path / "ms.tif", TARGET, names=BGRN, nodata=0),
        write_geotiff(tmp_path / "pan.tif", GUIDE, 2.5, origin=corner),
    )


def opened(files: tuple[Path, Path], **how: Any) -> tuple[Any, Any]:
    ms, pan = (rioxarray.open_rasterio(path, **how) for path in files)
    return ms, pan


def written(files: tuple[Path, Path], upscaler: Upscaler, **options: Any) -> Any:
    """Return what the pipeline of files writes."""
    out = files[0].with_name("out.tif")
    upscale_files(upscaler, *files, out, Options(align="off", **options))
    return rioxarray.open_rasterio(out)


def test_it_gives_what_the_files_give(files: tuple[Path, Path], upscaler: Upscaler) -> None:
    ms, pan = opened(files)
    ms = ms.assign_coords(wavelength=("band", [480.0, 560.0, 660.0, 830.0]))
    sharp = ms.gisr.sharpen(pan, sensor="QuickBird", bits=11, align=False, model=upscaler)
    expected = written(files, upscaler, sensor="QuickBird", bits=11)
    np.testing.assert_array_equal(sharp.values, expected.values)
    assert (sharp.values == 0).any() and (sharp.values != 0).mean() > 0.5
    assert (sharp.dims, sharp.dtype, sharp.name) == (ms.dims, ms.dtype, ms.name)
    assert sharp.rio.crs == pan.rio.crs and sharp.rio.transform() == pan.rio.transform()
    assert sharp.rio.transform(recalc=True) == pan.rio.transform()
    assert sharp.rio.nodata == 0 and sharp.attrs == ms.attrs
    np.testing.assert_array_equal(sharp.wavelength, ms.wavelength)
    np.testing.assert_array_equal(sharp.x, pan.x)


def test_it_gives_what_the_files_give_beside_unknown_pixels(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    """Of a pair whose blur can be measured, so that the result agrees with what is known of it."""
    coarse = np.kron(RNG.uniform(300, 1500, (24, 24)), np.ones((8, 8)))
    pan = coarse + RNG.uniform(0, 200, coarse.shape)
    bands = pan[..., None] * [0.5, 0.7, 0.9, 0.6]
    low = bands.reshape(48, 4, 48, 4, 4).mean(axis=(1, 3)).astype(np.uint16)
    low[np.add.outer(np.arange(48), np.arange(48)) < 12] = 0
    files = (
        write_geotiff(tmp_path / "ms.tif", low, names=BGRN, nodata=0),
        write_geotiff(tmp_path / "pan.tif", pan[..., None].astype(np.uint16), 2.5),
    )
    ms, pan_array = opened(files)
    sharp = ms.gisr.sharpen(pan_array, align=False, model=upscaler)
    np.testing.assert_array_equal(sharp.values, written(files, upscaler).values)
    files[0].with_name("out.tif").unlink()
    alone = written(files, upscaler, consistent=False)
    assert np.abs(sharp.values.astype(int) - alone.values.astype(int)).max() > 20


def test_it_can_be_written_again(files: tuple[Path, Path], upscaler: Upscaler) -> None:
    ms, pan = opened(files)
    out = files[0].with_name("xarray.tif")
    ms.gisr.sharpen(pan, align=False, model=upscaler).rio.to_raster(out)
    again, expected = rioxarray.open_rasterio(out), written(files, upscaler)
    xarray.testing.assert_equal(again, expected)
    assert again.attrs["long_name"] == BGRN and again.rio.nodata == 0


def test_chunks_are_computed_when_they_are_needed(
    files: tuple[Path, Path], upscaler: Upscaler
) -> None:
    pytest.importorskip("dask.array")
    ms, pan = opened(files, chunks={"band": 2, "y": 10, "x": 15})
    sharp = ms.gisr.sharpen(pan, align=False, model=upscaler)
    assert sharp.chunks is not None and (sharp.name, sharp.rio.nodata) == (ms.name, 0)
    expected = written(files, upscaler)
    found = sharp.compute(scheduler="synchronous")
    np.testing.assert_array_equal(found.values == 0, expected.values == 0)
    # Float rounding of the two ways moves a value by one step at most.
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
    assert found.rio.transform() == pan.rio.transform()


def test_one_chunked_image_makes_the_result_lazy(
    files: tuple[Path, Path], upscaler: Upscaler
) -> None:
    pytest.importorskip("dask.array")
    ms, pan = opened(files)
    assert ms.gisr.sharpen(pan.chunk(), align=False, model=upscaler).chunks is not None


def test_masked_images_stay_masked(files: tuple[Path, Path], upscaler: Upscaler) -> None:
    ms, pan = opened(files, masked=True)
    sharp = ms.gisr.sharpen(pan, align=False, model=upscaler)
    expected = written(files, upscaler)
    assert sharp.dtype == np.float32 and sharp.rio.encoded_nodata == 0
    np.testing.assert_array_equal(np.isnan(sharp.values), expected.values == 0)
    known = ~np.isnan(sharp.values)
    # Rounded in the file, where a known 0 is moved to 1: it would be nodata.
    rounded = np.maximum(np.rint(sharp.values[known]), 1)
    np.testing.assert_array_equal(rounded, expected.values[known])


def test_integers_hold_the_nodata_of_their_encoding(
    files: tuple[Path, Path], upscaler: Upscaler
) -> None:
    """Where rioxarray takes unknown pixels for NaN, which integers cannot be."""
    ms, pan = opened(files)
    attributes = {name: each for name, each in ms.attrs.items() if name != "_FillValue"}
    encoded = ms.copy()
    encoded.attrs = attributes
    encoded.encoding["_FillValue"] = 0
    sharp = encoded.gisr.sharpen(pan, align=False, model=upscaler)
    np.testing.assert_array_equal(sharp.values, written(files, upscaler).values)
    assert (sharp.values == 0).any() and sharp.encoding["_FillValue"] == 0


def test_a_part_lies_where_it_is(files: tuple[Path, Path], upscaler: Upscaler) -> None:
    """A selection keeps the transform of the whole among its attributes; its coordinates count."""
    ms, pan = opened(files)
    part = ms.isel(y=slice(6, 20), x=slice(4, 18))
    sharp = part.gisr.sharpen(pan, align=False, model=upscaler)
    known = (sharp.values != 0).all(axis=0)
    rows, columns = np.nonzero(known)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (26, 81, 18, 73)


def test_a_band_alone_has_no_axis_of_bands(files: tuple[Path, Path], upscaler: Upscaler) -> None:
    ms, pan = opened(files)
    sharp = ms.isel(band=2).gisr.sharpen(pan.isel(band=0), align=False, model=upscaler)
    assert sharp.dims == ("y", "x") and sharp.shape == (104, 100)
    assert int(sharp.band) == 3


def test_other_names_and_orders_of_axes(files: tuple[Path, Path], upscaler: Upscaler) -> None:
    ms, pan = opened(files)
    usual = ms.gisr.sharpen(pan, align=False, model=upscaler)
    renamed = ms.rename(x="longitude", y="latitude").transpose("latitude", "longitude", "band")
    sharp = renamed.gisr.sharpen(pan, align=False, model=upscaler)
    assert sharp.dims == ("latitude", "longitude", "band")
    np.testing.assert_array_equal(sharp.transpose("band", ...).values, usual.values)


def test_images_without_georeference_show_the_same(upscaler: Upscaler) -> None:
    ms = xarray.DataArray(TARGET[4:, :20].astype(np.float32), dims=("y", "x", "band"))
    pan = xarray.DataArray(GUIDE[:80, :80, 0], dims=("y", "x"))
    sharp = ms.gisr.sharpen(pan, align=False, model=upscaler)
    assert sharp.dims == ("y", "x", "band") and sharp.shape == (80, 80, 4)
    assert sharp.rio.crs is None and np.isfinite(sharp.values).all()
    expected = upscaler(TARGET[4:, :20], GUIDE[:80, :80], "pansharpening")
    assert np.corrcoef(sharp.values.ravel(), expected.ravel())[0, 1] > 0.9


def test_weights_are_loaded_by_name(files: tuple[Path, Path], tmp_path: Path) -> None:
    from tests.small_network import tiny_weights

    from gisr.weights.store import save_weights

    made = tiny_weights()
    save_weights(tmp_path / "w", made.network, made.descriptions, name="tiny")
    ms, pan = opened(files)
    by_name = ms.gisr.sharpen(pan, align=False, model=tmp_path / "w", device="cpu")
    loaded = ms.gisr.sharpen(pan, align=False, model=Upscaler(tiny_weights(), "cpu"))
    np.testing.assert_array_equal(by_name.values, loaded.values)


def test_errors_say_what_to_type(files: tuple[Path, Path], upscaler: Upscaler) -> None:
    ms, pan = opened(files)

    def said(error: type[Exception], low: Any, high: Any, **arguments: Any) -> str:
        with pytest.raises(error) as found:
            low.gisr.sharpen(high, model=upscaler, align=False, **arguments)
        return str(found.value)

    other = pan.rio.write_crs("EPSG:32632")
    assert "MS is in EPSG:32633 and PAN in EPSG:32632" in said(PairError, ms, other)
    assert "ms.rio.reproject(pan.rio.crs)" in said(PairError, ms, other)
    bare = ms.drop_vars("spatial_ref")
    bare.attrs = {}
    assert "ms.rio.write_crs" in said(PairError, bare, pan)
    assert "exchange them" in said(PairError, pan, ms.isel(band=[0]))
    assert "pan.isel(band=0)" in said(InputError, ms, xarray.concat([pan, pan], "band"))
    series = xarray.concat([ms, ms], "time")
    assert "isel(time=0)" in said(InputError, series, pan)
    assert "give a DataArray" in said(InputError, ms, pan.values)
    nameless = ms.rename(x="a", y="b").drop_vars(["a", "b"])
    assert "ms.rio.set_spatial_dims" in said(InputError, nameless, pan)
    flipped = ms.isel(x=slice(None, None, -1))
    assert "turned or mirrored" in said(PairError, flipped, pan)
    away = pan.assign_coords(x=pan.x + 1e6)
    assert "do not overlap" in said(PairError, ms, away)
    picked = ms.isel(x=[0, 1, 2, 5, 6])
    assert "MS has coordinates x that are not evenly spaced" in said(InputError, picked, pan)
    assert "choose neighbouring pixels" in said(InputError, picked, pan)
    named = ms.assign_coords(y=[f"row {row}" for row in range(ms.sizes["y"])])
    assert "MS has coordinates y of type" in said(InputError, named, pan)
    assert "bits 40" in said(InputError, ms, pan, bits=40)
    with pytest.raises(InputError, match="align 'off' must be one of True, False"):
        ms.gisr.sharpen(pan, model=upscaler, align="off")


@pytest.mark.parametrize("chunks", [None, 12])
def test_unknown_pixels_need_a_value(
    files: tuple[Path, Path], upscaler: Upscaler, chunks: int | None
) -> None:
    if chunks:
        pytest.importorskip("dask.array")
    ms, pan = opened(files, chunks=chunks)
    ms = ms.clip(min=7)
    ms.attrs = {name: each for name, each in ms.attrs.items() if name != "_FillValue"}
    assert ms.rio.nodata is None
    with pytest.raises(InputError, match=r"pixels of the result are unknown .*write_nodata"):
        ms.gisr.sharpen(pan, align=False, model=upscaler).compute(scheduler="synchronous")
    given = ms.rio.write_nodata(65535)
    sharp = given.gisr.sharpen(pan, align=False, model=upscaler).compute(scheduler="synchronous")
    assert (sharp.values[:, 0, 0] == 65535).all() and sharp.rio.nodata == 65535


@pytest.mark.filterwarnings("ignore:no shift of the PAN image:UserWarning")  # of random images
def test_the_examples_of_the_page_run(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (embedded_folder(EMBEDDED[0]) / TENSORS_FILE).is_file():
        pytest.skip("needs the embedded weights, which are not in this checkout")
    pytest.importorskip("dask.array")
    monkeypatch.chdir(files[0].parent)
    for path, name in zip(files, ("multispectral", "panchromatic"), strict=True):
        path.rename(f"{name}.tif")
    page = Path(__file__).resolve().parents[1] / "docs" / "xarray.md"
    examples = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    for example in examples:
        exec(example, names)
    assert len(examples) == 2 and Path("sharp.tif").is_file()
    assert names["corner"].shape == (4, 104, 100) and names["corner"].chunks is None


def test_without_the_extra_the_import_says_what_to_install() -> None:
    code = "import sys; sys.modules['rioxarray'] = None; import gisr.xarray"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert 'pip install "gisr[xarray]"' in done.stderr.splitlines()[-1]


def test_the_accessor_is_typed() -> None:
    assert isinstance(xarray.DataArray([[1.0]]).gisr, gisr.xarray.SharpenAccessor)


@pytest.mark.parametrize("value", [0, 65535])
def test_fill_that_ms_does_not_declare_is_declared_by_the_result(
    tmp_path: Path, upscaler: Upscaler, value: int
) -> None:
    low = RNG.integers(300, 1900, (24, 24, 4)).astype(np.uint16)
    low[:8, 14:] = value
    files = (
        write_geotiff(tmp_path / "ms.tif", low, names=BGRN),
        write_geotiff(tmp_path / "pan.tif", GUIDE[:96, :96], 2.5),
    )
    ms, pan = opened(files)
    text = rf"^MS: {value} in 13.9% .*: ms\.rio\.write_nodata\({value}\) says so$"
    with pytest.warns(UserWarning, match=text):
        sharp = ms.gisr.sharpen(pan, align=False, model=upscaler)
    expected = written(files, upscaler)
    np.testing.assert_array_equal(sharp.values, expected.values)
    assert sharp.rio.nodata == expected.rio.nodata == value
    assert (sharp.values[:, :32, 56:] == value).all()
