"""Running MR volumes: sharpened one after the other, written with the guide's affine."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gisr.array_types import Voxels
from gisr.data.volume_resample import finite_guide
from gisr.estimation.volume_registration import VolumeAlignment, find_volume_shift, shift_guide
from gisr.inference.system import Check, PairSystem, Progress
from gisr.io.volumes.header import Volume, VolumeHeader
from gisr.io.volumes.nifti_writer import NiftiWriter, nifti_writer
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import VolumePlacement
from gisr.notes import Note, detail, warning
from gisr.pipelines.mri_planes import VolumeSharpener
from gisr.pipelines.request import FileResult, Request
from gisr.tasks.contrasts import find_contrast, guess_contrast

if TYPE_CHECKING:
    from gisr.pipelines.report import ArrayResult

_NOTED_LOSS, _LARGE_LOSS = 0.02, 0.2
"""Shares of a target outside its guide that are reported, and that are taken for a mistake."""


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
    sharpener = VolumeSharpener(system, request, files.placement, count, check)
    count.total = sharpener.slices * files.target.count
    found = _shift(files) if request.options.settings.align == "auto" else None
    with request.writing() as places:
        subject, clipped = _write_volumes(request, sharpener, found, places)
        result = _result(request, sharpener, found, clipped)
        if subject is not None:
            from gisr.pipelines.report import write_report

            write_report(system, request, result, subject, places["report"])
    return result


def _write_volumes(
    request: Request[VolumePair],
    sharpener: VolumeSharpener,
    found: VolumeAlignment | None,
    places: Mapping[str, Path],
) -> tuple["ArrayResult | None", tuple[Note, ...]]:
    """Sharpen and write all volumes; return what a report shows, if one is requested, and notes."""
    files, subject = request.files, None
    with _writers(request, places) as writers:
        for target, guide in zip(_voxels(files.target), _guides(files), strict=False):
            if found is not None and found.applied:
                guide = shift_guide(_finite(guide, files), found.offset)
            sharp = sharpener(target, guide)
            if subject is None and request.options.report is not None:
                from gisr.pipelines.report import volume_result

                shown = _finite(guide, files), sharp.voxels, sharp.spread
                subject = volume_result(request, sharpener.placement, target, *shown)
            for writer, voxels in zip(writers, (sharp.voxels, sharp.spread), strict=False):
                assert voxels is not None  # a spread was requested if it has a writer
                writer.write(voxels)
    return subject, writers[0].notes


def _result(
    request: Request[VolumePair],
    sharpener: VolumeSharpener,
    found: VolumeAlignment | None,
    clipped: tuple[Note, ...],
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
        notes=(*_notes(request, sharpener, found), *clipped),
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
) -> Iterator[list[NiftiWriter]]:
    """Give what writes the result, and the spread if requested, to the given places."""
    files, types = request.files, {"output": None, "uncertainty": np.dtype(np.float32)}
    paths = {"output": request.output, **request.options.further_files}
    with ExitStack() as outputs:
        write = partial(nifti_writer, target=files.target, guide=files.guide)
        yield [
            outputs.enter_context(write(paths[name], places[name], dtype=dtype))
            for name, dtype in types.items()
            if name in places
        ]


def _shift(files: VolumePair) -> VolumeAlignment:
    """Return how far the guide is off, seen in the first volumes."""
    target = files.placement.turned(files.target.voxels)
    return find_volume_shift(target, _finite(files.guide.voxels, files), files.placement)


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


def _notes(
    request: Request[VolumePair],
    sharpener: VolumeSharpener,
    found: VolumeAlignment | None,
) -> list[Note]:
    """Return what a user should know about choices that were made for them."""
    files, notes = request.files, list(request.files.notes)
    place = sharpener.placement
    contrast, guide = request.options.contrast, request.options.guide_contrast
    if contrast is None or guide is None:
        notes.append(
            Note(
                f"contrasts {contrast or 'unknown'} (target) and {guide or 'unknown'} (guide): "
                "name them for a better description"
            )
        )
    low, high = _contrast_names(request)
    if request.options.grid is not None:
        for words in files.placement.contradictions(request.options.grid):
            notes.append(
                warning(
                    f"grid {request.options.grid} against the affines: they say {words} ({low}, "
                    f"{high}); leave --grid out if they are right"
                )
            )
    if place.angle:
        notes.append(
            Note(
                f"{low} and {high} are rotated against each other by {place.angle:.1f} degrees: "
                f"{low} was resampled once onto the grid of {high}"
            )
        )
    if place.thick_axis is not None:
        ways = "within the slices, then through them" if len(place.coarse) == 3 else "through them"
        ratio = place.ratios[place.thick_axis]
        notes.append(
            Note(
                f"thick slices: sharpened {ways} (x{ratio:.3g}), each taken as the mean over its "
                "thickness"
            )
        )
    notes += _resampled_notes(place, low, high)
    if found is not None and found.applied:
        notes.append(Note(found.note))
    if sharpener.consistency.count:
        notes.append(detail(sharpener.consistency.note))
    slices = np.moveaxis(files.guide.voxels, place.slice_axis, 0)
    empty = [not np.isfinite(each).any() for each in slices]
    if any(empty):
        notes.append(Note(f"{sum(empty)} slices of {high} are all NaN: they guide nothing"))
    outside = 1 - sharpener.inside().mean()
    if outside:
        notes.append(Note(f"{outside:.1%} of {high} lies outside {low}: 0 there"))
    lost = place.lost()
    if lost > _NOTED_LOSS:
        say = warning if lost > _LARGE_LOSS else Note
        notes.append(
            say(
                f"{lost:.0%} of the target {request.target.name} lies outside the guide and is not "
                "in the result: give a guide that covers it"
            )
        )
    return notes


def _contrast_names(request: Request[VolumePair]) -> tuple[str, str]:
    """Return what messages call target and guide: their contrasts, where those differ."""
    contrast, guide = request.options.contrast, request.options.guide_contrast
    if contrast == guide:
        return "the target", "the guide"
    return contrast or "the target", guide or "the guide"


def _resampled_notes(place: VolumePlacement, low: str, high: str) -> list[Note]:
    """Return along which axes the target was brought to the guide's samples by interpolation."""
    notes: list[Note] = []
    if place.angle:
        return []
    for axis in range(3):
        if axis in place.coarse or place.axis(axis).same:
            continue
        if place.ratios[axis] < 0.98:
            notes.append(
                Note(
                    f"{low} is finer than {high} along axis {axis} of {high}: reduced to the grid "
                    f"of {high}"
                )
            )
        else:
            notes.append(
                Note(
                    f"{low} and {high} are not sampled alike along axis {axis} of {high}: {low} "
                    "was interpolated there"
                )
            )
    return notes
