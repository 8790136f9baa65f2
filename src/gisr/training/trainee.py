"""What a run trains: a network, its error on a batch, and the files that it becomes."""

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.baselines.network import ComparedNetwork, NetworkInput
from gisr.baselines.system import ComparedSystem
from gisr.baselines.systems import SystemShape
from gisr.baselines.weights import save_system
from gisr.errors import RecipeError
from gisr.inference.system import PairSystem
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet
from gisr.tasks import TaskName
from gisr.tasks.text.table import DescriptionTable
from gisr.training.descriptions import kept_table, recipe_table
from gisr.training.distributed import Processes
from gisr.training.objective import (
    Objective,
    SampleBatch,
    objective,
    sample_errors,
    weighted_objective,
)
from gisr.training.recipe import Recipe
from gisr.training.teacher import Teacher
from gisr.weights.store import Weights, load_weights, save_weights


class Trainee(ABC):
    """A network that a run trains."""

    network: nn.Module
    table: DescriptionTable | None
    """Embeddings of the descriptions, for a network that reads them; they do not change."""

    @property
    @abstractmethod
    def learner(self) -> nn.Module:
        """What training calls, with the parameters of the network."""

    @property
    @abstractmethod
    def layer(self) -> Tensor:
        """The last layer that all tasks share, whose gradients GradNorm compares."""

    @abstractmethod
    def objective(
        self,
        model: nn.Module,
        batch: SampleBatch,
        weights: Float[Tensor, " tasks"],
        recipe: Recipe,
        processes: Processes,
    ) -> Objective:
        """Return the loss of this process's share of a batch.

        Args:
            model: The learner, compiled or shared by processes.
            batch: That share.
            weights: Factor of each task's error.
            recipe: Criterion, precision and weight of the balance.
            processes: Those that share the batch.
        """

    @abstractmethod
    def system(self, network: nn.Module, name: str) -> PairSystem:
        """Return a network of this kind behind the call of every system."""

    @abstractmethod
    def save(self, folder: Path, network: nn.Module, name: str) -> None:
        """Write a network of this kind as weights.

        Raises:
            FileFormatError: The disk refuses it.
        """


class MAGNetTrainee(Trainee):
    """MAG-Net with its descriptions."""

    table: DescriptionTable

    def __init__(
        self,
        network: MAGNet,
        table: DescriptionTable,
        tasks: tuple[TaskName, ...],
        teacher: Teacher | None = None,
    ) -> None:
        """Take a network, the embeddings that it reads, what it is trained on, and by whom."""
        self.network: MAGNet = network
        self.table, self.tasks, self._teacher = table, tasks, teacher

    @classmethod
    def of(cls, recipe: Recipe, device: torch.device) -> "MAGNetTrainee":
        """Return a new network, or the one that the recipe starts from, with its descriptions.

        Args:
            recipe: What is trained.
            device: Where the recipe's teacher is to answer.
        """
        network, table = cls._first(recipe)
        return cls(network, table, recipe.tasks, Teacher.of(recipe, table, device))

    @staticmethod
    def _first(recipe: Recipe) -> tuple[MAGNet, DescriptionTable]:
        if recipe.initial_weights is None:
            return MAGNet(recipe.network), recipe_table(recipe)
        loaded = load_weights(recipe.initial_weights)
        if recipe.network.guide_channels > loaded.network.config.guide_channels:
            loaded = loaded.widened(recipe.network.guide_channels)
        if loaded.network.config != recipe.network:
            raise RecipeError(
                f"initial_weights {recipe.initial_weights}: their network is "
                f"{loaded.network.config}, which is not the recipe's"
            )
        return loaded.network, kept_table(recipe, loaded.descriptions)

    @property
    def learner(self) -> nn.Module:
        """The network itself."""
        return self.network

    @property
    def layer(self) -> Tensor:
        """Weight of the head."""
        return self.network.head.weight

    def objective(
        self,
        model: nn.Module,
        batch: SampleBatch,
        weights: Float[Tensor, " tasks"],
        recipe: Recipe,
        processes: Processes,
    ) -> Objective:
        """Return Eq. (10)."""
        with _autocast(batch, recipe):
            guide = batch.guide[:, : recipe.network.guide_channels]
            output = model(batch.target, guide, batch.text, batch.ratio)
            lesson = None if self._teacher is None else self._teacher.lesson(batch)
        return objective(
            output,
            batch,
            weights,
            recipe.balance_weight,
            processes,
            recipe.criterion,
            recipe.measured,
            lesson,
        )

    def system(self, network: nn.Module, name: str) -> Upscaler:
        """Return the upscaler of a network."""
        assert isinstance(network, MAGNet)
        device = next(network.parameters()).device
        return Upscaler(Weights(name, network, self.table, tasks=self.tasks), device)

    def save(self, folder: Path, network: nn.Module, name: str) -> None:
        """Write weights for :func:`gisr.load_model`."""
        assert isinstance(network, MAGNet)
        save_weights(folder, network, self.table, name=name, tasks=self.tasks)


