"""The options of ``gisr upscale``, each written once.

The command line, the columns of a list of pairs, the form of the page, the command that the page
and reports show, and the tables in the documentation are derived from these fields.
"""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from gisr.errors import InputError
from gisr.inference.precision import Precision
from gisr.io.limits import parse_size
from gisr.io.quality_words import QUALITY_WORDS
from gisr.pipelines.adapt_options import AdaptOptions
from gisr.pipelines.option import check_for_task, check_value, option, options_of
from gisr.tasks import SATELLITE, SENSORS, TASKS, Contrast, Grid, TaskName

if TYPE_CHECKING:  # numpy takes a tenth of a second to load, torch seconds
    from gisr.inference.answers import Settings
    from gisr.io.depth.point_cloud import PointCloud
    from gisr.io.geotiff.creation_options import CreationOptions

FileName = str | PathLike[str]
AlignChoice = Literal["auto", "report", "off"]
"""``auto`` estimates the shift of a guide and undoes it; ``report`` also prints it as JSON."""

_MR: tuple[TaskName, ...] = ("mri",)
_DEPTH: tuple[TaskName, ...] = ("depth",)


@dataclass(frozen=True)
class Options(AdaptOptions):
    """How two files are sharpened; what is left out is read from the files or estimated."""

    section: ClassVar[str] = "All tasks"
    """Heading in the help, for options of no task alone."""

    task: TaskName | None = option(
        None,
        f"{', '.join(TASKS)}; from the files when left out.",
        column=True,
        page="What they are",
        page_default="Guess",
        page_reads=True,
    )
    ratio: float | None = option(
        None,
        "How many times finer the guide is; from the files when left out.",
        column=True,
        positive=True,
    )
    sensor: str | None = option(
        None,
        "Satellite sensor, for example QuickBird (see `gisr tasks`); one that is not listed is "
        "described without a sensor.",
        tasks=SATELLITE,
        column=True,
        page="Sensor",
        suggestions=tuple(sensor.name for sensor in SENSORS.values()),
    )
    mtf: float | None = option(
        None,
        "Response of the multispectral bands at their Nyquist frequency, between 0 and 1; the "
        "sensor's when left out.",
        tasks=SATELLITE,
        column=True,
        least=0.0,
        most=1.0,
    )
    bits: int | None = option(
        None,
        "Significant bits per sample of a satellite image, for example 11.",
        tasks=SATELLITE,
        spellings=("--bit-depth",),
        column=True,
        page="Significant bits",
        least=1,
        most=32,
    )
    contrast: str | None = option(
        None,
        "MR contrast of the target: T1, T1ce, T2, FLAIR or PD, or as files spell them (T2w, "
        "ce-gadolinium T1w); read from its file name when left out.",
        tasks=_MR,
        column=True,
        page="Target's contrast",
        page_default="from the file name",
        suggestions=get_args(Contrast),
    )
    guide_contrast: str | None = option(
        None,
        "MR contrast of the guide, spelt likewise; read from its file name when left out.",
        tasks=_MR,
        column=True,
        page="Guide's contrast",
        page_default="from the file name",
        suggestions=get_args(Contrast),
    )
    thickness: float | None = option(
        None,
        "Thickness of the target's slices in mm, where it is not their distance (gaps, overlaps); "
        "from DICOM or a BIDS sidecar when left out.",
        tasks=_MR,
        column=True,
        page="Thickness of the target's slices (mm)",
        page_default="their distance",
        positive=True,
    )
    resolution: Literal["guide", "target", "finest"] = option(
        "guide",
        "Voxels of an MR result: the guide's, finest (along each axis the finer of both) or target "
        "(those over the target's part of the head).",
        tasks=_MR,
        column=True,
        page="Voxels of the result",
    )
    description: str | None = option(
        None,
        "Free text in place of the built-in description.",
        flag="--describe",
        column=True,
    )
    grid: Grid | None = option(
        None,
        "centre (pixel areas aligned) or kspace (sample j at guide index j times ratio), whatever "
        "georeference or affine say; both files must then show the same field of view.",
        column=True,
    )
    align: AlignChoice = option(
        "auto",
        "auto (the shift of a satellite or MR guide is estimated, reported and undone), report "
        "(the same, and printed as a line of JSON) or off.",
        page="Align the guide first",
        page_help="Its shift against the target is estimated, reported and undone.",
        page_off="off",
        page_id="aligned",
        needs="registration",
    )
    invalid: float | Literal["none"] | None = option(
        None,
        "Further value of unknown pixels in a depth map, besides 0, NaN, infinity and the nodata "
        "that a file declares. none: every number is a depth, 0 too.",
        tasks=_DEPTH,
        column=True,
        page="Value of unknown pixels",
        page_default="0, NaN and infinity",
        page_reads=True,
    )
    fill_holes: bool = option(
        False,
        "Fill unknown pixels of a depth map along the edges of the picture.",
        tasks=_DEPTH,
        page="Fill holes along the edges of the picture",
        page_help="A mask shows what was filled.",
    )
    mask: FileName | None = option(
        None,
        "File (PNG, npy) to write what was filled: 255 there, 0 elsewhere.",
        tasks=_DEPTH,
        file=True,
        file_word="filled",
        page_file="Mask of filled holes",
        follows="fill_holes",
    )
    ply: FileName | None = option(
        None,
        "Point cloud (PLY) to write too: metres and colours of all known pixels.",
        tasks=_DEPTH,
        file=True,
    )
    camera: str | None = option(
        None,
        "Camera of the picture, for the point cloud: a 3x3 matrix, a calibration of Middlebury, "
        "ROS, OpenCV, Open3D, KITTI, RealSense, COLMAP, NeRF, ORB-SLAM or ScanNet, JSON or YAML, "
        "or fx=525,fy=525,cx=319.5,cy=239.5,baseline=0.12.",
        tasks=_DEPTH,
    )
    depth_unit: str | None = option(
        None,
        "Unit of the depth map, for the point cloud: m, cm, mm, um, or how many of its steps make "
        "one metre (one pixel of disparity), for example 5000.",
        tasks=_DEPTH,
    )
    disparity: bool = option(
        False,
        "Values are disparity, for the point cloud; the camera then needs a baseline.",
        tasks=_DEPTH,
    )
    nodata: float | Literal["none"] | None = option(
        None,
        "Value of unknown pixels in satellite images and MR volumes (nan too), in place of what "
        "the files say; of the guide too if its type can hold it. none: no value stands for "
        "unknown.",
        tasks=(*SATELLITE, *_MR),
        spellings=("-nodata",),
        column=True,
    )
    bands: tuple[int | str, ...] | None = option(
        None,
        "Number (from 1) or name (B11) of a band to sharpen; once for each; when left out all, of "
        "a product those that suit.",
        tasks=SATELLITE,
        flag="--band",
        spellings=("-b",),
        page="Bands to sharpen",
        least=1,
    )
    guide_bands: tuple[int | str, ...] | None = option(
        None,
        "Number (from 1) or name of a band of the guide that guides; when left out, the first of a "
        "PAN file, and of finer bands up to four, those that explain the coarse bands best.",
        tasks=SATELLITE,
        flag="--guide-band",
        least=1,
    )
    bands_out: Literal["all", "sharpened"] | None = option(
        None,
        "all (the guide's too, copied; of Sentinel-2 products when left out) or sharpened.",
        tasks=SATELLITE,
    )
    mask_out: tuple[str, ...] = option(
        (),
        "What the quality band of a Landsat or Sentinel-2 L2A product flags becomes unknown: "
        f"{', '.join(QUALITY_WORDS)}, of which each has most; once for each.",
        tasks=SATELLITE,
        choices=QUALITY_WORDS,
    )
    creation_options: tuple[str, ...] = option(
        (),
        "NAME=VALUE, a creation option of GDAL for a GeoTIFF output; once for each.",
        tasks=SATELLITE,
        flag="--creation-option",
        spellings=("-co",),
    )
    cog: bool = option(False, "Write a Cloud-optimized GeoTIFF with overviews.", tasks=SATELLITE)
    max_memory: str | None = option(
        None,
        "Memory that a satellite scene of any size may take, weights and all: 2GB, 800MB.",
        tasks=SATELLITE,
    )
    uncertainty: FileName | None = option(
        None,
        "File to write how sure the network is: images go through turned in all eight ways, the "
        "output is the mean of the answers, this file their spread (eight times the work).",
        page="Map where the network is unsure",
        page_help="Eight times the work: the mean of eight answers, and a map of their spread.",
        page_file="Spread",
        file=True,
        file_word="spread",
    )
    consistent: bool | None = option(
        None,
        "Correct the result so that degrading it gives the target back; on k-space grids and for "
        "satellite images that is the default.",
        page="Make it agree with the target",
        page_help="Made as coarse again, the result equals the target. Default but for depth.",
        page_default="by default",
    )
    precision: Precision = option(
        "auto",
        "What the network computes in; auto: bfloat16 where that is faster, else float32.",
        page="Arithmetic of the network",
    )
    report: FileName | None = option(
        None,
        "HTML page to write that shows the result from all sides (needs the extra report).",
        page="Write a report",
        page_help="A page to keep, with the result from all sides.",
        page_file="Report",
        extra="report",
        file=True,
    )
    overwrite: bool = option(False, "Replace existing outputs.")

    def __post_init__(self) -> None:
        """Refuse values that no files could have.

        Raises:
            InputError: A word that is not to choose from, or a number out of range.
        """
        for each in options_of(Options).values():
            check_value(each, getattr(self, each.name))
        if self.description is not None and not self.description.strip():
            raise InputError("describe is empty: leave it out to use the built-in description")

    @property
    def settings(self) -> "Settings":
        """How the pair is sharpened, once it is read."""
        from gisr.inference.answers import Settings

        corrected = {None: "default", True: "always", False: "never"}[self.consistent]
        align, spread = "off" if self.align == "off" else "auto", self.uncertainty is not None
        return Settings(self.description, align, spread, corrected, self.precision)  # type: ignore[arg-type]

    @property
    def further_files(self) -> dict[str, Path]:
        """Files to write besides the output, by option."""
        named = {n: getattr(self, n) for n, each in options_of(Options).items() if each.info.file}
        return {name: Path(path) for name, path in named.items() if path is not None}

    @cached_property
    def creation(self) -> "CreationOptions | None":
        """Creation options of the GeoTIFF; None where the target's are copied.

        Raises:
            InputError: A word is not NAME=VALUE, or GDAL has no such option.
        """
        if not self.creation_options and not self.cog:
            return None
        from gisr.io.geotiff.creation_options import parsed_options

        return parsed_options(self.creation_options, cloud=self.cog)

    @cached_property
    def memory(self) -> int | None:
        """Bytes that the process may hold in all.

        Raises:
            InputError: The size is not one.
        """
        return None if self.max_memory is None else parse_size(self.max_memory)

    @cached_property
    def cloud(self) -> "PointCloud | None":
        """The point cloud to write: where, and what makes metres of the values.

        Raises:
            GisrError: Camera, unit or disparity without a cloud, or a cloud without one of them.
        """
        from gisr.pipelines.requested_cloud import requested_cloud

        return requested_cloud(
            self.ply, camera=self.camera, depth_unit=self.depth_unit, disparity=self.disparity
        )

    def check(self, task: TaskName) -> None:
        """Refuse options that would be ignored.

        Raises:
            GisrError: One is for another task, lacks another that it needs, or cannot be used.
        """
        check_for_task(self, task)
        if self.mask is not None and not self.fill_holes:
            raise InputError(f"mask {self.mask}: is written, not read: request fill-holes too")
        self.check_adapt()
        _ = self.creation, self.memory, self.cloud
