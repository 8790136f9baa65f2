"""Pairs of any size that are cut into windows: arrays in memory, or files read where needed."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gisr.data.degradations import fill_holes
from gisr.data.pair import Pair
from gisr.data.resample import shift
from gisr.errors import InputError
from gisr.estimation.depth_reduction import DepthReduction
from gisr.estimation.registration import LARGEST_SHIFT, Alignment, find_alignment
from gisr.estimation.sensor_model import SensorModel, estimate_sensor_model
from gisr.estimation.volume_registration import VolumeAlignment, find_slice_shift
from gisr.inference.survey import Survey, sides_of, survey_of_pairs
from gisr.inference.tiling import TilePlan
from gisr.placement import Placement
from gisr.tasks import describe, find_task
from gisr.windows import Window, widened, within

_TARGET_MARGIN = 8
"""Target pixels read around a window: two for the bicubic kernel, the rest so that the nearest
known pixel of a hole's border is among them."""
_GUIDE_MARGIN = int(LARGEST_SHIFT) + 3
"""Guide pixels read around a window whose guide is shifted: the shift and the bicubic kernel."""
_SAMPLE_WINDOW = 512
_MOST_SAMPLE_WINDOWS = 9

KnownImage = tuple[Float[np.ndarray, "h w channels"], Bool[np.ndarray, "h w"]]
"""An image and where it is known."""


@dataclass(frozen=True, eq=False)
class Cut:
    """One window of a pair."""

    pair: Pair
    """Target with a margin, and the guide of exactly this window."""
    known: Bool[np.ndarray, "H W"]
    """Guide pixels whose result will be known."""
    interpolated: Float[np.ndarray, "H W bands"] | None = None
    """The target on the guide's grid where that is read from its file, else None."""

    def on_guide_grid(self) -> Float[np.ndarray, "H W bands"]:
        """Return the target on the guide's grid."""
        if self.interpolated is None:
            return self.pair.on_guide_grid()
        return self.pair.with_detail(self.interpolated)


