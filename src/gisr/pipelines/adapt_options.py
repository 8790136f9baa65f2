"""The options that adapt the network to the images first; part of :mod:`gisr.pipelines.options`."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from gisr.errors import InputError
from gisr.pipelines.option import option
from gisr.tasks import SATELLITE, TaskName
from gisr.tasks.mri import MRI

if TYPE_CHECKING:  # numpy takes a tenth of a second to load
    from gisr.adaptation.settings import AdaptSettings

_TASKS: tuple[TaskName, ...] = (*SATELLITE, MRI.name)
"""Those whose images can be their own truth (:func:`gisr.adaptation.lesson.check_adaptable`)."""


@dataclass(frozen=True, kw_only=True)
class AdaptOptions:
    """Whether, how long and by what steps the network is adapted first."""

    adapt: bool = option(
        False,
        "Fine-tune the network on these images first: a scene reduced once more is its own truth "
        "(up to ratio 3), and so is the plane in which thick MR slices are fine. The adapted "
        "weights are used only if they beat the shipped ones on parts kept back.",
        tasks=_TASKS,
        page="Adapt to these images first",
        page_help="Takes five minutes: the network learns from the images themselves, and what it "
        "learnt is used only where that is better.",
    )
    adapt_minutes: float | None = option(
        None,
        "Minutes that adapting may take, scoring and all; 5 when neither minutes nor steps are "
        "given.",
        tasks=_TASKS,
        positive=True,
    )
    adapt_steps: int | None = option(
        None,
        "Steps of adapting at most; without minutes the same steps give the same weights again.",
        tasks=_TASKS,
        least=1,
        most=10**9,
    )
    adapt_cache: str | PathLike[str] | None = option(
        None,
        "Folder that keeps adapted weights, found again by the content of weights, images and "
        "settings; each is a folder that --model takes too.",
        tasks=_TASKS,
    )

    @property
    def adaptation(self) -> "AdaptSettings | None":
        """How the network is adapted; None where it is not.

        Raises:
            InputError: A number is out of range.
        """
        if not self.adapt:
            return None
        from gisr.adaptation.settings import AdaptSettings

        if self.adapt_minutes is None and self.adapt_steps is None:
            return AdaptSettings()
        return AdaptSettings(self.adapt_minutes, self.adapt_steps)

    @property
    def adapted_weights(self) -> Path | None:
        """Folder that keeps adapted weights."""
        return None if self.adapt_cache is None else Path(self.adapt_cache)

    def check_adapt(self) -> None:
        """Refuse options of adapting without it.

        Raises:
            InputError: There are, or a number is out of range.
        """
        for name in ("minutes", "steps", "cache"):
            value = getattr(self, f"adapt_{name}")
            if value is not None and not self.adapt:
                raise InputError(f"adapt-{name} {value}: is for adapting: request adapt too")
        _ = self.adaptation
