"""The shift of a panchromatic GeoTIFF against a multispectral one, without sharpening anything."""

from dataclasses import dataclass, replace
from os import PathLike, devnull
from pathlib import Path

from gisr.estimation.registration import Alignment
from gisr.io.files import check_readable
from gisr.io.geotiff import GeoHeader, GeoReader, geotiff_memory
from gisr.io.geotiff.pair import read_raster_pair
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.notes import Note, warning
from gisr.pipelines.options import Options
from gisr.pipelines.request import Request
from gisr.pipelines.scene import scene_notes, scene_source
from gisr.pipelines.scene_memory import block_cache
from gisr.pipelines.storage_notes import codec_cause
from gisr.tasks.pansharpening import PANSHARPENING


@dataclass(frozen=True)
class SceneShift:
    """Where a panchromatic file lies against a multispectral one."""

    alignment: Alignment
    """The shift in pixels of the panchromatic file, and how far it can be believed."""
    offset_map: tuple[float, float] | None
    """The same along the coordinates x and y of its CRS (east, north); None where it has none."""
    map_unit: str | None
    """metre, degree and so on; None where it has no CRS."""
    notes: tuple[Note, ...]
    """What a user should know of choices that were made for them."""


def scene_shift(
    target_path: str | PathLike[str],
    guide_path: str | PathLike[str],
    options: Options | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> SceneShift:
    """Estimate the shift of two GeoTIFFs of any size, as ``gisr upscale`` does before it sharpens.

    Args:
        target_path: The multispectral file.
        guide_path: The panchromatic file.
        options: Sensor, MTF, bits, bands and nodata, where the files do not state them.
        limits: What the headers may claim.

    Raises:
        InputError: A file has no known pixel, or an option cannot be used.
        PairError: The files do not fit together.
        FileFormatError: A file is missing or damaged.
        LimitError: A header claims more than the limits.
        MissingExtraError: rasterio is not installed.
    """
    options = options or Options()
    task = PANSHARPENING.name
    options.check(task)
    target, guide = Path(target_path), Path(guide_path)
    for path in (target, guide):
        check_readable(path)
    files = read_raster_pair(target, guide, options.bands, options.nodata, limits)
    # Nothing is written.
    request = Request(task, target, guide, Path(devnull), options, files)
    with (
        geotiff_memory(block_cache(files)),
        GeoReader(files.target) as low,
        GeoReader(files.guide) as high,
    ):
        source = scene_source(request, low, high)
        _ = source.survey
        found = source.align()
        assert isinstance(found, Alignment)
        # The headers now know of fill that the files do not declare.
        request = replace(request, files=replace(files, target=low.header, guide=high.header))
        cause = codec_cause(request.files, found)
        causes = [] if cause is None else [warning(cause)]
        notes = (*causes, *source.notes, *scene_notes(request, source.about.placement, None))
    return SceneShift(found, _on_map(files.guide, found.offset), files.guide.map_unit, notes)


def _on_map(guide: GeoHeader, offset: tuple[float, float]) -> tuple[float, float] | None:
    """Return a shift of (rows, columns) along the axes x and y of a CRS."""
    if guide.map_unit is None:
        return None
    down, right = offset
    x, y, _ = guide.matrix @ (right, down, 0.0)
    return float(x) + 0.0, float(y) + 0.0
