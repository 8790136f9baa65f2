"""Published networks behind the call of every system: bands, sizes, ratios, tiles, files."""

import json
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from gisr.apps.cli import main
from gisr.baselines.convert import Converted, convert_weights
from gisr.baselines.costs import SystemCost, count_cost, published_shape, system_costs
from gisr.baselines.depth.dctnet import DCTNet
from gisr.baselines.family import SystemFamily, load_family
from gisr.baselines.network import ComparedNetwork, NetworkInput
from gisr.baselines.system import ComparedSystem
from gisr.baselines.systems import SystemName, SystemShape, find_system
from gisr.baselines.weights import load_system, save_system
from gisr.data.pair import Pair
from gisr.errors import FileFormatError, InputError, WeightsError
from gisr.experiments.named_systems import load_systems
from gisr.inference.answers import Settings
from gisr.placement import Placement, place_by_shape
from gisr.tasks import TaskName
from gisr.weights.folder import embedded_folder

PLAIN = Settings(align="off", consistent="never")
NARROW = SystemShape("dctnet", ("depth",), 1, 3, 4, 0.125)


class Brighter(ComparedNetwork):
    """Adds the guide's first channel to every band; remembers what it was given."""

    published = DCTNet.published

    def __init__(self) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.ones(1))
        self.given: list[NetworkInput] = []

    @classmethod
    def build(
        cls, target_channels: int, guide_channels: int, ratio: int, width: float = 1.0
    ) -> "Brighter":
        return cls()

    def sharpen(self, given: NetworkInput) -> Float[Tensor, "b c H W"]:
        self.given.append(given)
        assert given.enlarged.shape[2] == given.target.shape[2] * given.ratio
        assert given.enlarged.shape[2:] == given.guide.shape[2:]
        return given.enlarged + self.gain * given.guide[:, :1]


def pair_of(
    task: TaskName,
    target: tuple[int, int, int],
    guide: tuple[int, int, int],
    ratio: float | None = None,
) -> Pair:
    rng = np.random.default_rng(0)
    placement = place_by_shape(target[:2], guide[:2], "centre", ratio)
    images = [rng.uniform(1, 2, shape).astype(np.float32) for shape in (target, guide)]
    return Pair(images[0], images[1], task, placement, "centre")


def brighter(name: SystemName, task: TaskName, ratio: int, **options: Any) -> ComparedSystem:
    shape = SystemShape.of(name, [(task, ratio)])
    return ComparedSystem(Brighter(), shape, name, **options)


def expected(pair: Pair) -> np.ndarray:
    """Return what Brighter makes of a pair, from the percentiles of its values."""
    from gisr.inference.survey import survey_of_pairs

    normal = survey_of_pairs([pair]).normalisation
    guide = normal.guide(pair.guide).mean(axis=2, keepdims=True)
    return pair.on_guide_grid() + normal.residual(np.repeat(guide, pair.target.shape[2], axis=2))


