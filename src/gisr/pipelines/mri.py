"""The pipeline of MR images: two NIfTI volumes or DICOM series in, a NIfTI volume out."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gisr.errors import FileFormatError, InputError
from gisr.io.files import file_suffix
from gisr.io.limits import Limits
from gisr.io.volumes import nifti
from gisr.io.volumes.dicom_files import is_dicom
from gisr.io.volumes.pair import VolumePair, read_image, read_volume_pair
from gisr.io.volumes.picture import is_picture
from gisr.memory import memory_errors
from gisr.pipelines.layers import (
    LayerName,
    Layers,
    Plane,
    Truth,
    VolumeLayers,
    check_truth,
)
from gisr.pipelines.options import Options
from gisr.pipelines.pipeline import Pipeline
from gisr.pipelines.request import FileResult, Request
from gisr.sizes import picture_size, volume_size
from gisr.tasks.contrasts import guess_contrast
from gisr.tasks.mri import MRI
from gisr.tasks.task import Task
from gisr.windows import Window

if TYPE_CHECKING:  # torch takes seconds to load
    from gisr.data.pair import Pair
    from gisr.inference.answers import Check, Progress
    from gisr.inference.system import PairSystem


class MRIPipeline(Pipeline[VolumePair]):
    """MR volumes in, a NIfTI volume with the guide's affine out."""

    task: ClassVar[Task] = MRI

    def recognises(self, target: Path, guide: Path) -> bool:
        """Return whether both are NIfTI files or DICOM, or pictures named after MR contrasts."""
        files = (target, guide)
        if all(map(is_picture, files)):
            return None not in map(guess_contrast, files)
        return all(file_suffix(path) in nifti.SUFFIXES or is_dicom(path) for path in files)

    def read(self, target: Path, guide: Path, options: Options, limits: Limits) -> VolumePair:
        """Read both volumes, of a series the first."""
        from gisr.pipelines.volume_assumed import with_assumed_grid
        from gisr.pipelines.volume_blank import without_blank_slices
        from gisr.pipelines.volume_fill import without_fill
        from gisr.pipelines.volume_grid import with_resolution
        from gisr.pipelines.volume_zero_filling import without_zero_filling

        files = without_fill(read_volume_pair(target, guide, limits), options.nodata)
        files = with_assumed_grid(files, options.grid)
        files = without_zero_filling(without_blank_slices(files))
        return with_resolution(files, options.resolution, limits)

    def check(self, request: Request[VolumePair]) -> None:
        """Refuse a picture as the output of volumes; they were checked when they were read.

        Raises:
            FileFormatError: The output is one.
        """
        if is_picture(request.output) and not is_picture(request.target):
            raise FileFormatError(f"{request.output}: name the output of volumes .nii or .nii.gz")

    def run(
        self,
        system: "PairSystem",
        request: Request[VolumePair],
        check: "Check",
        progress: "Progress | None",
    ) -> FileResult:
        """Sharpen a volume, or the volumes of a series, one of which is in memory at a time."""
        from gisr.pipelines.volume import upscale_volume

        with memory_errors(str(request.target), "cut the volumes (nibabel's image.slicer)"):
            return upscale_volume(system, request, check, progress)

    def summary(self, request: Request[VolumePair]) -> str:
        """Return sizes, type and ratio."""
        files, size = request.files, _size_of(request)
        return (
            f"{size(files.target.shape)} ({files.target.dtype}) to "
            f"{size(files.guide.shape)}: x{files.placement.ratio:.3g}"
        )

    def band_names(self, request: Request[VolumePair]) -> tuple[str, ...]:
        """Return nothing: a volume has one band."""
        return ()

    def read_truth(self, path: Path, request: Request[VolumePair], limits: Limits) -> Truth:
        """Read a reference volume."""
        volume = read_image(path, limits)
        check_truth(path, volume.shape, request.files.guide.shape, _size_of(request))
        return Truth(path, volume.voxels)

    def layers(
        self, request: Request[VolumePair], interpolated: Path, truth: Truth | None, limits: Limits
    ) -> Layers:
        """Return volumes in memory."""
        written: dict[LayerName, Path] = {"interpolated": interpolated, "sharpened": request.output}
        if request.options.uncertainty is not None:
            written["spread"] = Path(request.options.uncertainty)
        volumes = {name: read_image(path).voxels for name, path in written.items()}
        volumes["guide"] = request.files.guide.voxels
        if truth is not None:
            assert isinstance(truth.content, np.ndarray)
            volumes["truth"] = truth.content
        return VolumeLayers(volumes, request.files.placement.slice_axis)

    def pair_in_view(
        self,
        request: Request[VolumePair],
        pairs: "Sequence[Pair]",
        plane: Plane,
        window: Window,
    ) -> "Pair | None":
        """Return a part of the slice that is shown, as it was given: not turned."""
        guide = np.take(request.files.guide.voxels, plane.index, plane.axis)
        rows, columns = window
        turned_back = columns, _reversed(rows, guide.shape[1])
        for turned in product((False, True), repeat=2):  # as k-space crops may be stored
            seen = np.flip(guide, tuple(axis for axis in (0, 1) if turned[axis]))
            for pair in pairs:
                if np.array_equal(pair.guide[..., 0], seen):
                    first, second = (
                        _reversed(part, side) if back else part
                        for part, side, back in zip(turned_back, guide.shape, turned, strict=True)
                    )
                    return super().pair_in_view(request, [pair], plane, (first, second))
        raise InputError("the network did not see this slice: choose another slice, or axis")

    def page_notes(self, request: Request[VolumePair]) -> tuple[str, ...]:
        """Note that of a series one volume is shown."""
        count = request.files.target.count
        return (f"shown is the first of {count} volumes; all are saved",) if count > 1 else ()

    def bits(self, request: Request[VolumePair]) -> int | None:
        """Return None: MR values have no range of their own."""
        return None


def _size_of(request: Request[VolumePair]) -> Callable[[Sequence[int]], str]:
    """Return how sizes are written: the first axis of a picture runs along its rows."""
    return picture_size if is_picture(request.target) else volume_size


def _reversed(part: slice, side: int) -> slice:
    """Return a part of a side that is counted from its other end."""
    return slice(side - part.stop, side - part.start)
