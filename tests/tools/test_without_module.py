"""``tools/without_module.py``: a network without MGRM or MPGM, begun from a trained one."""

from pathlib import Path
from types import ModuleType

import pytest
import torch
from tests.small_network import tiny_weights
from tests.tool import load_tool

from gisr.weights.store import load_weights, save_weights


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_tool("without_module")


@pytest.mark.parametrize(
    ("module", "gone"), [("MGRM", ("encoder_routing", "guidance")), ("MPGM", ("prompt",))]
)
def test_all_but_the_module_stays(
    tool: ModuleType,
    module: str,
    gone: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = tiny_weights()
    save_weights(tmp_path / "whole", made.network, made.descriptions, name="tiny")
    assert tool.main([str(tmp_path / "left"), module, "--of", str(tmp_path / "whole")]) == 0
    left = load_weights(tmp_path / "left").network
    old, new = made.network.state_dict(), left.state_dict()
    assert {name for name in old if name not in new}
    assert all(name.startswith(gone) or ".prompt." in name for name in old if name not in new)
    for name, tensor in new.items():
        if name in old:
            torch.testing.assert_close(tensor, old[name], atol=0, rtol=0)
        else:
            assert name.startswith("prompt_shift") and not tensor.any()
    images = torch.rand(2, 4, 32, 32)
    text = torch.zeros(2, left.config.text_width)
    with torch.inference_mode():
        output = left.eval()(images, images, text, torch.tensor([2.0, 4.0]))
    assert output.image.isfinite().all()
    assert bool(output.routing) == (module == "MPGM")
    assert f"{sum(each.numel() for each in left.parameters()):,}" in capsys.readouterr().out


def test_weights_that_are_not_there_are_told(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool.main([str(tmp_path / "left"), "MPGM", "--of", str(tmp_path / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err
