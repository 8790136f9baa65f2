"""Several processes at one experiment: each network is one process's at a time."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from gisr.experiments.reproduce.request import ReportProgress
from gisr.training.hold import TakenError, held

_Found = TypeVar("_Found")
_WAIT_SECONDS = 2.0
"""Between two looks at what other processes are at."""


def each_once(
    out: Path, jobs: Mapping[str, Callable[[], _Found]], report: ReportProgress
) -> dict[str, _Found]:
    """Do every job that no other process of the same experiment is doing.

    What another process has is waited for, and then asked for here: a job that finds its result in
    the folder is quick. A process that ends, however it does, leaves its job to the others.

    Args:
        out: Folder of the experiment.
        jobs: By name, in the order in which they are tried.
        report: Told once what is waited for.

    Returns:
        What each job returned, in the order of the jobs.
    """
    done: dict[str, _Found] = {}
    told = False
    while waiting := [name for name in jobs if name not in done]:
        before = len(done)
        for name in waiting:
            with suppress(TakenError), held(out / "claims" / name):
                done[name] = jobs[name]()
        if len(done) == before:
            if not told:
                report(f"waiting for what other processes are at: {', '.join(waiting)}")
            told = True
            time.sleep(_WAIT_SECONDS)
    return {name: done[name] for name in jobs}


def once(out: Path, name: str, job: Callable[[], _Found], report: ReportProgress) -> _Found:
    """Do a single job as :func:`each_once` does several."""
    return each_once(out, {name: job}, report)[name]


__all__ = ["each_once", "once"]
