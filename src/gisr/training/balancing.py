"""Task balancing: the rules that weight each task's error.

With plain weights the paper saw depth win at the others' cost late in training (its Fig. 11) and
left remedies to future work. Here are three published ones beside fixed weights. Each is a rule
that looks at the errors of a step and gives the weights of the next; all balance tasks, not ratios.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gisr.tasks import TASKS, TaskName
from gisr.training.balancing_settings import (
    GradNormSettings,
    UncertaintySettings,
    WeightAverageSettings,
)
from gisr.training.objective import TaskErrors
from gisr.training.recipe import Recipe

GradientNorms = Callable[[], Float[Tensor, " tasks"]]
"""Gives the norm of each task's gradient; called only by a rule that needs it."""
TaskMask = Bool[Tensor, " tasks"]
"""Tasks of the recipe, in the order of :data:`gisr.tasks.TASKS`."""

_FLOOR = 0.01
"""Least weight that GradNorm gives: a step of Adam must not make one negative."""


class Balancing(Protocol):
    """Gives the weights of the tasks and learns from every step."""

    @property
    def weights(self) -> Float[Tensor, " tasks"]:
        """Factor of each task's error in the next step, without a gradient."""
        ...

    def learn(self, errors: TaskErrors, gradient_norms: GradientNorms) -> None:
        """Look at the errors of a step, before its backward pass."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that a resumed run needs."""
        ...

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go back to what :meth:`tensors` returned."""
        ...


def make_balancing(recipe: Recipe, device: torch.device) -> Balancing:
    """Return the rule of a recipe, at its start."""
    own = {chosen.task for chosen in recipe.sets}
    tasks = torch.tensor([name in own for name in TASKS], device=device)
    if recipe.balancing == "uncertainty":
        return UncertaintyWeights(tasks, recipe.uncertainty)
    if recipe.balancing == "weight-average":
        return WeightAverage(tasks, recipe.weight_average)
    if recipe.balancing == "gradnorm":
        return GradNorm(tasks, recipe.gradnorm)
    return FixedWeights(tasks, recipe.task_weights)


class FixedWeights:
    """The weights that the recipe names, from the first step to the last."""

    def __init__(self, tasks: TaskMask, weights: Mapping[TaskName, float]) -> None:
        """Take the weights of a recipe; a task without one weighs 1."""
        factors = [float(weights.get(name, 1.0)) for name in TASKS]
        self._weights = torch.tensor(factors, device=tasks.device)

    @property
    def weights(self) -> Float[Tensor, " tasks"]:
        """Factor of each task's error."""
        return self._weights

    def learn(self, errors: TaskErrors, gradient_norms: GradientNorms) -> None:
        """Learn nothing."""

    def tensors(self) -> dict[str, Tensor]:
        """Return nothing: the weights are in the recipe."""
        return {}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Restore nothing."""


class UncertaintyWeights:
    """Homoscedastic uncertainty (Kendall, Gal and Cipolla, CVPR 2018, arXiv:1705.07115).

    A task's residuals are taken as noise of an unknown scale b, learnt with the network. L1 is the
    likelihood of Laplace noise, whose negative logarithm is |x| / b + log b, so a sample costs
    ``exp(-s) L1 + s`` with s = log b (the paper's Eq. 7 has Gaussian noise and squares). A task
    settles at weight 1 / L1: hard tasks count less. The weights grow as the errors fall, and
    against them gamma of Eq. (10) counts less and less.
    """

    def __init__(self, tasks: TaskMask, settings: UncertaintySettings) -> None:
        """Start every task at weight 1."""
        self._logarithms = _Learned(torch.zeros(len(tasks), device=tasks.device), settings)

    @property
    def weights(self) -> Float[Tensor, " tasks"]:
        """exp(-s) of each task."""
        return (-self._logarithms.values).exp()

    def learn(self, errors: TaskErrors, gradient_norms: GradientNorms) -> None:
        """Take a step of Adam on the mean of exp(-s) L1 + s over the samples, with respect to s."""
        gradient = errors.counts - self.weights * errors.sums
        self._logarithms.step(gradient / errors.counts.sum())

    def tensors(self) -> dict[str, Tensor]:
        """Return s and the state of its optimiser."""
        return self._logarithms.tensors()

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Restore s and the state of its optimiser."""
        self._logarithms.restore(tensors)


class WeightAverage:
    """Dynamic weight averaging (Liu, Johns and Davison, CVPR 2019, arXiv:1803.10704, Eq. 7).

    The weights are ``K softmax(r / T)`` over the K tasks, where r is the mean error of the last
    interval over that of the one before it: a task that stopped improving counts more. They are 1
    in the first two intervals. The paper's interval is an epoch, here it is a number of steps.
    """

    def __init__(self, tasks: TaskMask, settings: WeightAverageSettings) -> None:
        """Start every task at weight 1."""
        self._tasks = tasks
        self._settings = settings
        zeros = torch.zeros(len(tasks), device=tasks.device)
        self._state = {
            "weights": tasks.float(),
            "before": zeros * torch.nan,  # mean error of the last whole interval
            "sums": zeros,
            "counts": zeros,
            "steps": torch.zeros((), dtype=torch.int64),
        }

    @property
    def weights(self) -> Float[Tensor, " tasks"]:
        """Factor of each task's error."""
        return self._state["weights"]

    def learn(self, errors: TaskErrors, gradient_norms: GradientNorms) -> None:
        """Add up the errors; at the end of an interval set the weights of the next."""
        state = self._state
        self._state = state | {
            "sums": state["sums"] + errors.sums,
            "counts": state["counts"] + errors.counts,
            "steps": state["steps"] + 1,
        }
        if self._state["steps"] == self._settings.interval:
            self._end_interval()

    def _end_interval(self) -> None:
        state, seen = self._state, self._state["counts"] > 0
        means = torch.where(seen, state["sums"] / state["counts"], state["before"])
        # A task without two intervals to compare counts as one that neither rose nor fell.
        ratio = torch.nan_to_num(means / state["before"], nan=1.0)
        logits = torch.where(self._tasks, ratio / self._settings.temperature, -torch.inf)
        self._state = state | {
            "weights": logits.softmax(dim=0) * self._tasks.sum(),
            "before": means,
            "sums": torch.zeros_like(means),
            "counts": torch.zeros_like(means),
            "steps": torch.zeros((), dtype=torch.int64),
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return weights, the last interval, and the sums of the present one."""
        return dict(self._state)

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Restore them."""
        self._state = {name: tensors[name].to(value.device) for name, value in self._state.items()}


class GradNorm:
    """Gradient normalisation (Chen et al., ICML 2018, arXiv:1711.02257, Eq. 1 and 2, Alg. 1).

    The weights are learnt so that the gradient of each weighted loss in the last shared layer has
    the norm ``mean(G) r ** asymmetry``, where r is how little the task has learnt relative to the
    others: its error over its first error, divided by the mean of that over tasks. They are kept at
    K in sum over K tasks.

    Two readings. The first error of a sample is known at any step: a new network returns its
    target, so it is the error of the target (:attr:`TaskErrors.given`), and no lucky first batch
    decides. And a batch may lack a task; means and steps are then over the tasks it has.
    """

    def __init__(self, tasks: TaskMask, settings: GradNormSettings) -> None:
        """Start every task at weight 1."""
        self._tasks = tasks
        self._settings = settings
        self._weights = _Learned(tasks.float(), settings)

    @property
    def weights(self) -> Float[Tensor, " tasks"]:
        """Factor of each task's error."""
        return self._weights.values

    def learn(self, errors: TaskErrors, gradient_norms: GradientNorms) -> None:
        """Take a step of Adam on sum |G - mean(G) r ** asymmetry|, the target held constant."""
        present = errors.given > 0
        norms = gradient_norms()
        weighted = self.weights * norms  # G
        rate = errors.relative / errors.relative[present].mean()  # r
        target = weighted[present].mean() * rate**self._settings.asymmetry
        gradient = torch.where(present, (weighted - target).sign() * norms, 0.0)
        self._weights.step(gradient)
        raised = torch.where(self._tasks, self.weights.clamp(min=_FLOOR), 0.0)
        self._weights.values = raised * (self._tasks.sum() / raised.sum())

    def tensors(self) -> dict[str, Tensor]:
        """Return the weights and the state of their optimiser."""
        return self._weights.tensors()

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Restore the weights and the state of their optimiser."""
        self._weights.restore(tensors)


class _Learned:
    """A few values with an Adam of their own, given their gradient."""

    def __init__(
        self, values: Float[Tensor, " tasks"], settings: UncertaintySettings | GradNormSettings
    ) -> None:
        self._parameter = nn.Parameter(values)
        self._optimiser = torch.optim.Adam([self._parameter], lr=settings.learning_rate)

    @property
    def values(self) -> Float[Tensor, " tasks"]:
        """The values, without a gradient: a copy, which no later step changes."""
        return self._parameter.detach().clone()

    @values.setter
    def values(self, values: Float[Tensor, " tasks"]) -> None:
        with torch.no_grad():
            self._parameter.copy_(values)

    def step(self, gradient: Float[Tensor, " tasks"]) -> None:
        self._parameter.grad = gradient
        self._optimiser.step()

    def tensors(self) -> dict[str, Tensor]:
        return {"values": self.values, **self._optimiser.state[self._parameter]}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        self.values = tensors["values"]
        device = self._parameter.device
        if "step" in tensors:  # Adam keeps its step counter on the CPU
            self._optimiser.state[self._parameter] = {
                "step": tensors["step"].clone(),
                "exp_avg": tensors["exp_avg"].to(device, copy=True),
                "exp_avg_sq": tensors["exp_avg_sq"].to(device, copy=True),
            }
