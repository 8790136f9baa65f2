"""The published system that a recipe trains in place of MAG-Net, as a value."""

from dataclasses import dataclass

from gisr.baselines.systems import SystemName
from gisr.errors import RecipeError
from gisr.training.recipe_values import check_kinds


@dataclass(frozen=True)
class SystemRecipe:
    """A published system and its size.

    Raises:
        RecipeError: A value is out of range.
    """

    name: SystemName
    width: float = 1.0
    """Factor of the published widths: below 1 for networks of a laboratory's size."""

    def __post_init__(self) -> None:
        """Refuse values of the wrong kind or range."""
        check_kinds(self, "system: ")
        if not 0 < self.width <= 4:
            raise RecipeError(f"system: width {self.width} must lie above 0 and not above 4")
