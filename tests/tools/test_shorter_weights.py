"""``tools/shorter_weights.py``: a network with fewer blocks, begun from a trained one."""

from pathlib import Path
from types import ModuleType

import pytest
import torch
from tests.tool import load_tool

from gisr.magnet import MAGNet, MAGNetConfig
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import load_weights, save_weights


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_tool("shorter_weights")


@pytest.fixture(scope="module")
def network() -> MAGNet:
    torch.manual_seed(3)
    made = MAGNet(MAGNetConfig(width=8, unshuffle=2, blocks=(2, 3, 3), heads=(1, 2, 4)))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made.eval()


def test_what_stays_is_what_it_was(tool: ModuleType, network: MAGNet) -> None:
    short = tool.shorter_network(network, (1, 2, 3))
    assert short.config.width == 8 and short.config.blocks == (1, 2, 3)
    old, new = network.state_dict(), short.state_dict()
    for name, was in (
        ("encoder.0.0.attention.qkv.weight", "encoder.0.0.attention.qkv.weight"),
        ("decoder.0.0.attention.qkv.weight", "decoder.0.1.attention.qkv.weight"),  # the last
        ("encoder.1.1.attention.qkv.weight", "encoder.1.2.attention.qkv.weight"),
        ("encoder.2.1.attention.qkv.weight", "encoder.2.1.attention.qkv.weight"),
        ("encoder_routing.1.experts.expand.weight", "encoder_routing.1.experts.expand.weight"),
        ("head.weight", "head.weight"),
    ):
        torch.testing.assert_close(new[name], old[was], atol=0, rtol=0)


def test_with_all_blocks_it_is_the_same_network(tool: ModuleType, network: MAGNet) -> None:
    same = tool.shorter_network(network, (2, 3, 3)).eval()
    given = (torch.rand(1, 4, 24, 16), torch.rand(1, 4, 24, 16))
    text, ratio = torch.rand(1, 384), torch.tensor([4.0])
    with torch.inference_mode():
        expected, found = network(*given, text, ratio).image, same(*given, text, ratio).image
    torch.testing.assert_close(found, expected, atol=0, rtol=0)


@pytest.mark.parametrize("blocks", [(1,), (1, 2, 4), (3, 3), (-1, 1, 1)])
def test_other_numbers_of_blocks_are_refused(
    tool: ModuleType, network: MAGNet, blocks: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"give up to \(2, 3, 3\), one number a level"):
        tool.shorter_network(network, blocks)


def test_the_command(
    tool: ModuleType, network: MAGNet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_weights(tmp_path / "long", network, built_in_table(), name="long")
    words = [str(tmp_path / "short"), "--of", str(tmp_path / "long"), "--blocks"]
    assert tool.main([*words, "1", "0", "2"]) == 0
    made = load_weights(tmp_path / "short")
    assert made.name == "magnet-xs" and made.network.config.blocks == (1, 0, 2)
    assert tool.main([*words, "9", "9", "9"]) == 2
    assert "blocks (9, 9, 9): give up to (2, 3, 3)" in capsys.readouterr().err