@pytest.mark.parametrize("bands", [1, 3, 4, 5, 8])
def test_bands_go_through_in_groups_of_four_and_come_back_in_order(bands: int) -> None:
    pair = pair_of("pansharpening", (16, 20, bands), (64, 80, 1))
    system = brighter("lagconv", "pansharpening", 4)
    np.testing.assert_allclose(system.answer(pair, PLAIN).image, expected(pair), rtol=2e-5)
    assert isinstance(system.network, Brighter)
    assert [given.target.shape[1] for given in system.network.given] == [4] * -(-bands // 4)


def test_a_guide_that_is_no_whole_number_of_times_as_large_is_padded_and_cut() -> None:
    pair = pair_of("pansharpening", (13, 18, 2), (50, 71, 1), 4)
    answer = brighter("lagconv", "pansharpening", 4).answer(pair, PLAIN)
    assert answer.image.shape == (50, 71, 2)
    np.testing.assert_allclose(answer.image, expected(pair), rtol=2e-5)


def test_tiles_give_what_the_whole_image_gives() -> None:
    pair = pair_of("pansharpening", (60, 75, 2), (240, 300, 1))
    whole = brighter("lagconv", "pansharpening", 4).answer(pair, PLAIN).image
    system = brighter("lagconv", "pansharpening", 4, tile=128)
    np.testing.assert_allclose(system.answer(pair, PLAIN).image, whole, atol=1e-5)
    assert isinstance(system.network, Brighter)
    assert len(system.network.given) > 1


def test_a_network_for_all_tasks_takes_any_ratio() -> None:
    system = brighter("promptir", "depth", 4)
    for sides in ((17, 23), (32, 48)):
        pair = pair_of("depth", (8, 12, 1), (*sides, 3), None)
        answer = system.answer(pair, PLAIN)
        assert answer.image.shape == (*sides, 1)


def test_what_it_was_not_built_for_is_refused_and_says_what_it_can() -> None:
    system = brighter("dctnet", "depth", 4)
    with pytest.raises(InputError, match="was built for ratio 4, the pair has 8"):
        system.answer(pair_of("depth", (8, 8, 1), (64, 64, 3)), PLAIN)
    with pytest.raises(InputError, match="weights are for depth"):
        system.answer(pair_of("mri", (8, 8, 1), (32, 32, 1)), PLAIN)
    with pytest.raises(ValueError, match=r"one ratio at a time.*--only depth:8"):
        SystemShape.of("dctnet", [("depth", 4), ("depth", 8)])
    with pytest.raises(ValueError, match="is for depth, not mri"):
        SystemShape.of("dctnet", [("mri", 4)])
    with pytest.raises(InputError, match=r"unknown system 'unet': use one of promptir"):
        find_system("unet")
    with pytest.raises(InputError, match=r"unknown system 'dctnt': did you mean dctnet\?$"):
        find_system("dctnt")


def test_values_that_are_not_finite_are_an_error() -> None:
    system = brighter("dctnet", "depth", 4)
    with torch.no_grad():
        next(system.network.parameters()).fill_(torch.nan)
    with pytest.raises(InputError, match="dctnet gave values that are not finite"):
        system.answer(pair_of("depth", (8, 8, 1), (32, 32, 3)), PLAIN)


def test_a_family_takes_the_network_of_the_ratio() -> None:
    family = SystemFamily("dctnet", [brighter("dctnet", "depth", ratio) for ratio in (4, 8)])
    for ratio in (4, 8):
        assert family.can("depth", ratio)
        pair = pair_of("depth", (8, 8, 1), (8 * ratio, 8 * ratio, 3))
        assert family.answer(pair, PLAIN).image.shape == (8 * ratio, 8 * ratio, 1)
    assert not family.can("depth", 16) and not family.can("mri", 4)
    with pytest.raises(InputError, match="no weights for depth x2: it has depth x4, depth x8"):
        family.answer(pair_of("depth", (8, 8, 1), (16, 16, 3)), PLAIN)


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    network = NARROW.build()
    save_system(tmp_path, network, NARROW, name="mine")
    found = load_system(tmp_path)
    assert (found.name, found.shape) == ("mine", NARROW)
    for name, tensor in network.state_dict().items():
        assert torch.equal(found.network.state_dict()[name], tensor)
    with pytest.raises(InputError, match="holds dctnet, not dkn"):
        load_family("dkn", [str(tmp_path)])
    with pytest.raises(WeightsError, match=f"--systems dctnet:{tmp_path}$"):
        load_systems([str(tmp_path)])
    with pytest.raises(
        WeightsError, match=r"is of MAG-Net, not of a compared system: name .* alone"
    ):
        load_systems([f"dctnet:{embedded_folder('magnet-s')}"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "unet"}, "unknown system 'unet'"),
        ({"ratio": 0}, "at least 1"),
        ({"ratio": "4"}, "ratio cannot be '4'"),
        ({"width": 100.0}, "width must lie above 0"),
        ({"width": 0.5}, "do not fit"),
        ({"tasks": ["sound"]}, "tasks cannot be"),
        ({"target_channels": 10**6}, "at most 64"),
        ({"code": "os.system"}, "must hold name, tasks"),
    ],
)
def test_a_false_configuration_is_one_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    save_system(tmp_path, NARROW.build(), NARROW, name="mine")
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config["system"] |= change
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(WeightsError, match=message) as error:
        load_system(tmp_path)
    assert "\n" not in str(error.value)


