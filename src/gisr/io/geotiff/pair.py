"""Two satellite images that belong together: both headers, how they lie, what is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike

from gisr.errors import PairError
from gisr.io.geotiff.header import (
    GeoHeader,
    open_geotiff,
    read_header,
    read_outline,
)
from gisr.io.geotiff.nodata import NodataChoice
from gisr.io.geotiff.relate import Relation, relate_grids
from gisr.io.geotiff.stack import BandStack, joined_bands, picked_bands, read_stack
from gisr.io.limits import Limits
from gisr.io.quantise import holds
from gisr.placement import Placement

_PICTURE = ("red", "green", "blue")
"""Bands of a guide that is a colour picture. Of any other the first is taken where one band guides:
what comes after a panchromatic one is a mask, quality bits, or another image."""


@dataclass(frozen=True, eq=False)
class RasterPair:
    """A multispectral target and a panchromatic guide; their pixels are read by windows."""

    target: GeoHeader
    """Along the guide's axes: where the file is not, it is brought there while it is read."""
    guide: GeoHeader
    """With the bands that guide: several, or one of a file that is no colour picture."""
    placement: Placement
    by_size: bool = False
    """Whether nothing but the sizes of the two says how they lie."""
    note: str = ""
    """What was assumed of how they lie, where no georeference says it."""
    guide_note: str = ""
    """Which bands of the guide were chosen, where its file has more."""
    order: tuple[int, ...] = ()
    """Bands of the output where the guide's are copied into it: places among the target's bands,
    followed by the guide's, from 0. Empty where it has the target's alone."""
    notes: tuple[str, ...] = ()
    """What a user should know of files that were delivered together."""

    def __post_init__(self) -> None:
        """Refuse an output of two types.

        Raises:
            PairError: The guide's bands are to be copied into it, and are of another type.
        """
        low, high = self.target, self.guide
        if self.order and low.dtype != high.dtype:
            raise PairError(
                f"{low.path.name} and {high.path.name}: hold {low.dtype.name} and "
                f"{high.dtype.name}, which one file cannot hold together: --bands-out sharpened "
                "writes the sharpened bands alone"
            )

    @property
    def output(self) -> GeoHeader:
        """Header of what is written: all but the grid, which is the guide's."""
        return joined_bands(self.target, self.guide, self.order) if self.order else self.target

    @property
    def sharpened(self) -> tuple[int, ...]:
        """Numbers, from 1, of the target's bands in the output, in the target's order."""
        places = self.order or tuple(range(self.target.bands))
        return tuple(places.index(band) + 1 for band in range(self.target.bands))

    def stated(self, ratio: float | None) -> Placement | None:
        """Return how they lie; None where a requested ratio goes before what the sizes say."""
        return None if self.by_size and ratio is not None else self.placement


@dataclass(frozen=True)
class TiffLook:
    """What the headers of two TIFFs show them to be."""

    placed: bool
    """Whether either is georeferenced."""
    bands: int
    guide_bands: int
    """Without an alpha band."""
    guide_coarser: bool
    """Whether the guide has fewer rows and columns than the target."""
    guide_picture: bool
    """Whether the guide has the bands and bits of a colour picture."""


def look_at_tiffs(target: str | PathLike[str], guide: str | PathLike[str]) -> TiffLook:
    """Open two TIFFs and return what distinguishes satellite images from pictures.

    Raises:
        FileFormatError: A file is damaged.
        MissingExtraError: rasterio is not installed.
    """
    with open_geotiff(target) as low, open_geotiff(guide) as high:
        placed = any(file.crs is not None or not file.transform.is_identity for file in (low, high))
        coarser = low.height > high.height and low.width > high.width
        picture = high.count in (3, 4) and high.dtypes[0] == "uint8"
        alpha = sum(colour.name == "alpha" for colour in high.colorinterp)
        return TiffLook(placed, low.count, high.count - alpha, coarser, picture)


def read_raster_pair(
    target_path: str | PathLike[str],
    guide_path: str | PathLike[str],
    bands: Sequence[int | str] | None,
    nodata: NodataChoice,
    limits: Limits,
    *,
    guide_bands: Sequence[int | str] | None = None,
    several: bool = False,
) -> RasterPair:
    """Read the headers of two GeoTIFFs, which may be of any size, and place them.

    Args:
        target_path: The multispectral file.
        guide_path: The panchromatic file.
        bands: Numbers of the target's bands to take, from 1, or their names; all when None.
        nodata: Value of unknown pixels in place of the target's own, and of the guide if its
            type can hold it; ``none`` if no value is one, in either.
        limits: What the headers may claim.
        guide_bands: Numbers of the bands of the guide's file that guide, from 1.
        several: Whether all of them do when none are named; else the first, or those of a colour
            picture.

    Raises:
        InputError: A file has no band of a number.
        PairError: The files do not fit together.
        FileFormatError: A file is missing or damaged.
        LimitError: A header claims more than the limits.
        MissingExtraError: rasterio is not installed.
    """
    # Before any pixel: a band that may be a mask is looked at for the header.
    relation = relate_grids(*(read_outline(p, limits) for p in (target_path, guide_path)))
    target = read_header(target_path, limits, bands, nodata)
    if relation.regrid is not None:
        target = target.regridded(relation.regrid)
    guide = read_header(guide_path, limits, guide_bands)
    if guide_bands is None and not several and guide.colours != _PICTURE:
        guide = picked_bands(guide, guide.numbers[:1])
    return _placed(target, _with_nodata(guide, nodata), relation)


def read_stack_pair(
    target: BandStack,
    guide: BandStack,
    bands: Sequence[int | str] | None,
    nodata: NodataChoice,
    limits: Limits,
    *,
    guide_bands: Sequence[int | str] | None = None,
    several: bool = False,
) -> RasterPair:
    """Read the headers of two stacks of band files, and place them.

    Args:
        target: The files that are sharpened.
        guide: The finer files.
        bands: Of the target to take, as of :func:`read_raster_pair`.
        nodata: Likewise.
        limits: Likewise.
        guide_bands: Likewise.
        several: Likewise.

    Raises:
        GisrError: As :func:`read_raster_pair` and :func:`gisr.io.geotiff.stack.read_stack`.
    """
    low = read_stack(target, limits, bands, nodata)
    high = read_stack(guide, limits, guide_bands)
    if guide_bands is None and not several and high.bands > 1 and high.colours != _PICTURE:
        raise PairError(
            f"{guide.path.name} and others: {high.bands} bands cannot be one PAN image: name its "
            "file alone, or the task (--task multiband)"
        )
    relation = relate_grids(low, high)
    if relation.regrid is not None:
        low = low.regridded(relation.regrid)
    return _placed(low, _with_nodata(high, nodata), relation)


def _with_nodata(guide: GeoHeader, nodata: NodataChoice) -> GeoHeader:
    """Return a guide with the nodata that is named, if its type can hold it."""
    if nodata == "none":
        return guide.with_nodata(None)
    if nodata is not None and holds(guide.dtype, nodata):
        return guide.with_nodata(nodata)
    return guide


def _placed(target: GeoHeader, guide: GeoHeader, relation: Relation) -> RasterPair:
    return RasterPair(target, guide, relation.placement, relation.by_size, relation.note)


def with_guide_bands(pair: RasterPair) -> RasterPair:
    """Return a pair whose output has the bands that guide too, before the target's.

    Raises:
        PairError: They are of another type.
    """
    first, last = pair.target.bands, pair.target.bands + pair.guide.bands
    return replace(pair, order=(*range(first, last), *range(first)))
