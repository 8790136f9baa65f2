"""The scan of FusionMamba is the recurrence of its definition, chunk beside chunk or not."""

import pytest
import torch
from torch import Tensor

from gisr.baselines.pansharpening import selective_scan as module
from gisr.baselines.pansharpening.selective_scan import CHUNK, selective_scan


def inputs(tokens: int) -> list[Tensor]:
    torch.manual_seed(tokens)
    x, write, read = torch.randn(tokens, 2, 5), torch.randn(tokens, 2, 3), torch.randn(tokens, 2, 3)
    return [x, torch.rand(tokens, 2, 5), -torch.rand(3, 5), write, read]


def by_definition(x: Tensor, pace: Tensor, decay: Tensor, write: Tensor, read: Tensor) -> Tensor:
    state, answers = torch.zeros(2, 3, 5, dtype=x.dtype), []
    for token in range(len(x)):
        kept = (pace[token][:, None] * decay).exp()
        state = kept * state + (pace[token] * x[token])[:, None] * write[token][..., None]
        answers.append((state * read[token][..., None]).sum(dim=1))
    return torch.stack(answers)


@pytest.mark.parametrize("at_once", [2**20, 30 * 3 * CHUNK])
@pytest.mark.parametrize("tokens", [1, CHUNK, 2 * CHUNK, 2 * CHUNK + 1, 5 * CHUNK - 1, 300])
def test_answers_and_gradients_are_those_of_the_definition(
    tokens: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_VALUES_ON_CPU", at_once)
    ours = [each.requires_grad_() for each in inputs(tokens)]
    exact = [each.detach().double().requires_grad_() for each in ours]
    answer, expected = selective_scan(*ours), by_definition(*exact)
    torch.testing.assert_close(answer, expected.float(), rtol=1e-5, atol=1e-5)
    weights = torch.randn_like(answer)
    (answer * weights).sum().backward()
    (expected * weights).sum().backward()
    for own, true in zip(ours, exact, strict=True):
        assert own.grad is not None
        assert true.grad is not None
        torch.testing.assert_close(own.grad, true.grad.float(), rtol=1e-4, atol=1e-4)


def test_half_precision_is_scanned_in_single() -> None:
    given = [each.bfloat16() for each in inputs(40)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answer = selective_scan(*given)
    assert answer.dtype == torch.float32
    torch.testing.assert_close(answer, selective_scan(*(each.float() for each in given)))
