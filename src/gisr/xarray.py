"""``ms.gisr.sharpen(pan)``: satellite images that rioxarray opened.

``import gisr.xarray`` adds the accessor ``gisr`` to every ``xarray.DataArray``. The extra
``xarray`` installs what it needs.

Example:
    ::

        import rioxarray
        import gisr.xarray

        ms = rioxarray.open_rasterio("ms.tif")
        sharp = ms.gisr.sharpen(rioxarray.open_rasterio("pan.tif"), sensor="QuickBird")
        sharp.rio.to_raster("sharp.tif")
"""

import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Shaped

from gisr.choices import check_choice
from gisr.errors import InputError
from gisr.io.geotiff.data_array import (
    ArrayRaster,
    check_guide_bands,
    known_pixels,
    labelled,
    place_arrays,
)
from gisr.io.quantise import holds, quantise
from gisr.optional_imports import load_extra
from gisr.tasks.pansharpening import PANSHARPENING

if TYPE_CHECKING:
    from xarray import DataArray

    from gisr.inference.answers import Settings
    from gisr.inference.array_values import FillWords
    from gisr.inference.upscaler import Upscaler

_TASK = PANSHARPENING.name


class SharpenAccessor:
    """What ``DataArray.gisr`` gives."""

    def __init__(self, array: "DataArray") -> None:
        """Remember the array that the accessor is of."""
        self._array = array

    def sharpen(
        self,
        pan: "DataArray",
        *,
        sensor: str | None = None,
        mtf: float | None = None,
        bits: int | None = None,
        align: bool = True,
        description: str | None = None,
        model: "Upscaler | str | Path | None" = None,
        device: str | None = None,
    ) -> "DataArray":
        """Sharpen this multispectral image with a panchromatic one.

        Both are placed by their CRS and transform; one may show more than the other. Where either
        is chunked (``open_rasterio(..., chunks={...})``) the result is too: the call reads both
        images once or twice for what all chunks share, and the rest is computed with the result.

        Args:
            pan: (y, x), (1, y, x), or a picture of 3 bands, on a finer grid in the same CRS.
            sensor: Satellite sensor, for example ``QuickBird``.
            mtf: Response of the multispectral bands at their Nyquist frequency, in (0, 1); the
                sensor's when not given.
            bits: Significant bits per sample; the result is clipped to their range.
            align: Whether the shift of PAN is estimated and undone first.
            description: Free text in place of the built-in description.
            model: Weights by name, folder or hub id, or a loaded upscaler.
            device: torch device; CUDA where there is one when not given.

        Returns:
            The dimensions, type, attributes, nodata value and band coordinates of this image, on
            the grid of ``pan``. Where this image or ``pan`` is unknown, or ``pan`` lies outside
            this image, it holds the nodata value (NaN where unknown values are NaN).

        Raises:
            InputError: An image or an argument cannot be used, or the result has unknown pixels
                and no value for them (of a chunked result, when it is computed).
            PairError: The two do not fit together.
            WeightsError: There are no such weights.
            MissingExtraError: A package that is needed is not installed.
        """
        from gisr.inference.answers import Settings
        from gisr.inference.upscaler import Upscaler

        check_choice("align", align, (True, False))
        target, guide = ArrayRaster.of("MS", self._array), ArrayRaster.of("PAN", pan)
        check_guide_bands(guide)
        about: dict[str, Any] = {"sensor": sensor, "mtf": mtf, "bits": bits}
        about["placement"] = place_arrays(target, guide)
        settings = Settings(description, "auto" if align else "off")
        upscaler = model if isinstance(model, Upscaler) else _loaded(model, device)
        if target.chunked or guide.chunked:
            values = _lazy(upscaler, target, guide, about, settings)
            return labelled(values, self._array, target, guide)
        values, fill = _eager(upscaler, target, guide, about, settings)
        result = labelled(values, self._array, target, guide)
        return result if fill is None else result.rio.write_nodata(fill)


@cache
def _loaded(model: str | Path | None, device: str | None) -> "Upscaler":
    from gisr.inference.loading import load_model

    return load_model(model, device)