class ComparedTrainee(Trainee):
    """A network that MAG-Net is compared with."""

    table = None

    def __init__(self, network: ComparedNetwork, shape: SystemShape) -> None:
        """Take a network, and what it was built for."""
        self.network: ComparedNetwork = network
        self.shape = shape

    @classmethod
    def of(cls, recipe: Recipe) -> "ComparedTrainee":
        """Return the network of a recipe with its published initial weights.

        Raises:
            RecipeError: It cannot be built for the recipe's sets.
        """
        assert recipe.system is not None  # the caller has looked
        name, sets = recipe.system.name, [(chosen.task, chosen.ratio) for chosen in recipe.sets]
        try:
            shape = SystemShape.of(name, sets, recipe.system.width)
            return cls(shape.build(), shape)
        except ValueError as error:
            raise RecipeError(f"system.name {name}: {error}") from error

    @property
    def learner(self) -> nn.Module:
        """The network, called with what a batch holds."""
        return _Learner(self.network)

    @property
    def layer(self) -> Tensor:
        """The last of its matrices or kernels."""
        return [each for each in self.network.parameters() if each.ndim > 1][-1]

    def objective(
        self,
        model: nn.Module,
        batch: SampleBatch,
        weights: Float[Tensor, " tasks"],
        recipe: Recipe,
        processes: Processes,
    ) -> Objective:
        """Return the error that all systems share, or that of the system's authors."""
        bands, channels = self.shape.target_channels, self.shape.guide_channels
        by_authors = recipe.loss == "own" or self.network.samples
        parts: list[tuple[Tensor, Tensor]] = []
        for ratio in sorted(set(batch.ratio.tolist())):
            chosen = (batch.ratio == ratio).nonzero()[:, 0]
            given = NetworkInput(
                torch.stack([batch.coarse[index][:bands] for index in chosen.tolist()]),
                batch.target[chosen, :bands],
                batch.guide[chosen, :channels],
                round(ratio),
            )
            own = (batch.truth[chosen, :bands], batch.known[chosen])
            with _autocast(batch, recipe):
                found = model(given, own if by_authors else None)
            if not by_authors:
                part = batch.part(chosen)
                found = sample_errors(found.float(), part, recipe.criterion)
            parts.append((chosen, found.float()))
        order = torch.cat([chosen for chosen, _ in parts])
        errors = torch.cat([found for _, found in parts])[order.argsort()]
        balance = torch.zeros((), device=errors.device)
        return weighted_objective(errors, balance, batch, weights, 0.0, processes, recipe.criterion)

    def system(self, network: nn.Module, name: str) -> ComparedSystem:
        """Return the network behind the call of every system."""
        assert isinstance(network, ComparedNetwork)
        return ComparedSystem(network, self.shape, name)

    def save(self, folder: Path, network: nn.Module, name: str) -> None:
        """Write weights for ``gisr evaluate --systems NAME:FOLDER``."""
        assert isinstance(network, ComparedNetwork)
        save_system(folder, network, self.shape, name=name)


class _Learner(nn.Module):
    """Calls a compared network through one forward pass, as several processes need it."""

    def __init__(self, network: ComparedNetwork) -> None:
        """Take a network."""
        super().__init__()
        self.network = network

    def forward(
        self, given: NetworkInput, truth_and_known: tuple[Tensor, Tensor] | None
    ) -> Float[Tensor, "b c H W"] | Float[Tensor, " b"]:
        """Return the sharpened targets, or the errors that the authors minimise."""
        if truth_and_known is None:
            return self.network.sharpen(given)
        return self.network.errors(given, *truth_and_known)


def first_trainee(recipe: Recipe, device: torch.device | str = "cpu") -> Trainee:
    """Return what a recipe trains, before its first step, on the CPU.

    Args:
        recipe: What is trained.
        device: Where it will be trained.

    Raises:
        RecipeError: The initial weights, the teacher or the text encoder do not fit the recipe, or
            the system cannot be built for its sets.
        WeightsError: They cannot be found or are damaged.
        MissingExtraError: The text encoder needs a package that is not installed.
    """
    if recipe.system is None:
        return MAGNetTrainee.of(recipe, torch.device(device))
    return ComparedTrainee.of(recipe)


def _autocast(batch: SampleBatch, recipe: Recipe) -> torch.autocast:
    return torch.autocast(
        batch.target.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"
    )


__all__ = ["ComparedTrainee", "MAGNetTrainee", "Trainee", "first_trainee"]
