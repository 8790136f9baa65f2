"""What a user is told of files that were delivered together, and of their quality band."""

from dataclasses import replace

import numpy as np

from gisr.io.geotiff import GeoHeader, GeoReader
from gisr.io.geotiff.pair import RasterPair
from gisr.notes import Note, warning

_ROWS = 1024
"""Rows of a quality band that are read at a time."""
_MOST_FLAGGED = 0.5
"""Share of flagged pixels from which that is a warning."""


def delivery_notes(files: RasterPair) -> list[Note]:
    """Return which bands are used, what their values mean, and how much is masked out.

    Raises:
        FileFormatError: The quality band is damaged.
    """
    notes = [Note(text) for text in files.notes]
    quality = files.target.quality
    if quality is not None:
        share = flagged_share(files.target)
        text = (
            f"{quality.path.name} flags {share:.1%} of the pixels as {' or '.join(quality.words)} "
            "or fill: unknown in the result"
        )
        notes.append(warning(f"{text} (mask-out)") if share > _MOST_FLAGGED else Note(text))
    return notes


def flagged_share(header: GeoHeader) -> float:
    """Return which part of an image's pixels its quality band makes unknown: 0 to 1."""
    assert header.quality is not None
    shape = header.shape if header.regrid is None else header.regrid.own.shape
    band = replace(
        header,
        shape=shape,
        path=header.quality.path,
        numbers=(1,),
        count=1,
        parts=(),
        quality=None,
        regrid=None,
        nodata=None,
        band_nodata=(None,),
        nodata_given=True,
        unknown=(),
        alpha_mask=None,
    )
    flagged = 0
    with GeoReader(band) as reader:
        for top in range(0, shape[0], _ROWS):
            rows = slice(top, min(top + _ROWS, shape[0]))
            pixels, _ = reader.read(rows, slice(0, shape[1]))
            flagged += int(np.count_nonzero(header.quality.covers(pixels[..., 0])))
    return flagged / (shape[0] * shape[1])
