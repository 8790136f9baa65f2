"""Parts of single bands that hold one value: lines that a scanner dropped, a band that failed."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Shaped
from scipy import ndimage

from gisr.data.fill import Fill, find_fill


def find_band_gaps(
    image: Shaped[np.ndarray, "*pixels bands"],
    known: Bool[np.ndarray, "*pixels"] | None = None,
    declared: Sequence[float | None] = (),
) -> tuple[Fill, ...]:
    """Return the least values of some bands that lie in areas or lines, with nothing near them.

    0 in every pixel of a line is no data; 0 in the near infrared of a lake has 1 and 2 beside it,
    but need not. So none of these is taken for unknown: they are for the user to look at.

    Args:
        image: As of :func:`gisr.data.fill.find_fill`, without what that found.
        known: Likewise.
        declared: Nodata of each band: of that value lines alone are told, for an area of it is what
            the file says to be no data in this band, such as a lake.
    """
    if image.shape[-1] == 1:
        return ()
    counted = np.ones(image.shape[:-1], bool) if known is None else known
    places, shares = dict[float, list[int]](), dict[float, float]()
    for band in range(image.shape[-1]):
        values = image[..., band][counted]
        for fill in find_fill(image[..., band : band + 1], known, blank=True):
            least = bool(values.size) and fill.value <= float(np.nanmin(values))
            if not (least and fill.certainty == "certain") or fill.far:
                continue
            stated = band < len(declared) and declared[band] == fill.value
            if not stated or _is_thin((image[..., band] == fill.value) & counted):
                places.setdefault(fill.value, []).append(band)
                shares[fill.value] = max(fill.share, shares.get(fill.value, 0.0))
    return tuple(
        Fill(value, shares[value], "likely", far=False, bands=tuple(bands))
        for value, bands in places.items()
    )


def _is_thin(held: Bool[np.ndarray, "*pixels"]) -> bool:
    """Return whether most of what is held lies in lines of one or two pixels."""
    solid = ndimage.binary_opening(held, np.ones((3,) * held.ndim, bool))
    return bool(solid.sum() < held.sum() / 2)


def gap_text(gap: Fill, numbers: Sequence[int]) -> str:
    """Return in words what was found, by the numbers of all bands."""
    return f"{gap.text_of(numbers)}, in areas or lines with nothing near it, as where a band failed"
