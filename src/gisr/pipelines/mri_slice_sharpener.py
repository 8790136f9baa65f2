"""The network on slices of an MR volume, and its detail put on top of an interpolated target."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from math import prod

import numpy as np
from jaxtyping import Float

from gisr.array_types import Voxels
from gisr.data.pair import Pair
from gisr.data.volume_resample import (
    reduce_axis,
)
from gisr.estimation.noise import volume_noise
from gisr.inference.answers import Answer, Check, Settings
from gisr.inference.consistency.correction import Consistency
from gisr.inference.consistency.kspace_projection import Floor
from gisr.inference.side_by_side import side_by_side
from gisr.inference.system import PairSystem
from gisr.io.volumes.axis_placement import AxisPlacement
from gisr.io.volumes.pair import VolumePair
from gisr.pipelines.mri_agreement import ROUNDS, ReducedBy, agreeing
from gisr.pipelines.mri_slices import (
    Places,
    SliceStack,
    in_plane,
    nearest_samples,
)
from gisr.pipelines.request import Request
from gisr.placement import Placement

_AXES = (0, 1, 2)
_DEAD = 0.05
"""Percentile below which values do not say of what sign an image is: dead voxels."""


@dataclass(frozen=True)
class SliceSharpener:
    """Has slices of volumes sharpened."""

    system: PairSystem
    request: Request[VolumePair]
    report: Callable[[], None]
    """Called after every slice the network has seen, or that it need not see."""
    check: Check
    """Called before every answer of the network; what it raises ends the run."""
    consistency: Consistency
    """Gets what results miss in their target, before and after they are made to agree."""

    def detailed(
        self,
        base: Voxels,
        samples: Voxels,
        averages: Voxels,
        guide: Voxels,
        places: Places,
        slice_axes: tuple[int, ...],
        way: ReducedBy | None = "means",
        *,
        measured: bool = True,
    ) -> SliceStack:
        """Add the network's detail along the coarse axes to a target on the guide's grid.

        Args:
            base: The target, interpolated to the guide's grid.
            samples: The target's samples along the coarse axes, on the guide's grid elsewhere.
            averages: What the result shall be when it is reduced.
            guide: The guide.
            places: How the guide lies on ``samples`` along the coarse axes.
            slice_axes: The axes across which the network's slices are taken; answers are averaged.
            way: How the target was reduced along them; None if the result need not agree with it.
            measured: Whether ``averages`` are the target's own, and not those of an interpolated
                one, with which the result agrees less closely.
        """
        layers = self.layers(guide.shape)
        for slice_axis in slice_axes:
            self._add_answers(layers, samples, guide, places, slice_axis)
        # The network learnt to undo the blur of whole voxels: slices with gaps are blurred less,
        # and all of its detail would make them worse than interpolation.
        covered = min(1.0, *(line.covers for line in places.values()))
        layers.values *= covered / len(slice_axes)
        if layers.spread is not None:
            layers.spread /= len(slice_axes)
        layers.values += base
        if way is not None:
            across = slice_axes[0] if len(places) > 1 else next(iter(places))
            layers.values, before, after = agreeing(
                layers.values,
                averages,
                places,
                way,
                ROUNDS if measured else 1,
                noise=volume_noise(averages, across),
            )
            self.consistency.add(before.reshape(-1, 1), after.reshape(-1, 1))
            self.consistency.widen(float(averages.min()), float(averages.max()))
        floor = _floor(samples)
        if floor is not None:  # a dead voxel, or one that a spline took below it, stays what it is
            low = nearest_samples(np.minimum(samples, np.float32(floor)), places)
            np.maximum(layers.values, low, out=layers.values)
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
        settings = replace(self.settings, consistent="never")
        for index, answer in self.answers(pairs, settings, len(highs)):
            values[index] += (answer.image - pairs[index].on_guide_grid())[..., 0]
            if spreads is not None and answer.spread is not None:
                spreads[index] += answer.spread[..., 0]

    def answers(
        self, pairs: dict[int, Pair], settings: Settings, count: int
    ) -> Iterator[tuple[int, Answer]]:
        """Sharpen slices that share one value range and one prompt: those of their volume."""
        shared = self.system.share(list(pairs.values()), settings, self.check) if pairs else None
        asked = [index for index in range(count) if index in pairs]
        together = self.system.pairs_at_once(pairs[asked[0]]) if asked else 1
        groups = [asked[start : start + together] for start in range(0, len(asked), together)]

        def sharpened(group: list[int]) -> list[Answer]:
            chosen = [pairs[index] for index in group]
            return self.system.answer_together(chosen, settings, shared, self.check)

        at_once = max(1, min(len(groups), self.system.pieces_at_once(1, settings)))
        with closing(side_by_side(sharpened, groups, at_once)) as answers:
            each = chain.from_iterable(answers)
            for index in range(count):
                self.report()
                if index in pairs:
                    yield index, next(each)

    @property
    def settings(self) -> Settings:
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

    def layers(self, shape: tuple[int, ...]) -> SliceStack:
        """Return an empty stack, with a spread if one is requested."""
        spread = self.request.options.uncertainty is not None
        return SliceStack(
            np.zeros(shape, np.float32), np.zeros(shape, np.float32) if spread else None
        )


def _floor(samples: Voxels) -> float | None:
    """Return the value below which an image is nowhere but in dead voxels; None if it has none."""
    if samples.min() >= 0:
        return 0.0
    return Floor.of(samples[samples >= np.percentile(samples, _DEAD)]).value