def test_authors_weights_are_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A whole network under the names that our own have, as trainers wrap them."""

    class Named(Brighter):
        @classmethod
        def names_of(cls, published: Any) -> dict[str, str]:
            return {name: name for name in published if name == "gain"}

    content = {"epoch": 3, "state_dict": {"module.gain": torch.full((1,), 2.0)}}
    content["state_dict"]["module.dead"] = torch.zeros(3)  # type: ignore[index]
    torch.save(content, tmp_path / "theirs.pth")
    shape = SystemShape.of("dctnet", [("depth", 4)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gisr.baselines.systems.find_system", lambda name: Named)
        found = convert_weights(tmp_path / "theirs.pth", shape)
    assert found.network.state_dict()["gain"].tolist() == [2.0]
    assert found.left_over == ("dead",)
    assert main(["convert", "unet", str(tmp_path / "theirs.pth"), "--out", str(tmp_path)]) == 2
    assert "unknown system 'unet'" in capsys.readouterr().err
    assert main(["convert", "dctnet", str(tmp_path / "no.pth"), "--out", str(tmp_path)]) == 2
    assert "no such file: check the name" in capsys.readouterr().err


class Renamed(Brighter):
    """Its authors call the gain otherwise."""

    @classmethod
    def names_of(cls, published: Any) -> dict[str, str]:
        return {"net.strength": "gain"}


def _converted(path: Path, content: object) -> Converted:
    torch.save(content, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gisr.baselines.systems.find_system", lambda name: Renamed)
        return convert_weights(path, SystemShape.of("dctnet", [("depth", 4)]))


def test_of_a_network_and_its_moving_average_the_average_is_converted(tmp_path: Path) -> None:
    """As BasicSR writes them: before, the first of the two was taken without a word."""
    one, two = (torch.full((1,), value) for value in (1.0, 2.0))
    content = {"params": {"net.strength": one, "a": one}, "params_ema": {"net.strength": two}}
    assert _converted(tmp_path / "x.pth", content).network.state_dict()["gain"] == one
    content["params_ema"]["a"] = two
    found = _converted(tmp_path / "x.pth", content)
    assert found.network.state_dict()["gain"] == two
    assert found.choice == "params_ema is taken, not params"
    wrapped = {f"model.module.{name}": value for name, value in content["params"].items()}
    assert _converted(tmp_path / "x.pth", wrapped).network.state_dict()["gain"] == one
    assert _converted(tmp_path / "x.pth", wrapped).choice == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"other": torch.ones(1)}, "x.pth: misses of dctnet x4: gain; the file has b, other"),
        ({"net.strength": torch.tensor([torch.nan])}, "x.pth: gain holds NaN or infinity"),
    ],
)
def test_a_file_without_the_systems_names_or_values_is_refused(
    content: dict[str, torch.Tensor], words: str, tmp_path: Path
) -> None:
    content = {"b": torch.ones(1), **content}
    with pytest.raises(WeightsError, match=words):
        _converted(tmp_path / "x.pth", content)


def test_what_lies_in_the_place_of_authors_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_text("<!DOCTYPE html><html>virus scan</html>")
    with pytest.raises(FileFormatError, match=r"x\.pth: a web page under this name"):
        convert_weights(tmp_path / "x.pth", NARROW)


def test_converting_replaces_no_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of a run of MAG-Net became half of another system's."""
    torch.save({"gain": torch.ones(1)}, tmp_path / "theirs.pth")
    (tmp_path / "config.json").write_text("{}")
    words = ["convert", "dctnet", str(tmp_path / "theirs.pth"), "--out"]
    assert main([*words, str(tmp_path)]) == 2
    assert "holds weights already: name another folder" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "out"), "--ratio", "0"]) == 2
    assert "--ratio 0: must be at least 2" in capsys.readouterr().err


