"""What is asked for: two files, an output and options, read and checked before the network loads.

Nothing here needs torch, so that a mistake is told at once and in little memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.pair import Pair
from gisr.errors import FileFormatError, InputError, PairError
from gisr.io.depth import maps as depthmap
from gisr.io.depth import point_cloud
from gisr.io.depth.point_cloud import PointCloud
from gisr.io.files import check_not_input, check_readable, check_writable, file_suffix
from gisr.io.geotiff import Layout
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.optional_imports import load_extra
from gisr.io.pairs import DepthPair, FilePair, guess_task, read_pair
from gisr.io.placement import Placement, place_by_shape
from gisr.io.volumes import nifti
from gisr.io.volumes.dicom import is_dicom
from gisr.tasks import Grid, TaskName, find_task

if TYPE_CHECKING:  # scipy takes half a second to load
    from gisr.estimation.registration import Alignment
    from gisr.estimation.volume_registration import VolumeAlignment
    from gisr.inference.consistency.correction import Consistency

OUTPUT_SUFFIXES: dict[TaskName, tuple[str, ...]] = {
    "pansharpening": (".tif", ".tiff"),
    "mri": nifti.SUFFIXES,
    "depth": tuple(depthmap.READERS),
}
"""What the output of each task may be called."""

SPREAD_SUFFIXES: dict[TaskName, tuple[str, ...]] = {
    "pansharpening": OUTPUT_SUFFIXES["pansharpening"],
    "mri": nifti.SUFFIXES,
    # Those that hold float32: no PNG.
    "depth": (".tif", ".tiff", ".npy", ".npz", ".exr", ".pfm"),
}
"""What the file of the spread may be called."""
REPORT_SUFFIXES = (".html", ".htm")
MASK_SUFFIXES = (".png", ".npy")

_OWNERS: dict[str, TaskName] = {
    "sensor": "pansharpening",
    "bits": "pansharpening",
    "bands": "pansharpening",
    "nodata": "pansharpening",
    "layout": "pansharpening",
    "max_memory": "pansharpening",
    "contrast": "mri",
    "guide_contrast": "mri",
    "invalid": "depth",
    "fill_holes": "depth",
    "mask": "depth",
    "cloud": "depth",
}
"""The task that an option belongs to; the others are for all tasks."""
RATIO_TOLERANCE = 0.02
"""How far a ratio that is asked for may lie from what the files say."""


@dataclass(frozen=True)
class Options:
    """How two files are sharpened; what is left out is read from the files or guessed."""

    task: TaskName | None = None
    """What the files are."""
    ratio: float | None = None
    """How many times finer the guide is."""
    grid: Grid | None = None
    """``centre`` or ``kspace``: where target samples lie, whatever georeference or affine say; both
    files must then show the same field of view."""
    description: str | None = None
    """Free text in place of the built-in description."""
    overwrite: bool = False
    """Whether existing outputs may be replaced."""
    consistent: bool | None = None
    """Whether the result is corrected so that degrading it gives the target; when
    None, on k-space grids and for satellite images whose blur can be measured."""
    uncertainty: str | PathLike[str] | None = None
    """File for the spread of the network's answers to the images turned in all eight ways, float32
    in the target's unit on the output's grid; the output is then their mean."""
    report: str | PathLike[str] | None = None
    """HTML page to write that shows the result from all sides."""
    command: str = ""
    """The command line that asked, for the report."""
    sensor: str | None = None
    """Satellite sensor, for example ``QuickBird`` (pansharpening)."""
    bits: int | None = None
    """Significant bits per sample (pansharpening)."""
    bands: Sequence[int] | None = None
    """Numbers of the target's bands to sharpen, from 1 (pansharpening)."""
    nodata: float | None = None
    """Value of unknown pixels of target and output, and of the guide if its type can hold it, in
    place of what the files say (pansharpening)."""
    layout: Layout | None = None
    """Creation options of the GeoTIFF, and whether it is Cloud-optimized (pansharpening)."""
    max_memory: int | None = None
    """Bytes the process may hold in all; a scene goes through in tiles small enough
    (pansharpening)."""
    contrast: str | None = None
    """MR contrast of the target; from its file name when None (mri)."""
    guide_contrast: str | None = None
    """MR contrast of the guide; likewise (mri)."""
    invalid: float | None = None
    """Value of unknown pixels in a depth map; 0 when None (depth)."""
    fill_holes: bool = False
    """Whether unknown pixels are filled along the edges of the guide (depth)."""
    mask: str | PathLike[str] | None = None
    """File for what was filled: 255 there, 0 elsewhere, 8 bits (depth)."""
    cloud: PointCloud | None = None
    """Point cloud to write too: where, and what makes metres of the values (depth)."""

    @property
    def written(self) -> tuple[Path, ...]:
        """Outputs that any task can have beside the sharpened file."""
        return tuple(Path(path) for path in (self.uncertainty, self.report) if path is not None)

    def check(self, task: TaskName) -> None:
        """Refuse options that would be ignored.

        Raises:
            InputError: One is for another task.
        """
        for option in fields(self):
            value, owner = getattr(self, option.name), _OWNERS.get(option.name, task)
            if value != option.default and owner != task:
                raise InputError(
                    f"{option.name} {value!r} is for task {owner}, these files are {task}: "
                    "leave it out"
                )
        if self.mask is not None and not self.fill_holes:
            raise InputError(f"mask {self.mask}: tells what was filled: ask for fill-holes too")


