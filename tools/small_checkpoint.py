"""Checkpoints that fit through a narrow channel: rounded, and without what a run makes up for.

A checkpoint is four copies of the parameters: the network, its moving average, and the two moments
of Adam. In float32 they are 141 MiB for ``magnet-s``. Here they become as small as asked, by the
least loss that is enough, and a whole checkpoint again.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gisr.errors import InputError

AVERAGE = "average.module."
"""What the names of the moving average's tensors begin with in a checkpoint."""
_NETWORK = "network."
_FIRST, _SECOND, _STEP = "optimiser.exp_avg.", "optimiser.exp_avg_sq.", "optimiser.step."
_MIB = 2**20


@dataclass(frozen=True)
class Form:
    """What is kept of the four copies, and as what; None leaves a copy out."""

    name: str
    network: torch.dtype | None
    average: torch.dtype | None
    first: torch.dtype | None
    """First moment of Adam; zero when left out, which a few steps make up for."""
    second: torch.dtype | None
    """Second moment of Adam; without it Adam starts anew."""

    def apply(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of a checkpoint in this form; what is in no copy stays as it is."""
        copies = {
            _NETWORK: self.network,
            AVERAGE: self.average,
            _FIRST: self.first,
            _SECOND: self.second,
            _STEP: None if self.second is None else torch.float32,
        }
        small = {}
        for name, tensor in tensors.items():
            copy = next((prefix for prefix in copies if name.startswith(prefix)), None)
            dtype = tensor.dtype if copy is None else copies[copy]
            if dtype is not None:
                small[name] = tensor.to(dtype)
        return small


_SINGLE, _HALF = torch.float32, torch.bfloat16
FORMS = (
    Form("everything in float32", _SINGLE, _SINGLE, _SINGLE, _SINGLE),
    Form("network in float32, the rest in bfloat16", _SINGLE, _HALF, _HALF, _HALF),
    Form("everything in bfloat16", _HALF, _HALF, _HALF, _HALF),
    Form("bfloat16 without Adam's first moment", _HALF, _HALF, None, _HALF),
    Form("bfloat16 without Adam's moments", _HALF, _HALF, None, None),
    Form("the moving average alone, in bfloat16", None, _HALF, None, None),
)
"""From the largest to the smallest: 16, 10, 8, 6, 4 and 2 bytes a parameter."""


def reduced(tensors: dict[str, Tensor], most_bytes: int) -> tuple[Form, dict[str, Tensor]]:
    """Return the tensors of a checkpoint in the first form that is small enough.

    Raises:
        InputError: The smallest is still too large.
    """
    for form in FORMS:
        small = form.apply(tensors)
        if (size := tensor_bytes(small)) <= most_bytes:
            return form, small
    raise InputError(
        f"{size / _MIB:.1f} MiB ({form.name}) are more than {most_bytes / _MIB:.1f} MiB: "
        "allow more, or train a smaller network"
    )


def completed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a whole checkpoint, in float32, from one in any form.

    A missing network is the moving average, a missing first moment zero; without the second moment
    there is none, and Adam starts anew.
    """
    whole = {
        name: tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        for name, tensor in tensors.items()
    }
    for name, tensor in list(whole.items()):
        if name.startswith(AVERAGE):
            whole.setdefault(_NETWORK + name.removeprefix(AVERAGE), tensor)
        if name.startswith(_SECOND):
            whole.setdefault(_FIRST + name.removeprefix(_SECOND), torch.zeros_like(tensor))
    return whole


def tensor_bytes(tensors: dict[str, Tensor]) -> int:
    """Return the size of tensors."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
