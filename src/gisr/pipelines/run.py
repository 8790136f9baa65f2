"""Files in, a file out: read a pair, sharpen it, write it on the guide's grid."""

import time
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gisr.errors import FileFormatError, InputError
from gisr.io.files import check_not_input, check_readable, check_writable
from gisr.io.geotiff.pair import with_guide_bands
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.volumes.dicom_files import is_dicom
from gisr.memory import memory_errors
from gisr.notes import detail
from gisr.pipelines.delivery import Delivery, Source, find_delivery
from gisr.pipelines.folder_pairs import GUIDE_SUFFIXES, what_in_folder
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult, Request, check_outputs
from gisr.pipelines.table import PIPELINES, guess_task
from gisr.tasks import describe, find_task

if TYPE_CHECKING:  # torch takes seconds to load
    from gisr.inference.answers import Check, Progress
    from gisr.inference.system import PairSystem

_SMALLER = "cut the images into parts, close other programs or use a larger machine"


def read_request(
    target_path: Source,
    guide_path: Source | None,
    output_path: str | PathLike[str],
    options: Options | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    command: str = "",
) -> Request[Any]:
    """Read two files, and check everything that can be checked before the network is loaded.

    Args:
        target_path: Low-resolution GeoTIFF, NIfTI volume or depth map; several band files; or a
            Sentinel-2 or Landsat product, the folder or its metadata.
        guide_path: High-resolution file of the other modality, or several band files; None with a
            product.
        output_path: ``.tif`` for pansharpening, ``.nii`` or ``.nii.gz`` for mri, a depth format
            for depth.
        options: What the files do not state, or state wrongly.
        limits: What the headers may claim.
        command: The command line that makes this request, for the report.

    Raises:
        InputError: An option cannot be used with these files.
        PairError: The files do not fit together, or do not show their task.
        FileFormatError: A file is missing or damaged, or the output exists, is an input, cannot be
            written, or has a name that does not suit the task.
        LimitError: A header claims more than the limits.
        MissingExtraError: The package that reads the format is not installed.
    """
    _check_arguments(target_path, guide_path, output_path, options)
    options, output = options or Options(), Path(output_path)
    with memory_errors(_name(target_path), _SMALLER):
        delivery = find_delivery(target_path, guide_path, options, limits)
        if delivery is not None:
            return _read_delivery(delivery, output, limits, command)
        target_path, guide_path = _one(target_path), _one(guide_path)
        for path in (target_path, guide_path):
            if not is_dicom(path):  # a series may be a folder
                _check_input(Path(path))
        check_not_input(output, target_path, guide_path)
        check_writable(output, options.overwrite)
        task = find_task(options.task or guess_task(target_path, guide_path)).name
        check_outputs((target_path, guide_path), output, options, task)
        options.check(task)
        target, guide = Path(target_path), Path(guide_path)
        files = PIPELINES[task].read(target, guide, options, limits)
        if options.bands_out == "all":
            files = with_guide_bands(files)
        return Request(task, target, guide, output, options, files, command)


def _check_arguments(target: object, guide: object, output: object, options: object) -> None:
    """Refuse what is given in place of names of files: images of a library, arrays, nothing.

    Raises:
        InputError: Something is.
    """
    for name, given in (("target", target), ("guide", guide), ("output", output)):
        several = name != "output" and isinstance(given, list | tuple) and len(given) > 0
        each = given if several and isinstance(given, list | tuple) else [given]
        wrong = [one for one in each if not isinstance(one, str | PathLike)]
        if wrong and not (name == "guide" and given is None):
            raise InputError(
                f"{name} is of type {type(wrong[0]).__name__}, and not the name of a file: give "
                "names (of an image of nibabel image.get_filename(), if it was read from one), or "
                "arrays to the upscaler itself, upscaler(target, guide, task=...)"
            )
    if options is not None and not isinstance(options, Options):
        raise InputError(
            f"options of type {type(options).__name__} are none for files: give gisr.Options(...)"
        )


def _check_input(path: Path) -> None:
    """Refuse a file that cannot be opened, and a folder that is no image.

    Raises:
        FileFormatError: It is one.
    """
    if path.is_dir():
        raise FileFormatError(f"{path}: is a folder: {what_in_folder(path, GUIDE_SUFFIXES)}")
    check_readable(path)


