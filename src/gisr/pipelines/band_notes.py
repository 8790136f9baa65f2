"""Bands of a satellite file that are no images: masks, classes, quality bits, or nothing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Shaped

from gisr.io.geotiff import GeoHeader, GeoReader
from gisr.notes import Note, warning

_WINDOWS = 4
"""Windows along each side of the lattice that is looked at."""
_WINDOW_SAMPLES = 2**17
"""Samples of one window, at most."""
_LEAST_PIXELS = 256
"""Known pixels below which nothing can be told."""
_MASK_VALUES = 4
"""Values of a mask, at most; an image that is no mask has four times as many."""
_CLASS_VALUES = 64
"""Values of classes or of quality bits, at most."""
_CLASSES_FEWER = 16
"""How many times more values the other bands then have: an image with few grey levels has few in
all its bands, or nearly so."""
_FEW_CLASSES = 16
_GAPS = 8
"""Bits leave gaps between their values: their range is so many times their number."""


def band_notes(header: GeoHeader) -> list[Note]:
    """Return a warning on bands that are no images.

    Few values, in a file whose other bands have many, are a mask, classes or bits. They are told
    from a dark band by what images do not show: gaps between the values, or very few of them.

    Args:
        header: Of a multispectral file; it is looked at as it is stored.

    Raises:
        FileFormatError: It is damaged.
    """
    if header.regrid is not None:
        header = replace(header, shape=header.regrid.own.shape, regrid=None)
    with GeoReader(header) as reader:
        known = _sample(reader)
    if len(known) < _LEAST_PIXELS:
        return []
    values = [np.unique(band) for band in known.T]
    # Bands of a stack are called by their names: a product's numbers are not those of a file.
    names = header.descriptions if header.parts else (None,) * header.bands
    called = [name or number for name, number in zip(names, header.numbers, strict=True)]
    odd = [each for each, found in zip(called, values, strict=True) if _is_odd(found, values)]
    if not odd:
        return []
    kept = [each for each in called if each not in odd]
    way = " ".join(f"-b {each}" for each in kept)
    held = zip(called, values, strict=True)
    told = "; ".join(f"band {each} holds {_named(found)}" for each, found in held if each in odd)
    return [
        warning(
            f"{header.path.name}: {told}: no image, but sharpened as one: "
            + (f"{way} leaves it out" if kept else "check that it is the right file")
        )
    ]


def _is_odd(
    found: Shaped[np.ndarray, " values"], bands: Sequence[Shaped[np.ndarray, " ..."]]
) -> bool:
    """Return whether a band's values are those of no image, beside the values of all bands."""
    count, most = len(found), max(map(len, bands))
    if count == 1:
        return True
    if count <= _MASK_VALUES:
        return most > 4 * _MASK_VALUES
    gaps = float(found[-1]) - float(found[0]) >= _GAPS * count
    fewer = most >= _CLASSES_FEWER * count
    return fewer and (count <= _FEW_CLASSES or (count <= _CLASS_VALUES and gaps))


def _sample(reader: GeoReader) -> Shaped[np.ndarray, "pixels bands"]:
    """Return the known pixels of windows spread over a file."""
    header = reader.header
    (height, width), bands = header.shape, header.bands
    columns = min(width, max(64, _WINDOW_SAMPLES // (bands * 256)))
    rows = min(height, max(1, _WINDOW_SAMPLES // (bands * columns)))
    parts = []
    for top in np.unique(np.linspace(0, height - rows, _WINDOWS).astype(int)):
        for left in np.unique(np.linspace(0, width - columns, _WINDOWS).astype(int)):
            area = slice(int(top), int(top) + rows), slice(int(left), int(left) + columns)
            pixels, valid = reader.read(*area)
            parts.append(pixels[valid])
    return np.concatenate(parts)


def _named(values: Shaped[np.ndarray, " values"]) -> str:
    """Return how a band's values are called in a message."""
    if len(values) == 1:
        return f"{values[0]:g} alone"
    if len(values) <= _MASK_VALUES:
        return f"{', '.join(f'{value:g}' for value in values)} alone"
    return f"{len(values)} values between {values[0]:g} and {values[-1]:g}"
