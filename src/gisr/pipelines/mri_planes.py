"""One MR volume sharpened by another: the network sees slices, in the planes that lack detail.

In the plane (the target is coarser along two axes): slice by slice.

Through the plane (thick slices): the network sees both kinds of planes that contain the thick axis.
It learnt from images that are equally coarse along rows and columns, so the finer of the two is
reduced by the same ratio first; of its answer only the detail along the thick axis is taken, by
demanding that the means over the thick slices are the target's. Both planes' answers are averaged.

Coarse along all three axes: within the slices first, with the guide averaged over the same slices,
then through them.

Rotated grids: the target is resampled once onto the guide's grid, and the detail that the network
adds to a reduced copy is put on top of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from gisr.array_types import Voxels
from gisr.data.pair import Pair
from gisr.data.volume_resample import (
    average_axis,
    filled,
    finite_guide,
    nearest_mask,
    on_guide_axis,
    onto_guide,
    sample_axis,
    to_guide_axis,
    wholly_within,
)
from gisr.errors import InputError
from gisr.inference.answers import Check
from gisr.inference.consistency.correction import Consistency
from gisr.inference.system import PairSystem
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import VolumePlacement
from gisr.pipelines.mri_agreement import ReducedBy, find_reduction
from gisr.pipelines.mri_kspace_line import KSpaceLine, find_kspace_line
from gisr.pipelines.mri_slice_sharpener import SliceSharpener
from gisr.pipelines.mri_slices import (
    Places,
    SliceStack,
    Storage,
    along,
    known_part,
    mark_unknown,
    nearest_samples,
    set_slice,
    slice_axis_placement,
)
from gisr.pipelines.request import Request
from gisr.pipelines.volume_values import value_beside
from gisr.tasks import Grid

_AXES = (0, 1, 2)


@dataclass(frozen=True, eq=False)
class SharpVolume:
    """A sharpened volume on the guide's grid."""

    voxels: Voxels
    """NaN where the nearest target voxel is not finite, air outside the target."""
    spread: Voxels | None
    """Standard deviation of the network's answers to slices turned in all ways; NaN where nothing
    is known."""


