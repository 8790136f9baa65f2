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

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from jaxtyping import Bool, Float

from gisr.array_types import Voxels
from gisr.data.pair import Pair
from gisr.data.volume_resample import (
    average_axis,
    filled,
    finite_guide,
    nearest_mask,
    on_guide_axis,
    onto_guide,
    reduce_axis,
    sample_axis,
    to_guide_axis,
)
from gisr.errors import InputError
from gisr.inference.consistency.correction import Consistency
from gisr.inference.system import Answer, Check, PairSystem, Settings
from gisr.io.volumes.pair import VolumePair
from gisr.io.volumes.placement import AxisPlacement, VolumePlacement
from gisr.pipelines.mri_slices import (
    Places,
    SliceStack,
    Storage,
    along,
    in_plane,
    known_part,
    mark_unknown,
    set_slice,
    slice_axis_placement,
)
from gisr.pipelines.request import Request
from gisr.placement import Placement
from gisr.tasks import Grid

_AXES = (0, 1, 2)


@dataclass(frozen=True, eq=False)
class SharpVolume:
    """A sharpened volume on the guide's grid."""

    voxels: Voxels
    """NaN where the nearest target voxel is not finite, 0 outside the target."""
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
    """What was found where a consistent result was requested."""

    def __post_init__(self) -> None:
        """Take a requested grid instead of the affines, and check the ratio.

        Raises:
            PairError: The requested ratio does not match the files, or the grid is not possible.
        """
        options = self.request.options
        thickness = options.thickness or self.request.files.target.thickness
        self.placement = self.placement.with_thickness(thickness)
        if self.by_slices:
            return  # the request itself does both for plain slices
        if options.grid is not None:
            self.placement = self.placement.with_grid(options.grid)
        self.request.check_ratio(self.placement.ratio, "affine")
        self.request = self.request.with_options(ratio=None)

    @property
    def by_slices(self) -> bool:
        """Whether the target lacks detail within slices only, which lie as the guide's do."""
        return self.placement.thick_axis is None and not self.placement.angle

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
        low = self.placement.turned(target)
        known = np.isfinite(low)
        if not known.any():
            raise InputError("no voxel is finite: there is nothing to sharpen")
        high = finite_guide(guide, self.placement.slice_axis)
        layers = self._rotated(low, high) if self.placement.angle else self._aligned(low, high)
        inside = self.inside()
        np.copyto(layers.values, 0.0, where=~inside)
        if layers.spread is not None:
            np.copyto(layers.spread, np.nan, where=~inside)
        return SharpVolume(layers.values, layers.spread)

    def inside(self) -> Bool[np.ndarray, "X Y Z"]:
        """Return which guide voxels the target shows; a k-space crop shows its whole plane."""
        if self.grid == "centre":
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
        base = to_guide_axis(full, thick, place.axis(thick))
        layers = self._detailed(
            base, full, full, guide, {thick: place.axis(thick)}, self._planes(thick)
        )
        if spread is not None and layers.spread is not None:
            layers.spread = np.hypot(spread, layers.spread)
        if not known.all():
            along = np.eye(4)
            along[thick, thick], along[thick, 3] = place.axis(thick).scale, place.axis(thick).offset
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
            found = self._detailed(layers.values, samples, averages, guide, places, planes)
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
        stored = Storage.of(lines, self.request.options.grid)
        lows, highs = (stored(np.moveaxis(volume, slice_axis, 0)) for volume in (low, guide))
        plane = stored.placed(lines)
        layers, shown = self._layers(highs.shape), np.ones(len(highs), dtype=bool)
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
        for index, answer in self._answers(pairs, self._settings, len(highs)):
            pair = pairs[index]
            spread = None if answer.spread is None else known_part(answer.spread, pair)
            set_slice(layers, index, known_part(answer.image, pair), spread)
            if answer.consistency is not None:
                self.consistency.take_in(answer.consistency)
        return SliceStack(
            *(
                None if each is None else np.moveaxis(stored(each), 0, slice_axis)
                for each in (layers.values, layers.spread)
            )
        )

    def _detailed(
        self,
        base: Voxels,
        samples: Voxels,
        averages: Voxels,
        guide: Voxels,
        places: Places,
        slice_axes: tuple[int, ...],
    ) -> SliceStack:
        """Add the network's detail along the coarse axes to a target on the guide's grid.

        Args:
            base: The target, interpolated to the guide's grid.
            samples: The target's samples along the coarse axes, on the guide's grid elsewhere.
            averages: What the means of the result over the target's voxels shall be.
            guide: The guide.
            places: How the guide lies on ``samples`` along the coarse axes.
            slice_axes: The axes across which the network's slices are taken; answers are averaged.
        """
        layers = self._layers(guide.shape)
        for slice_axis in slice_axes:
            self._add_answers(layers, samples, guide, places, slice_axis)
        layers.values /= len(slice_axes)
        if layers.spread is not None:
            layers.spread /= len(slice_axes)
        layers.values += base
        gap = averages - along(average_axis, layers.values, places)
        for axis, line in places.items():
            centres = (np.arange(line.target_size) - line.offset) / line.scale
            outside = (centres < -0.5) | (centres > line.guide_size - 0.5)
            np.moveaxis(gap, axis, 0)[outside] = 0  # the guide cannot show what these lack
        layers.values += along(to_guide_axis, gap, places)
        if samples.min() >= 0:
            np.maximum(layers.values, 0, out=layers.values)
        return layers

    def _add_answers(
        self, layers: SliceStack, samples: Voxels, guide: Voxels, places: Places, slice_axis: int
    ) -> None:
        """Add what the network adds to each slice across an axis."""
        rows, columns = (axis for axis in _AXES if axis != slice_axis)
        coarse = [places[axis] for axis in (rows, columns) if axis in places]
        ratio = prod(1 / line.scale for line in coarse) ** (1 / len(coarse))
        lines = []
        for axis in (rows, columns):
            line = places.get(axis) or AxisPlacement.centred(guide.shape[axis], ratio)
            if axis not in places:
                samples = reduce_axis(samples, axis, line)
            lines.append(line)
        placement = in_plane(*lines)
        views = [
            None if volume is None else np.moveaxis(volume, slice_axis, 0)
            for volume in (samples, guide, layers.values, layers.spread)
        ]
        lows, highs, values, spreads = views
        assert lows is not None and highs is not None and values is not None
        pairs = {
            index: self._centre_pair(low, high, placement)
            for index, (low, high) in enumerate(zip(lows, highs, strict=True))
            if low.min() < low.max()  # the network adds nothing to what is constant
        }
        settings = replace(self._settings, consistent="never")
        for index, answer in self._answers(pairs, settings, len(highs)):
            values[index] += (answer.image - pairs[index].on_guide_grid())[..., 0]
            if spreads is not None and answer.spread is not None:
                spreads[index] += answer.spread[..., 0]

    def _answers(
        self, pairs: dict[int, Pair], settings: Settings, count: int
    ) -> Iterator[tuple[int, Answer]]:
        """Sharpen slices that share one value range and one prompt: those of their volume."""
        shared = self.system.share(list(pairs.values()), settings, self.check) if pairs else None
        for index in range(count):
            self.report()
            if index in pairs:
                yield (
                    index,
                    self.system.answer(pairs[index], settings, shared=shared, check=self.check),
                )

    @property
    def _settings(self) -> Settings:
        """How slices are sharpened: their guides lie as those of the volume do."""
        return replace(self.request.options.settings, align="off")

    def _centre_pair(
        self, low: Float[np.ndarray, "h w"], high: Float[np.ndarray, "H W"], placement: Placement
    ) -> Pair:
        options = self.request.options
        return Pair(
            np.ascontiguousarray(low)[..., None],
            np.ascontiguousarray(high)[..., None],
            self.request.task,
            placement,
            "centre",
            contrast=options.contrast,
            guide_contrast=options.guide_contrast,
        )

    def _planes(self, thick: int) -> tuple[int, ...]:
        """Return the axes across which planes that hold the thick axis and more than a line lie."""
        sizes = self.placement.guide_shape
        others = [axis for axis in _AXES if axis != thick]
        wide = [axis for axis in others if sizes[sum(others) - axis] > 1]
        return tuple(wide or others)

    def _layers(self, shape: tuple[int, ...]) -> SliceStack:
        spread = self.request.options.uncertainty is not None
        return SliceStack(
            np.zeros(shape, np.float32), np.zeros(shape, np.float32) if spread else None
        )
