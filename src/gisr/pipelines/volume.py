"""Running MR volumes: sharpened one after the other, written with the guide's affine."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gisr.adaptation.lesson import Lesson
from gisr.array_types import Voxels
from gisr.data.volume_resample import finite_guide
from gisr.errors import InputError
from gisr.estimation.local_fit import LocalFit
from gisr.estimation.volume_motion import moved_guide
from gisr.estimation.volume_registration import VolumeAlignment, find_volume_motion
from gisr.inference.answers import Check, Progress
from gisr.inference.system import PairSystem
from gisr.io.volumes.header import Volume, VolumeHeader
from gisr.io.volumes.nifti_writer import NiftiWriter, nifti_writer
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.picture import PictureWriter, is_picture, picture_writer
from gisr.notes import Note
from gisr.pipelines.adapting import adapted_system
from gisr.pipelines.mri_planes import VolumeSharpener
from gisr.pipelines.request import FileResult, Request
from gisr.pipelines.volume_blank import blank_volumes, seen_by_guide
from gisr.pipelines.volume_lessons import volume_lessons
from gisr.pipelines.volume_notes import volume_notes
from gisr.tasks.contrasts import find_contrast, guess_contrast

if TYPE_CHECKING:
    from gisr.pipelines.report import ArrayResult


def upscale_volume(
    system: PairSystem, request: Request[VolumePair], check: Check, progress: Progress | None
) -> FileResult:
    """Sharpen an MR volume, or the volumes of a series, with one of another contrast.

    Of a series one volume at a time is in memory.

    Raises:
        InputError: A volume of the target or the guide has no finite voxel.
        PairError: The requested ratio or grid does not suit the files.
        FileFormatError: The output cannot be written.
    """
    files = request.files
    request, count = _with_contrasts(request), _Count(progress)
    thickness = request.options.thickness or files.target.thickness
    make = partial(
        VolumeSharpener,
        request=request,
        placement=files.placement,
        report=count,
        check=check,
        thickness=thickness,
    )
    sharpener = make(system)
    count.total = sharpener.slices * files.target.count
    place = sharpener.placement
    low = seen_by_guide(place.turned(files.target.voxels), files.guide.voxels, place)
    high = _finite(files.guide.voxels, files)
    fit = LocalFit.of(low, high, place)
    found = None
    if request.options.settings.align == "auto":
        found = find_volume_motion(low, high, place, fit)
    undone = found.move if found is not None and found.applied else None
    doubts = fit.doubt(undone), fit.blank(undone)
    del fit, low, high
    adapted = adapted_system(
        system, request, lambda: _lessons(sharpener, files, found), check, progress
    )
    system, sharpener = adapted.system, make(adapted.system)
    with request.writing() as places:
        subject, unknown, clipped = _write_volumes(request, sharpener, found, places)
        notes = (*volume_notes(request, sharpener, found, doubts), *adapted.notes, *clipped)
        result = _result(request, sharpener, found, notes)
        result = replace(result, adaptation=adapted.line, unknown=unknown)
        if subject is not None:
            from gisr.pipelines.report import write_report

            write_report(system, request, result, subject, places["report"])
    return result


def _lessons(
    sharpener: VolumeSharpener, files: VolumePair, found: VolumeAlignment | None
) -> list[Lesson]:
    """Return what a network can learn of the volume, of a series the first."""
    guide = files.guide.voxels
    if found is not None and found.applied:
        guide = moved_guide(_finite(guide, files), found.move)
    return volume_lessons(sharpener, files.target.voxels, guide)


def _write_volumes(
    request: Request[VolumePair],
    sharpener: VolumeSharpener,
    found: VolumeAlignment | None,
    places: Mapping[str, Path],
) -> tuple["ArrayResult | None", float, tuple[Note, ...]]:
    """Sharpen and write all volumes.

    Returns:
        What a report shows, if one is requested, the share of voxels that are unknown, and notes.
    """
    files, subject, shares, blank = request.files, None, list[float](), list[int]()
    with _writers(request, places) as writers:
        pairs = zip(_voxels(files.target), _guides(files), strict=False)
        for number, (target, guide) in enumerate(pairs, start=1):
            if not np.isfinite(target).any():
                raise InputError(
                    f"{request.target}: volume {number} of {files.target.count} has no known voxel:"
                    " take it out of the series (nibabel: image.slicer)"
                )
            if files.target.count > 1 and np.nanmin(target) == np.nanmax(target):
                blank.append(number)
            if found is not None and found.applied:
                guide = moved_guide(_finite(guide, files), found.move)
            sharp = sharpener(target, guide)
            if subject is None and request.options.report is not None:
                from gisr.pipelines.report import volume_result

                shown = _finite(guide, files), sharp.voxels, sharp.spread
                subject = volume_result(request, sharpener.placement, target, *shown)
            shares.append(float(np.isnan(sharp.voxels).mean()))
            for writer, voxels in zip(writers, (sharp.voxels, sharp.spread), strict=False):
                assert voxels is not None  # a spread was requested if it has a writer
                writer.write(voxels)
    notes = (*writers[0].notes, *blank_volumes(blank, files.target.count))
    return subject, float(np.mean(shares)), notes


def _result(
    request: Request[VolumePair],
    sharpener: VolumeSharpener,
    found: VolumeAlignment | None,
    notes: tuple[Note, ...],
) -> FileResult:
    files = request.files
    series = (files.target.count,) if files.target.count > 1 else ()
    return FileResult(
        path=request.output,
        task=request.task,
        shape=(*files.guide.shape, *series),
        dtype=files.target.dtype.name,
        ratio=files.placement.ratio,
        grid=sharpener.grid,
        contrast=request.options.contrast,
        guide_contrast=request.options.guide_contrast,
        alignment=found,
        consistency=sharpener.consistency if sharpener.consistency.count else None,
        further=tuple(request.options.further_files.values()),
        notes=notes,
        volume=not is_picture(request.output),
    )


class _Count:
    """Counts slices for a progress bar."""

    def __init__(self, progress: Progress | None) -> None:
        """Begin with none."""
        self.progress, self.total, self.done = progress, 0, 0

    def __call__(self) -> None:
        """Count one more."""
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


@contextmanager
def _writers(
    request: Request[VolumePair], places: Mapping[str, Path]
) -> Iterator[list[NiftiWriter | PictureWriter]]:
    """Give what writes the result, and the spread if requested, to the given places."""
    files, types = request.files, {"output": None, "uncertainty": np.dtype(np.float32)}
    paths = {"output": request.output, **request.options.further_files}
    with ExitStack() as outputs:
        write = partial(nifti_writer, target=files.target, guide=files.guide)
        found: list[NiftiWriter | PictureWriter] = []
        for name, dtype in types.items():
            if name not in places:
                continue
            if is_picture(paths[name]):
                picture = picture_writer(
                    paths[name], places[name], target=files.target, guide=files.guide
                )
                found.append(outputs.enter_context(picture))
            else:
                found.append(outputs.enter_context(write(paths[name], places[name], dtype=dtype)))
        yield found


def _finite(guide: Voxels, files: VolumePair) -> Voxels:
    return finite_guide(guide, files.placement.slice_axis)


def _voxels(volume: Volume) -> Iterator[Voxels]:
    """Yield all volumes; a single one is in memory already."""
    return iter((volume.voxels,)) if volume.count == 1 else volume.read()


def _guides(files: VolumePair) -> Iterator[Voxels]:
    """Yield the guide of each volume of the target."""
    return repeat(files.guide.voxels) if files.guide.count == 1 else files.guide.read()


def _with_contrasts(request: Request[VolumePair]) -> Request[VolumePair]:
    """Take contrasts that were not given from file names, or from headers' descriptions."""
    files, options = request.files, request.options
    contrast, guide = (
        _guessed(volume) if given is None else find_contrast(given)
        for given, volume in (
            (options.contrast, files.target),
            (options.guide_contrast, files.guide),
        )
    )
    return request.with_options(contrast=contrast, guide_contrast=guide)


def _guessed(volume: VolumeHeader) -> str | None:
    return guess_contrast(volume.path) or guess_contrast(volume.description)
