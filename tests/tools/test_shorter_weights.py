"""``tools/shorter_weights.py``: a network without its finest level, begun from a trained one."""

from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
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
    made = MAGNet(MAGNetConfig(width=8, unshuffle=2, blocks=(1, 2, 3), heads=(1, 2, 4)))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made.eval()


def test_the_first_two_convolutions_are_one(tool: ModuleType, network: MAGNet) -> None:
    short = tool.shorter_network(network, (2, 3))
    images = torch.rand(1, 8, 32, 32)
    with torch.inference_mode():
        expected = F.pixel_unshuffle(
            network.down[0](network.embed(F.pixel_unshuffle(images, 2))), 2
        )
        found = short.embed(F.pixel_unshuffle(images, 4))
    # At the border the first convolution's padding is not that of the product.
    inside = slice(2, -2)
    torch.testing.assert_close(
        found[..., inside, inside], expected[..., inside, inside], atol=1e-5, rtol=1e-5
    )


def test_what_stays_is_what_it_was(tool: ModuleType, network: MAGNet) -> None:
    short = tool.shorter_network(network, (2, 2))
    assert short.config.width == 16 and short.config.unshuffle == 4
    old, new = network.state_dict(), short.state_dict()
    for name, was in (
        ("encoder.0.0.attention.qkv.weight", "encoder.1.0.attention.qkv.weight"),
        ("encoder.1.0.attention.qkv.weight", "encoder.2.0.attention.qkv.weight"),
        ("encoder.1.1.attention.qkv.weight", "encoder.2.2.attention.qkv.weight"),  # the last
        ("decoder.0.1.attention.qkv.weight", "decoder.1.1.attention.qkv.weight"),
        ("down.0.weight", "down.1.weight"),
        ("up.0.weight", "up.1.weight"),
        ("encoder_routing.1.experts.expand.weight", "encoder_routing.2.experts.expand.weight"),
        ("prompt_generator.dictionary", "prompt_generator.dictionary"),
    ):
        torch.testing.assert_close(new[name], old[was], atol=0, rtol=0)
    fuse, was_fuse = new["encoder_routing.0.fuse.weight"], old["encoder_routing.1.fuse.weight"]
    torch.testing.assert_close(fuse[:, :16], was_fuse[:, :16], atol=0, rtol=0)


def test_it_begins_by_adding_nothing(tool: ModuleType, network: MAGNet) -> None:
    short = tool.shorter_network(network, (1, 1)).eval()
    target, guide = torch.rand(1, 4, 24, 16), torch.rand(1, 4, 24, 16)
    text, ratio = torch.rand(1, 384), torch.tensor([4.0])
    with torch.inference_mode():
        torch.testing.assert_close(short(target, guide, text, ratio).image, target)


@pytest.mark.parametrize("blocks", [(1,), (1, 2, 3), (3, 3)])
def test_other_numbers_of_blocks_are_refused(
    tool: ModuleType, network: MAGNet, blocks: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"give up to \(2, 3\), one number a level"):
        tool.shorter_network(network, blocks)


def test_the_command(
    tool: ModuleType, network: MAGNet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_weights(tmp_path / "long", network, built_in_table(), name="long")
    words = [str(tmp_path / "short"), "--of", str(tmp_path / "long"), "--blocks"]
    assert tool.main([*words, "2", "2"]) == 0
    made = load_weights(tmp_path / "short")
    assert made.name == "magnet-xs" and made.network.config.blocks == (2, 2)
    assert tool.main([*words, "9", "9"]) == 2
    assert "blocks (9, 9): give up to (2, 3)" in capsys.readouterr().err
