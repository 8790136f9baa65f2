"""The loop: its schedule, its logs, and that resuming changes not one bit."""

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.warm import Warm
from torch import Tensor, nn

from gisr.errors import RecipeError, WeightsError
from gisr.inference.system import PairSystem
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet, MAGNetConfig
from gisr.tasks.text.table import built_in_table
from gisr.training.balancing_settings import BalancingRule, WeightAverageSettings
from gisr.training.batches import batches as make_batches
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint
from gisr.training.distributed import Processes
from gisr.training.loop import _step, _time_is_up, learning_rate, train
from gisr.training.objective import SampleBatch
from gisr.training.recipe import Recipe, Stage
from gisr.training.run import Run
from gisr.training.samples.mixture import Mixture, Position
from gisr.training.set_recipe import SetRecipe
from gisr.training.sets import training_sets
from gisr.weights.store import load_weights

Build = Callable[..., Recipe]
Straight = Callable[[Recipe], Path]


def state(folder: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Return everything in the newest checkpoint but the time it took."""
    latest = latest_checkpoint(folder / "checkpoints")
    assert latest is not None
    tensors, rest = load_checkpoint(latest)
    rest.pop("seconds")
    return tensors, rest


def alike(one: Tensor, other: Tensor) -> bool:
    """NaN too: what a rule has not seen of a task."""
    return one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


def assert_same(one: Path, other: Path) -> None:
    (tensors, rest), (expected, expected_rest) = state(one), state(other)
    assert set(tensors) == set(expected)
    assert [name for name in expected if not alike(tensors[name], expected[name])] == []
    assert rest == expected_rest
    weights = [(folder / "weights" / "model.safetensors").read_bytes() for folder in (one, other)]
    assert weights[0] == weights[1]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Straight:
    """Give the folder, to be read alone, of a run of a recipe from its start to its end."""
    folders: dict[str, Path] = {}

    def trained(plan: Recipe) -> Path:
        key = json.dumps(plan.record())
        if key not in folders:
            folders[key] = tmp_path_factory.mktemp("straight")
            train(plan, folders[key], quiet=True)
        return folders[key]

    return trained


def test_the_learning_rate_rises_and_falls(recipe: Build) -> None:
    plan = recipe(steps=1000, warmup=100, learning_rate=2e-4)
    assert learning_rate(plan, 0) == pytest.approx(2e-6)
    assert learning_rate(plan, 49) == pytest.approx(1e-4)
    assert learning_rate(plan, 99) == learning_rate(plan, 100) == pytest.approx(2e-4)
    assert learning_rate(plan, 550) == pytest.approx(1e-4)
    assert learning_rate(plan, 325) == pytest.approx(1e-4 * (1 + math.cos(math.pi / 4)))
    assert learning_rate(plan, 1000) == pytest.approx(0, abs=1e-12)
    rates = [learning_rate(plan, step) for step in range(1000)]
    assert all(0 < rate <= 2e-4 for rate in rates)
    assert learning_rate(recipe(steps=10, warmup=0), 0) == pytest.approx(1e-3)
    assert learning_rate(recipe(steps=5, warmup=50), 4) == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("stops", "precision"), [((4,), "float32"), ((1, 3, 5), "float32"), ((4,), "bfloat16")]
)
def test_a_resumed_run_equals_a_straight_one(
    recipe: Build, straight: Straight, tmp_path: Path, stops: tuple[int, ...], precision: str
) -> None:
    plan = recipe(precision=precision)
    for stop in (*stops, None):
        torch.manual_seed(stop or 99)  # whatever another process would have drawn before
        train(plan, tmp_path / "resumed", stop_at=stop, quiet=True)
    assert_same(tmp_path / "resumed", straight(plan))
    assert state(straight(plan))[1]["step"] == 8


@pytest.mark.parametrize("stop", [2, 4, 6])
def test_a_run_in_stages_is_resumed_in_each(
    recipe: Build, straight: Straight, tmp_path: Path, stop: int
) -> None:
    plan = recipe(stages=(Stage(0.5, 32, 1), Stage(0.8, 48, 2)))
    for last in (stop, None):
        train(plan, tmp_path / "resumed", stop_at=last, quiet=True)
    assert_same(tmp_path / "resumed", straight(plan))
    end, other = state(straight(plan))[1], state(straight(recipe()))[1]
    # 4 x 2 + 2 x 1 + 2 x 2 samples against 8 x 2
    assert (end["epoch"], end["index"]) < (other["epoch"], other["index"])


@pytest.mark.parametrize("rule", ["uncertainty", "weight-average", "gradnorm"])
def test_a_resumed_run_goes_on_with_its_task_weights(
    recipe: Build, straight: Straight, tmp_path: Path, rule: BalancingRule
) -> None:
    plan = recipe(balancing=rule, weight_average=WeightAverageSettings(interval=2))
    for stop in (5, None):
        train(plan, tmp_path / "resumed", stop_at=stop, quiet=True)
    assert_same(tmp_path / "resumed", straight(plan))
    weighted, fixed = (state(straight(each))[0] for each in (plan, recipe()))
    assert not torch.equal(weighted["network.head.weight"], fixed["network.head.weight"])


COMPILED = """
import functools, sys
import torch
torch.set_num_threads(int(sys.argv[3]))
compilations = []
def compiler(graph, inputs):
    compilations.append(1)
    return graph
torch.compile = functools.partial(torch.compile, backend=compiler)
from gisr.training.loop import train
from gisr.training.recipe_file import read_recipe

train(read_recipe(sys.argv[1]), sys.argv[2], stop_at=4, quiet=True)
print(len(compilations))
"""


def test_a_compiled_run_is_saved_as_any_other(
    recipe: Build, straight: Straight, warm: Warm, tmp_path: Path
) -> None:
    """Compiled for its first half by a compiler that changes nothing, then not compiled.

    In a process of its own: the checks of shapes that these tests run with cannot be compiled.
    """
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe(compile=True).record()), encoding="utf-8")
    threads = str(torch.get_num_threads())
    result = warm.run("-c", COMPILED, str(path), str(tmp_path / "compiled"), threads)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 0
    assert not [name for name in state(tmp_path / "compiled")[0] if "_orig_mod" in name]
    train(recipe(), tmp_path / "compiled", quiet=True)
    tensors, expected = state(tmp_path / "compiled")[0], state(straight(recipe()))[0]
    assert set(tensors) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(tensors[name], value, rtol=0, atol=1e-6, msg=name)


def test_stopping_is_not_at_the_end_of_an_epoch(recipe: Build, tmp_path: Path) -> None:
    """The test above would say little if it were: three batches of two samples are an epoch."""
    train(recipe(), tmp_path, stop_at=4, quiet=True)
    _, rest = state(tmp_path)
    assert (rest["epoch"], rest["index"]) == (1, 2)


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(int(sys.argv[3]))
from gisr.training.loop import train
from gisr.training.recipe_file import read_recipe

calls = []
def validate(system):
    calls.append(1)
    if len(calls) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return {}

train(read_recipe(sys.argv[1]), sys.argv[2], validate=validate, quiet=True)
"""


def test_a_killed_run_goes_on_bit_for_bit(recipe: Build, warm: Warm, tmp_path: Path) -> None:
    """Killed after step 5, it starts again from the checkpoint of step 3."""
    plan = recipe(validate_every=1)
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(plan.record()), encoding="utf-8")
    threads = str(torch.get_num_threads())
    done = warm.run("-c", KILLED, str(path), str(tmp_path / "killed"), threads)
    assert done.returncode == -9, done.stderr
    assert state(tmp_path / "killed")[1]["step"] == 3
    train(plan, tmp_path / "killed", quiet=True)
    train(plan, tmp_path / "straight", quiet=True)
    assert_same(tmp_path / "killed", tmp_path / "straight")


