"""The state of a training run: what it is made of, how it is saved and restored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gisr.errors import RecipeError, WeightsError
from gisr.training.balancing import Balancing, make_balancing
from gisr.training.checkpoint import load_checkpoint, save_checkpoint
from gisr.training.distributed import Processes
from gisr.training.recipe import Recipe
from gisr.training.samples.mixture import Position
from gisr.training.trainee import Trainee, first_trainee

_ALONE = Processes()
_PARTS = {
    "network": "the network's weights",
    "average": "their moving average",
    "balancing": "the tasks' weights",
    "optimiser": "the optimiser's state",
}
"""What the first word of a tensor's name stands for."""
_OPTIMISER_STATE = ("step", "exp_avg", "exp_avg_sq", "square_avg")
"""What Adam, AdamW and RMSprop remember of a parameter."""
_YOUNG = 9
"""A young run's moving average looks back over one part in so many of its steps."""
_NAN_AT_FIRST = "balancing.before"
"""Error of a task in the interval before: NaN until there was one."""


class DivergedError(RecipeError):
    """A step gave values that are not finite; nothing of it may be kept."""


@dataclass
class Run:
    """A training run; all that changes while it trains is saved and restored."""

    trainee: Trainee
    """The network, and what is made of it."""
    model: nn.Module
    """The network as training calls it: the same parameters, compiled or shared by processes."""
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    balancing: Balancing
    processes: Processes
    step: int = 0
    position: Position = field(default_factory=partial(Position, 0, 0))
    seconds: float = 0.0
    """Time spent training so far, over all resumptions."""

    @classmethod
    def start(cls, recipe: Recipe, device: torch.device, processes: Processes = _ALONE) -> "Run":
        """Create a run at step 0.

        Raises:
            RecipeError: The initial weights or the text encoder do not fit the recipe.
            WeightsError: They cannot be found or are damaged.
            MissingExtraError: The text encoder needs a package that is not installed.
        """
        torch.manual_seed(recipe.seed)
        trainee = first_trainee(recipe, device)
        network = trainee.network.to(device)
        if all(parameter.ndim <= 4 for parameter in network.parameters()):
            # Channels last: what the convolutions of both CPU and GPU libraries like best. In
            # place, which torch's types do not know of this argument.
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.train()
        average = AveragedModel(network, multi_avg_fn=_moving_average(recipe.average))
        optimiser = _optimiser(network, recipe)
        if recipe.compile:
            # In place: a wrapper would put its own name before every parameter's.
            network.compile()
        balancing = make_balancing(recipe, device)
        model = processes.around(trainee.learner)
        return cls(trainee, model, average, optimiser, balancing, processes)

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        return self.trainee.network

    @property
    def averaged(self) -> nn.Module:
        """The moving average of the network, which is what is validated and published."""
        return self.average.module

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor of the state by name."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        tensors |= {f"balancing.{k}": v for k, v in self.balancing.tensors().items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimiser.state.get(parameter, {}).items():
                tensors[f"optimiser.{key}.{name}"] = value
        # Of this process alone: those of the others are in the same state (Processes.share_noise).
        tensors["random.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.device)
        return tensors

    def not_finite(self) -> str | None:
        """Return what of the state holds NaN or infinity, in words; None where all is finite."""
        for name, tensor in self.tensors().items():
            if name != _NAN_AT_FIRST and not torch.isfinite(tensor).all():
                return _PARTS[name.partition(".")[0]]
        return None

    def check_finite(self) -> None:
        """Refuse a state that no run could go on from.

        Raises:
            DivergedError: It holds NaN or infinity.
        """
        if (damaged := self.not_finite()) is not None:
            raise DivergedError(f"step {self.step}: {damaged} became NaN or infinite")

    def save(self, folder: Path, recipe: Recipe) -> Path:
        """Write a checkpoint.

        Raises:
            FileFormatError: The disk refuses it.
        """
        state = {
            "step": self.step,
            "epoch": self.position.epoch,
            "index": self.position.index,
            "seconds": self.seconds,
            "recipe": recipe.record(),
        }
        return save_checkpoint(folder, self.step, self.tensors(), state)

    def restore(self, path: Path) -> None:
        """Go back to a checkpoint of the same recipe.

        Raises:
            WeightsError: It is damaged or incomplete.
        """
        tensors, state = load_checkpoint(path)
        try:
            self._restore(tensors, state)
        except (KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise WeightsError(f"{path}: the checkpoint is incomplete ({reason})") from error

    def _restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        self.network.load_state_dict(_under(tensors, "network."))
        self.average.load_state_dict(_under(tensors, "average."))
        self.balancing.restore(_under(tensors, "balancing."))
        for name, parameter in self.network.named_parameters():
            kept = {
                key: tensors[f"optimiser.{key}.{name}"]
                for key in _OPTIMISER_STATE
                if f"optimiser.{key}.{name}" in tensors
            }
            if kept:
                # The moments follow their parameter's device and memory layout; Adam's step
                # counter is a lone float where the optimiser put it.
                self.optimiser.state[parameter] = {
                    key: value.to(parameter.device)
                    if key == "step"
                    else torch.empty_like(parameter).copy_(value)
                    for key, value in kept.items()
                }
        torch.set_rng_state(tensors["random.cpu"])
        if "random.cuda" in tensors and self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.cuda"], self.device)
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.position = Position(int(state["epoch"]), int(state["index"]))


def _moving_average(decay: float) -> Callable[..., None]:
    """Return how the average follows the network: over 1 / (1 - decay) steps.

    Early, over a ninth of the steps so far, as it would be mostly the untrained network otherwise.
    """

    def follow(average: list[Tensor], network: list[Tensor], steps: Tensor | int) -> None:
        early = float(steps) / (float(steps) + _YOUNG)
        get_ema_multi_avg_fn(min(decay, early))(average, network, steps)

    return follow


def _optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser over all parameters."""
    parameters, rate = list(network.parameters()), recipe.learning_rate
    match recipe.optimiser:
        case "adam":
            return torch.optim.Adam(
                parameters, rate, recipe.betas, weight_decay=recipe.weight_decay, fused=True
            )
        case "adamw":
            return torch.optim.AdamW(
                parameters, rate, recipe.betas, weight_decay=recipe.weight_decay, fused=True
            )
        case "rmsprop":
            return torch.optim.RMSprop(parameters, rate, weight_decay=recipe.weight_decay)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
