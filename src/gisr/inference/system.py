"""The one call that the upscaler and every compared system share: a pair in, an answer out."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from gisr.data.pair import Pair
from gisr.errors import InputError, listed
from gisr.inference.answers import Answer, Check, Progress, Settings, Shared, unchecked
from gisr.inference.array_pair import ArrayOrTensor, as_given, make_pair
from gisr.inference.hole_filling import without_holes
from gisr.inference.precision import Computed, Precision
from gisr.inference.tiling import Rows
from gisr.inference.windowed_pair import PairSource
from gisr.notes import Note, warning
from gisr.tasks import TASKS, Grid, TaskName, find_task
from gisr.windows import Window

if TYPE_CHECKING:
    from gisr.magnet import LevelRouting


class PairSystem(ABC):
    """Anything that sharpens a pair: MAG-Net with its weights, or a system it is compared with."""

    tasks: ClassVar[tuple[TaskName, ...]] = tuple(TASKS)
    """The tasks it is made for."""
    for_bands: str | None = None
    """Name of the weights that answer where bands guide bands; its own when None."""
    trained_on: tuple[TaskName, ...] | None = None
    """The tasks that its weights were trained on; None where that is not known."""
    spreads: ClassVar[bool] = False
    """Whether it answers with a spread where the settings request one."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name in tables and messages."""

    def can(self, task: TaskName, ratio: float) -> bool:
        """Return whether it sharpens pairs of a task at a ratio; any ratio unless it says so."""
        return task in self.tasks

    def untrained_note(self, task: TaskName) -> Note | None:
        """Return a warning where its weights have never seen a task; None where they have."""
        known = self.trained_on
        others = self.for_bands is not None and find_task(task).guide_bands
        if known is None or task in known or others:
            return None
        return warning(
            f"the weights {self.name} were trained on {listed(known)}, not on {task}: the result "
            "may be no better than interpolation; choose others (--model)"
        )

    @abstractmethod
    def answer(
        self,
        pair: Pair,
        settings: Settings = Settings(),
        *,
        shared: Shared | None = None,
        check: Check = unchecked,
        progress: Progress | None = None,
    ) -> Answer:
        """Sharpen a pair in memory.

        Args:
            pair: What to sharpen.
            settings: How; a system ignores what it has no use for.
            shared: From :meth:`share` for the pairs that this one belongs to; its guide is then
                taken as it is.
            check: Called before every answer of a network; what it raises ends the run.
            progress: Called after every tile.
        """

    def answer_as_given(
        self,
        pair: Pair,
        settings: Settings = Settings(),
        *,
        check: Check = unchecked,
        progress: Progress | None = None,
    ) -> Answer:
        """Sharpen a pair as users give it; arguments are those of :meth:`answer`.

        Holes of a depth map are filled along the picture's edges first, and a consistent result
        agrees with what was measured alone. A depth map of the picture's size keeps its values: at
        ratio 1 the network overshoots at edges that are sharp (by 1.4 px RMSE on Middlebury's Art).

        Raises:
            InputError: As of :meth:`answer`, or the holes cannot be filled.
        """
        if find_task(pair.task).surfaces:
            pair = without_holes(pair)
            if pair.target.shape[:2] == pair.guide.shape[:2]:
                image = pair.on_guide_grid()
                return Answer(image, np.zeros_like(image) if settings.spread else None)
        return self.answer(pair, settings, check=check, progress=progress)

    def share(
        self, pairs: Sequence[Pair], settings: Settings, check: Check = unchecked
    ) -> Shared | None:
        """Return what pairs that belong together share; None for systems that share nothing."""
        return None

    def answer_together(
        self, pairs: Sequence[Pair], settings: Settings, shared: Shared | None, check: Check
    ) -> list[Answer]:
        """Sharpen pairs of one size, ratio and description that belong together.

        Args:
            pairs: One at least, and no more than :meth:`pairs_at_once` says.
            settings: How.
            shared: From :meth:`share` for these and those that belong to them.
            check: Called before every answer of a network.
        """
        return [self.answer(pair, settings, shared=shared, check=check) for pair in pairs]

    def pairs_at_once(self, pair: Pair) -> int:
        """Return how many pairs of this one's size go through a network at once."""
        return 1

    def stream(
        self,
        source: PairSource,
        settings: Settings = Settings(),
        *,
        check: Check = unchecked,
        progress: Progress | None = None,
        tile: int | None = None,
    ) -> Generator[Rows, None, None]:
        """Sharpen a pair that is read by windows and yield rows from top to bottom.

        Systems that need the whole image read it at once, as this one does.

        Args:
            source: What to sharpen, aligned already.
            settings: How; alignment and consistency are the caller's.
            check: Called before every answer of a network; what it raises ends the run.
            progress: Called after every tile.
            tile: Side of the tiles in place of the system's own.
        """
        height, width = source.shape
        cut, image = source.cut((slice(0, height), slice(0, width))), None
        if cut is not None:
            plain = Settings(settings.description, "off", settings.spread, "never")
            answer = self.answer(cut.pair, plain, check=check)
            parts = [answer.image] if answer.spread is None else [answer.image, answer.spread]
            image = np.where(cut.known[..., None], np.concatenate(parts, axis=2), np.float32("nan"))
        if progress is not None:
            progress(height * width, height * width)
        yield Rows(0, height, image)

    def pieces_at_once(self, bands: int, settings: Settings = Settings()) -> int:
        """Return how many small pairs may be answered at once, each in a thread of its own.

        Args:
            bands: Of their targets.
            settings: How they are answered.
        """
        return 1

    def tile_within(
        self,
        source: PairSource,
        budget: int,
        waiting: int = 0,
        reached: int = 0,
        *,
        precision: Precision = "auto",
    ) -> int:
        """Return the largest side of tiles that keeps to a budget of memory.

        Args:
            source: What will be streamed, surveyed already.
            budget: Bytes that the process may hold in all, weights and libraries included.
            waiting: Bytes that the output will hold back.
            reached: Bytes that the process held in all while the pair was surveyed.
            precision: As requested.

        Raises:
            InputError: The system reads whole images.
            LimitError: Even the smallest tiles would not.
        """
        raise InputError(f"max-memory: {self.name} reads whole images: leave it out")

    @property
    def device_name(self) -> str:
        """What it computes on."""
        return "cpu"

    def computed_in(self, precision: Precision) -> Computed:
        """Return what the network computes in where a precision is requested."""
        return "float32"

    @property
    def tile(self) -> int | None:
        """Side of the tiles an image goes through, in guide pixels; None for whole images."""
        return None

    def route(
        self,
        source: PairSource,
        window: Window,
        settings: Settings = Settings(),
    ) -> tuple["LevelRouting", ...]:
        """Return which experts refine which pixels of a window; nothing where there are none."""
        return ()

    def __call__(
        self,
        target: ArrayOrTensor,
        guide: ArrayOrTensor,
        task: TaskName,
        *,
        ratio: float | None = None,
        sensor: str | None = None,
        mtf: float | None = None,
        bits: int | None = None,
        contrast: str | None = None,
        guide_contrast: str | None = None,
        description: str | None = None,
        valid: ArrayOrTensor | None = None,
        guide_valid: ArrayOrTensor | None = None,
        grid: Grid | None = None,
    ) -> NDArray[np.float32]:
        """Sharpen a target with a guide of another modality.

        Args:
            target: (h, w) or (h, w, bands) in the file's own units; a masked array's mask counts,
                and values that look like fill do not, which a warning says.
            guide: (H, W) or (H, W, channels), 1 to 4 channels, the same field of view; likewise.
            task: ``pansharpening``, ``multiband``, ``mri`` or ``depth``. An MR image is one slice;
                volumes go slice by slice (:meth:`share`) or as files.
            ratio: How many times finer the guide is; from the shapes when not given.
            sensor: Satellite sensor, for example ``QuickBird`` (pansharpening); one that is not
                listed gets the description without a sensor.
            mtf: Response of the target's bands at their Nyquist frequency, in (0, 1); the
                sensor's when not given.
            bits: Significant bits per sample; the result is clipped to their range.
            contrast: Contrast of the target, for example ``T2`` (mri).
            guide_contrast: Contrast of the guide.
            description: Free text in place of the built-in description; needs the extra ``text``
                unless it is a built-in sentence.
            valid: (h, w), true where the target is known; elsewhere the nearest known value
                stands in, and holes of a depth map are filled along the picture's edges. What it
                says is known is, whatever it looks like.
            guide_valid: (H, W), true where the guide is known.
            grid: Where target samples lie: ``centre`` (pixel areas aligned) or ``kspace`` (sample j
                at guide index j * ratio); the task's own when not given.

        Returns:
            float32 (H, W) or (H, W, bands) in the target's units, of NumPy also where tensors are
            given: a masked array where the target is one, and with its own value again where that
            was taken for unknown.

        Raises:
            InputError: An image or an argument cannot be used.
            PairError: Target and guide do not fit together.
        """
        pair = make_pair(
            target,
            guide,
            task,
            ratio=ratio,
            valid=valid,
            guide_valid=guide_valid,
            grid=grid,
            sensor=sensor,
            mtf=mtf,
            bits=bits,
            contrast=contrast,
            guide_contrast=guide_contrast,
        )
        answer = self.answer_as_given(pair, Settings(description))
        untrained = self.untrained_note(task)
        for note in answer.notes if untrained is None else (*answer.notes, untrained):
            if note.level == "warning":
                warnings.warn(note.text, stacklevel=2)
        return as_given(answer.image, pair, target)