def test_a_run_whose_time_is_up_stops_with_a_checkpoint(recipe: Build, tmp_path: Path) -> None:
    plan = recipe(checkpoint_every=100)
    for steps in (1, 2):
        train(plan, tmp_path / "stopped", stop_after=1e-3, quiet=True)
        assert state(tmp_path / "stopped")[1]["step"] == steps
    train(plan, tmp_path / "stopped", stop_after=3600, quiet=True)
    train(plan, tmp_path / "straight", quiet=True)
    assert_same(tmp_path / "stopped", tmp_path / "straight")


def test_processes_stop_together(recipe: Build) -> None:
    class OthersAreLate(Processes):
        def total(self, values: Tensor) -> Tensor:
            return values + 1

    run = Run.start(recipe(), torch.device("cpu"))
    assert not _time_is_up(run, None)
    assert not _time_is_up(run, time.monotonic() + 3600)
    assert _time_is_up(run, time.monotonic() - 1)
    run.processes = OthersAreLate(0, 2)
    assert _time_is_up(run, time.monotonic() + 3600)


def test_what_else_a_run_goes_on_with_is_told(recipe: Build, tmp_path: Path) -> None:
    """A cosine that had reached zero began to fall anew, and data changed, without a word."""
    notes: list[str] = []
    chosen = recipe(steps=2, warmup=1)
    train(chosen, tmp_path, quiet=True)
    data = (*chosen.folders, *chosen.folders)
    train(replace(chosen, steps=3, data=data), tmp_path, quiet=True, notify=notes.append)
    assert len(notes) == 1
    assert f"{tmp_path}: goes on from step 2 with data" in notes[0]
    assert "steps 2 there, 3 here; the learning rate, which fell to zero towards 2 " in notes[0]
    train(replace(chosen, steps=3, data=data), tmp_path, stop_at=3, notify=notes.append, quiet=True)
    assert "none is taken" in notes[1]
    assert len(notes) == 2