class PairSource(ABC):
    """A pair that is read window by window; windows are counted in guide pixels."""

    def __init__(self, about: Pair, shape: tuple[int, int], target_shape: tuple[int, int]) -> None:
        """Remember what is known of the pair.

        Args:
            about: A pair with the task, grid, placement, sensor and so on; its images do not count.
            shape: Rows and columns of the guide.
            target_shape: Rows and columns of the target.
        """
        self.about, self.shape, self.target_shape = about, shape, target_shape
        self.bands, self.ratio = about.target.shape[2], about.ratio
        self.offset = (0.0, 0.0)
        """Shift of the guide that is undone: ``aligned[y, x] = guide[y + dy, x + dx]``."""
        self.reduction: DepthReduction = "bicubic"
        """How the target was made coarse, where no sensor model says so."""
        self.changed_by_codec = False
        """Whether the target was stored with loss: its values are then not those measured."""

    @property
    def description(self) -> str:
        """The built-in sentence for what is known of the pair."""
        about = self.about
        return describe(
            about.task,
            self.ratio,
            sensor=about.sensor,
            contrast=about.contrast,
            guide_contrast=about.guide_contrast,
        )

    @abstractmethod
    def read_target(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the target, in target pixels."""

    @abstractmethod
    def read_guide(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the guide."""

    @cached_property
    @abstractmethod
    def survey(self) -> Survey:
        """Read all of the pair once."""

    def read_on_guide_grid(self, window: Window) -> KnownImage | None:
        """Return the target on the guide's grid; None if it comes from :meth:`read_target`."""
        return None

    def may_hold(self, window: Window) -> bool:
        """Return false where the survey saw that a window has no known pixel."""
        return True

    def align(self, at_once: int = 1) -> Alignment | VolumeAlignment:
        """Estimate the shift of the guide by its task's registration; from now on undo it.

        Args:
            at_once: Parts that are looked at side by side, in threads.
        """
        found: Alignment | VolumeAlignment
        match find_task(self.about.task).registration:
            case "correlation":
                parts = [cut.pair for cut in self._sample_cuts()]
                if not parts:
                    word = find_task(self.about.task).guide_word
                    note = f"no shift of the {word} can be seen: nothing is known"
                    return Alignment((0.0, 0.0), False, note, level="warning")
                found = find_alignment(parts, at_once)
            case "mutual information":
                found = find_slice_shift(self.whole())
            case None:
                return find_alignment([self.about])
        if found.applied:
            self.offset = found.offset[0], found.offset[1]
        return found

    def whole(self) -> Pair:
        """Return the whole pair in memory.

        Raises:
            InputError: No pixel is known.
        """
        found = self.cut((slice(0, self.shape[0]), slice(0, self.shape[1])))
        if found is None:
            raise InputError("no known pixel: there is nothing to sharpen")
        return found.pair

    @cached_property
    def sensor_model(self) -> SensorModel:
        """Blur and noise of a satellite target, estimated from windows all over the pair."""
        parts = (cut.pair for cut in self._sample_cuts())
        return estimate_sensor_model(parts, self.about.mtf_gain, self.bands)

    def cut(self, window: Window) -> Cut | None:
        """Return one window, None where no pixel of its result would be known."""
        if not self.may_hold(window):
            return None
        guide, guide_known = self._shifted_guide(window)
        area, placement = self.target_area(window)
        target, valid = self.read_target(*area)
        on_grid = self.read_on_guide_grid(window)
        known = self._shown(window, valid, placement) if on_grid is None else on_grid[1]
        known = known & guide_known
        if not (known.any() and valid.any()):
            return None
        pair = replace(
            self.about,
            target=target,
            guide=guide,
            placement=placement,
            grid="centre",
            valid=None if valid.all() else valid,
            guide_valid=None if known.all() else known,
            measured=None,
            truth=None,
            truth_valid=None,
        )
        return Cut(pair, known, None if on_grid is None else fill_holes(*on_grid))

    def known(self, window: Window) -> Bool[np.ndarray, "H W"]:
        """Return which pixels of a window are known in a result, as :meth:`cut` does."""
        on_grid = self.read_on_guide_grid(window)
        if on_grid is None:
            area, placement = self.target_area(window)
            known = self._shown(window, self.read_target(*area)[1], placement)
        else:
            known = on_grid[1]
        around = self.guide_area(window)
        seen: Bool[np.ndarray, "H W"]
        seen = known & self._moved(self.read_guide(*around)[1])[within(around, window)]
        return seen

    def target_area(self, window: Window) -> tuple[Window, Placement]:
        """Return the part of the target that a window needs, and how the window lies on it."""
        area, offsets, about = [], [], self.about.placement
        for axis, part in enumerate(window):
            scale, offset = about.scale[axis], about.offset[axis]
            first = int(np.floor(part.start * scale + offset)) - _TARGET_MARGIN
            last = int(np.ceil((part.stop - 1) * scale + offset)) + _TARGET_MARGIN
            size = self.target_shape[axis]
            first, last = max(0, min(first, size - 1)), min(size - 1, max(last, 0))
            area.append(slice(first, last + 1))
            offsets.append(part.start * scale + offset - first)
        return (area[0], area[1]), Placement(about.scale, (offsets[0], offsets[1]))

    def guide_area(self, window: Window) -> Window:
        """Return the part of the guide that a window needs: more than itself if it is shifted."""
        margin = _GUIDE_MARGIN if self.offset != (0.0, 0.0) else 0
        return widened(window, (margin, margin), self.shape)

    def _shifted_guide(self, window: Window) -> KnownImage:
        """Return the guide of a window without holes, the shift undone, and where it is known."""
        area = self.guide_area(window)
        guide, known = self.read_guide(*area)
        if not known.any():
            guide = np.zeros_like(guide)
        elif not known.all():
            guide = fill_holes(guide, known)
        if self.offset != (0.0, 0.0):
            guide = shift(guide, self.offset)
        inner = within(area, window)
        return guide[inner], self._moved(known)[inner]

    def _moved(self, known: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
        """Return where a guide is known when its shift is undone."""
        if self.offset == (0.0, 0.0):
            return known
        moved: Bool[np.ndarray, "H W"]
        moved = nearest_pixels(known, known.shape, Placement((1.0, 1.0), self.offset))
        return moved

    def _shown(
        self, window: Window, valid: Bool[np.ndarray, "h w"], placement: Placement
    ) -> Bool[np.ndarray, "H W"]:
        """Return which guide pixels of a window known target pixels show.

        Args:
            window: In guide pixels.
            valid: Known pixels of the part of the target that belongs to it.
            placement: How the window lies on that part.
        """
        sides = [part.stop - part.start for part in window]
        shown: Bool[np.ndarray, "H W"]
        shown = nearest_pixels(valid, (sides[0], sides[1]), placement) & self._covered(window)
        return shown

    def _covered(self, window: Window) -> Bool[np.ndarray, "H W"]:
        """Return which guide pixels of a window the target shows."""
        sides = [part.stop - part.start for part in window]
        return self.about.placement.of(window).covered(self.target_shape, (sides[0], sides[1]))

    def sample_windows(self) -> list[Window]:
        """Return windows to estimate a shift or blur from, spread over the pair."""
        side = min(_SAMPLE_WINDOW, max(self.shape))
        windows = [w for w in TilePlan(*self.shape, side, 0).windows() if self.may_hold(w)]
        chosen = np.linspace(0, len(windows) - 1, min(len(windows), _MOST_SAMPLE_WINDOWS))
        return [windows[index] for index in np.unique(chosen.round().astype(int))]

    def _sample_cuts(self) -> Iterator[Cut]:
        """Yield what these windows hold."""
        found = (self.cut(window) for window in self.sample_windows())
        yield from (cut for cut in found if cut is not None)


class ArraySource(PairSource):
    """A pair in memory."""

    def __init__(self, pair: Pair) -> None:
        """Cut windows from a pair.

        A ``kspace`` target is brought to the guide's grid as a whole, because every sample of it
        counts everywhere.
        """
        super().__init__(pair, sides_of(pair.guide), sides_of(pair.target))
        self._pair = pair
        self._target, self._valid = pair.target, pair.valid
        if pair.grid == "kspace":
            self._target, self._valid = pair.on_guide_grid(), None
            self.target_shape = self.shape
            self.about = replace(
                pair, target=self._target, placement=_SAME, grid="centre", valid=None
            )

    def read_target(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the target."""
        target = self._target[rows, columns]
        known = (
            np.ones(target.shape[:2], bool) if self._valid is None else self._valid[rows, columns]
        )
        return target, known

    def read_guide(self, rows: slice, columns: slice) -> KnownImage:
        """Return a window of the guide."""
        guide, known = self._pair.guide[rows, columns], self._pair.guide_valid
        return guide, np.ones(guide.shape[:2], bool) if known is None else known[rows, columns]

    def whole(self) -> Pair:
        """Return the pair as it was given."""
        return self._pair

    def of_measured(self) -> "tuple[Pair, ArraySource]":
        """Return the pair, and what cuts it, of which only measured pixels are known.

        A result that is made consistent agrees with these alone, not with what was filled.
        """
        if self._pair.measured is None:
            return self._pair, self
        pair = replace(self._pair, valid=self._pair.measured)
        source = ArraySource(pair)
        source.offset, source.reduction = self.offset, self.reduction
        return pair, source

    @cached_property
    def survey(self) -> Survey:
        """Read all of the pair once."""
        return survey_of_pairs([self._pair])


_SAME = Placement((1.0, 1.0), (0.0, 0.0))


def nearest_pixels(
    image: Shaped[np.ndarray, "h w *bands"], guide_shape: tuple[int, ...], placement: Placement
) -> Shaped[np.ndarray, "H W *bands"]:
    """Return for every guide pixel the nearest target pixel, the border's outside the target."""
    rows, columns = (
        np.clip(
            np.rint(np.arange(guide_shape[axis]) * placement.scale[axis] + placement.offset[axis]),
            0,
            image.shape[axis] - 1,
        ).astype(np.int64)
        for axis in (0, 1)
    )
    nearest: np.ndarray = image[rows][:, columns]  # one axis after the other copies whole rows
    return nearest
