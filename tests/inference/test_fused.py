"""The processor's fused parts give what the network gives, from the same weights in memory."""

from dataclasses import replace

import pytest
import torch

from gisr.experiments.reproduce.system_cost import measure_cost
from gisr.inference import networks
from gisr.inference.fused import FusedBlock, FusedRouting, can_fuse, fused
from gisr.inference.networks import Networks
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet, MAGNetConfig
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import Weights

CPU = torch.device("cpu")
CONFIG = MAGNetConfig(width=16, guide_channels=4, unshuffle=2, blocks=(1, 2, 1), heads=(1, 2, 4))

pytestmark = pytest.mark.skipif(
    not can_fuse(CPU, torch.float32), reason="this build of PyTorch has no oneDNN"
)


def network(config: MAGNetConfig = CONFIG) -> MAGNet:
    """Return a network in which every part counts: nothing of it is zero."""
    torch.manual_seed(0)
    made = MAGNet(config).eval()
    with torch.no_grad():
        made.head.weight.normal_(std=0.1)
    return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@pytest.mark.parametrize("sides", [(64, 64), (40, 72)])
@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, routing="both", expert_portion="channels", routing_residual=False),
        replace(CONFIG, routing="decoder", prompt_module=False),
    ],
    ids=["as released", "experts of channels", "without prompt"],
)
def test_the_fused_network_gives_what_the_network_gives(
    config: MAGNetConfig, sides: tuple[int, int]
) -> None:
    plain = network(config)
    one_pass = fused(plain)
    kinds = [type(module).__name__ for module in plain.modules()]
    fused_kinds = [type(module) for module in one_pass.modules()]
    assert fused_kinds.count(FusedBlock) == kinds.count("TransformerBlock") > 0
    assert fused_kinds.count(FusedRouting) == kinds.count("GuidedRouting") > 0
    assert {id(p) for p in one_pass.parameters()} == {id(p) for p in plain.parameters()}
    given = torch.rand(2, 4, *sides), torch.rand(2, 4, *sides), torch.rand(2, 384)
    with torch.inference_mode():
        expected, found = (each(*given, torch.tensor([4.0, 2.0])) for each in (plain, one_pass))
    added = (expected.image - given[0]).abs().mean()
    assert added > 0.01
    assert (found.image - expected.image).abs().max() < 2e-5 * added.clamp_min(1)
    for one, other in zip(expected.routing, found.routing, strict=True):
        assert one.position == other.position
        torch.testing.assert_close(other.weights, one.weights, rtol=1e-4, atol=1e-4)


def test_what_is_saved_or_trained_further_is_the_network_itself() -> None:
    weights = Weights("tiny", network(), built_in_table())
    held = Networks(weights, CPU, "float32")
    assert held.plain() is weights.network
    assert held.take("auto") is held.take("float32") is not held.plain()
    assert Upscaler(weights, "cpu").network is weights.network


def test_operations_are_counted_in_fused_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = Weights("tiny", network(), built_in_table())
    counted = []
    for fusing in (True, False):
        monkeypatch.setattr(networks, "can_fuse", lambda *given, answer=fusing: answer)
        counted.append(measure_cost(Upscaler(weights, "cpu"), "pansharpening", 4).gmacs)
    assert counted[0] == counted[1] > 0.1
