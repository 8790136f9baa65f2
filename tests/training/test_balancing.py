"""Each rule against its formula, worked out by hand."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from gisr.tasks import TASKS
from gisr.training.balancing import (
    Balancing,
    FixedWeights,
    GradNorm,
    UncertaintyWeights,
    WeightAverage,
    make_balancing,
)
from gisr.training.balancing_settings import (
    BalancingRule,
    GradNormSettings,
    UncertaintySettings,
    WeightAverageSettings,
)
from gisr.training.objective import TaskErrors
from gisr.training.recipe import Recipe
from gisr.training.set_recipe import SetRecipe

ALL = torch.tensor([True, True, True])
WITHOUT_MRI = torch.tensor([True, False, True])
"""Tasks come as pansharpening, mri, depth."""


def errors(*means: float, counts: tuple[int, ...] = (1, 1, 1), given: float = 1.0) -> TaskErrors:
    number = torch.tensor(counts, dtype=torch.float32)
    return TaskErrors(torch.tensor(means) * number, given * number, number)


def no_norms() -> torch.Tensor:
    raise AssertionError("this rule needs no gradients")


def norms(*values: float) -> Callable[[], torch.Tensor]:
    return lambda: torch.tensor(values)


def test_fixed_weights_stay() -> None:
    rule = FixedWeights(torch.ones(len(TASKS), dtype=torch.bool), {"mri": 3.0, "depth": 0.5})
    rule.learn(errors(1.0, 2.0, 3.0, 4.0, counts=(1, 1, 1, 1)), no_norms)
    assert dict(zip(TASKS, rule.weights.tolist(), strict=True)) == {
        "pansharpening": 1.0,
        "multiband": 1.0,
        "mri": 3.0,
        "depth": 0.5,
    }
    assert rule.tensors() == {}


def test_uncertainty_takes_adams_steps_down_its_likelihood() -> None:
    """Mean of exp(-s) L + s: at s = 0, with 1, 2 and 1 samples, the slope is n (1 - L) / 4."""
    rule = UncertaintyWeights(ALL, UncertaintySettings(learning_rate=0.1))
    batch = errors(0.2, 3.0, 1.0, counts=(1, 2, 1))
    assert rule.weights.tolist() == [1, 1, 1]
    rule.learn(batch, no_norms)
    # Adam's first step is the learning rate against the sign; a slope of 0 moves nothing.
    first = [0.1 * -1, 0.1, 0.0]
    assert rule.weights.tolist() == pytest.approx([math.exp(-s) for s in first], rel=1e-6)
    rule.learn(batch, no_norms)
    for position, (count, loss) in enumerate([(1, 0.2), (2, 3.0), (1, 1.0)]):
        slopes = [
            count * (1 - loss) / 4,
            count * (1 - math.exp(-first[position]) * loss) / 4,
        ]
        mean = (0.9 * 0.1 * slopes[0] + 0.1 * slopes[1]) / (1 - 0.9**2)
        square = (0.999 * 0.001 * slopes[0] ** 2 + 0.001 * slopes[1] ** 2) / (1 - 0.999**2)
        expected = first[position] - 0.1 * mean / (math.sqrt(square) + 1e-8)
        assert rule.weights[position].item() == pytest.approx(math.exp(-expected), rel=1e-5)


def test_uncertainty_settles_at_one_over_the_error() -> None:
    rule = UncertaintyWeights(ALL, UncertaintySettings(learning_rate=0.02))
    for _ in range(600):
        rule.learn(errors(0.1, 0.5, 2.0), no_norms)
    assert rule.weights.tolist() == pytest.approx([10, 2, 0.5], rel=1e-2)


def test_weight_average_by_hand() -> None:
    """Eq. 7: K softmax(r / T), r the error of an interval over that of the one before."""
    rule = WeightAverage(ALL, WeightAverageSettings(temperature=2.0, interval=2))
    intervals = [
        # Two steps each; means are over samples: task 1 has (0.8 + 3 x 0.4) / 4 = 0.5.
        (errors(0.8, 1.0, 2.0), errors(0.4, 3.0, 2.0, counts=(3, 1, 1))),
        (errors(0.25, 1.0, 4.0), errors(0.25, 1.0, 4.0)),
        (errors(0.25, 0.5, 1.0), errors(0.25, 0.5, 1.0)),
    ]
    ratios = [(1.0, 1.0, 1.0), (0.25 / 0.5, 1.0 / 2.0, 4.0 / 2.0), (1.0, 0.5, 0.25)]
    for steps, ratio in zip(intervals, ratios, strict=True):
        before = rule.weights.tolist()
        rule.learn(steps[0], no_norms)
        assert rule.weights.tolist() == before  # nothing changes within an interval
        rule.learn(steps[1], no_norms)
        powers = [math.exp(value / 2) for value in ratio]
        expected = [3 * power / sum(powers) for power in powers]
        assert rule.weights.tolist() == pytest.approx(expected, rel=1e-6)


def test_weight_average_without_a_task() -> None:
    rule = WeightAverage(WITHOUT_MRI, WeightAverageSettings(temperature=1.0, interval=1))
    assert rule.weights.tolist() == [1, 0, 1]
    rule.learn(errors(1.0, 0.0, 1.0, counts=(1, 0, 1)), no_norms)
    rule.learn(errors(2.0, 0.0, 0.0, counts=(1, 0, 0)), no_norms)  # depth was not drawn: ratio 1
    both = math.exp(2) + math.exp(1)
    expected = [2 * math.exp(2) / both, 0, 2 * math.exp(1) / both]
    assert rule.weights.tolist() == pytest.approx(expected, rel=1e-6)
    rule.learn(errors(2.0, 0.0, 3.0, counts=(1, 0, 1)), no_norms)  # depth: 3 over its last, 1
    both = math.exp(1) + math.exp(3)
    expected = [2 * math.exp(1) / both, 0, 2 * math.exp(3) / both]
    assert rule.weights.tolist() == pytest.approx(expected, rel=1e-6)


def test_gradnorm_by_hand() -> None:
    """Errors at 1/2, 1/4 and 3/4 of the start: r = 1, 1/2, 3/2. Norms 1, 4, 1: mean(G) = 2.

    Targets at asymmetry 1 are 2, 1 and 3, so the second gradient is too long and the others too
    short. Adam's first step moves each weight by the learning rate; then their sum is 3 again.
    """
    rule = GradNorm(ALL, GradNormSettings(asymmetry=1.0, learning_rate=0.1))
    batch = errors(1.0, 0.5, 1.5, given=2.0)
    rule.learn(batch, norms(1.0, 4.0, 1.0))
    raw = [1.1, 0.9, 1.1]
    expected = [3 * value / sum(raw) for value in raw]
    assert rule.weights.tolist() == pytest.approx(expected, rel=1e-5)
    # Weighted norms are now 1.06, 3.48, 1.06 around a mean of 1.87: the same signs. The slopes of
    # sum |w_i n_i - target| are n_i times them, and do not change: Adam steps by 0.1 again.
    rule.learn(batch, norms(1.0, 4.0, 1.0))
    raw = [expected[0] + 0.1, expected[1] - 0.1, expected[2] + 0.1]
    assert rule.weights.tolist() == pytest.approx([3 * v / sum(raw) for v in raw], rel=1e-5)


def test_gradnorm_with_asymmetry_pulls_the_slow_task_along() -> None:
    """Gradients alike, one task behind: asymmetry 0 finds nothing to do, asymmetry 2 does."""
    for asymmetry, comparison in ((0.0, 0), (2.0, 1)):
        rule = GradNorm(ALL, GradNormSettings(asymmetry=asymmetry, learning_rate=0.01))
        for _ in range(20):
            rule.learn(errors(0.2, 0.2, 0.9), norms(1.0, 1.0, 1.0))
        ahead, behind = rule.weights[0].item(), rule.weights[2].item()
        assert (behind > ahead + 0.1) == bool(comparison)
        assert rule.weights.sum().item() == pytest.approx(3, rel=1e-5)


def test_gradnorm_finds_weights_that_make_gradients_alike() -> None:
    rule = GradNorm(ALL, GradNormSettings(asymmetry=0.0, learning_rate=0.01))
    for _ in range(400):
        rule.learn(errors(1.0, 1.0, 1.0), norms(1.0, 2.0, 4.0))
    # w n alike with sum 3: 12/7, 6/7, 3/7, within the last steps of Adam.
    assert rule.weights.tolist() == pytest.approx([12 / 7, 6 / 7, 3 / 7], abs=0.06)


def test_gradnorm_leaves_out_what_a_batch_does_not_have() -> None:
    rule = GradNorm(ALL, GradNormSettings(asymmetry=1.0, learning_rate=0.1))
    rule.learn(errors(1.0, 0.0, 0.0, counts=(2, 0, 0)), norms(3.0, 0.0, 0.0))
    assert rule.weights.tolist() == [1, 1, 1]  # one task alone is as fast as the mean
    rule.learn(errors(0.0, 0.0, 0.0, counts=(1, 1, 1), given=0.0), norms(1.0, 2.0, 3.0))
    assert rule.weights.tolist() == [1, 1, 1]  # targets that were right already say nothing
    two = GradNorm(WITHOUT_MRI, GradNormSettings(asymmetry=1.0, learning_rate=0.1))
    assert two.weights.tolist() == [1, 0, 1]
    for _ in range(40):  # far beyond where a weight without a floor would be negative
        two.learn(errors(1.0, 0.0, 1.0, counts=(1, 0, 1)), norms(1.0, 0.0, 900.0))
    assert two.weights[1] == 0
    assert two.weights.min() >= 0
    assert 0 < two.weights[2] < 0.1
    assert two.weights.sum().item() == pytest.approx(2, rel=1e-5)


SETTINGS: dict[str, dict[str, Any]] = {
    "fixed": {},
    "uncertainty": {},
    "weight-average": {"weight_average": WeightAverageSettings(interval=2)},
    "gradnorm": {},
}
CLASSES: dict[str, type[Balancing]] = {
    "fixed": FixedWeights,
    "uncertainty": UncertaintyWeights,
    "weight-average": WeightAverage,
    "gradnorm": GradNorm,
}


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("steps", [0, 3])
def test_a_restored_rule_goes_on_alike(
    recipe: Callable[..., Recipe], name: BalancingRule, steps: int
) -> None:
    plan = recipe(balancing=name, **SETTINGS[name])
    straight = make_balancing(plan, torch.device("cpu"))
    assert type(straight) is CLASSES[name]
    # The recipe has no bands, so no batch has any.
    counts = tuple(int(task != "multiband") for task in TASKS)
    batches = [
        errors(0.5 + 0.1 * step, 0.0, 0.4, 0.2 * step + 0.1, counts=counts) for step in range(6)
    ]
    for batch in batches[:steps]:
        straight.learn(batch, norms(1.0, 0.0, 2.0, 0.5))
    resumed = make_balancing(plan, torch.device("cpu"))
    resumed.restore({key: value.clone() for key, value in straight.tensors().items()})
    seen = []
    for batch in batches[steps:]:
        for rule in (straight, resumed):
            rule.learn(batch, norms(1.0, 0.0, 2.0, 0.5))
        assert torch.equal(resumed.weights, straight.weights)
        seen.append(straight.weights.tolist())
    assert (seen[-1] == [1.0] * len(TASKS)) == (name == "fixed")


def test_tasks_are_those_of_the_recipe(recipe: Callable[..., Recipe]) -> None:
    sets = (SetRecipe("depth", 4), SetRecipe("depth", 8), SetRecipe("pansharpening", 2))
    rule = make_balancing(recipe(sets=sets, balancing="gradnorm"), torch.device("cpu"))
    assert rule.weights.tolist() == [1, 0, 0, 1]
