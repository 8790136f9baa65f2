"""A request: two files that go together, an output that can be written, and options that suit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from gisr.errors import FileFormatError, PairError
from gisr.io.files import atomic_outputs, check_not_input, check_writable, file_suffix
from gisr.notes import Note
from gisr.optional_imports import load_extra
from gisr.pipelines.options import Options
from gisr.placement import Placement, place_by_shape
from gisr.sizes import picture_size, volume_size
from gisr.tasks import Grid, Task, TaskName, find_task

if TYPE_CHECKING:  # scipy takes half a second to load
    from gisr.data.pair import Pair
    from gisr.estimation.registration import Alignment
    from gisr.estimation.volume_registration import VolumeAlignment
    from gisr.inference.consistency.correction import Consistency
    from gisr.inference.precision import Computed

Files = TypeVar("Files")
"""What a pipeline reads: both files of a pair, and how they lie."""

RATIO_TOLERANCE = 0.02
"""How far a requested ratio may lie from that of the files."""
_SUFFIXES = {"report": (".html", ".htm"), "mask": (".png", ".npy"), "ply": (".ply",)}
"""What further outputs may be called, by the option that names them."""


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
    """The estimated shift of the guide; None where none was estimated."""
    consistency: "Consistency | None" = None
    """What degrading the result gives, before and after it was made consistent."""
    adaptation: str = ""
    """What adapting the network to the images brought; empty where that was not requested."""
    unknown: float = 0.0
    """Share of the output's pixels or voxels that are unknown, as the target's there are."""
    further: tuple[Path, ...] = ()
    """What was written beside the output."""
    notes: tuple[Note, ...] = ()
    """What a user should know about choices that were made for them."""
    precision: "Computed" = "float32"
    """What the network computed in."""
    volume: bool = False
    """Whether the shape is that of a volume."""

    @property
    def size(self) -> str:
        """The shape as users write it: width x height, or voxels along each axis."""
        return volume_size(self.shape) if self.volume else picture_size(self.shape)


@dataclass(frozen=True, eq=False)
class Request(Generic[Files]):
    """Two files that go together, an output that can be written, and options that suit them."""

    task: TaskName
    """What the files are."""
    target: Path
    """The low-resolution file, or the folder of a series."""
    guide: Path
    """The high-resolution file of the other modality."""
    output: Path
    options: Options
    files: Files
    """Both files, read and placed; of those that may be large, the headers."""
    command: str = ""
    """The command line that makes this request, for the report."""
    folders_named: bool = True
    """Whether the report names files with their folders, and not by their names alone."""

    def pair(
        self,
        target: Float[np.ndarray, "h w bands"],
        guide: Float[np.ndarray, "H W channels"],
        valid: Bool[np.ndarray, "h w"] | None,
        placement: Placement | None,
    ) -> "Pair":
        """Build a pair: by the files' own placement, by shapes when there is none."""
        from gisr.data.pair import Pair

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
            mtf=options.mtf,
            bits=options.bits,
            contrast=options.contrast,
            guide_contrast=options.guide_contrast,
        )

    def place(
        self, target: tuple[int, int], guide: tuple[int, int], placement: Placement | None
    ) -> tuple[Placement, Grid]:
        """Return how two images lie, from their shapes and what the files state.

        An option ``grid`` goes before what the files state.

        Raises:
            PairError: The requested ratio does not match the files.
        """
        task = find_task(self.task)
        ratio, own = self.options.ratio, task.grid
        if placement is None or self.options.grid is not None:
            grid = self.options.grid or own
            placed = place_by_shape(target, guide, grid, ratio, task.stretch)
            # Samples of surfaces have no k-space: there, the grid says where they lie alone.
            return placed, "centre" if task.surfaces else grid
        self.check_ratio(placement.ratio, "georeference or affine")
        # Only a k-space crop is enlarged in k-space; any other placement is interpolated.
        zero_filled = own == "kspace" and placement.grid(target, guide) == "kspace"
        return placement, "kspace" if zero_filled else "centre"

    def check_ratio(self, found: float, source: str) -> None:
        """Refuse a requested ratio that does not match the files.

        Raises:
            PairError: It is not.
        """
        requested = self.options.ratio
        if requested is not None and abs(found / requested - 1) > RATIO_TOLERANCE:
            raise PairError(
                f"ratio {requested:g} does not match the files ({found:.4g}): leave the ratio "
                f"out, or correct the {source}"
            )

    @contextmanager
    def writing(self, stale: Sequence[Path] = ()) -> Iterator[dict[str, Path]]:
        """Give temporary paths of all outputs, which appear together or not at all.

        Args:
            stale: Files that describe those that are replaced, and go with them.

        Yields:
            The paths to write to: ``output``, and what further options name, by option. All must be
            written when the block ends.

        Raises:
            FileFormatError: As :func:`gisr.io.files.atomic_outputs`.
        """
        outputs = {**self.options.further_files, "output": self.output}  # the result last
        paths = list(outputs.values())
        with atomic_outputs(paths, self.options.overwrite, stale=stale) as places:
            yield dict(zip(outputs, places, strict=True))

    def with_options(self, **changes: object) -> "Request[Files]":
        """Return the same request with other options."""
        return replace(self, options=replace(self.options, **changes))  # type: ignore[arg-type]


def file_suffixes(option: str, task: Task) -> tuple[str, ...]:
    """Return what the file that an option names may be called."""
    return task.spread_suffixes if option == "uncertainty" else _SUFFIXES[option]


def check_outputs(
    inputs: Sequence[str | PathLike[str]],
    output: Path,
    options: Options,
    task: TaskName,
) -> None:
    """Refuse before any work what writing would refuse after it.

    Args:
        inputs: Every file that is read.
        output: The result.
        options: What else is written.
        task: What the files are.

    Raises:
        FileFormatError: An output exists, is an input or another output, cannot be written, or has
            a name that does not suit the task.
        MissingExtraError: The report's package is not installed.
    """
    record = find_task(task)
    if file_suffix(output) not in record.output_suffixes:
        raise FileFormatError(
            f"{output}: a sharpened {record.subject} is written as "
            f"{', '.join(record.output_suffixes)}: name the output so"
        )
    taken = [*map(Path, inputs), output]
    for name, path in options.further_files.items():
        suffixes = file_suffixes(name, record)
        if file_suffix(path) not in suffixes:
            raise FileFormatError(
                f"{path}: {name} of a sharpened {record.subject} is written as "
                f"{', '.join(suffixes)}"
            )
        if path.resolve() in {other.resolve() for other in taken}:
            raise FileFormatError(f"{path}: is another file of this command too: name it otherwise")
        check_not_input(path, *inputs)
        if name == "mask" and path.exists() and not options.overwrite:
            raise FileFormatError(
                f"{path}: exists already, and a mask is written, not read: choose another name, or "
                "--overwrite (overwrite=True) to replace it; if it says what is known, set the "
                "rest of the depth map to 0"
            )
        check_writable(path, options.overwrite)
        taken.append(path)
    if options.report is not None:
        load_extra("matplotlib", "report")
