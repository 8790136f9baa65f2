"""One training set of a recipe's mixture, as a value."""

from dataclasses import asdict, dataclass

from gisr.data.protocols import ScanReduction
from gisr.data.synthetic import GENERATED, GENERATED_TASKS
from gisr.errors import RecipeError
from gisr.tasks import TASKS, TaskName
from gisr.tasks.sensors import find_sensor
from gisr.training.recipe_values import check_kinds

_OF_VOCABULARY = {
    "sensors": ("sensor",),
    "contrasts": ("contrast", "guide_contrast", "middle_slices", "foreground_share", "reduced"),
}
"""Settings that only tasks with some names in their vocabulary have."""
_LARGEST_RATIO = 1024


@dataclass(frozen=True)
class SetRecipe:
    """One training set of the mixture: a task at a ratio, on all entries or on some.

    Raises:
        RecipeError: A value is out of range, or has no meaning for the task.
    """

    task: TaskName
    ratio: int
    dataset: str | None = None
    """Only entries of this data set, ``open-pairs`` or the name of a layout; ``generated`` draws
    images that are in no folder (:mod:`gisr.data.synthetic`)."""
    sensor: str | None = None
    """Only entries of this satellite sensor."""
    contrast: str | None = None
    """Contrast of MR targets, scans without it left out; every contrast in turn when None."""
    guide_contrast: str | None = None
    """Contrast of MR guides, scans without it left out; any other, at random, when None."""
    middle_slices: int | None = None
    """Only this many middle slices of an MR volume count."""
    foreground_share: float | None = None
    """Least share of an MR slice that must be foreground; when None, 0.05 where the data set does
    not state which slices count, else 0."""
    reduced: ScanReduction | None = None
    """How MR targets are made coarse: ``kspace`` when None, or ``means`` over blocks of pixels, as
    the network sees thick slices and volumes that were resampled."""

    def __post_init__(self) -> None:
        """Refuse sets that cannot be filled."""
        check_kinds(self, "sets: ")
        if self.task not in TASKS or not 2 <= self.ratio <= _LARGEST_RATIO:
            raise RecipeError(
                f"sets: {self.task} x{self.ratio} must be one of {tuple(TASKS)} at a ratio from 2 "
                f"to {_LARGEST_RATIO}"
            )
        if self.generated and (self.task not in GENERATED_TASKS or self.sensor is not None):
            raise RecipeError(
                f"sets: {self}: images are generated for {' and '.join(GENERATED_TASKS)}, "
                "of no sensor"
            )
        for vocabulary, settings in _OF_VOCABULARY.items():
            self._check_vocabulary(vocabulary, settings)
        if self.sensor is not None:
            find_sensor(self.sensor)
        if self.contrast is not None and self.contrast == self.guide_contrast:
            raise RecipeError(f"sets: {self}: a contrast cannot guide itself")
        if self.middle_slices is not None and self.middle_slices < 1:
            raise RecipeError(f"sets: {self}: middle_slices must be at least 1")
        if self.foreground_share is not None and not 0 <= self.foreground_share < 1:
            raise RecipeError(f"sets: {self}: foreground_share must be in [0, 1)")

    def _check_vocabulary(self, vocabulary: str, settings: tuple[str, ...]) -> None:
        """Refuse settings that have no meaning for the task."""
        if vocabulary in TASKS[self.task].vocabulary:
            return
        if any(getattr(self, setting) is not None for setting in settings):
            tasks = " and ".join(t.name for t in TASKS.values() if vocabulary in t.vocabulary)
            listed = " and ".join(filter(None, (", ".join(settings[:-1]), settings[-1])))
            verb = "is" if len(settings) == 1 else "are"
            raise RecipeError(f"sets: {self}: {listed} {verb} for {tasks}")

    @property
    def generated(self) -> bool:
        """Whether its images are drawn, not read."""
        return self.dataset == GENERATED

    def __str__(self) -> str:
        """Return its name in messages: ``pansharpening x4 (dataset nbu)``."""
        chosen = {key: value for key, value in asdict(self).items() if value is not None}
        chosen = {key: value for key, value in chosen.items() if key not in ("task", "ratio")}
        about = ", ".join(f"{key} {value}" for key, value in chosen.items())
        return f"{self.task} x{self.ratio}" + (f" ({about})" if about else "")
