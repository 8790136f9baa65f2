"""The training script is tested with the pairs and the recipe of the training tests."""

from tests.training.conftest import pairs, recipe

__all__ = ["pairs", "recipe"]
