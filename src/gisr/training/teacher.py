"""A trained network that a smaller one learns from, beside the truth (distillation).

A small network spends weights in vain on what it cannot reach; a teacher's answer has less of that
than the truth has (Hinton, Vinyals and Dean 2015, arXiv:1503.02531, for classes; here the answer is
an image, and the criterion that of the truth).
"""

import torch

from gisr.errors import RecipeError
from gisr.magnet import MAGNet
from gisr.tasks.text.table import DescriptionTable
from gisr.training.objective import SampleBatch, TeacherAnswers
from gisr.training.recipe import Recipe
from gisr.weights.store import load_weights


class Teacher:
    """A trained MAG-Net, which answers the samples that another one learns from."""

    def __init__(self, network: MAGNet, share: float, device: torch.device) -> None:
        """Take the network, and how much of the error is that to its answers."""
        self._network = network.eval().requires_grad_(False).to(device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._share = share

    @classmethod
    def of(cls, recipe: Recipe, table: DescriptionTable, device: torch.device) -> "Teacher | None":
        """Return the teacher of a recipe, or None where it names none.

        Args:
            recipe: Names its weights.
            table: Embeddings that the learner reads, and so the teacher.
            device: Where it is to answer.

        Raises:
            RecipeError: It reads other embeddings than the learner, or takes fewer guide channels.
            WeightsError: Its weights cannot be found or are damaged.
        """
        if recipe.teacher is None:
            return None
        loaded = load_weights(recipe.teacher)
        if not loaded.descriptions.agrees_with(table):
            raise RecipeError(
                f"teacher {recipe.teacher}: reads other embeddings of the descriptions than the "
                "network that is to learn: begin from weights with the teacher's descriptions"
            )
        least, channels = loaded.network.config.guide_channels, recipe.network.guide_channels
        if least > channels:
            raise RecipeError(
                f"teacher {recipe.teacher}: takes guides of {least} channels, the network that is "
                f"to learn of {channels}: set network.guide_channels to {least}"
            )
        return cls(loaded.network, recipe.teacher_share, device)

    def lesson(self, batch: SampleBatch) -> TeacherAnswers:
        """Return the teacher's answers to a batch, and what the error to them counts."""
        guide = batch.guide[:, : self._network.config.guide_channels]
        with torch.no_grad():
            answer = self._network(batch.target, guide, batch.text, batch.ratio).image
        return TeacherAnswers(answer.float(), self._share)


__all__ = ["Teacher"]