def test_another_recipe_is_refused_in_the_same_folder(recipe: Build, tmp_path: Path) -> None:
    train(recipe(), tmp_path, stop_at=1, quiet=True)
    with pytest.raises(
        RecipeError, match=r"learning_rate \S+ there, 1.0 here; seed \S+ there, 5 here"
    ):
        train(recipe(seed=5, learning_rate=1.0), tmp_path, quiet=True)
    changed = recipe().network
    wider = MAGNetConfig(width=8, blocks=changed.blocks, heads=changed.heads, unshuffle=2)
    sets = recipe().sets
    other = (*sets[:2], SetRecipe("depth", 8))
    with pytest.raises(RecipeError, match=r"another recipe \(sets 3\.ratio 4 there, 8 here\)"):
        train(recipe(sets=other), tmp_path, quiet=True)
    with pytest.raises(RecipeError, match=r"another recipe \(sets 3 of them there, 2 here\)"):
        train(recipe(sets=sets[:2]), tmp_path, quiet=True)
    with pytest.raises(RecipeError, match=r"another recipe \(network\.width 4 there, 8 here\)"):
        train(recipe(network=wider), tmp_path, quiet=True)


def test_the_length_of_a_run_may_change(recipe: Build, tmp_path: Path) -> None:
    train(recipe(), tmp_path, stop_at=2, quiet=True)
    train(recipe(steps=4, checkpoint_every=1), tmp_path, quiet=True)
    assert state(tmp_path)[1]["step"] == 4


def test_an_incomplete_checkpoint_is_named(recipe: Build, tmp_path: Path) -> None:
    train(recipe(), tmp_path, stop_at=1, quiet=True)
    latest = latest_checkpoint(tmp_path / "checkpoints")
    assert latest is not None
    (latest / "tensors-000.safetensors").unlink()
    with pytest.raises(WeightsError, match="step-00000001"):
        train(recipe(), tmp_path, quiet=True)


