"""What the pipelines of satellite images share: two GeoTIFFs in, one on the guide's grid out."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gisr.errors import InputError
from gisr.io.files import check_readable, file_suffix
from gisr.io.geotiff import (
    BandStack,
    GeoHeader,
    GeoReader,
    check_geotiff_place,
    check_storable,
    read_header,
)
from gisr.io.geotiff.drivers import RASTER_SUFFIXES
from gisr.io.geotiff.pair import (
    RasterPair,
    TiffLook,
    look_at_tiffs,
    read_raster_pair,
    read_stack_pair,
)
from gisr.io.limits import Limits
from gisr.pipelines.layers import (
    LayerName,
    Layers,
    Plane,
    SceneLayers,
    Truth,
    check_truth,
)
from gisr.pipelines.options import Options
from gisr.pipelines.pipeline import Pipeline, check_values
from gisr.pipelines.raster_look import look_at
from gisr.pipelines.request import FileResult, Request
from gisr.sizes import picture_size
from gisr.tasks.sensors import listed_sensor
from gisr.tasks.task import MOST_GUIDE_CHANNELS
from gisr.windows import Window

if TYPE_CHECKING:  # torch takes seconds to load
    from gisr.data.pair import Pair
    from gisr.inference.answers import Check, Progress
    from gisr.inference.system import PairSystem

_MOST_SAMPLES = 2**23
"""Samples of a GeoTIFF that are checked beforehand: a fraction of a second. In a larger one the
survey finds the same once the network is there."""
_CELL = 64
"""Side of the cells in which a file is looked at, in its pixels; any will do."""


class RasterPipeline(Pipeline[RasterPair]):
    """GeoTIFF target and guide in, GeoTIFF on the grid of the guide out."""

    @staticmethod
    def look(target: Path, guide: Path) -> TiffLook | None:
        """Return what the headers of two files show; None where they are no rasters by name.

        Raises:
            FileFormatError: A file is missing or damaged.
        """
        if target.is_dir() or guide.is_dir():
            return None
        if not ({file_suffix(target), file_suffix(guide)} <= set(RASTER_SUFFIXES)):
            return None
        return look_at_tiffs(*(check_readable(path).resolve() for path in (target, guide)))

    def read(self, target: Path, guide: Path, options: Options, limits: Limits) -> RasterPair:
        """Read both headers and relate their grids."""
        return read_raster_pair(
            target,
            guide,
            options.bands,
            options.nodata,
            limits,
            guide_bands=self._guide_bands(options),
            several=self.task.guide_bands,
        )

    def read_stacks(
        self, target: BandStack, guide: BandStack, options: Options, limits: Limits
    ) -> RasterPair:
        """Read the headers of band files and relate their grids."""
        return read_stack_pair(
            target,
            guide,
            options.bands,
            options.nodata,
            limits,
            guide_bands=self._guide_bands(options),
            several=self.task.guide_bands,
        )

    def _guide_bands(self, options: Options) -> tuple[int | str, ...] | None:
        """Return the bands that were named to guide.

        Raises:
            InputError: More than can guide, or a grid that is for other images.
        """
        if options.grid == "kspace":
            raise InputError("grid 'kspace' is for images in memory (mri, depth): leave it out")
        chosen = options.guide_bands
        most = MOST_GUIDE_CHANNELS if self.task.guide_bands else 1
        if chosen is not None and len(chosen) > most:
            listed = ", ".join(map(str, chosen))
            raise InputError(f"guide-band {listed}: at most {most} can guide: name fewer")
        return chosen

    def check(self, request: Request[RasterPair]) -> None:
        """Refuse a scene without a known pixel and values that cannot be used."""
        target, guide = request.files.target, request.files.guide
        request.place(target.shape, guide.shape, request.files.stated(request.options.ratio))
        if request.options.creation is not None:
            check_storable(request.files.output, request.options.creation)
        for path in (request.output, request.options.uncertainty):
            if path is not None:
                check_geotiff_place(path, *target.files, *guide.files)
        if request.options.memory is not None:
            from gisr.pipelines.scene_memory import check_blocks

            check_blocks(request.files, request.options.memory)
        bits = target.bits if request.options.bits is None else request.options.bits
        for header, own_bits in ((target, bits), (guide, None)):
            if math.prod(header.shape) * header.bands > _MOST_SAMPLES:
                continue
            with GeoReader(header) as reader:
                search = request.options.nodata != "none"
                sample = look_at(reader, _CELL, search=search).sample
            check_values(header.path, sample.lowest, sample.highest, own_bits)

    def run(
        self,
        system: "PairSystem",
        request: Request[RasterPair],
        check: "Check",
        progress: "Progress | None",
    ) -> FileResult:
        """Sharpen one GeoTIFF with another; the output appears whole or not at all."""
        from gisr.pipelines.scene import upscale_scene

        return upscale_scene(system, request, check, progress)

    def summary(self, request: Request[RasterPair]) -> str:
        """Return sizes, bands and ratio."""
        target, guide = request.files.target, request.files.guide
        stated = request.files.stated(request.options.ratio)
        ratio = request.place(target.shape, guide.shape, stated)[0].ratio
        return (
            f"{picture_size(target.shape)} ({target.bands} bands of {target.dtype}) to "
            f"{picture_size(guide.shape)}: x{ratio:.3g}"
        )

    def band_names(self, request: Request[RasterPair]) -> tuple[str, ...]:
        """Return numbers and names of the bands."""
        target = request.files.target
        return tuple(
            f"{number} {name}" if name else f"{number}"
            for number, name in zip(target.numbers, target.descriptions, strict=True)
        )

    def band_count(self, request: Request[RasterPair]) -> int:
        """Return the bands of the file, an alpha band aside."""
        target = request.files.target
        return target.count - target.alpha

    def read_truth(self, path: Path, request: Request[RasterPair], limits: Limits) -> Truth:
        """Read the header of a reference, with the bands that are sharpened."""
        header = read_header(path, limits, request.options.bands, request.options.nodata)
        wanted = (*request.files.guide.shape, request.files.target.bands)
        check_truth(path, (*header.shape, header.bands), wanted)
        return Truth(path, header)

    def layers(
        self,
        request: Request[RasterPair],
        interpolated: Path,
        truth: Truth | None,
        limits: Limits,
    ) -> Layers:
        """Return GeoTIFFs that are read by windows."""
        written: dict[LayerName, Path] = {"interpolated": interpolated, "sharpened": request.output}
        if request.options.uncertainty is not None:
            written["spread"] = Path(request.options.uncertainty)
        made = request.files.sharpened
        scenes = {
            name: read_header(path, bands=None if name == "spread" else made)
            for name, path in written.items()
        }
        scenes["guide"] = request.files.guide
        if truth is not None:
            assert isinstance(truth.content, GeoHeader)
            scenes["truth"] = truth.content
        return SceneLayers(scenes)

    def pair_in_view(
        self,
        request: Request[RasterPair],
        pairs: "Sequence[Pair]",
        plane: Plane,
        window: Window,
    ) -> "Pair | None":
        """Read a window of both files."""
        from gisr.pipelines.scene import scene_source

        with GeoReader(request.files.target) as target, GeoReader(request.files.guide) as guide:
            cut = scene_source(request, target, guide).cut(window)
        return None if cut is None else cut.pair

    def bits(self, request: Request[RasterPair]) -> int | None:
        """Return the significant bits: given, in the file, of the sensor, or of 8-bit samples."""
        target, options = request.files.target, request.options
        if options.bits or target.bits:
            return options.bits or target.bits
        if options.sensor:
            return listed_sensor(options.sensor).bits
        return 8 if target.dtype == "uint8" else None
