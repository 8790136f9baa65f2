"""Looking at a whole GeoTIFF once: what of it is known, and which of its values are no data."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from gisr.data.band_gaps import find_band_gaps, gap_text
from gisr.data.fill import Fill, find_band_fill, find_fill, is_impossible
from gisr.errors import InputError, percentage
from gisr.inference.percentile_sample import RegularSample
from gisr.io.geotiff import GeoHeader, GeoReader
from gisr.io.geotiff.header import band_list
from gisr.io.geotiff.nodata import BandNodata, nodata_places, nodata_values
from gisr.io.geotiff.stack import picked_bands
from gisr.io.unknown import UnknownValue
from gisr.notes import Note, warning

_SCAN_SAMPLES = 2**19
"""Samples read at a time."""
_MOST_SCANNED = 2**23
"""Samples of blocks above which these are read in parts."""
_RIM = 4
"""Pixels around nodata of all bands within which that of some is an end of the scene, too."""
_FEWEST_LEVELS = 255
"""Highest value below which nothing is said of bits."""
_FINE = 1e-3
"""Share of the range of values that a step of 32-bit floats may be before that is said."""
_SATURATED = 1e-4
"""Share of the values that are the highest from which that is where the sensor ends."""
_UNNAMED = "is taken for unknown, though the file names no such nodata"
_NAMED_APART = "is taken for unknown, though the file names it for some bands only"


@dataclass(frozen=True, eq=False)
class RasterLook:
    """What was seen of a file."""

    sample: RegularSample
    """Its known pixels."""
    occupied: Bool[np.ndarray, "rows columns"]
    """Which cells have a known pixel."""
    known: int
    """Pixels that are known."""
    partial: int
    """Pixels with nodata in some of their bands: known ones, or those it makes unknown."""
    broken: int
    """Pixels with NaN or infinite values in some of their bands."""
    infinite: int = 0
    """Pixels without a finite value, of which one is infinite: no usual mark of unknown ones."""
    ragged: int = 0
    """Pixels with nodata in some bands that are unknown for lying beside nodata in all."""
    fills: tuple[Fill, ...] = ()
    """What looks like fill."""
    band_fills: tuple[Fill, ...] = ()
    """What looks like fill in some bands alone; where it is certain, it makes all unknown."""
    band_gaps: tuple[Fill, ...] = ()
    """What looks like a part of some bands that failed, and stays data."""


def look_at(
    reader: GeoReader, cell: int, *, search: bool, named: Sequence[float] = ()
) -> RasterLook:
    """Read all of a file once, and again where values turn out to be fill.

    From then on the reader takes such pixels for unknown. A pixel with nodata in some of its bands
    is known if that value may be data, as 0 in the near infrared of a lake.

    Args:
        reader: Open.
        cell: Side in pixels of the cells for which it is noted whether anything is known.
        search: Whether to look for fill that the file does not declare.
        named: Values that are fill elsewhere: the nodata of the other file.

    Raises:
        InputError: No pixel is known.
    """
    together = tuple(each and replace(each, alone=False) for each in reader.header.band_nodata)
    reader.header = replace(reader.header, band_nodata=together)
    seen = _scan(reader, cell)
    # What some bands alone declare is looked for in all.
    named = (*named, *nodata_values(together))
    looked, shown = seen, seen.sample.lattice() if search else None
    fills = find_fill(*shown, blank=True, named=named) if shown else ()
    unknown = tuple(fill.unknown for fill in fills if fill.certainty == "certain")
    alone, partial = _judged(together, seen) if seen.partial else together, 0
    if alone != together:
        reader.header, before = replace(reader.header, band_nodata=alone), seen.known
        seen = _scan(reader, cell)
        partial = before - seen.known
    ragged = 0
    if seen.partial and alone == together:
        reader.header, before, plain = replace(reader.header, rim=_RIM), seen.known, reader.header
        seen = _scan(reader, cell)
        ragged = before - seen.known
        reader.header = reader.header if ragged else plain
    seen = _without(unknown, reader, seen, cell)
    if not seen.occupied.any():
        raise InputError(f"{reader.header.path}: {_why_nothing_is_known(reader, cell)}")
    shown = shown if seen is looked or not shown else seen.sample.lattice()
    lone = find_band_fill(*shown) if shown else ()
    certain = tuple(fill.unknown for fill in lone if fill.certainty == "certain")
    seen = _without(certain, reader, seen, cell)
    if not seen.occupied.any():
        raise InputError(f"{reader.header.path}: {_why_nothing_is_known(reader, cell)}")
    declared = [None if each is None else each.value for each in together]
    gaps = find_band_gaps(*seen.sample.lattice(), declared) if search else ()
    return replace(
        seen, fills=fills, partial=partial, ragged=ragged, band_fills=lone, band_gaps=gaps
    )


def _without(
    unknown: tuple[UnknownValue, ...], reader: GeoReader, seen: RasterLook, cell: int
) -> RasterLook:
    """Have a reader take values for unknown from now on, and look again if there are any."""
    if not unknown:
        return seen
    header, held = reader.header, reader.header.nodata
    if held is None:
        held = unknown[0].value  # what is written stands for unknown pixels and says so
    reader.header = replace(header, unknown=(*header.unknown, *unknown), nodata=held)
    return _scan(reader, cell)


def _judged(nodata: BandNodata, seen: RasterLook) -> BandNodata:
    """Return nodata of bands, which stands alone where it cannot be data beside what was seen."""
    values = seen.sample.values()
    others = values[~np.logical_or.reduce(nodata_places(values, nodata))]
    return tuple(
        each and replace(each, alone=is_impossible(each.value, others, band))
        for band, each in enumerate(nodata)
    )


def _why_nothing_is_known(reader: GeoReader, cell: int) -> str:
    """Return which bands leave no pixel known: a pixel is unknown in all where it is in one."""
    header, blank = reader.header, list[int]()
    for number in header.numbers if header.bands > 1 else ():
        with GeoReader(picked_bands(header, (number,))) as band:
            if not _scan(band, cell).occupied.any():
                blank.append(number)
    if header.bands == 1 or len(blank) == header.bands:
        return f"every pixel is unknown (no data){_were_it_not(reader)}"
    way = "leave out bands (--band, of a guide --guide-band, names those to keep)"
    if not blank:
        return f"no pixel is known in all of its {header.bands} bands: {way}"
    names = dict(zip(header.numbers, header.descriptions, strict=True))
    listed = band_list(blank, [names[number] for number in blank])
    return f"every pixel is unknown (no data) in band {listed}, and by it in all: {way}"


def _were_it_not(reader: GeoReader) -> str:
    """Return how to leave out what says that nothing is known, which programs write unfilled."""
    header = reader.header
    name, declared = shlex.quote(str(header.path)), nodata_values(header.band_nodata)
    if header.alpha_mask is not None:
        kept = " ".join(f"-b {number}" for number in header.numbers)
        what, without = f"alpha band {header.alpha_mask.band} is", kept
    elif reader.masked:
        what, without = "mask is", "-mask none"
    elif header.nodata_given:
        return ": every pixel has the value of --nodata: name another, or none"
    elif header.quality is not None:
        return f": {header.quality.path.name} has what mask-out names all over: name less"
    elif declared:
        values = " and ".join(f"{value:.15g}" for value in declared)
        what, without = f"nodata ({values}) is", "-a_nodata none"
    else:
        return ": it holds NaN, infinities or fill alone"
    return (
        f": if its {what} not true, make a file without it (gdal_translate {without} {name} "
        "plain.tif)"
    )


def look_notes(reader: GeoReader, seen: RasterLook, *, guides: bool = False) -> list[Note]:
    """Return what a user should know of values that were taken for unknown, or may be fill.

    Args:
        reader: The file.
        seen: What was found in it.
        guides: Whether it is the guide, whose bands are chosen by another option.
    """
    header, notes = reader.header, list[Note]()
    way = "guide by the other bands alone (--guide-band)"
    if not guides:
        way = "sharpen these bands on their own (--band)"
    name, pixels = header.path.name, header.shape[0] * header.shape[1]
    for fill in seen.fills:
        option = f"--nodata {fill.value_text}"
        if fill.certainty == "certain":
            some = fill.value in nodata_values(header.band_nodata)
            taken = _NAMED_APART if some else _UNNAMED
            says = f"{option} says so, --nodata none makes it data"
            notes.append(Note(f"{name}: {fill.text} {taken}: {says}"))
        else:
            notes.append(
                warning(f"{name}: {fill.text} may be unknown ones: {option} makes them so")
            )
    notes += [_band_fill_note(header, fill, way) for fill in seen.band_fills]
    for gap in seen.band_gaps:
        told = f"{name}: {gap_text(gap, header.numbers)}, is taken for data"
        apart = way if guides else f"{way} with --nodata {gap.value_text}"
        notes.append(warning(f"{told}: {apart}, or --nodata none if it is right"))
    if seen.partial:
        alone = tuple(each for each in header.band_nodata if each is not None and each.alone)
        values = ", ".join(f"{value:.8g}" for value in nodata_values(alone))
        notes.append(
            warning(
                f"{name}: {seen.partial / pixels:.1%} of the pixels have nodata ({values}) in some "
                f"bands and are unknown in all: {way}"
            )
        )
    if seen.ragged:
        values = ", ".join(f"{value:.8g}" for value in nodata_values(header.band_nodata))
        notes.append(
            Note(
                f"{name}: bands end at different pixels: {percentage(seen.ragged / pixels)} of the "
                f"pixels have nodata ({values}) in some of them, within {_RIM} pixels of nodata in "
                "all, and are unknown"
            )
        )
    if seen.broken:
        notes.append(
            warning(
                f"{name}: {seen.broken / pixels:.1%} of the pixels are NaN or infinite in some "
                f"bands and are unknown in all: {way}"
            )
        )
    if seen.infinite and not np.isinf(nodata_values(header.band_nodata)).any():
        notes.append(
            Note(
                f"{name}: {percentage(seen.infinite / pixels)} of the pixels are infinite and "
                "taken for unknown, as NaN is"
            )
        )
    return notes + _steps_notes(header, seen)


def _band_fill_note(header: GeoHeader, fill: Fill, way: str) -> Note:
    """Return a warning of a value that some bands have and none can have."""
    found = f"{header.path.name}: {fill.text_of(header.numbers)}"
    if fill.certainty == "certain":
        return warning(
            f"{found} is taken for unknown, and so are these pixels in all bands: {way}, or "
            "--nodata none makes it data"
        )
    own = ", ".join(f"{value:.8g}" for value in nodata_values(header.band_nodata))
    instead = f", in place of {own}" if own else ""
    return warning(f"{found} may be unknown: --nodata {fill.value_text} says so{instead}")


def bits_note(reader: GeoReader, seen: RasterLook, bits: int | None) -> Note | None:
    """Return a hint at the bits in use of a file that is saturated below the most of its type.

    Args:
        reader: The target.
        seen: What was found in it.
        bits: Those that are known; None where nothing says them.
    """
    header, highest = reader.header, seen.sample.highest
    if bits is not None:
        if header.dtype.kind in "iu":
            return None
        return Note(
            f"{header.path.name}: holds floats, of which --bits {bits} says nothing: the result is "
            "not clipped to it, leave it out"
        )
    if header.dtype.kind not in "iu" or highest < _FEWEST_LEVELS:
        return None
    bits = int(highest).bit_length()
    if highest != 2**bits - 1 or highest >= np.iinfo(header.dtype).max:
        return None
    share = float((seen.sample.values() == highest).mean())
    if share < _SATURATED:
        return None
    return Note(
        f"{header.path.name}: {share:.1%} of the values are {highest:.0f}, the most that {bits} "
        f"bits hold: if they are saturated, --bits {bits} keeps the result below it"
    )


def _steps_notes(header: GeoHeader, seen: RasterLook) -> list[Note]:
    """Warn where float32, which all is computed in, is coarse beside what varies."""
    if header.dtype.itemsize < 4 or header.dtype == np.float32:
        return []
    values = seen.sample.values()
    low, high = np.percentile(values, (0.5, 99.5), axis=0)
    most, varies = float(np.abs(values).max()), float((high - low).max())
    step = float(np.spacing(np.float32(most)))
    if varies == 0 or step <= _FINE * varies:
        return []
    return [
        warning(
            f"{header.path.name}: values near {most:.3g} that vary by {varies:.3g} are computed "
            f"with in steps of {step:.3g} (32-bit floats): subtract what all have in common first "
            "(gdal_calc.py) and add it to the result"
        )
    ]


def _scan(reader: GeoReader, cell: int) -> RasterLook:
    """Read a file window by window."""
    header, sample = reader.header, RegularSample()
    height, width = (-(-side // cell) * cell for side in header.block)
    width *= max(1, _SCAN_SAMPLES // (height * width * header.bands))
    width = min(width, -(-header.shape[1] // cell) * cell)
    height *= max(1, _SCAN_SAMPLES // (height * min(width, header.shape[1]) * header.bands))
    if height * width * header.bands > _MOST_SCANNED:  # GDAL keeps blocks that are read in parts
        height = max(1, _SCAN_SAMPLES // (width * header.bands * cell)) * cell
    occupied = np.zeros([-(-side // cell) for side in header.shape], dtype=bool)
    known = partial = broken = infinite = 0
    for top in range(0, header.shape[0], height):
        for left in range(0, header.shape[1], width):
            rows = slice(top, min(top + height, header.shape[0]))
            columns = slice(left, min(left + width, header.shape[1]))
            pixels, valid = reader.read(rows, columns)
            sample.add(pixels, valid, (top, left))
            known += int(valid.sum())
            if header.bands > 1 and (places := nodata_places(pixels, header.band_nodata)):
                partial += int((np.logical_or.reduce(places) & valid).sum())
            if pixels.dtype.kind == "f" and not valid.all():
                finite = np.isfinite(pixels)
                some = finite.any(axis=2)
                broken += int((some & ~finite.all(axis=2)).sum())
                infinite += int((~some & np.isinf(pixels).any(axis=2)).sum())
            if valid.any():
                down = np.logical_or.reduceat(valid, np.arange(0, valid.shape[0], cell), axis=0)
                cells = np.logical_or.reduceat(down, np.arange(0, valid.shape[1], cell), axis=1)
                first, second = top // cell, left // cell
                occupied[first : first + cells.shape[0], second : second + cells.shape[1]] = cells
    return RasterLook(sample, occupied, known, partial, broken, infinite)
