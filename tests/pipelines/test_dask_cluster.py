"""A batch over a Dask cluster: the same account of failures."""

from dataclasses import replace
from pathlib import Path

import pytest

from gisr.errors import InputError, WeightsError
from gisr.pipelines import dask_cluster as cluster
from gisr.pipelines.batch import Batch, BatchItem, PairOutcome, plan_batch
from gisr.pipelines.dask_cluster import run_on_cluster
from gisr.pipelines.execution import Execution

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")


class Killed(distributed.KilledWorker):  # type: ignore[misc, name-defined]
    """What the scheduler says of a task whose processes died, without a process that died."""

    def __init__(self) -> None: ...

    def __str__(self) -> str:
        return "killed"


def plan(folders: list[str], out: Path) -> Batch:
    return plan_batch(Path(folders[0]), Path(folders[1]), out)


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


def test_calls_that_are_wrong(tmp_path: Path, folders: list[str], settings: Execution) -> None:
    batch = plan(folders, tmp_path / "out")
    with pytest.raises(InputError, match="scheduler is missing"):
        run_on_cluster(batch, replace(settings, workers=2))
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(InputError, match=r"no scheduler answers at tcp://127\.0\.0\.1:1"),
    ):
        run_on_cluster(batch, replace(settings, scheduler="tcp://127.0.0.1:1"))
