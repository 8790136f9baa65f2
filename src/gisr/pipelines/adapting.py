"""The network adapted to the images of a request, before they are sharpened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from gisr.adaptation.lesson import NoLessonsError
from gisr.errors import InputError
from gisr.inference.answers import Check, Progress
from gisr.inference.memory import most_memory_taken
from gisr.inference.system import PairSystem
from gisr.notes import Note, warning
from gisr.pipelines.request import Request

if TYPE_CHECKING:
    from gisr.adaptation.lesson import Lesson


@runtime_checkable
class CountsIn(Protocol):
    """A progress that can count in another unit than its own."""

    def counting(self, unit: str) -> Progress:
        """Return what counts in a unit, and shows it in place of its own."""
        ...


@dataclass(frozen=True)
class AdaptedSystem:
    """What sharpens a request, and what to say of it."""

    system: PairSystem
    notes: tuple[Note, ...] = ()

    @property
    def line(self) -> str:
        """What adapting brought, for a report; empty where it was not requested."""
        return self.notes[0].text if self.notes else ""


def adapted_system(
    system: PairSystem,
    request: Request[Any],
    lessons: Callable[[], "Sequence[Lesson]"],
    check: Check,
    progress: Progress | None,
) -> AdaptedSystem:
    """Return the system that a request is sharpened with: adapted to it where that is requested.

    Images that are too small are sharpened all the same, which a warning says, and so it does where
    adapting took more memory than is allowed.

    Args:
        system: What sharpens pairs.
        request: The files and options.
        lessons: Gives what to learn from.
        check: Called before every step and answer.
        progress: Called with seconds, or steps, done and in all.

    Raises:
        InputError: The system has no weights that can learn here.
        WeightsError: What the cache holds is damaged.
        FileFormatError: The cache cannot be written.
    """
    settings = request.options.adaptation
    if settings is None:
        return AdaptedSystem(system)
    from gisr.adaptation.adapt import learn
    from gisr.inference.upscaler import Upscaler

    if not isinstance(system, Upscaler):
        raise InputError(f"adapt: {system.name} is no network that learns here: leave it out")
    if isinstance(progress, CountsIn):
        progress = progress.counting("steps" if settings.minutes is None else "s")
    try:
        taught = lessons()
    except NoLessonsError as error:
        return AdaptedSystem(system, (warning(f"not adapted: {error}"),))
    found = learn(
        system,
        taught,
        settings,
        request.options.settings,
        cache=request.options.adapted_weights,
        check=check,
        progress=progress,
    )
    return AdaptedSystem(found.upscaler, (found.note, *_beyond(request.options.memory)))


def _beyond(budget: int | None) -> tuple[Note, ...]:
    """Return a warning where adapting took more than a budget of memory, which it does not keep."""
    if budget is None or (taken := most_memory_taken()) <= budget:
        return ()
    return (
        warning(
            f"adapting took {taken / 1e6:.0f} MB, more than max-memory: what bounds the memory of "
            "sharpening does not bound that of learning; leave adapt out to keep to it"
        ),
    )