@dataclass(frozen=True)
class FileResult:
    """What was written, and what the files were taken for."""

    path: Path
    """The output."""
    task: TaskName
    shape: tuple[int, ...]
    """Rows, columns and bands of a picture; voxels along each axis of a volume."""
    dtype: str
    """Type on disk, the target's."""
    ratio: float
    grid: Grid
    """``kspace`` when the target was brought to the guide's grid by zero-filling."""
    seconds: float = 0.0
    """Wall time of sharpening and writing, and of reading where that was part of the call."""
    contrast: str | None = None
    """MR contrast of the target, given or read from its name."""
    guide_contrast: str | None = None
    """MR contrast of the guide, given or read from its name."""
    alignment: "Alignment | VolumeAlignment | None" = None
    """What was found about the guide's shift; None where it was not looked for."""
    consistency: "Consistency | None" = None
    """What degrading the result gives, before and after it was made consistent."""
    further: tuple[Path, ...] = ()
    """What was written beside the output."""
    notes: tuple[str, ...] = ()
    """What a user should know about choices that were made for them."""


@dataclass(frozen=True, eq=False)
class Order:
    """Two files that go together, an output that can be written, and options that suit them."""

    files: FilePair
    output: Path
    options: Options

    @property
    def task(self) -> TaskName:
        """What the files are."""
        return self.files.task

    def pair(
        self,
        target: Float[np.ndarray, "h w bands"],
        guide: Float[np.ndarray, "H W channels"],
        valid: Bool[np.ndarray, "h w"] | None,
        placement: Placement | None,
    ) -> Pair:
        """Build the pair: by the files' own placement, by shapes when there is none."""
        where, grid = self.place(target.shape[:2], guide.shape[:2], placement)
        options = self.options
        return Pair(
            target,
            guide,
            self.task,
            where,
            grid,
            valid=valid,
            sensor=options.sensor,
            bits=options.bits,
            contrast=options.contrast,
            guide_contrast=options.guide_contrast,
        )

    def place(
        self, target: tuple[int, int], guide: tuple[int, int], placement: Placement | None
    ) -> tuple[Placement, Grid]:
        """Say how two images lie, from their shapes and what the files say.

        An option ``grid`` goes before what the files say.

        Raises:
            PairError: The ratio asked for is not what the files say.
        """
        ratio = self.options.ratio
        if placement is None or self.options.grid is not None:
            grid = self.options.grid or find_task(self.task).grid
            return place_by_shape(target, guide, grid, ratio), grid
        if ratio is not None and abs(placement.ratio / ratio - 1) > RATIO_TOLERANCE:
            raise PairError(
                f"ratio {ratio:g} is not what the files say ({placement.ratio:.4g}): "
                "leave the ratio out, or correct the georeference or affine"
            )
        # Only a k-space crop is enlarged in k-space; any other placement is interpolated.
        zero_filled = self.task == "mri" and placement.grid(target, guide) == "kspace"
        return placement, "kspace" if zero_filled else "centre"

    def with_options(self, **changes: object) -> "Order":
        """Return the same order with other options."""
        return replace(self, options=replace(self.options, **changes))  # type: ignore[arg-type]