def test_the_average_is_what_is_published(recipe: Build, straight: Straight) -> None:
    tensors, _ = state(straight(recipe()))
    published = load_weights(straight(recipe()) / "weights")
    assert published.name == "tiny"
    for name, value in published.network.state_dict().items():
        assert torch.equal(value, tensors[f"average.module.{name}"])
    assert not torch.equal(tensors["average.module.head.weight"], tensors["network.head.weight"])


@pytest.mark.parametrize(
    ("decay", "followed"), [(0.75, (0.1, 2 / 11, 3 / 12)), (0.15, (0.1, 0.15, 0.15))]
)
def test_the_average_follows_its_decay_and_early_a_ninth_of_the_steps(
    recipe: Build, pairs: Path, decay: float, followed: tuple[float, ...]
) -> None:
    plan = recipe(average=decay)
    run = Run.start(plan, torch.device("cpu"))
    batches = make_batches(mixture(plan), plan, built_in_table(), run.position)
    expected: Tensor | None = None
    for share in (0.0, *followed):
        _step(run, plan, next(batches)[1])
        now = run.trainee.layer.detach().clone()
        expected = now if expected is None else share * expected + (1 - share) * now
    assert expected is not None
    torch.testing.assert_close(_head(run.averaged), expected)


def _tensors(batch: SampleBatch) -> list[Tensor]:
    stacked = [value for value in vars(batch).values() if isinstance(value, Tensor)]
    return [*stacked, *batch.coarse]


def _head(network: nn.Module) -> Tensor:
    assert isinstance(network, MAGNet)
    return network.head.weight


def mixture(plan: Recipe) -> Mixture:
    return Mixture(training_sets(plan), patch=plan.patch, seed=plan.seed)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # on a machine with one core
