"""Whether a band that a GeoTIFF calls alpha is a mask, and of which levels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from gisr.io.geotiff.cache import geotiff_memory
from gisr.optional_imports import load_extra

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_SCAN_SAMPLES = 2**22
"""Samples read at a time where a whole band has to be looked at."""
_SCAN_CACHE = 16 * 10**6
"""Bytes of decoded blocks kept meanwhile: each is looked at once."""
_LEAST_OPAQUE = 0.6
"""Part of what is not 0 that has the highest level: a mask is opaque in the main, whatever its rim
is; of an infrared band so much is saturated over ice alone, and there without any 0."""
_MOST_BETWEEN = 0.25
"""Part of a mask that may be neither 0 nor its highest level: a feathered rim."""
_RINGING = 15
"""Levels of 8 bits by which JPEG misses 0 or 255 at a mask's rim."""
_MOST_RINGING = 0.1
"""Part of a mask that it may miss by more."""
_BYTE = 255
_ENOUGH = 2**20
"""Samples after which a band that is mostly neither is given up, ..."""
_HOPELESS = 0.5
"""... with more than this part of them between."""


@dataclass(frozen=True)
class AlphaMask:
    """The band that masks the others."""

    band: int
    """Its number, from 1."""
    opaque: float
    """Level of what is known."""
    least: float
    """What lies above is known: 0, or half the opaque level where a lossy codec changed levels."""
    between: float
    """Part of it that is neither 0 nor opaque."""


def find_alpha(dataset: "DatasetReader", lossy: bool) -> AlphaMask | None:
    """Return the band that masks the others, if there is one.

    GDAL marks the fourth of four 8-bit bands as alpha unless set otherwise, so many files call
    their near infrared so. A mask holds 0 and one opaque level, whatever that is (1, 255, 65535,
    ...), with a feathered rim at most; what JPEG made of one lies near 0 and 255.

    Args:
        dataset: An open GeoTIFF.
        lossy: Whether its values are stored inexactly.
    """
    colours = [colour.name for colour in dataset.colorinterp]
    if "alpha" not in colours or len(colours) == 1:
        return None
    number = colours.index("alpha") + 1
    return _tally(dataset, number, lossy and dataset.dtypes[number - 1] == "uint8").mask(number)


class _Tally:
    """Counts of a band's levels, window by window."""

    def __init__(self, ringing: bool) -> None:
        """Begin at nothing; ``ringing`` counts what JPEG may have made of 0 and 255 too."""
        self._ringing = ringing
        self._highest = -np.inf
        self._all = self._zero = self._top = self._near_zero = self._near_top = 0
        self._unlike = False

    def add(self, levels: Shaped[np.ndarray, "h w"]) -> None:
        """Count a window."""
        self._all += levels.size
        self._unlike |= not bool((levels >= 0).all())  # NaN too
        if self._unlike:
            return
        zero = int(np.count_nonzero(levels == 0))
        self._zero += zero
        highest = float(levels.max(initial=0))
        if highest > self._highest:
            self._highest, self._top = highest, 0
        self._top += int(np.count_nonzero(levels == self._highest))
        if self._ringing:
            self._near_zero += int(np.count_nonzero(levels <= _RINGING))
            self._near_top += int(np.count_nonzero(levels >= _BYTE - _RINGING))

    @property
    def hopeless(self) -> bool:
        """Whether no more has to be read: negative values, or many that are neither."""
        between = self._all - self._zero - self._top
        if self._ringing:
            between = min(between, self._all - self._near_zero - self._near_top)
        return self._unlike or (self._all >= _ENOUGH and between > _HOPELESS * self._all)

    def mask(self, number: int) -> AlphaMask | None:
        """Return what the counts show."""
        if self.hopeless:
            return None
        some = self._all - self._zero
        self._top = min(self._top, some)  # the highest level may be 0
        between = some - self._top
        share = between / self._all
        rim = self._zero > 0 and share <= _MOST_BETWEEN and self._top >= _LEAST_OPAQUE * some
        if between == 0 or rim:
            return AlphaMask(number, self._highest or 1.0, 0.0, share)
        bright = self._all - self._near_zero
        near = self._near_zero + self._near_top >= (1 - _MOST_RINGING) * self._all
        if self._ringing and near and self._near_top >= _LEAST_OPAQUE * bright:
            return AlphaMask(number, _BYTE, _BYTE / 2, share)
        return None


def _tally(dataset: "DatasetReader", number: int, ringing: bool) -> _Tally:
    """Read a whole band once and count its levels."""
    window = load_extra("rasterio.windows", "geo").Window
    block = dataset.block_shapes[0][0]
    step = max(1, _SCAN_SAMPLES // dataset.width)
    if step >= block:
        step = step // block * block
    # Blocks that are read in parts stay in the cache, with those of the other bands beside them.
    row = block * dataset.width * np.dtype(dataset.dtypes[number - 1]).itemsize * dataset.count
    cache = _SCAN_CACHE if step >= block else _SCAN_CACHE + row
    tally = _Tally(ringing)
    with geotiff_memory(cache):
        for top in range(0, dataset.height, step):
            rows = min(step, dataset.height - top)
            tally.add(dataset.read(number, window=window(0, top, dataset.width, rows)))
            if tally.hopeless:
                break
    return tally
