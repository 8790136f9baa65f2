"""What a user is told of a volume that was sharpened."""

import numpy as np

from gisr.errors import percentage
from gisr.estimation.local_fit import Doubt
from gisr.estimation.volume_registration import VolumeAlignment
from gisr.io.files import file_suffix
from gisr.io.volumes.nifti import SUFFIXES as NIFTI_SUFFIXES
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import VolumePlacement
from gisr.notes import Note, detail, warning
from gisr.pipelines.mri_planes import VolumeSharpener
from gisr.pipelines.request import Request
from gisr.pipelines.volume_blank import dropped_slices
from gisr.pipelines.volume_gradients import gradient_notes
from gisr.pipelines.volume_values import few_values, value_notes

_INVENTING = 6.0
"""Ratio from which a spot that the guide alone shows changes the result by more than a tenth."""
_NOTED_LOSS, _LARGE_LOSS = 0.02, 0.2
"""Shares of a target outside its guide that are reported, and that are taken for a mistake."""

_BLANK = 0.1
"""Share of what a target shows from which a guide that shows nothing there is reported."""


def volume_notes(
    request: Request[VolumePair],
    sharpener: VolumeSharpener,
    found: VolumeAlignment | None,
    doubts: tuple[Doubt | None, float],
) -> list[Note]:
    """Return what a user should know about choices that were made for them.

    Args:
        request: With the contrasts that are known.
        sharpener: That has sharpened its volumes.
        found: The shift of the guide, where one was estimated.
        doubts: What speaks against the guide, and in which share of what the target shows the guide
            has one value.
    """
    files, notes = request.files, list(request.files.notes)
    place = sharpener.placement
    contrast, guide = request.options.contrast, request.options.guide_contrast
    unknown = {"target": ("--contrast", contrast), "guide": ("--guide-contrast", guide)}
    if missing := {name: flag for name, (flag, known) in unknown.items() if known is None}:
        notes.append(
            Note(
                f"the name of the {' and of the '.join(missing)} tells no contrast: "
                f"{' and '.join(missing.values())} (T1, T2, FLAIR, ...) would, for a better "
                "description"
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
    notes += _thickness_notes(request, sharpener)
    notes += _reduction_notes(sharpener, low)
    notes += _resampled_notes(place, low, high)
    if found is not None and found.applied:
        notes.append(Note(found.note))
    if sharpener.consistency.count:
        notes.append(detail(sharpener.consistency.note))
    if place.ratio >= _INVENTING:
        notes.append(
            Note(
                f"at x{place.ratio:.3g} structure smaller than a voxel of {low} that only {high} "
                "shows can appear in the result: do not take it for signal"
            )
        )
    notes += gradient_notes(files)
    if dropped := dropped_slices(files.target):
        notes.append(_dropped_warning(dropped, request.target.name))
    values = few_values(files.target)
    notes += value_notes(request, values)
    notes += [] if len(values) == 1 else _doubts(*doubts, low, high)
    slices = np.moveaxis(files.guide.voxels, place.slice_axis, 0)
    known = np.isfinite(slices).reshape(len(slices), -1).mean(axis=1)
    if empty := np.count_nonzero(known == 0):
        text = f"{empty} of {len(known)} slices of {high} show nothing there: the nearest"
        notes.append(Note(f"{text} that do guide {low} in their place"))
    if share := float((1 - known[known > 0]).sum()) / len(known):
        notes.append(
            Note(
                f"{percentage(share)} of the guide's voxels are unknown: the nearest known ones of "
                "their slice guide there"
            )
        )
    outside = 1 - sharpener.inside().mean()
    if outside:
        text = f"{percentage(outside)} of {high} lies outside {low}: {sharpener.beside:.6g} there"
        notes.append(Note(text))
    lost = 1 - float(place.shown().mean())
    if lost > _NOTED_LOSS:
        say = warning if lost > _LARGE_LOSS else Note
        notes.append(
            say(
                f"{lost:.0%} of the target {request.target.name} lies outside the guide and is not "
                "in the result: give a guide that covers it"
            )
        )
    return notes


def _dropped_warning(dropped: list[int], name: str) -> Note:
    """Return what to say of slices of a target that hold one value between others that do not."""
    shown = ", ".join(map(str, dropped[:3])) + (", ..." if len(dropped) > 3 else "")
    hold = "slice holds" if len(dropped) == 1 else "slices hold"
    return warning(
        f"{name}: {len(dropped)} {hold} one value between others that show a head (index {shown}): "
        "the result has a hole there, which blurs into thick slices beside it; get the file again, "
        "or save it as float32 with NaN in place of that value"
    )


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


def _thickness_notes(request: Request[VolumePair], sharpener: VolumeSharpener) -> list[Note]:
    """Return how a volume is sharpened that is coarse along all axes or one, and what is ignored.

    The thickness of slices says nothing of pixels that are longer than the slices are thick.
    """
    place = sharpener.placement
    thick, given = place.thick_axis, request.options.thickness is not None
    if thick is None:
        text = "thickness is for thick slices, which these are not: ignored"
        return [warning(text)] if given else []
    if sharpener.kspace_line is not None:
        low, high = _contrast_names(request)
        return [
            Note(
                f"{low} is a crop of k-space along axis {thick} of {high} alone: sharpened along "
                f"it (x{place.ratios[thick]:.3g}; --grid centre if its voxels are means)"
            )
        ]
    if place.through_slices:
        return [_thick_note(place, thick)]
    low, high = _contrast_names(request)
    alone = len(place.coarse) == 1
    ways = "along it" if alone else "across that axis, then along it"
    notes = [
        Note(
            f"{low} is coarsest along axis {thick} of {high}, which is not that of its slices: "
            f"sharpened {ways} (x{place.ratios[thick]:.3g})"
        )
    ]
    if given:
        remedy, stored = "", int(np.flatnonzero(place.turn[:, 0] == thick)[0])
        if file_suffix(request.target) in NIFTI_SUFFIXES:
            remedy = (
                "; if those are the slices, its header has to say so (nibabel: "
                f"image.header.set_dim_info(slice={stored}))"
            )
        text = f"thickness is for slices, which follow axis {place.stacked} of {high}, not axis"
        notes.append(warning(f"{text} {thick}: ignored{remedy}"))
    return notes


def _thick_note(place: VolumePlacement, thick: int) -> Note:
    """Return how thick slices are sharpened, and how thick they are taken to be."""
    ways = "within the slices, then through them" if len(place.coarse) == 3 else "through them"
    distance = place.distance
    thickness = place.covers * distance
    if place.covers == 1:
        taken = f"taken as {distance:.3g} mm thick, without gaps (--thickness if they are thinner)"
    elif place.covers < 1:
        taken = f"{thickness:.3g} mm thick, with gaps of {distance - thickness:.3g} mm"
    else:
        taken = f"{thickness:.3g} mm thick every {distance:.3g} mm: they overlap"
    return Note(f"thick slices: sharpened {ways} (x{place.ratios[thick]:.3g}), {taken}")


def _reduction_notes(sharpener: VolumeSharpener, low: str) -> list[Note]:
    """Return how slices were found to be reduced in their plane."""
    match sharpener.reduction:
        case "samples":
            remedy = " (--grid kspace if it is a crop of k-space)" if sharpener.whole_plane else ""
            text = f"voxels of {low} seem to be left out, not averaged: it was interpolated{remedy}"
            return [Note(text)]
        case "means" | "bicubic":
            kernel = "means over voxels" if sharpener.reduction == "means" else "a bicubic kernel"
            return [detail(f"{low} is taken to be reduced by {kernel} in the plane")]
    return []


def _doubts(doubt: Doubt | None, blank: float, low: str, high: str) -> list[Note]:
    """Return what speaks against a guide, and what to do."""
    if doubt is None:
        if blank < _BLANK:
            return []
        text = (
            f"{high} has one value in {blank:.0%} of what {low} shows: it guides nothing there, "
            "one that was not cut, masked or skull-stripped would"
        )
        return [Note(text)]
    if doubt == "constant":
        text = f"{high} is constant: it has no detail to give, choose another guide"
    elif doubt == "unrelated":
        text = (
            f"{high} says as little of {low} as another head or place would: check that both are "
            "of one head, and register them first"
        )
    else:
        text = f"{high} matches {low} better {doubt}: check the orientation that its header states"
    return [warning(text)]