def _read_delivery(delivery: Delivery, output: Path, limits: Limits, command: str) -> Request[Any]:
    """Read two stacks of band files, as two files are read."""
    options, inputs = delivery.options, delivery.inputs
    check_not_input(output, *inputs)
    check_writable(output, options.overwrite)
    files = PIPELINES[delivery.task].read_stacks(delivery.target, delivery.guide, options, limits)
    check_outputs(inputs, output, options, delivery.task)
    options.check(delivery.task)
    files = replace(files, order=delivery.order, notes=delivery.notes)
    if options.bands_out == "all" and not files.order:
        files = with_guide_bands(files)
    target, guide = delivery.target.path, delivery.guide.path
    return Request(delivery.task, target, guide, output, options, files, command)


def _one(side: Source | None) -> str | PathLike[str]:
    """Return the one file of a side."""
    assert side is not None  # a delivery, or refused
    return side if isinstance(side, str | PathLike) else side[0]


def _name(side: Source) -> str:
    return fspath(_one(side))


def check_request(request: Request[Any]) -> None:
    """Refuse files that hold nothing to sharpen, and options that do not go with them.

    Raises:
        GisrError: As :meth:`gisr.pipelines.pipeline.Pipeline.check`.
    """
    options = request.options
    if options.ratio is not None and not 1 <= options.ratio < float("inf"):
        raise InputError(f"ratio {options.ratio:g} is no scale factor: it must be at least 1")
    describe(
        request.task,
        1.0,
        sensor=options.sensor,
        contrast=options.contrast,
        guide_contrast=options.guide_contrast,
    )
    with memory_errors(str(request.target), _SMALLER):
        PIPELINES[request.task].check(request)


def upscale_request(
    system: "PairSystem",
    request: Request[Any],
    *,
    check: "Check | None" = None,
    progress: "Progress | None" = None,
) -> FileResult:
    """Carry out a request that was read and checked.

    Args:
        system: From :func:`gisr.load_model`, or any compared system.
        request: From :func:`read_request`.
        check: Called before every answer of a network; what it raises ends the run.
        progress: Called with (guide pixels done, pixels in all), for volumes with slices.

    Raises:
        InputError: The values of the files cannot be used.
        FileFormatError: A file is damaged, or the output cannot be written.
        LimitError: Memory does not suffice.
    """
    from gisr.inference.answers import unchecked
    from gisr.inference.precision import precision_notes

    if request.options.uncertainty is not None and not system.spreads:
        raise InputError(f"uncertainty: {system.name} has no spread of answers: leave it out")
    began = time.perf_counter()
    with memory_errors(str(request.target), _SMALLER):
        result = PIPELINES[request.task].run(system, request, check or unchecked, progress)
    requested = request.options.precision
    computed = system.computed_in(requested)
    notes = precision_notes(requested, computed, system.device_name)
    if system.for_bands is not None and find_task(request.task).guide_bands:
        notes.append(detail(f"{system.name} has bands answered by weights {system.for_bands}"))
    if (untrained := system.untrained_note(request.task)) is not None:
        notes.append(untrained)
    seconds = time.perf_counter() - began
    return replace(result, precision=computed, notes=(*result.notes, *notes), seconds=seconds)


def upscale_files(
    system: "PairSystem",
    target_path: Source,
    guide_path: Source | None,
    output_path: str | PathLike[str],
    options: Options | None = None,
    *,
    check: "Check | None" = None,
    progress: "Progress | None" = None,
) -> FileResult:
    """Sharpen a file with a file of another modality and write the result.

    A GeoTIFF is read, sharpened and written in parts, so that scenes may be larger than memory.
    The output has the guide's grid (size, CRS and transform, or affine) and everything else from
    the target's file (type, bands, names, nodata, compression, scaling). It appears whole or not at
    all. Pixels are unknown where the nearest target pixel is, where a panchromatic guide is, and
    where a GeoTIFF guide lies outside the target; holes of a depth map stay holes.

    Arguments are those of :func:`read_request` and :func:`upscale_request`.

    Raises:
        GisrError: As :func:`read_request`, :func:`check_request` and :func:`upscale_request`.
    """
    began = time.perf_counter()
    request = read_request(target_path, guide_path, output_path, options)
    check_request(request)
    result = upscale_request(system, request, check=check, progress=progress)
    return replace(result, seconds=time.perf_counter() - began)
