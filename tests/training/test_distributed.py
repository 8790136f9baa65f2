"""Several processes are one: real ones, started as torchrun starts them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.warm import Warm
from torch import Tensor

from gisr.errors import RecipeError
from gisr.magnet.routing import Router
from gisr.training.checkpoint import latest_checkpoint, load_checkpoint
from gisr.training.distributed import Processes, joined, leads, own_device
from gisr.training.log import read_log
from gisr.training.loop import train
from gisr.training.recipe import Recipe

Build = Callable[..., Recipe]
Folders = tuple[Path, Path]


LAUNCHED = """
import sys
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from gisr.apps.cli import main

here = dict(rdzv_backend="c10d", rdzv_endpoint="localhost:0", run_id="test")
plan = LaunchConfig(
    min_nodes=1, max_nodes=1, nproc_per_node=2, start_method="fork", max_restarts=0, **here
)
assert set(elastic_launch(plan, main)(sys.argv[1:]).values()) == {0}
"""
"""What torchrun does with ``gisr train``, in processes that have the libraries already."""


@pytest.fixture(scope="module")
def folders(recipe: Build, warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Train alone, and in two processes up to step 5 and alone from there.

    Shares of 2 and 1 samples, GradNorm and a load balance that weighs: everything that processes
    have to put together takes part.
    """
    folder = tmp_path_factory.mktemp("distributed")
    plan = recipe(batch=3, balance_weight=0.3, balancing="gradnorm", checkpoint_every=5)
    path, together = folder / "recipe.json", folder / "together"
    path.write_text(json.dumps(plan.record()), encoding="utf-8")
    train(plan, folder / "alone", quiet=True)
    options = ["--folder", str(together), "--threads", "1", "--stop-at", "5"]
    result = warm.run("-c", LAUNCHED, "train", str(path), *options)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("ready for gisr upscale") == 1  # one of them speaks
    train(plan, together, quiet=True)
    return folder / "alone", together


def tensors(folder: Path, step: int) -> dict[str, Tensor]:
    return load_checkpoint(folder / "checkpoints" / f"step-{step:08d}")[0]


@pytest.mark.slow
@pytest.mark.parametrize("step", [5, 8])
def test_two_processes_equal_one(folders: Folders, step: int) -> None:
    """And so does one that goes on where two stopped."""
    expected, found = (tensors(folder, step) for folder in folders)
    assert set(found) == set(expected)
    # Adam divides by the size of gradients: of one next to nothing the order of its sum shows.
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=5e-6, msg=name)
    # They learnt something, which is what was compared.
    weights = expected["balancing.values"]
    assert (weights - 1).abs().max() > 0.05
    assert expected["network.head.weight"].abs().max() > 1e-3


@pytest.mark.slow
def test_one_process_writes_the_log(folders: Folders) -> None:
    lines = (folders[1] / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["start", "start"]
    assert read_log(folders[1]).recipe == read_log(folders[0]).recipe
    assert latest_checkpoint(folders[1] / "checkpoints") is not None


def test_noise_belongs_to_the_sample() -> None:
    """What shares of 1, 2 and 2 samples meet, twice, is what their batch meets in one process."""
    features = torch.rand(5, 6, 3, 2, generator=torch.Generator().manual_seed(0))
    router = Router(6, experts=4, active=2)

    def twice(processes: Processes) -> list[Tensor]:
        torch.manual_seed(3)
        processes.share_noise(router, 5)
        return [router(features[processes.part_of(5)])[0] for _ in range(2)]

    expected, parts = twice(Processes()), [twice(Processes(rank, 3)) for rank in range(3)]
    assert not torch.equal(*expected)
    for part, whole in zip(zip(*parts, strict=True), expected, strict=True):
        torch.testing.assert_close(torch.cat(part), whole, rtol=0, atol=1e-6)


COMPILED = """
import torch
from gisr.magnet.routing import Router
from gisr.training.distributed import Processes

features, router = torch.rand(3, 6, 4, 5), Router(6, experts=4, active=2)
Processes(1, 2).share_noise(router, 5)
compiled = torch.compile(router, backend="eager", fullgraph=True)
for answer in (router, compiled):
    torch.manual_seed(3)
    print(float(answer(features)[0].square().sum()))
"""


def test_noise_that_is_shared_can_be_compiled(warm: Warm) -> None:
    """In one piece; in a process of its own, for checks of shapes as here cannot be compiled."""
    result = warm.run("-c", COMPILED)
    assert result.returncode == 0, result.stderr
    plain, compiled = result.stdout.split()
    assert plain == compiled


@pytest.mark.parametrize(("size", "count"), [(4, 1), (4, 2), (7, 3), (8, 8)])
def test_shares_are_the_whole_batch(size: int, count: int) -> None:
    shares = [Processes(rank, count).share(range(size)) for rank in range(count)]
    assert [item for share in shares for item in share] == list(range(size))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_what_processes_cannot_share_is_refused(recipe: Build) -> None:
    Processes(0, 4).check(recipe(batch=4))
    with pytest.raises(RecipeError, match="batch 4 cannot be shared by 5 processes"):
        Processes(0, 5).check(recipe(batch=4))


def test_a_process_alone_joins_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with joined(torch.device("cpu")) as processes:
        assert processes == Processes()
    assert leads()
    assert own_device("cuda") == "cuda"
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("RANK", "5"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    assert not leads()
    assert (own_device("cuda"), own_device("cpu"), own_device("cuda:0")) == (
        "cuda:1",
        "cpu",
        "cuda:0",
    )
