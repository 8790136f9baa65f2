"""MGRM: Eq. (6) to (9) and the balance loss."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from gisr.magnet import LevelRouting, MAGNetConfig, balance_loss
from gisr.magnet.routing import Experts, GuidedRouting, Router


def random_experts(channels: int, number: int, portion: str) -> Experts:
    """Build experts whose answers, zero in a new network, are random."""
    torch.manual_seed(1)
    experts = Experts(channels, number, portion)
    torch.nn.init.normal_(experts.project.weight)
    return experts


@given(experts=st.integers(1, 6), data=st.data())
def test_weights_sum_to_one_over_exactly_k_experts(experts: int, data: st.DataObject) -> None:
    active = data.draw(st.integers(1, experts))
    torch.manual_seed(experts)
    router = Router(5, experts, active)
    router.train(data.draw(st.booleans()))
    weights, _ = router(torch.randn(2, 5, 4, 3))
    assert ((weights > 0).sum(dim=1) == active).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2, 4, 3))


def test_the_largest_logits_are_kept_and_softmaxed() -> None:
    router = Router(4, 4, 2).eval()
    router.gate.weight.data = torch.eye(4)[..., None, None]
    weights, load = router(torch.tensor([1.0, 3.0, -2.0, 2.0]).reshape(1, 4, 1, 1))
    kept = torch.tensor([3.0, 2.0]).softmax(0)
    torch.testing.assert_close(weights.flatten(), torch.tensor([0, kept[0], 0, kept[1]]))
    assert load.tolist() == [0, 1, 0, 1]


def test_noise_in_training_only() -> None:
    torch.manual_seed(0)
    router, x = Router(5, 4, 2), torch.randn(1, 5, 8, 8)
    assert torch.equal(router.eval()(x)[0], router(x)[0])
    router.train()
    assert not torch.equal(router(x)[0], router(x)[0])


def test_expected_load_is_how_often_experts_are_kept() -> None:
    torch.manual_seed(0)
    router = Router(3, 4, 2).train()
    torch.nn.init.normal_(router.noise.weight)  # spreads of 0.1 to 2
    x = torch.randn(1, 3, 1, 1).expand(1, 3, 300, 300)
    with torch.no_grad():
        weights, load = router(x)
    counted = (weights > 0).float().mean(dim=(0, 2, 3))
    assert counted.std() > 0.05  # a case worth measuring
    torch.testing.assert_close(load / 300**2, counted, atol=0.01, rtol=0)
    assert load.sum().item() == pytest.approx(2 * 300**2, rel=0.01)


def test_load_of_experts_that_are_all_kept_is_every_pixel() -> None:
    _, load = Router(3, 4, 4).train()(torch.randn(2, 3, 5, 6))
    assert load.tolist() == [60.0] * 4


def test_equation_9_is_a_linear_sum_of_two_layer_experts() -> None:
    experts, x = random_experts(4, 3, "pixels"), torch.randn(1, 4, 2, 2)
    weights = torch.tensor([0.25, 0.0, 0.75]).reshape(1, 3, 1, 1).expand(1, 3, 2, 2).contiguous()
    expected = torch.zeros(4, 2, 2)
    assert experts.expand.bias is not None
    for j, share in enumerate((0.25, 0.0, 0.75)):
        own = slice(4 * j, 4 * j + 4)
        hidden = F.gelu(F.conv2d(x, experts.expand.weight[own], experts.expand.bias[own]))
        expected += share * F.conv2d(hidden, experts.project.weight[:, own])[0]
    torch.testing.assert_close(experts(x, weights)[0], expected)


def test_with_a_portion_of_channels_each_expert_sees_and_writes_its_own() -> None:
    experts, x = random_experts(8, 4, "channels"), torch.randn(1, 8, 3, 3)
    only_second = torch.zeros(1, 4, 3, 3)
    only_second[:, 1] = 1
    answer = experts(x, only_second)
    assert (answer[:, 2:4] != 0).all()
    assert (answer[:, [0, 1, 4, 5, 6, 7]] == 0).all()
    changed = x.clone()
    changed[:, [0, 1, 4, 5, 6, 7]] += 1
    torch.testing.assert_close(experts(changed, only_second), answer)


def module(**changes: Any) -> GuidedRouting:
    torch.manual_seed(4)
    config = MAGNetConfig(width=8, atom_width=5, **changes)
    routing = GuidedRouting(config, 8, "encoder 1").eval()
    torch.nn.init.normal_(routing.experts.project.weight)
    return routing


def test_equations_7_to_9_with_the_literal_convolution_of_the_concatenation() -> None:
    routing = module()
    feature, guidance, prompt = torch.randn(2, 8, 4, 6), torch.randn(2, 4, 4, 6), torch.randn(2, 5)
    fused = routing.fuse(torch.cat([feature, guidance], dim=1))  # Eq. (7)
    everywhere = prompt[:, :, None, None].expand(2, 5, 4, 6)
    assert routing.prompt is not None
    weight = torch.cat([routing.modulate.weight, routing.prompt.weight[..., None, None]], dim=1)
    modulation = F.conv2d(torch.cat([fused, everywhere], dim=1), weight, routing.modulate.bias)
    gate = routing.router.gate(fused * modulation)  # Eq. (8)
    refined, record = routing(feature, guidance, prompt)
    expected = routing.router._keep_largest(gate)
    torch.testing.assert_close(record.weights, expected)
    answer = feature + routing.experts(feature, expected)  # Eq. (9), residual
    torch.testing.assert_close(refined, answer)
    assert record.position == "encoder 1"
    torch.testing.assert_close(record.load, (expected > 0).float().sum(dim=(0, 2, 3)))


def test_what_the_experts_say_is_added() -> None:
    routing = GuidedRouting(MAGNetConfig(width=8, atom_width=5), 8, "encoder 1").eval()
    feature, guidance = torch.randn(1, 8, 4, 6), torch.randn(1, 4, 4, 6)
    refined, record = routing(feature, guidance, torch.randn(1, 5))
    experts = routing.experts(feature, record.weights)
    assert experts.abs().max() > 0
    torch.testing.assert_close(refined, feature + experts)


def test_the_residual_around_equation_9_is_a_switch() -> None:
    routing = module(routing_residual=False)
    feature, guidance = torch.randn(1, 8, 4, 6), torch.randn(1, 4, 4, 6)
    refined, record = routing(feature, guidance, torch.randn(1, 5))
    torch.testing.assert_close(refined, routing.experts(feature, record.weights))


def test_the_prompt_changes_the_routing_and_is_absent_without_the_module() -> None:
    feature, guidance = torch.randn(1, 8, 4, 6), torch.randn(1, 4, 4, 6)
    routing = module()
    one, other = (routing(feature, guidance, p * torch.ones(1, 5)) for p in (-3, 3))
    assert not torch.equal(one[1].weights, other[1].weights)
    without = module(prompt_module=False)
    assert without.prompt is None
    assert without(feature, guidance, None)[0].shape == feature.shape


def record(weights: torch.Tensor, load: list[float]) -> LevelRouting:
    return LevelRouting("encoder 1", weights, torch.tensor(load))


def test_balance_is_zero_when_every_expert_is_used_alike() -> None:
    weights = torch.full((2, 4, 3, 3), 0.25)
    assert balance_loss([record(weights, [9.0] * 4)] * 3).item() == 0


def test_balance_of_a_skewed_routing_by_hand() -> None:
    weights = torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]).reshape(1, 2, 2, 2)
    # Importance 3 and 1: variance 1 over squared mean 4. Load 4 and 0: variance 4 over 4.
    level = record(weights, [4.0, 0.0])
    assert balance_loss([level]).item() == pytest.approx(0.25 + 1.0)
    assert balance_loss([level, level]).item() == pytest.approx(2.5)


def test_balance_does_not_depend_on_the_size_of_the_image() -> None:
    small = torch.rand(1, 4, 5, 5)
    large = small.repeat(1, 1, 3, 3)
    one = balance_loss([record(small, [1.0, 2.0, 3.0, 4.0])])
    assert balance_loss([record(large, [9.0, 18.0, 27.0, 36.0])]).item() == pytest.approx(
        one.item(), rel=1e-5
    )


def test_balance_of_no_routing_is_zero() -> None:
    assert balance_loss([]).item() == 0


def test_balance_pushes_towards_the_idle_experts() -> None:
    torch.manual_seed(0)
    router, x = Router(3, 4, 2).train(), torch.rand(1, 3, 16, 16) + 0.5
    router.gate.weight.data[0] = 2.0  # expert 1 takes all
    optimiser = torch.optim.Adam(router.parameters(), lr=0.05)
    losses = []
    for _ in range(40):
        weights, load = router(x)
        loss = balance_loss([LevelRouting("encoder 1", weights, load)])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