def read_order(
    target_path: str | PathLike[str],
    guide_path: str | PathLike[str],
    output_path: str | PathLike[str],
    options: Options | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> Order:
    """Read two files, and check everything that can be checked before the network is loaded.

    Args:
        target_path: Low-resolution GeoTIFF, NIfTI volume or depth map.
        guide_path: High-resolution file of the other modality.
        output_path: ``.tif`` for pansharpening, ``.nii`` or ``.nii.gz`` for mri, a depth format
            for depth.
        options: What the files do not say, or say wrongly.
        limits: What the headers may claim.

    Raises:
        InputError: An option cannot be used with these files.
        PairError: The files do not fit together, or do not tell their task.
        FileFormatError: A file is missing or damaged, or the output exists, is an input, cannot be
            written, or has a name that does not suit the task.
        LimitError: A header claims more than the limits.
        MissingExtraError: The package that reads the format is not installed.
    """
    options, output = options or Options(), Path(output_path)
    for path in (target_path, guide_path):
        if not is_dicom(path):  # a series may be a folder
            check_readable(path)
    check_not_input(output, target_path, guide_path)
    check_writable(output, options.overwrite)
    task = guess_task(target_path, guide_path) if options.task is None else options.task
    _check_suffix(output, find_task(task).name)
    _check_further(options, (Path(target_path), Path(guide_path), output), find_task(task).name)
    options.check(task)
    files = read_pair(
        target_path,
        guide_path,
        task,
        invalid=options.invalid or 0,
        bands=options.bands,
        nodata=options.nodata,
        limits=limits,
    )
    if options.cloud is not None and isinstance(files, DepthPair):
        options.cloud.camera.on_grid((files.guide.shape[0], files.guide.shape[1]))
    return Order(files, output, options)


def _check_further(options: Options, taken: tuple[Path, ...], task: TaskName) -> None:
    """Refuse further outputs that could not be written, or that are another file of the order."""
    wanted = {
        "uncertainty": SPREAD_SUFFIXES[task],
        "report": REPORT_SUFFIXES,
        "mask": MASK_SUFFIXES,
        "cloud": point_cloud.SUFFIXES,
    }
    for name, suffixes in wanted.items():
        given = getattr(options, name)
        if given is None:
            continue
        path = given.path if isinstance(given, PointCloud) else Path(given)
        if file_suffix(path) not in suffixes:
            raise FileFormatError(
                f"{path}: {name} of task {task} is written as {', '.join(suffixes)}"
            )
        if path.resolve() in {other.resolve() for other in taken}:
            raise FileFormatError(f"{path}: is another file of this command too: name it otherwise")
        check_not_input(path, *taken[:2])
        check_writable(path, options.overwrite)
        taken = (*taken, path)
    if options.report is not None:
        load_extra("matplotlib", "report")


def _check_suffix(output: Path, task: TaskName) -> None:
    """Refuse before any work what writing would refuse after it."""
    suffixes = OUTPUT_SUFFIXES[task]
    if file_suffix(output) not in suffixes:
        raise FileFormatError(
            f"{output}: task {task} writes {', '.join(suffixes)}: name the output so"
        )
