"""Pairs and recipe of the training tests, for tools that train."""

from tests.training.conftest import pairs, recipe

__all__ = ["pairs", "recipe"]
