"""A system together with the settings it is scored with."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gisr.data.pair import Pair
from gisr.inference.answers import Answer, Settings
from gisr.inference.system import PairSystem
from gisr.tasks import TaskName

NETWORK_ALONE = Settings(consistent="kspace")
"""Without the correction of satellite images, which would hide what a network has still to learn;
k-space samples that were measured are put back."""
SYSTEM_ALONE = Settings(consistent="never")
"""A published system as its authors score it, but for the aligned guide that all systems get."""


@dataclass(frozen=True, eq=False)
class SystemVariant:
    """A system as a table lists it."""

    system: PairSystem
    settings: Settings = Settings()

    def answer(self, pair: Pair) -> Answer:
        """Sharpen a pair with these settings."""
        return self.system.answer(pair, self.settings)


def as_variant(system: PairSystem | SystemVariant) -> SystemVariant:
    """Return a system with its default settings, or the variant that it is already."""
    return system if isinstance(system, SystemVariant) else SystemVariant(system)


def untrained(systems: Mapping[str, SystemVariant], tasks: Sequence[TaskName]) -> Iterator[str]:
    """Yield a line for each system that is scored on tasks which its weights have never seen."""
    for name, variant in systems.items():
        unseen = [task for task in tasks if variant.system.untrained_note(task) is not None]
        if unseen:
            known = " and ".join(variant.system.trained_on or ())
            yield (
                f"{name} was trained on {known}, not on {' and '.join(unseen)}: its scores there "
                "are those of a network that has not learnt the task"
            )
