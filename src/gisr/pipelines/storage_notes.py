"""What a user is told of how a satellite image is stored, and its output is."""

from gisr.estimation.registration import Alignment
from gisr.estimation.volume_registration import VolumeAlignment
from gisr.io.geotiff import CreationOptions, GeoHeader
from gisr.io.geotiff.creation_options import nodata_is_stored
from gisr.io.geotiff.creation_values import without_effect
from gisr.io.geotiff.pair import RasterPair
from gisr.io.quantise import value_range
from gisr.notes import Note, warning

_CLOUD_NAMES = {"JPEG_QUALITY": "QUALITY", "WEBP_LEVEL": "QUALITY"}
_CLIPPED = 1e-3
"""Share of clipped values from which that is said: saturated images have a few."""


def storage_notes(target: GeoHeader, layout: CreationOptions | None) -> list[Note]:
    """Return what was assumed of a file's mask, and what of its storage was not copied.

    Args:
        target: The multispectral file.
        layout: Creation options of the user; None where there are none.
    """
    name, notes = target.path.name, list[Note]()
    lossy = None if layout is None else layout.lossy
    if (mask := target.alpha_mask) is not None:
        rim = f" ({mask.between:.1%} of it lies in between)" if mask.between else ""
        kept = "an internal mask" if lossy else "a mask"
        notes.append(
            Note(
                f"{name}: its alpha band {mask.band}, 0 to {mask.opaque:g}{rim}, masks the others "
                f"and is kept as {kept}"
            )
        )
    elif lossy and target.nodata is not None:
        notes.append(
            Note(
                f"{lossy} does not hold the nodata value {target.nodata:g} of {name} exactly: "
                "unknown pixels are marked by an internal mask"
            )
        )
    if target.halves:
        notes.append(
            Note(
                f"{name} has floats of 16 bits, the output has 32: gdal_translate -co NBITS=16 "
                "makes it short again"
            )
        )
    words = ["none" if each is None else f"{each.value:.8g}" for each in target.band_nodata]
    if len(set(words)) > 1 and not lossy:
        notes.append(
            Note(
                f"{name}: its bands have nodata of their own ({', '.join(words)}): the output "
                f"declares {target.nodata:.8g}, which all its bands hold where it is unknown"
            )
        )
    if layout is not None and not layout.cloud:
        notes += [
            Note(f"creation option {option} has no effect without {way}")
            for option, way in without_effect(layout.options, target.creation)
        ]
    if not (lossy or nodata_is_stored(target, layout or CreationOptions())):
        notes.append(
            Note(
                f"{name}: its nodata {target.nodata:g} is more than the stored bits (NBITS) hold: "
                "the output has an internal mask instead"
            )
        )
    return notes


def codec_notes(target: GeoHeader, layout: CreationOptions | None, *, agrees: bool) -> list[Note]:
    """Return what a compression with loss means for the result.

    Args:
        target: The multispectral file.
        layout: Creation options of the user; None where there are none.
        agrees: Whether the result may be made to agree with the file as usual.
    """
    meanings = []
    if not agrees and target.changed_by_codec:
        meanings.append("the result is not made to agree with what that left (--consistent does)")
    given = set() if layout is None else {option.upper() for option in layout.options}
    if target.lossy and "COMPRESS" not in given:
        cloud = layout is not None and layout.cloud
        options = (
            f"-co {_CLOUD_NAMES.get(option, option) if cloud else option}={value}"
            for option, value in target.lossy.items()
        )
        stored = f"{' '.join(options)} stores it as the file is"
        meanings.append(f"the output is compressed without (DEFLATE); {stored}")
    if not meanings:
        return []
    codec = target.lossy["COMPRESS"]
    return [Note(f"{target.path.name} is compressed with loss ({codec}): {', '.join(meanings)}")]


def codec_cause(files: RasterPair, found: Alignment) -> str | None:
    """Return that a codec is the likely cause where parts of a pair disagree, or all of it.

    JPEG keeps colours for every second pixel alone, in blocks of 16: an intensity that is fitted to
    such bands lies beside the panchromatic one here and there.
    """
    changed = [each for each in (files.target, files.guide) if each.changed_by_codec]
    doubtful = found.apart is not None or (found.found == "unclear" and found.before > 0)
    if not (changed and doubtful):
        return None
    names = " and ".join(f"{each.path.name} ({each.lossy['COMPRESS']})" for each in changed)
    return (
        f"compression with loss of {names}, its blocks and blurred colours, is the likely cause "
        "where the images disagree: give what was not compressed"
    )


def clipped_note(target: GeoHeader, share: float, layout: CreationOptions | None) -> list[Note]:
    """Return a note on values that the type of the output cannot hold."""
    if share < _CLIPPED:
        return []
    stored = None if layout is None else layout.bits
    low, high = value_range(target.dtype, stored or target.bits) or (0, 0)
    if stored is not None:
        return [
            Note(
                f"{share:.1%} of the values lie beyond the {low} to {high} of creation option "
                f"NBITS={stored} and were clipped: leave it out to keep them"
            )
        ]
    return [
        Note(
            f"{share:.1%} of the values lie beyond the {low} to {high} of {target.path.name} and "
            "were clipped: give that file in a larger type to keep them (gdal_translate -ot)"
        )
    ]


def copied_note(files: RasterPair, found: Alignment | VolumeAlignment) -> list[Note]:
    """Return a warning on bands that are copied from a guide whose shift was undone."""
    if not (files.order and found.applied):
        return []
    return [
        warning(
            f"the bands copied from {files.guide.path.name} stay where it has them, off by that "
            "shift against the sharpened ones: --bands-out sharpened leaves them out"
        )
    ]


def moved_note(files: RasterPair, moved: int) -> list[Note]:
    """Return a note on copied values that would have read as unknown."""
    if not moved:
        return []
    return [
        Note(
            f"{moved} values of the copied bands of {files.guide.path.name} are "
            f"{files.output.nodata:g}, which stands for unknown in the output: the copies have the "
            "value next to it (--bands-out sharpened leaves them out)"
        )
    ]
