"""What every classical baseline shares."""

from abc import abstractmethod
from typing import Literal

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_guide
from gisr.errors import InputError
from gisr.inference.answers import Answer, Check, Progress, Settings, Shared, unchecked
from gisr.inference.system import PairSystem
from gisr.tasks import find_task

BaselineName = Literal[
    "bicubic",
    "zero-filled",
    "gsa",
    "gsa-aligned",
    "guided-filter",
    "hypersharpening",
    "local-regression",
]
"""The classical baselines."""


class ClassicalBaseline(PairSystem):
    """A classical method behind the same call as gisr's upscaler. Stateless."""

    @property
    @abstractmethod
    def name(self) -> BaselineName:
        """Name in tables and in :func:`gisr.baselines.classical.load_baseline`."""

    @abstractmethod
    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Return the sharpened target of a pair of one of ``tasks``, without holes."""

    def answer(
        self,
        pair: Pair,
        settings: Settings = Settings(),
        *,
        shared: Shared | None = None,
        check: Check = unchecked,
        progress: Progress | None = None,
    ) -> Answer:
        """Sharpen a pair; no setting has a use here.

        Raises:
            InputError: The task of the pair is not one of ``tasks``.
        """
        if find_task(pair.task).name not in self.tasks:
            raise InputError(
                f"baseline {self.name} does not apply to task {pair.task!r}: "
                f"it is for {', '.join(self.tasks)}"
            )
        return Answer(np.ascontiguousarray(self.sharpen(pair), dtype=np.float32))


def interpolated(pair: Pair) -> Float[np.ndarray, "H W bands"]:
    """Return the target on the guide's grid by bicubic interpolation, whatever its grid."""
    height, width = pair.guide.shape[:2]
    return bicubic_to_guide(pair.filled_target, (height, width), pair.placement)
