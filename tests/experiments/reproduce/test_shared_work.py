"""Several processes at one experiment take one network each."""

import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from gisr.errors import RecipeError
from gisr.experiments.reproduce.shared_work import each_once
from gisr.training.hold import held


def test_what_another_process_has_is_waited_for_and_then_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    told: list[str] = []

    def job(name: str) -> str:
        order.append(name)
        return name.upper()

    with ExitStack() as other:
        other.enter_context(held(tmp_path / "claims" / "first"))
        looks = iter((lambda: None, other.close))
        monkeypatch.setattr(time, "sleep", lambda seconds: next(looks)())
        jobs = {name: partial(job, name) for name in ("first", "second")}
        found = each_once(tmp_path, jobs, told.append)
    assert order == ["second", "first"]
    assert list(found.items()) == [("first", "FIRST"), ("second", "SECOND")]
    assert told == ["waiting for what other processes are at: first"]
    assert not (tmp_path / "claims").exists()


def test_the_fault_of_a_job_is_no_reason_to_wait(tmp_path: Path) -> None:
    def job() -> None:
        raise RecipeError("no such task")

    with pytest.raises(RecipeError, match="no such task"):
        each_once(tmp_path, {"only": job}, lambda line: None)
    with held(tmp_path / "claims" / "only"):
        pass  # it was let go
