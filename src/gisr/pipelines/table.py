"""The pipelines by task, and which task two files are."""

from os import PathLike
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError, PairError
from gisr.io.files import check_readable, file_suffix
from gisr.io.foreign import foreign_file, picture_as_geotiff, placed_by
from gisr.io.geotiff.drivers import TIFF_SUFFIXES
from gisr.pipelines.depth import DEPTH_ALONE, PICTURES, DepthPipeline
from gisr.pipelines.mri import MRIPipeline
from gisr.pipelines.multiband import MultibandPipeline
from gisr.pipelines.pansharpening import PansharpeningPipeline
from gisr.pipelines.pipeline import Pipeline
from gisr.tasks import TASKS, TaskName

PIPELINES: dict[TaskName, Pipeline[Any]] = {
    pipeline.task.name: pipeline
    for pipeline in (
        MRIPipeline(),
        MultibandPipeline(),
        PansharpeningPipeline(),
        DepthPipeline(),
    )
}
"""The pipeline of each task, in the order in which two files are tried."""


def guess_task(target_path: str | PathLike[str], guide_path: str | PathLike[str]) -> TaskName:
    """Return the task of two files: by their suffixes, of two TIFFs by their headers.

    Raises:
        PairError: The files do not show it.
        FileFormatError: A file is missing or damaged, or a picture with a place on Earth.
        MissingExtraError: Two TIFFs, and rasterio is not installed.
    """
    target, guide = Path(target_path), Path(guide_path)
    names = list(TASKS)
    remedy = f"name it with --task {', '.join(names[:-1])} or {names[-1]}"
    _check_placed(target, guide)
    for name, pipeline in PIPELINES.items():
        try:
            if pipeline.recognises(target, guide):
                return name
        except PairError as error:
            raise PairError(f"{error}: {remedy}") from error
    for path in (target, guide):
        check_readable(path)
        if (way := foreign_file(path)) is not None:
            raise FileFormatError(f"{path}: {way}")
    needed = _no_depth_pair(target, guide) or (
        "no pair of files that goes together: give two GeoTIFFs (multispectral, panchromatic or "
        "finer bands), two NIfTI volumes, or a depth map and a colour picture"
    )
    raise PairError(
        f"{target.name} and {guide.name}: {needed}; if they are a pair of one task, {remedy}"
    )


def _check_placed(target: Path, guide: Path) -> None:
    """Refuse satellite images as PNG or JPEG, which would be read as depth map and picture.

    As of two TIFFs, one with a place on Earth is enough; a depth map of another format has none.
    """
    for path in (target, guide):
        beside, way = placed_by(path), picture_as_geotiff(path)
        image = path == target or file_suffix(target) in TIFF_SUFFIXES
        if beside is not None and way is not None and image:
            raise FileFormatError(
                f"{path}: {way}, as {beside.name} says where it lies; if the pair is a depth map "
                "and its picture, name it with --task depth"
            )


def _no_depth_pair(target: Path, guide: Path) -> str | None:
    """Return which format hinders two files from being a depth map and its picture."""
    depth, arrays = TASKS["depth"].output_suffixes, (".npy", ".npz")
    kinds = file_suffix(target), file_suffix(guide)
    if kinds[0] in PICTURES and kinds[1] in DEPTH_ALONE:
        array = "an array is no picture" if kinds[1] in arrays else f"{kinds[1]} is no picture"
        return (
            f"{array}: if {guide.name} is the depth map, exchange the two: the picture comes "
            "second; if it is the picture, save it as PNG"
        )
    known = {suffix for task in TASKS.values() for suffix in task.output_suffixes}
    if kinds[1] in PICTURES and kinds[0] not in (*known, *PICTURES):
        return (
            f"{kinds[0] or 'a name without a suffix'} is no format that is read: save a depth map "
            f"as one of {', '.join(depth)} (numpy.save makes npy of an array)"
        )
    if file_suffix(target) in (".jpg", ".jpeg"):
        return (
            "a JPEG is no depth map, for it changes values: give the 16-bit PNG, TIFF or npy that "
            "the sensor or program writes"
        )
    if file_suffix(guide) in arrays and file_suffix(target) in depth:
        return (
            "an array is no picture: save the guide as PNG (numpy.load, PIL.Image.fromarray), or "
            "sharpen arrays in Python (gisr.load_model()(target, guide, task=...))"
        )
    return None
