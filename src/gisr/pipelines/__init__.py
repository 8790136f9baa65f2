"""Files in, a file out: one pipeline a task, folders of pairs, clusters, and reports.

Nothing heavy is imported here: each name is imported from its module when it is first used.
"""

from typing import TYPE_CHECKING

from gisr.lazy import lazy_names

if TYPE_CHECKING:
    from gisr.pipelines.batch import Batch, PairOutcome, Summary, plan_batch, run_batch
    from gisr.pipelines.dask_cluster import run_on_cluster
    from gisr.pipelines.execution import Execution
    from gisr.pipelines.options import Options
    from gisr.pipelines.pipeline import Pipeline
    from gisr.pipelines.processes import run_in_processes
    from gisr.pipelines.request import FileResult, Request
    from gisr.pipelines.run import check_request, read_request, upscale_files, upscale_request
    from gisr.pipelines.table import PIPELINES, guess_task

_MODULES = {
    "gisr.pipelines.batch": (
        "Batch",
        "PairOutcome",
        "Summary",
        "plan_batch",
        "run_batch",
    ),
    "gisr.pipelines.dask_cluster": ("run_on_cluster",),
    "gisr.pipelines.execution": ("Execution",),
    "gisr.pipelines.options": ("Options",),
    "gisr.pipelines.pipeline": ("Pipeline",),
    "gisr.pipelines.processes": ("run_in_processes",),
    "gisr.pipelines.request": (
        "FileResult",
        "Request",
    ),
    "gisr.pipelines.run": (
        "check_request",
        "read_request",
        "upscale_files",
        "upscale_request",
    ),
    "gisr.pipelines.table": (
        "PIPELINES",
        "guess_task",
    ),
}
__getattr__, __dir__ = lazy_names(__name__, _MODULES)

__all__ = [
    "PIPELINES",
    "Batch",
    "Execution",
    "FileResult",
    "Options",
    "PairOutcome",
    "Pipeline",
    "Request",
    "Summary",
    "check_request",
    "guess_task",
    "plan_batch",
    "read_request",
    "run_batch",
    "run_in_processes",
    "run_on_cluster",
    "upscale_files",
    "upscale_request",
]
