"""The objective of Eq. (10): the error and the load balance of the routing."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from operator import methodcaller
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gisr.baselines.network import known_mean
from gisr.magnet import MAGNetOutput, balance_loss
from gisr.tasks import TASKS
from gisr.tasks.text.table import DescriptionTable
from gisr.training.distributed import Processes
from gisr.training.measured import measured_part
from gisr.training.recipe import Criterion
from gisr.training.samples.patches import Sample

_ALONE = Processes()


@dataclass(frozen=True, eq=False)
class SampleBatch:
    """Samples side by side."""

    target: Float[Tensor, "b 4 s s"]
    guide: Float[Tensor, "b 4 s s"]
    truth: Float[Tensor, "b 4 s s"]
    known: Float[Tensor, "b 1 s s"]
    scale: Float[Tensor, "b 4"]
    """What a step of 1 means in each sample's units, relative."""
    text: Float[Tensor, "b d"]
    ratio: Float[Tensor, " b"]
    task: Int[Tensor, " b"]
    """Number of each sample's task in :data:`gisr.tasks.TASKS`."""
    cropped: Bool[Tensor, " b"]
    """Whose target is a crop of k-space."""
    coarse: tuple[Float[Tensor, "4 t t"], ...]
    """Targets at their own size, which the samples of a batch need not share."""

    @classmethod
    def of(cls, samples: list[Sample], table: DescriptionTable | None) -> "SampleBatch":
        """Stack samples and look up their descriptions, if there is a table of them."""
        empty = np.zeros(0, np.float32)
        return cls(
            target=_stack([sample.target for sample in samples]),
            guide=_stack([sample.guide for sample in samples]),
            truth=_stack([sample.truth for sample in samples]),
            known=_stack([sample.known for sample in samples]),
            scale=_stack([sample.scale for sample in samples]),
            text=_stack(
                [empty if table is None else table.lookup(each.description) for each in samples]
            ),
            ratio=torch.tensor([sample.ratio for sample in samples], dtype=torch.float32),
            task=torch.tensor([list(TASKS).index(sample.task) for sample in samples]),
            cropped=torch.tensor([sample.cropped for sample in samples]),
            coarse=tuple(torch.from_numpy(sample.coarse) for sample in samples),
        )

    def part(self, chosen: Int[Tensor, " n"]) -> "SampleBatch":
        """Return some of the samples, by number."""
        coarse = tuple(self.coarse[index] for index in chosen.tolist())
        return self._each(lambda tensor: tensor[chosen], coarse)

    def to(self, device: torch.device) -> "SampleBatch":
        """Move the batch to a device."""
        move = methodcaller("to", device, non_blocking=True)
        return self._each(move, tuple(map(move, self.coarse)))

    def pin_memory(self) -> "SampleBatch":
        """Return the batch in memory that a GPU copies from: torch's loader calls it."""
        pin = methodcaller("pin_memory")
        return self._each(pin, tuple(map(pin, self.coarse)))

    def _each(
        self, change: Callable[[Tensor], Tensor], coarse: tuple[Tensor, ...]
    ) -> "SampleBatch":
        names = [each.name for each in fields(self) if each.name != "coarse"]
        return replace(self, **{name: change(getattr(self, name)) for name in names}, coarse=coarse)


class TeacherAnswers(NamedTuple):
    """What a teacher makes of a batch, for a network that learns from it beside the truth."""

    image: Float[Tensor, "b c s s"]
    """Its answers."""
    share: float
    """What the error to them counts; that to the truth counts the rest."""


class TaskErrors(NamedTuple):
    """Errors of a batch by task, over all processes that share it, without a gradient."""

    sums: Float[Tensor, " tasks"]
    """Sum of the samples' errors."""
    given: Float[Tensor, " tasks"]
    """The same of the targets the network was given: the error of a network that did nothing."""
    counts: Float[Tensor, " tasks"]
    """Samples of each task."""

    @property
    def means(self) -> Float[Tensor, " tasks"]:
        """Mean error by task; 0 for a task without a sample."""
        return self.sums / self.counts.clamp(min=1)

    @property
    def relative(self) -> Float[Tensor, " tasks"]:
        """Error over that of the targets; NaN without a sample, or with nothing to learn."""
        return torch.where(self.given > 0, self.sums / self.given, torch.nan)


class Objective(NamedTuple):
    """The loss and its parts."""

    total: Float[Tensor, ""]
    """Its mean over the processes that share the batch is L of Eq. (10); alone it is L."""
    reconstruction: Float[Tensor, " b"]
    """Error of each sample of this process over its known pixels, not weighted."""
    balance: Float[Tensor, ""]
    """L_Balance of the whole batch."""
    errors: TaskErrors
    """Those of the whole batch."""


