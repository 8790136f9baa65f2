"""``tools/mean_weights.py``: the mean of runs' weights, tensor by tensor."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from tests.small_network import small_network
from tests.tool import load_tool

from gisr.tasks.text.table import built_in_table
from gisr.weights.store import load_weights, save_weights

Make = Callable[..., str]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_tool("mean_weights")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return what writes a small network of random weights and returns its folder."""

    def write(name: str, width: int = 8) -> str:
        network = small_network(sum(name.encode()), width=width)
        save_weights(tmp_path / name, network, built_in_table(), name=name)
        return str(tmp_path / name)

    return write


def test_every_tensor_is_the_weighted_mean(tool: ModuleType, make: Make, tmp_path: Path) -> None:
    a, b, out = make("a"), make("b"), tmp_path / "mean"
    assert tool.main([str(out), "0.75", a, "0.25", b]) == 0
    first, second, mean = (load_weights(each).network.state_dict() for each in (a, b, out))
    assert any(not torch.equal(first[key], second[key]) for key in first)
    for key, value in mean.items():
        torch.testing.assert_close(value, 0.75 * first[key] + 0.25 * second[key])


def test_bfloat16_halves_the_file(tool: ModuleType, make: Make, tmp_path: Path) -> None:
    a, b = make("a"), make("b")
    sizes = []
    for name, more in (("full", []), ("half", ["--bfloat16"])):
        assert tool.main([str(tmp_path / name), "0.5", a, "0.5", b, *more]) == 0
        sizes.append((tmp_path / name / "model.safetensors").stat().st_size)
    assert sizes[1] < 0.7 * sizes[0]


@pytest.mark.parametrize(
    ("shares", "width", "said"),
    [
        (("0.5", "0.4"), 8, "add up to 1"),
        (("0.5", "0.5"), 16, "another network than a"),
        (("a", "0.5"), 8, "a: expected a share"),
    ],
)
def test_what_does_not_average_is_refused(
    tool: ModuleType,
    make: Make,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    shares: tuple[str, str],
    width: int,
    said: str,
) -> None:
    words = [str(tmp_path / "mean"), shares[0], make("a"), shares[1], make("b", width)]
    assert tool.main(words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "mean").exists()


def test_a_share_too_many_is_refused(tool: ModuleType, make: Make, tmp_path: Path) -> None:
    assert tool.main([str(tmp_path / "mean"), "0.5", make("a"), "0.5"]) == 2