def _with_nan(
    image: Shaped[np.ndarray, "h w bands"], nodata: float | None
) -> Float[np.ndarray, "h w bands"]:
    return np.where(known_pixels(image, nodata)[..., None], image, np.nan).astype(np.float32)


def _stored(
    values: Float[np.ndarray, "h w bands"],
    dtype: np.dtype,
    nodata: float | None,
    bits: int | None,
) -> Shaped[np.ndarray, "h w bands"]:
    """Return a result in the type of MS, with its nodata where the result is NaN.

    Raises:
        InputError: There is none, and a pixel is unknown.
    """
    valid = np.isfinite(values)
    marker = nodata
    if marker is None and dtype.kind == "f":
        marker = float("nan")
    if marker is None or not holds(dtype, marker):
        if not valid.all():
            raise InputError(
                f"{int((~valid).any(axis=-1).sum())} pixels of the result are unknown and MS, of "
                f"type {dtype}, has no value for them: give it one with ms.rio.write_nodata, or "
                "open it with masked=True"
            )
        return quantise(values, dtype, valid=valid, marker=0, reserved=False, bits=bits)
    return quantise(values, dtype, valid=valid, marker=marker, bits=bits)


def _eager(
    upscaler: "Upscaler",
    target: ArrayRaster,
    guide: ArrayRaster,
    about: dict[str, Any],
    settings: "Settings",
) -> tuple[Shaped[np.ndarray, "H W bands"], float | None]:
    """Return the result, and the value of its unknown pixels if MS holds it undeclared."""
    from gisr.estimation.registration import Alignment
    from gisr.inference.array_pair import make_pair
    from gisr.inference.array_values import without_fill
    from gisr.inference.windowed_pair import nearest_pixels

    given: dict[str, Any] = {}
    fills: list[float | None] = []
    low, high = target.values, guide.values
    for name, each, image in (("valid", target, low), ("guide_valid", guide, high)):
        mask, fill = known_pixels(image, each.nodata), None
        if each.nodata is None and mask.all():  # nothing says what is unknown
            words = _fill_words(each.name)
            seen, fill = without_fill(each.name, image, words, blank=True, stacklevel=4)
            mask = mask if seen is None else seen
        given[name] = mask
        fills.append(fill)
    pair = make_pair(low, high, _TASK, **about, **given)
    answer = upscaler.answer(pair, settings)
    image, found = answer.image, answer.alignment
    if isinstance(found, Alignment) and found.level == "warning":
        warnings.warn(found.note, stacklevel=3)
    known = pair.placement.covered(pair.target.shape[:2], image.shape[:2])
    if pair.valid is not None:
        known &= nearest_pixels(pair.valid, image.shape[:2], pair.placement)
    if pair.guide_valid is not None:
        known &= pair.guide_valid
    values = np.where(known[..., None], image, np.float32("nan"))
    nodata = fills[0] if target.nodata is None else target.nodata
    return _stored(values, target.array.dtype, nodata, about["bits"]), fills[0]


def _fill_words(name: str) -> "FillWords":
    """Return what to do about values of MS or PAN that look like fill."""
    from gisr.inference.array_values import FillWords

    write = f"{name.lower()}.rio.write_nodata({{value}})"
    return FillWords(f"{write} says so", f"{write} makes them so")


def _lazy(
    upscaler: "Upscaler",
    target: ArrayRaster,
    guide: ArrayRaster,
    about: dict[str, Any],
    settings: "Settings",
) -> Any:  # noqa: ANN401 - an array of Dask
    from gisr.inference.dask_arrays import upscale_dask

    arrays = load_extra("dask.array", "scale")
    low, high = (
        arrays.asarray(each.array.data)
        .rechunk({2: -1})  # a pixel is known in all bands or in none
        .map_blocks(_with_nan, each.nodata, dtype=np.float32)
        for each in (target, guide)
    )
    image = upscale_dask(upscaler, low, high, _TASK, settings=settings, **about)
    dtype = target.array.dtype
    return image.rechunk({2: -1}).map_blocks(
        _stored, dtype, target.nodata, about["bits"], dtype=dtype
    )


load_extra("rioxarray", "xarray")
load_extra("xarray", "xarray").register_dataarray_accessor("gisr")(SharpenAccessor)

__all__ = ["SharpenAccessor"]
