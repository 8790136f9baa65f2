"""Weights of one published system for several tasks and ratios, behind one call."""

from collections.abc import Iterator, Sequence

from gisr.baselines.system import ComparedSystem
from gisr.baselines.weights import load_system
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.answers import Answer, Check, Progress, Settings, Shared, unchecked
from gisr.inference.system import PairSystem
from gisr.tasks import TaskName


class SystemFamily(PairSystem):
    """Networks of one system, each for its tasks and ratio; a pair goes to the one that fits."""

    def __init__(self, name: str, members: Sequence[ComparedSystem]) -> None:
        """Gather networks, of which the first that fits a pair is used."""
        self._name, self.members = name, tuple(members)
        named = dict.fromkeys(task for member in members for task in member.tasks)
        self.tasks = tuple(named)  # type: ignore[misc]  # of this one, not of the class

    @property
    def name(self) -> str:
        """Name in tables."""
        return self._name

    def can(self, task: TaskName, ratio: float) -> bool:
        """Return whether a network fits pairs of a task at a ratio."""
        return any(self._fitting(task, ratio))

    def answer(
        self,
        pair: Pair,
        settings: Settings = Settings(),
        *,
        shared: Shared | None = None,
        check: Check = unchecked,
        progress: Progress | None = None,
    ) -> Answer:
        """Sharpen a pair in memory with the network that fits it.

        Raises:
            InputError: None does.
            GisrError: As :meth:`gisr.baselines.system.ComparedSystem.answer`.
        """
        member = next(self._fitting(pair.task, pair.ratio), None)
        if member is None:
            raise InputError(
                f"{self.name} has no weights for {pair.task} x{pair.ratio:.4g}: it has "
                + ", ".join(f"{' and '.join(m.tasks)} x{m.shape.ratio}" for m in self.members)
            )
        return member.answer(pair, settings, shared=shared, check=check, progress=progress)

    def _fitting(self, task: TaskName, ratio: float) -> Iterator[ComparedSystem]:
        return (member for member in self.members if member.can(task, ratio))


def load_family(name: str, folders: Sequence[str], device: str | None = None) -> SystemFamily:
    """Load the weights of one system.

    Args:
        name: The system they must be of.
        folders: One for each task and ratio.
        device: torch device; the CPU when None.

    Raises:
        InputError: A folder holds another system, or two are for the same pairs.
        WeightsError: A folder is missing or damaged.
    """
    members: list[ComparedSystem] = []
    places: dict[tuple[TaskName, int | None], str] = {}
    for folder in folders:
        weights = load_system(folder)
        shape = weights.shape
        if shape.name != name:
            raise InputError(f"{folder}: holds {shape.name}, not {name}")
        ratio = None if shape.all_in_one else shape.ratio
        for task in shape.tasks:
            if (task, ratio) in places:
                kind = task if ratio is None else f"{task} x{ratio}"
                other = places[task, ratio]
                raise InputError(f"{folder}: is for {kind}, as {other} is: name one of the two")
            places[task, ratio] = folder
        members.append(ComparedSystem(weights.network, weights.shape, name, device))
    return SystemFamily(name, members)


__all__ = ["SystemFamily", "load_family"]