def test_convert_and_its_help_do_not_promise_what_no_system_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A system whose authors' names become known changes the help and docs/systems.md too."""
    for name in get_args(SystemName):
        with pytest.raises(NotImplementedError, match="not known to gisr, none is converted"):
            find_system(name).names_of(["gain"])
    torch.save({"gain": torch.ones(1)}, tmp_path / "theirs.pth")
    out = tmp_path / "out"
    assert main(["convert", "dctnet", str(tmp_path / "theirs.pth"), "--out", str(out)]) == 2
    assert capsys.readouterr().err == (
        "gisr: error: dctnet: DCTNet: the names in its authors' files are not known to gisr, none "
        "is converted: train it by gisr train dctnet\n"
    )
    assert not out.exists()
    assert main(["convert", "--help"]) == 0
    assert "names in its authors' files known yet" in " ".join(capsys.readouterr().out.split())


class Harmful:
    """What a pickle runs when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (Path("harm"), "done"))


def test_a_pickle_with_code_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weights": Harmful()}, tmp_path / "bad.pth")
    with pytest.raises(FileFormatError, match="holds more than tensors and plain values"):
        convert_weights(tmp_path / "bad.pth", NARROW)
    assert not (tmp_path / "harm").exists()
    (tmp_path / "cut.pth").write_bytes((tmp_path / "bad.pth").read_bytes()[:100])
    with pytest.raises(FileFormatError, match="is not read"):
        convert_weights(tmp_path / "cut.pth", NARROW)


@pytest.mark.parametrize("name", ["transweather", "lagconv", "m3dnet", "awfln", "fdkn", "mgdun"])
def test_the_stored_costs_are_those_of_the_networks(name: SystemName) -> None:
    cost = count_cost(published_shape(name))
    stored = system_costs()[name]
    assert (cost.parameters, cost.ratio) == (stored.parameters, stored.ratio)
    assert cost.gmacs == pytest.approx(stored.gmacs, abs=0.001)


def test_every_system_is_listed_with_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--systems"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0]: line for line in lines[1:-1]}
    assert list(listed) == list(system_costs())
    for name, cost in system_costs().items():
        assert isinstance(cost, SystemCost)
        assert f"{cost.parameters:,}" in listed[name]


@pytest.mark.parametrize(
    ("grid", "target", "guide", "tolerance"),
    [
        ("kspace", (90, 76), (179, 153), 2e-4),  # rows finer, columns coarser
        ("kspace", (22, 19), (179, 153), 2e-4),
        ("centre", (90, 76), (179, 153), 5e-3),
    ],
)
def test_a_matrix_that_was_rounded_is_brought_to_the_networks_grid_and_back(
    grid: Literal["centre", "kspace"],
    target: tuple[int, int],
    guide: tuple[int, int],
    tolerance: float,
) -> None:
    """Brighter adds the guide: one that both grids can hold comes back as it was."""
    rows, columns = (2 * np.pi * np.arange(side) / side for side in guide)
    image = 2 + np.sin(3 * rows)[:, None] * np.cos(5 * columns) + 0.3 * np.cos(11 * columns)
    rng = np.random.default_rng(0)
    pair = Pair(
        rng.uniform(1, 2, (*target, 1)).astype(np.float32),
        image[..., None].astype(np.float32),
        "mri",
        Placement.from_grid(grid, target, guide),
        grid,
    )
    ratio = round(pair.ratio)
    system = brighter("minet", "mri", ratio)
    assert system.can("mri", pair.ratio)
    answer = system.answer(pair, PLAIN).image
    assert answer.shape == (*guide, 1)
    inner = (slice(4, -4),) * 2 if grid == "centre" else (slice(None),) * 2
    np.testing.assert_allclose(answer[inner], expected(pair)[inner], atol=tolerance)


def test_placements_off_the_grid_are_refused() -> None:
    """A guide of 35 pixels over 8 is no ratio of 4, not even nearly."""
    target, guide = (8, 8, 1), (35, 35, 3)
    pair = pair_of("depth", target, guide)
    assert isinstance(pair.placement, Placement)
    with pytest.raises(InputError, match="was built for ratio 4"):
        brighter("dctnet", "depth", 4).answer(pair, PLAIN)