def objective(
    output: MAGNetOutput,
    batch: SampleBatch,
    weights: Float[Tensor, " tasks"],
    gamma: float,
    processes: Processes = _ALONE,
    criterion: Criterion = "l1",
    measured: float = 1.0,
    lesson: TeacherAnswers | None = None,
) -> Objective:
    """Return L = L_1 + gamma L_Balance, Eq. (10), with L_1 weighted by task, of MAG-Net.

    Args:
        output: What the network made of this process's share of the batch.
        batch: That share.
        weights: Factor of each task's error, in the order of :data:`gisr.tasks.TASKS`.
        gamma: Weight of the load balance.
        processes: Those that share the batch.
        criterion: The error of a sample; ``l1`` is Eq. (10).
        measured: What errors count that are taken away after the network.
        lesson: A teacher's answers.
    """
    image = output.image.float()
    reconstruction = sample_errors(image, batch, criterion, measured)
    if lesson is not None:
        taught = replace(batch, truth=lesson.image)
        aside = sample_errors(image, taught, criterion, measured)
        reconstruction = (1 - lesson.share) * reconstruction + lesson.share * aside
    balance = balance_loss(output.routing, processes.total).to(reconstruction.device)
    return weighted_objective(reconstruction, balance, batch, weights, gamma, processes, criterion)


def weighted_objective(
    reconstruction: Float[Tensor, " b"],
    balance: Float[Tensor, ""],
    batch: SampleBatch,
    weights: Float[Tensor, " tasks"],
    gamma: float,
    processes: Processes = _ALONE,
    criterion: Criterion = "l1",
) -> Objective:
    """Return errors weighted by task, and a balance weighted by gamma, of any network.

    Args:
        reconstruction: Error of each sample.
        balance: L_Balance; 0 for a network without experts.
        batch: This process's share of the batch.
        weights: Factor of each task's error.
        gamma: Weight of the load balance.
        processes: Those that share the batch.
        criterion: The error of the targets that the network was given.
    """
    given = sample_errors(batch.target, batch, criterion)
    errors = _errors_by_task(reconstruction.detach(), given, batch, processes)
    # Divided by the whole batch, times the processes: shares may differ by a sample.
    error = (reconstruction * weights[batch.task]).sum() * (processes.count / errors.counts.sum())
    return Objective(error + gamma * balance, reconstruction, balance, errors)


def sample_errors(
    image: Float[Tensor, "b c s s"],
    batch: SampleBatch,
    criterion: Criterion = "l1",
    measured: float = 1.0,
) -> Float[Tensor, " b"]:
    """Return the error of each sample over its known pixels, in its own units, relative.

    An image may have fewer than the four channels that samples are carried in: the first of them.

    A band that varies more counts more, as it does in the paper's L1 of images that are scaled as a
    whole, and in PSNR and SAM.

    The gradients of both criteria have the same length in the image, so that rates and weights
    found with one serve the other.
    """
    channels = image.shape[1]
    error = (image - batch.truth[:, :channels]) * batch.scale[:, :channels, None, None]
    if measured != 1:
        error = error - (1 - measured) * measured_part(error, batch.cropped, batch.ratio)
    if criterion == "l1":
        return known_mean(error.abs(), batch.known)
    # The root has no derivative at 0; an error of 1e-6 of the range is none.
    return (known_mean(error.square(), batch.known) + 1e-12).sqrt()


def gradient_norms(
    loss: Objective, batch: SampleBatch, layer: Tensor, processes: Processes = _ALONE
) -> Float[Tensor, " tasks"]:
    """Return the norm of the gradient of each task's mean error, of the whole batch, in a layer.

    The graph is kept, for the backward pass that follows. A task without a sample has norm 0.
    """
    gradients = [
        torch.autograd.grad(
            loss.reconstruction[batch.task == number].sum()
            / loss.errors.counts[number].clamp(min=1),
            layer,
            retain_graph=True,
        )[0]
        for number in range(len(TASKS))
    ]
    total = processes.total(torch.stack(gradients))
    return total.flatten(1).square().sum(dim=1).sqrt()


def _errors_by_task(
    reconstruction: Float[Tensor, " b"],
    given: Float[Tensor, " b"],
    batch: SampleBatch,
    processes: Processes,
) -> TaskErrors:
    samples = (reconstruction, given, torch.ones_like(reconstruction))
    sums = reconstruction.new_zeros(len(samples), len(TASKS))
    return TaskErrors(*processes.total(sums.index_add(1, batch.task, torch.stack(samples))))


def _stack(arrays: list[Float[np.ndarray, "..."]]) -> Float[Tensor, "b ..."]:
    return torch.from_numpy(np.stack(arrays))