@dataclass
class VolumeSharpener:
    """Sharpens volumes of one placement, one after the other."""

    system: PairSystem
    request: Request[VolumePair]
    placement: VolumePlacement
    """How the guide's voxels map to the target's."""
    report: Callable[[], None]
    """Called after every slice the network has seen, or that it need not see."""
    check: Check
    """Called before every answer of the network; what it raises ends the run."""
    grid: Grid = "centre"
    """``kspace`` once slices were brought to the guide's grid by zero-filling."""
    consistency: Consistency = field(default_factory=Consistency)
    """What was found where a result was made consistent."""
    thickness: float | None = None
    """Thickness of the target's slices, mm; their distance where it is not known."""
    requested_grid: Grid | None = field(default=None, init=False)
    whole_plane: bool = field(default=False, init=False)
    """Whether the grid is that of a crop of k-space, which shows its whole plane."""
    judged_line: tuple[KSpaceLine | None] | None = field(default=None, init=False)
    """Whether it is cropped so along its one coarse axis, once that is judged."""
    sliced: SliceSharpener = field(init=False)
    reduction: ReducedBy | None = field(default=None, init=False)
    """How the target was found to be reduced in the plane of its slices."""
    beside: float | None = field(default=None, init=False)
    """What stands for air outside the target: that of the first volume."""

    def __post_init__(self) -> None:
        """Take a requested grid instead of the affines, and check the ratio.

        Raises:
            PairError: The requested ratio does not match the files, or the grid is not possible.
        """
        requested = self.request.options.grid
        by_option = self.request.options.thickness is not None
        stated_by = None if by_option else self.request.target.name
        self.placement = self.placement.with_thickness(self.thickness, stated_by)
        if requested is not None:
            self.placement = self.placement.with_grid(requested)
        self.request.check_ratio(self.placement.ratio, "affine")
        # Slices lie as the placement says from now on.
        self.requested_grid = requested
        self.request = self.request.with_options(ratio=None, grid=None)
        self.sliced = SliceSharpener(
            self.system, self.request, self.report, self.check, self.consistency
        )

    @property
    def kspace_line(self) -> KSpaceLine | None:
        """How the target was cropped along one axis alone; None where it was not."""
        return None if self.judged_line is None else self.judged_line[0]

    @property
    def slices(self) -> int:
        """How many slices a volume has in all passes."""
        sizes, thick = self.placement.guide_shape, self.placement.thick_axis
        if thick is None:
            return sizes[self.placement.slice_axis]
        within = 0
        if len(self.placement.coarse) == 3:
            within = sizes[thick] if self.placement.angle else self.placement.target_shape[thick]
        return within + sum(sizes[axis] for axis in self._planes(thick))

    def __call__(self, target: Voxels, guide: Voxels) -> SharpVolume:
        """Sharpen a volume.

        Args:
            target: Voxels as the file has them; what is not finite is unknown.
            guide: Voxels of the guide; what is not finite is filled.

        Raises:
            InputError: No voxel of the target is finite.
        """
        place = self.placement
        low = place.turned(target)
        known = np.isfinite(low)
        if not known.any():
            raise InputError("no voxel is finite: there is nothing to sharpen")
        high = finite_guide(guide, place.slice_axis)
        layers = self._rotated(low, high) if place.angle else self._aligned(low, high)
        inside = self.inside()
        self.beside = value_beside(target) if self.beside is None else self.beside
        np.copyto(layers.values, self.beside, where=~inside)
        # What a mask has cleared stays clear: the network sees beyond its edge, in the guide too.
        air = wholly_within(low == np.float32(self.beside), place.to_target, place.guide_shape)
        np.copyto(layers.values, self.beside, where=air)
        if layers.spread is not None:
            np.copyto(layers.spread, np.nan, where=~inside)
        return SharpVolume(layers.values, layers.spread)

    def inside(self) -> Bool[np.ndarray, "X Y Z"]:
        """Return which guide voxels the target shows; a k-space crop shows its whole plane."""
        if self.kspace_line is not None:
            inside = self.placement.covered()
            inside |= inside.any(axis=self.kspace_line.axis, keepdims=True)
            return inside
        if not self.whole_plane:
            return self.placement.covered()
        axis = self.placement.slice_axis
        shape = [1, 1, 1]
        shape[axis] = -1
        slices = self.placement.axis(axis).covered.reshape(shape)
        return np.broadcast_to(slices, self.placement.guide_shape)

    def _aligned(self, low: Voxels, guide: Voxels) -> SliceStack:
        place, thick = self.placement, self.placement.thick_axis
        for axis in _AXES:
            if axis not in place.coarse:
                low = on_guide_axis(low, axis, place.axis(axis))
        if thick is None:
            return self._within(low, guide, place.slice_axis)
        spread = None
        if len(place.coarse) == 3:
            within = self._within(low, average_axis(guide, thick, place.axis(thick)), thick)
            low = within.values
            if within.spread is not None:
                spread = on_guide_axis(within.spread, thick, place.axis(thick))
        known, full = np.isfinite(low), filled(low)
        line = place.axis(thick)
        if self.judged_line is None:  # once for all volumes of a series
            alone = len(place.coarse) == 1
            asked = (full, guide, thick, line, self.requested_grid)
            self.judged_line = (find_kspace_line(*asked) if alone else None,)
        (cropped,) = self.judged_line
        base = to_guide_axis(full, thick, line)
        layers = self.sliced.detailed(
            base,
            full,
            full,
            guide,
            {thick: line},
            self._planes(thick),
            "means" if cropped is None else None,
        )
        if cropped is not None:
            self.grid = "kspace"
            layers.values, before, after = cropped.agreeing(layers.values, full)
            self.consistency.add(before.reshape(-1, 1), after.reshape(-1, 1))
            self.consistency.widen(float(full.min()), float(full.max()))
        if spread is not None and layers.spread is not None:
            layers.spread = np.hypot(spread, layers.spread)
        if not known.all():
            along = np.eye(4)
            along[thick, thick], along[thick, 3] = line.scale, line.offset
            mark_unknown(layers, ~nearest_mask(known, along, place.guide_shape))
        return layers

    def _rotated(self, low: Voxels, guide: Voxels) -> SliceStack:
        place, thick, known = self.placement, self.placement.thick_axis, np.isfinite(low)
        layers = SliceStack(onto_guide(filled(low), place.to_target, place.guide_shape), None)
        coarse = {
            axis: AxisPlacement.centred(
                place.guide_shape[axis], place.ratios[axis], place.axis(axis).covers
            )
            for axis in place.coarse
        }
        passes: list[tuple[Places, tuple[int, ...]]] = []
        if thick is None:
            passes = [(coarse, (place.slice_axis,))]
        else:
            within = {axis: line for axis, line in coarse.items() if axis != thick}
            passes = [(within, (thick,))] if within else []
            passes.append(({thick: coarse[thick]}, self._planes(thick)))
        for places, planes in passes:
            samples = averages = layers.values
            for axis, line in places.items():
                samples, averages = (
                    sample_axis(samples, axis, line),
                    average_axis(averages, axis, line),
                )
            found = self.sliced.detailed(
                layers.values, samples, averages, guide, places, planes, measured=False
            )
            if layers.spread is not None and found.spread is not None:
                found.spread = np.hypot(layers.spread, found.spread)
            layers = found
        if not known.all():
            mark_unknown(layers, ~nearest_mask(known, place.to_target, place.guide_shape))
        return layers

    def _within(self, low: Voxels, guide: Voxels, slice_axis: int) -> SliceStack:
        """Sharpen the slices across an axis, one by one, as they were acquired."""
        place = self.placement
        rows, columns = (axis for axis in _AXES if axis != slice_axis)
        lines = (
            slice_axis_placement(place, low.shape[rows], rows),
            slice_axis_placement(place, low.shape[columns], columns),
        )
        stored = Storage.of(lines, self.requested_grid)
        lows, highs = (stored(np.moveaxis(volume, slice_axis, 0)) for volume in (low, guide))
        plane, cropped = stored.placed(lines), stored.grid == "kspace"
        self.whole_plane = cropped
        if self.requested_grid == "kspace":
            self.reduction = "kspace"
        if self.reduction is None:  # once for all volumes of a series
            exact = tuple(
                AxisPlacement(line.target_size, line.guide_size, plane.scale[a], plane.offset[a])
                for a, line in enumerate(lines)
            )
            self.reduction = find_reduction(lows, highs, (exact[0], exact[1]), cropped=cropped)
        if self.reduction != "kspace":
            return self._resampled(low, guide, slice_axis)
        layers, shown = self.sliced.layers(highs.shape), np.ones(len(highs), dtype=bool)
        if place.thick_axis is None:
            shown = place.axis(slice_axis).covered
        pairs: dict[int, Pair] = {}
        for index, (target, high) in enumerate(zip(lows, highs, strict=True)):
            known = np.isfinite(target)
            if shown[index] and known.any():
                valid = None if known.all() else known
                pair = self.request.pair(target[..., None], high[..., None], valid, plane)
                self.grid, pairs[index] = pair.grid, pair
            elif shown[index]:
                set_slice(layers, index, np.float32(np.nan), np.float32(np.nan))
        for index, answer in self.sliced.answers(pairs, self.sliced.settings, len(highs)):
            pair = pairs[index]
            spread = None if answer.spread is None else known_part(answer.spread, pair)
            set_slice(layers, index, known_part(answer.image, pair), spread)
            if answer.consistency is not None:
                self.consistency.take_in(answer.consistency)
        spread = layers.spread
        return SliceStack(
            np.moveaxis(stored(layers.values), 0, slice_axis),
            None if spread is None else np.moveaxis(stored(spread), 0, slice_axis),
        )

    def _resampled(self, low: Voxels, guide: Voxels, slice_axis: int) -> SliceStack:
        """Sharpen slices that were resampled, not cropped in k-space: as thick slices are."""
        place, known, full = self.placement, np.isfinite(low), filled(low).copy()
        places = {axis: place.axis(axis) for axis in place.coarse if axis != slice_axis}
        if place.thick_axis is None:  # slices that the target does not show need no answer
            np.moveaxis(full, slice_axis, 0)[~place.axis(slice_axis).covered] = 0
        way = None if self.request.options.consistent is False else self.reduction
        base = along(to_guide_axis, full, places)
        layers = self.sliced.detailed(base, full, full, guide, places, (slice_axis,), way)
        if not known.all():
            mark_unknown(layers, ~nearest_samples(known, places))
        return layers

    def _planes(self, thick: int) -> tuple[int, ...]:
        """Return the axes across which planes that hold the thick axis and more than a line lie."""
        sizes = self.placement.guide_shape
        others = [axis for axis in _AXES if axis != thick]
        wide = [axis for axis in others if sizes[sum(others) - axis] > 1]
        return tuple(wide or others)
