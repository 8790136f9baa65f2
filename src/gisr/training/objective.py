"""The objective of Eq. (10): L1 and the load balance of the routing."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gisr.data.training_sets import Sample
from gisr.magnet import MAGNetOutput, balance_loss
from gisr.tasks.task import TASKS
from gisr.tasks.text.table import DescriptionTable
from gisr.training.recipe import TaskWeights


class Batch(NamedTuple):
    """Samples side by side."""

    target: Float[Tensor, "b 4 s s"]
    guide: Float[Tensor, "b 3 s s"]
    truth: Float[Tensor, "b 4 s s"]
    known: Float[Tensor, "b 1 s s"]
    text: Float[Tensor, "b d"]
    ratio: Float[Tensor, " b"]
    weight: Float[Tensor, " b"]
    """Weight of each sample's task."""
    task: Int[Tensor, " b"]
    """Number of each sample's task in :data:`gisr.tasks.task.TASKS`."""

    @classmethod
    def of(cls, samples: list[Sample], table: DescriptionTable, weights: TaskWeights) -> "Batch":
        """Stack samples and look up their descriptions."""
        factors = [getattr(weights, sample.task) for sample in samples]
        return cls(
            target=_stack([sample.target for sample in samples]),
            guide=_stack([sample.guide for sample in samples]),
            truth=_stack([sample.truth for sample in samples]),
            known=_stack([sample.known for sample in samples]),
            text=_stack([table.lookup(sample.description) for sample in samples]),
            ratio=torch.tensor([sample.ratio for sample in samples], dtype=torch.float32),
            weight=torch.tensor(factors, dtype=torch.float32),
            task=torch.tensor([list(TASKS).index(sample.task) for sample in samples]),
        )

    def to(self, device: torch.device) -> "Batch":
        """Move the batch to a device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Objective(NamedTuple):
    """The loss and its parts."""

    total: Float[Tensor, ""]
    reconstruction: Float[Tensor, " b"]
    """L1 of each sample over its known pixels, not weighted."""
    balance: Float[Tensor, ""]


def objective(output: MAGNetOutput, batch: Batch, gamma: float) -> Objective:
    """Return L = L_1 + gamma L_Balance, Eq. (10), with L_1 weighted by task."""
    reconstruction = mean_error(output.image.float(), batch)
    balance = balance_loss(output.routing).to(reconstruction.device)
    total = (reconstruction * batch.weight).mean() + gamma * balance
    return Objective(total, reconstruction, balance)


def _stack(arrays: list[Float[np.ndarray, "..."]]) -> Float[Tensor, "b ..."]:
    return torch.from_numpy(np.stack(arrays))


def mean_error(image: Float[Tensor, "b 4 s s"], batch: Batch) -> Float[Tensor, " b"]:
    """Return L1 of each sample over its known pixels."""
    error = (image - batch.truth).abs() * batch.known
    return error.sum(dim=(1, 2, 3)) / (batch.known.sum(dim=(1, 2, 3)).clamp(min=1) * image.shape[1])


def errors_by_task(loss: Objective, batch: Batch) -> dict[str, float]:
    """Return L1 by task, as it is and relative to the target the network was given."""
    given = mean_error(batch.target, batch)
    values = {}
    for number, name in enumerate(TASKS):
        own = batch.task == number
        if own.any():
            l1 = float(loss.reconstruction[own].detach().mean())
            before = float(given[own].mean())
            values[f"l1_{name}"] = l1
            if before > 0:
                values[f"relative_l1_{name}"] = l1 / before
    return values
