"""How a network is adapted to a scene: how long, and by what steps."""

import math
from dataclasses import dataclass

from gisr.errors import InputError

DEFAULT_MINUTES = 5.0
"""Time for it where none is given."""


@dataclass(frozen=True)
class AdaptSettings:
    """How a network is adapted.

    Raises:
        InputError: A number is out of range, or nothing bounds the work.
    """

    minutes: float | None = DEFAULT_MINUTES
    """Wall time for all of it, the scoring of kept-back windows too; None with ``steps`` alone."""
    steps: int | None = None
    """At most so many steps. Without minutes the same steps give the same weights again."""
    seed: int = 0
    """Of the patches that are drawn."""
    learning_rate: float = 5e-4
    """Largest rate of Adam: it rises over the first twentieth and falls by a cosine to zero."""
    patch: int = 64
    """Side of a patch in pixels of the truth; smaller where windows are."""
    batch: int = 4
    """Patches a step."""
    gradient_norm: float = 1.0
    """Gradients are cut to this norm."""

    def __post_init__(self) -> None:
        """Refuse what cannot be followed."""
        if self.minutes is None and self.steps is None:
            raise InputError("adapt: give minutes or steps, or both: nothing else ends it")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise InputError(f"adapt minutes {self.minutes:g} must be above 0")
        for name in ("steps", "patch", "batch"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise InputError(f"adapt {name} {number} must be at least 1")
        for name in ("learning_rate", "gradient_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"adapt {name} {getattr(self, name):g} must be above 0")
