"""A batch over several processes: the same bytes, the same account of failures, no open door."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.pipelines.worker_tasks import defect, dies, refuses

from gisr.apps.cli import main
from gisr.errors import InputError, WeightsError
from gisr.pipelines.batch import Batch, PairOutcome, plan_batch
from gisr.pipelines.execution import Execution
from gisr.pipelines.processes import run_in_processes
from gisr.pipelines.worker import for_workers, load_once, sharpen_item
from gisr.weights import store as weights_module
from gisr.weights.store import Weights

LINUX = sys.platform == "linux"
"""Whether /proc tells what processes listen at."""


def plan(folders: list[str], out: Path) -> Batch:
    return plan_batch(Path(folders[0]), Path(folders[1]), out)


def family() -> set[int]:
    """Return this process and all that it started, by their ids."""
    found, unseen = set(), {os.getpid()}
    while unseen:
        one = unseen.pop()
        found.add(one)
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                unseen |= set(map(int, path.read_text().split())) - found
            except OSError:
                continue
    return found


def doors(processes: set[int]) -> set[str]:
    """Return the listening sockets of processes, of TCP and of Unix."""
    listening = set()
    for name in ("tcp", "tcp6"):
        lines = [line.split() for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
        listening |= {f"socket:[{words[9]}]" for words in lines if words[3] == "0A"}
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    listening |= {f"socket:[{words[6]}]" for words in lines if words[3] == "00010000"}
    held = set()
    for one in processes:
        with suppress(OSError):  # a process that has just ended
            for entry in os.listdir(f"/proc/{one}/fd"):
                with suppress(OSError):  # a file that was just closed
                    held.add(os.readlink(f"/proc/{one}/fd/{entry}"))
    return listening & held


@contextmanager
def watched() -> Iterator[tuple[set[str], set[int]]]:
    """Give the sockets that are listened at while the block runs, and the processes seen."""
    before, done = doors(family()), threading.Event()
    opened: set[str] = set()
    seen: set[int] = set()

    def watch() -> None:
        while not done.wait(0.02):
            processes = family()
            seen.update(processes)
            opened.update(doors(processes) - before)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield opened, seen
    finally:
        done.set()
        watching.join()


def test_two_processes_give_the_bytes_of_one_and_no_other_can_join(
    tmp_path: Path,
    folders: list[str],
    settings: Execution,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # weights by a relative path
    for out, more in (("one", []), ("two", ["--workers", "2"])):
        words = ["--model", "tiny", "--device", "cpu", "--threads", "1", *more]
        with watched() if LINUX else nullcontext((set[str](), {1, 2, 3})) as (opened, seen):
            assert main(["upscale", *folders, "-o", out, *words]) == 1
        captured = capsys.readouterr()
        assert "3 done, 1 failed" in captured.out
        assert "3_depth.png" in captured.err
        assert opened == set()
        assert out == "one" or len(seen) >= 3  # this one and two more were watched
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["0_depth.png", "1_depth.png", "2_depth.png"]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_process_that_dies_is_the_failure_of_its_pair(
    tmp_path: Path, folders: list[str], settings: Execution
) -> None:
    batch, seen = plan(folders, tmp_path / "out"), list[PairOutcome]()
    execution = replace(settings, workers=1)
    summary = run_in_processes(batch, execution, report=seen.append, sharpen=dies)
    assert summary.outcomes == tuple(seen)
    assert [outcome.item for outcome in seen] == list(batch.items)
    failures = [outcome.failure for outcome in seen]
    assert failures[1].startswith("its process died, most often for want of memory")
    assert failures[0] != failures[2] == failures[3]  # another took its place
    assert os.getpid() not in map(int, (failures[0], failures[2]))


def test_errors_that_are_no_pairs_end_the_run(
    tmp_path: Path, folders: list[str], settings: Execution
) -> None:
    batch = plan(folders, tmp_path / "out")
    with pytest.raises(InputError, match="device 'nowhere' cannot be used here"):
        run_in_processes(batch, replace(settings, workers=1, device="nowhere"), sharpen=refuses)
    with pytest.raises(RuntimeError, match=r"0_depth\.png: KeyError: 'a defect'"):
        run_in_processes(batch, replace(settings, workers=1), sharpen=defect)
    with pytest.raises(InputError, match="workers is missing"):
        run_in_processes(batch, settings)
    with pytest.raises(InputError, match="exclude each other"):
        replace(settings, workers=2, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(InputError, match="workers 0 must be at least 1"):
        Execution(workers=0)
    with pytest.raises(InputError, match="threads 0 must be at least 1"):
        Execution(threads=0)
    with pytest.raises(InputError, match="device 'nowhere' cannot be used here"):
        load_once(replace(settings, device="nowhere"))


def test_weights_that_cannot_be_loaded_are_told_before_processes_are_started(
    tmp_path: Path, folders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = "gisr.pipelines.processes._Worker"
    monkeypatch.setattr(started, lambda *_: pytest.fail("a process was started"))
    with pytest.raises(WeightsError, match="no weights 'none'"):
        run_in_processes(plan(folders, tmp_path / "out"), Execution("none", workers=2))


def test_threads_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisr.pipelines.worker._cpu_count", lambda: 5)
    assert for_workers(Execution(workers=2)).threads == 2
    assert for_workers(Execution(workers=9)).threads == 1
    assert for_workers(Execution(workers=2, threads=7)).threads == 7
    assert for_workers(Execution(scheduler="tcp://10.0.0.1:1")).threads is None


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
