"""Task balancing in a recipe: the rules, and the settings of each."""

from dataclasses import dataclass
from typing import Literal

from gisr.errors import RecipeError
from gisr.training.recipe_values import check_kinds

BalancingRule = Literal["fixed", "uncertainty", "weight-average", "gradnorm"]
"""The rule that weights the tasks; see :mod:`gisr.training.balancing`."""


@dataclass(frozen=True)
class UncertaintySettings:
    """Homoscedastic uncertainty."""

    learning_rate: float = 1e-2
    """Of Adam on the logarithm of each task's scale: 250 steps move a weight by a factor of 10."""

    def __post_init__(self) -> None:
        """Refuse what learns nothing."""
        check_kinds(self, "uncertainty.")
        _check_positive("uncertainty", learning_rate=self.learning_rate)


@dataclass(frozen=True)
class WeightAverageSettings:
    """Dynamic weight averaging."""

    temperature: float = 2.0
    """T: the higher, the more equal the weights. The paper's value."""
    interval: int = 500
    """Steps whose mean error is compared with that of the steps before; the paper's is an epoch."""

    def __post_init__(self) -> None:
        """Refuse what cannot be divided by, or is no interval."""
        check_kinds(self, "weight_average.")
        _check_positive("weight_average", temperature=self.temperature, interval=self.interval)


@dataclass(frozen=True)
class GradNormSettings:
    """Gradient normalisation."""

    asymmetry: float = 1.5
    """alpha: how strongly a task that learns slowly is favoured; 0 makes gradient norms equal. The
    paper's value for tasks of different kinds."""
    learning_rate: float = 0.025
    """Of Adam on the weights. The paper's value."""

    def __post_init__(self) -> None:
        """Refuse what learns nothing."""
        check_kinds(self, "gradnorm.")
        _check_positive("gradnorm", learning_rate=self.learning_rate)
        if not self.asymmetry >= 0:
            raise RecipeError(f"gradnorm: asymmetry {self.asymmetry} must not be below 0")


def _check_positive(group: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise RecipeError(f"{group}: {name} {value} must be above 0")