def test_the_number_of_loader_processes_does_not_matter(recipe: Build) -> None:
    def first(workers: int) -> list[tuple[Position, list[Tensor]]]:
        plan = recipe(workers=workers)
        found = islice(make_batches(mixture(plan), plan, built_in_table(), Position(0, 2)), 5)
        return [(position, _tensors(batch)) for position, batch in found]

    for (position, batch), (expected, tensors) in zip(first(2), first(0), strict=True):
        assert position == expected
        assert all(torch.equal(*both) for both in zip(batch, tensors, strict=True))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"batch": 65_536}, "batch 65536 is larger than an epoch"),
        (
            {"exclude": ("frame1", "nobody")},
            r"has no training entry nobody: name its folder in data too, .* '\[frame1\]'$",
        ),
    ],
)
def test_a_recipe_that_cannot_be_followed_leaves_nothing_behind(
    recipe: Build, tmp_path: Path, wrong: dict[str, Any], why: str
) -> None:
    (tmp_path / "mine.txt").write_text("a file of the user's own")
    with pytest.raises(RecipeError, match=why):
        train(recipe(**wrong), tmp_path, quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_is_too_small_is_told_in_the_same_line_by_a_loader_process(
    recipe: Build, tmp_path: Path, workers: int
) -> None:
    # Dask makes errors take their frames along between processes, where they kept the loader's.
    pytest.importorskip("tblib.pickling_support", reason="comes with Dask").install()
    before = set(active_children())  # of other tests
    with pytest.raises(RecipeError) as refused:
        train(recipe(patch=4096, workers=workers), tmp_path, quiet=True)
    assert re.fullmatch(r"patch 4096 is larger than .* \(exclude\)", str(refused.value))
    assert set(active_children()) <= before  # not even while the error is at hand


def test_loading_does_not_draw_from_torchs_generator(recipe: Build) -> None:
    plan = recipe()
    before = torch.get_rng_state()
    next(make_batches(mixture(plan), plan, built_in_table(), Position(0, 0)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loss_of_a_batch_falls(recipe: Build, precision: str) -> None:
    network = MAGNetConfig(width=8, blocks=(1, 1), heads=(1, 2), unshuffle=2)
    plan = recipe(network=network, learning_rate=5e-3, steps=1000, precision=precision)
    run = Run.start(plan, torch.device("cpu"))
    _, batch = next(make_batches(mixture(plan), plan, built_in_table(), run.position))
    losses = []
    for run.step in range(80):
        losses.append(_step(run, plan, batch)["error"])
    assert losses[-1] < 0.6 * losses[0]


def test_what_is_not_finite_stops_the_run(recipe: Build) -> None:
    plan = recipe()
    run = Run.start(plan, torch.device("cpu"))
    _, batch = next(make_batches(mixture(plan), plan, built_in_table(), run.position))
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    damaged = replace(batch, truth=batch.truth * torch.nan)
    for each in (damaged, replace(batch, guide=batch.guide * torch.inf)):
        with pytest.raises(RecipeError, match="step 1: the loss or its gradient is not finite"):
            _step(run, plan, each)
    after = run.network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_validation_sees_the_average_and_is_logged(recipe: Build, tmp_path: Path) -> None:
    seen: list[bool] = []

    def validate(system: PairSystem) -> dict[str, float]:
        assert isinstance(system, Upscaler)
        seen.append(system.network.training)
        return {"psnr": 30.0 + len(seen), "sentences": float(len(system.descriptions.sentences))}

    train(recipe(validate_every=3), tmp_path, validate=validate, quiet=True)
    assert seen == [False] * 3
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    validations = [line for line in lines if line["event"] == "validation"]
    assert [line["step"] for line in validations] == [3, 6, 8]
    assert [line["psnr"] for line in validations] == [31.0, 32.0, 33.0]
    assert lines[0]["event"] == "start"
    assert lines[0]["recipe"]["name"] == "tiny"


def test_training_is_logged_as_means(recipe: Build, tmp_path: Path) -> None:
    train(recipe(steps=50, checkpoint_every=50), tmp_path, quiet=True)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    (training,) = [line for line in lines if line["event"] == "training"]
    assert training["step"] == 50
    assert all(math.isfinite(value) for key, value in training.items() if key != "event")
    assert {"loss", "error", "balance", "gradient_norm", "learning_rate"} <= set(training)
    assert 0 <= training["waiting_seconds"] < training["step_seconds"]
    for task in ("pansharpening", "mri", "depth"):
        assert {f"error_{task}", f"relative_error_{task}", f"weight_{task}"} <= set(training)


def test_a_torn_log_line_does_not_spoil_the_next(recipe: Build, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"event": "training", "st', encoding="utf-8")
    train(recipe(), tmp_path, stop_at=1, quiet=True)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert json.loads(lines[1])["event"] == "start"


def test_a_recipe_may_start_from_weights(recipe: Build, straight: Straight, tmp_path: Path) -> None:
    weights = straight(recipe()) / "weights"
    again = recipe(initial_weights=str(weights))
    run = Run.start(again, torch.device("cpu"))
    expected = load_weights(weights).network.state_dict()
    assert all(torch.equal(v, expected[k]) for k, v in run.network.state_dict().items())
    assert run.network.training
    train(again, tmp_path / "second", stop_at=1, quiet=True)
    other = MAGNetConfig(width=8, blocks=(1, 1), heads=(1, 2), unshuffle=2)
    with pytest.raises(RecipeError, match="initial_weights"):
        Run.start(recipe(initial_weights=str(weights), network=other), torch.device("cpu"))


def test_data_that_cannot_be_trained_on_is_refused(recipe: Build, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no training entry nobody"):
        train(recipe(exclude=("nobody",)), tmp_path, quiet=True)
    with pytest.raises(RecipeError, match=r"pansharpening x2.* is empty"):
        train(recipe(exclude=("scene0", "scene1")), tmp_path, quiet=True)
    with pytest.raises(RecipeError, match="patch 128 is larger"):
        train(recipe(patch=128), tmp_path, quiet=True)
    with pytest.raises(RecipeError, match="batch 7 is larger"):
        train(recipe(batch=7), tmp_path, quiet=True)
