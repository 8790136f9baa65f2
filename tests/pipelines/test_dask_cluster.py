"""A batch over several processes: the same bytes, the same account of failures."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from gisr.apps.cli import main
from gisr.data.phantoms import satellite_scene
from gisr.errors import InputError, WeightsError
from gisr.pipelines import dask_cluster as cluster
from gisr.pipelines.batch import Batch, BatchItem, PairOutcome, plan_batch
from gisr.pipelines.dask_cluster import load_once, run_on_cluster, sharpen_item
from gisr.pipelines.execution import Execution
from gisr.weights import store as weights_module
from gisr.weights.store import Weights, save_weights

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

SCENE = satellite_scene(96)


class Killed(distributed.KilledWorker):  # type: ignore[misc, name-defined]
    """What the scheduler says of a task whose processes died, without a process that died."""

    def __init__(self) -> None: ...

    def __str__(self) -> str:
        return "killed"


@pytest.fixture
def settings(tmp_path: Path, weights: Callable[..., Weights]) -> Execution:
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    return Execution(str(tmp_path / "tiny"), "cpu", 1)


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Write three pairs and a fourth whose depth map is damaged."""
    low, high = tmp_path / "low", tmp_path / "high"
    for folder in (low, high):
        folder.mkdir()
    colour = np.repeat(SCENE.panchromatic / 8, 3, axis=2).astype(np.uint8)
    for number in range(4):
        depth = SCENE.multispectral[::4, ::4, number].astype(np.uint16)
        cv2.imwrite(str(low / f"{number}_depth.png"), depth)
        cv2.imwrite(str(high / f"{number}_rgb.png"), colour)
    (low / "3_depth.png").write_bytes(b"no picture")
    return [str(low), str(high)]


def plan(folders: list[str], out: Path) -> Batch:
    return plan_batch(Path(folders[0]), Path(folders[1]), out)


def test_two_processes_give_the_bytes_of_one(
    tmp_path: Path,
    folders: list[str],
    settings: Execution,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # weights by a relative path
    for out, more in (("one", []), ("two", ["--workers", "2"])):
        words = ["--model", "tiny", "--device", "cpu", "--threads", "1", *more]
        assert main(["upscale", *folders, "-o", out, *words]) == 1
        captured = capsys.readouterr()
        assert "3 done, 1 failed" in captured.out
        assert "3_depth.png" in captured.err
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["0_depth.png", "1_depth.png", "2_depth.png"]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_running_scheduler_is_used_and_left_running(
    tmp_path: Path, folders: list[str], settings: Execution
) -> None:
    seen: list[PairOutcome] = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as local:
        batch = plan(folders, tmp_path / "out")
        address = local.scheduler_address
        summary = run_on_cluster(batch, replace(settings, scheduler=address), report=seen.append)
        assert local.status.name == "running"
        with pytest.raises(WeightsError, match="no weights 'none'"):
            run_on_cluster(batch, Execution("none", scheduler=address))
    assert summary.exit_code == 1 and len(summary.failed) == 1
    assert [outcome.item for outcome in summary.outcomes] == list(batch.items)
    assert sorted(map(id, seen)) == sorted(map(id, summary.outcomes))


def test_processes_that_die_are_failures_of_their_pair(
    tmp_path: Path,
    folders: list[str],
    settings: Execution,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dies(settings: Execution, item: BatchItem) -> PairOutcome:
        if item.target.name.startswith("1"):
            raise Killed
        return PairOutcome(item, None, "is fine")

    monkeypatch.setattr(cluster, "sharpen_item", dies)
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None) as local:
        batch = plan(folders, tmp_path / "out")
        summary = run_on_cluster(batch, replace(settings, scheduler=local.scheduler_address))
    failures = [outcome.failure for outcome in summary.outcomes]
    assert failures[0] == failures[2] == failures[3] == "is fine"
    assert failures[1].startswith("its processes died")


def test_weights_are_loaded_once(
    tmp_path: Path,
    folders: list[str],
    settings: Execution,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[str] = []
    load = weights_module.load_weights

    def spy(name: str) -> Weights:
        loaded.append(name)
        return load(name)

    monkeypatch.setattr(weights_module, "load_weights", spy)
    load_once.cache_clear()
    for item in plan(folders, tmp_path / "out").items[:2]:
        assert sharpen_item(settings, item).result is not None
    assert loaded == [settings.model]


def test_calls_that_are_wrong(tmp_path: Path, folders: list[str], settings: Execution) -> None:
    batch = plan(folders, tmp_path / "out")
    for workers, scheduler in ((None, None), (2, "tcp://127.0.0.1:1")):
        with pytest.raises(InputError, match="exclude each other"):
            run_on_cluster(batch, replace(settings, workers=workers, scheduler=scheduler))
    with pytest.raises(InputError, match="workers 0 must be at least 1"):
        Execution(workers=0)
    with pytest.raises(InputError, match="threads 0 must be at least 1"):
        Execution(threads=0)
    with pytest.raises(InputError, match="device 'nowhere' cannot be used here"):
        load_once(replace(settings, device="nowhere"))
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(InputError, match=r"no scheduler answers at tcp://127\.0\.0\.1:1"),
    ):
        run_on_cluster(batch, replace(settings, scheduler="tcp://127.0.0.1:1"))
