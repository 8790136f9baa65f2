"""Checkpoints made small: as small as asked, and whole again."""

import pytest
import torch
from small_checkpoint import FORMS, completed, reduced, tensor_bytes
from torch import Tensor

from gisr.errors import InputError

COPIES = ("network", "average.module", "optimiser.exp_avg", "optimiser.exp_avg_sq")
OTHERS = {"average.n_averaged": torch.tensor(7), "random.cpu": torch.arange(9, dtype=torch.uint8)}
PARAMETERS = 1000


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    made = {f"{copy}.layer.weight": torch.randn(PARAMETERS, generator=generator) for copy in COPIES}
    return made | OTHERS | {"optimiser.step.layer.weight": torch.tensor(70_001.0)}


def rounded(tensor: Tensor) -> Tensor:
    return tensor.to(torch.bfloat16).float()


def test_the_first_form_that_is_small_enough_is_taken(tensors: dict[str, Tensor]) -> None:
    for form, a_parameter in zip(FORMS, (16, 10, 8, 6, 4, 2), strict=True):
        most = a_parameter * PARAMETERS + 100
        found, small = reduced(tensors, most)
        assert found is form
        assert a_parameter * PARAMETERS < tensor_bytes(small) <= most
    with pytest.raises(InputError, match=r"the moving average alone.* are more than 0\.0 MiB"):
        reduced(tensors, 2 * PARAMETERS)


def test_nothing_is_lost_where_there_is_room(tensors: dict[str, Tensor]) -> None:
    _, small = reduced(tensors, 2**20)
    whole = completed(small)
    assert set(whole) == set(tensors)
    assert all(torch.equal(whole[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_kept_is_rounded_and_the_first_moment_may_be_zero(
    tensors: dict[str, Tensor], number: int
) -> None:
    whole = completed(FORMS[number].apply(tensors))
    assert set(whole) == set(tensors)
    for name, tensor in tensors.items():
        expected = tensor
        if name.startswith(COPIES) and tensor.is_floating_point():
            expected = rounded(tensor)
        if name.startswith("network.") and number == 1:
            expected = tensor
        if name.startswith("optimiser.exp_avg.") and number == 3:
            expected = torch.zeros(PARAMETERS)
        assert torch.equal(whole[name], expected), name
        assert whole[name].dtype == tensor.dtype


@pytest.mark.parametrize("number", [4, 5])
def test_without_moments_adam_starts_anew(tensors: dict[str, Tensor], number: int) -> None:
    whole = completed(FORMS[number].apply(tensors))
    assert set(whole) == {name for name in tensors if not name.startswith("optimiser.")}
    source = "network" if number == 4 else "average.module"
    assert torch.equal(whole["network.layer.weight"], rounded(tensors[f"{source}.layer.weight"]))
