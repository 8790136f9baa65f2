"""Scoring any system on the public benchmarks, and the tables that come of it."""

import json
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gisr.baselines.classical import CLASSICAL
from gisr.data.open_pairs import read_open_pairs
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.experiments.benchmarks import BENCHMARKS, Benchmark
from gisr.inference.call import PairSystem
from gisr.inference.upscaler import load_model
from gisr.metrics import METRICS, MetricName, ergas, psnr, rmse, sam, ssim_skimage7, ssim_wang
from gisr.tasks.task import TaskName


@dataclass(frozen=True)
class Score:
    """One system on one benchmark at one ratio."""

    benchmark: str
    ratio: int
    system: str
    images: int
    values: Mapping[MetricName, float]
    """Mean over images."""
    per_image: Mapping[str, Mapping[MetricName, float]]
    """Values of each image by name."""


def load_systems(names: Sequence[str], device: str | None = None) -> dict[str, PairSystem]:
    """Return systems by name: a classical baseline, or anything ``gisr.load_model`` takes."""
    return {
        name: CLASSICAL[name] if name in CLASSICAL else load_model(name, device) for name in names
    }


def evaluate(
    systems: Mapping[str, PairSystem],
    data: str | Path,
    *,
    tasks: Sequence[TaskName] | None = None,
    benchmarks: Sequence[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Score]:
    """Score systems on the benchmarks of a data folder.

    Args:
        systems: By the name they have in tables.
        data: Folder with ``index.json``.
        tasks: Keep only these tasks.
        benchmarks: Keep only these, by name.
        progress: Called with a line for each score.

    Raises:
        InputError: An unknown benchmark, or none is left.
    """
    known = [benchmark.name for benchmark in BENCHMARKS]
    if unknown := set(benchmarks or ()) - set(known):
        raise InputError(f"unknown benchmark {sorted(unknown)}: use some of {', '.join(known)}")
    chosen = [
        benchmark
        for benchmark in BENCHMARKS
        if (tasks is None or benchmark.task in tasks)
        and (benchmarks is None or benchmark.name in benchmarks)
    ]
    if not chosen:
        raise InputError(f"no benchmark of {benchmarks or known} belongs to tasks {tasks}")
    entries = read_open_pairs(data)
    scores = []
    for benchmark in chosen:
        own = [entry for entry in entries if benchmark.contains(entry)]
        for ratio in benchmark.ratios:
            pairs = [pair for entry in own for pair in benchmark.pairs(entry, ratio)]
            for name, system in systems.items():
                if benchmark.task in system.tasks:
                    score = _score(benchmark, ratio, name, system, pairs)
                    scores.append(score)
                    if progress is not None:
                        progress(_line(score))
    return scores


def measure(
    metric: MetricName, estimate: Float[np.ndarray, "H W bands"], pair: Pair, border: int
) -> float:
    """Return one metric of one image, with the definitions of :data:`gisr.metrics.METRICS`."""
    if pair.truth is None or pair.peak is None:
        raise InputError(f"{pair.name or 'pair'} has no truth to compare with")
    truth, valid = pair.truth, pair.truth_valid
    match metric:
        case "psnr":
            return psnr(estimate, truth, peak=pair.peak, border=border, valid=valid)
        case "rmse":
            return rmse(estimate, truth, border=border, valid=valid)
        case "sam":
            return sam(estimate, truth, border=border)
        case "ergas":
            return ergas(estimate, truth, ratio=pair.ratio, border=border)
        case "ssim_wang":
            return ssim_wang(estimate, truth, peak=pair.peak)
        case "ssim_skimage7":
            return ssim_skimage7(estimate, truth, peak=pair.peak)


def tables(scores: Sequence[Score]) -> str:
    """Return the scores as Markdown, one table a benchmark, best in bold, second underlined."""
    parts = []
    for benchmark in BENCHMARKS:
        own = [score for score in scores if score.benchmark == benchmark.name]
        if own:
            parts.append(f"### {benchmark.title}\n\n{_protocol(benchmark, own)}\n\n{_table(own)}")
    return "\n\n".join(parts) + "\n"


def save_scores(scores: Sequence[Score], path: str | Path, command: str) -> None:
    """Write scores with what is needed to get them again: command, commit, date, machine."""
    record = {
        "command": command,
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "scores": [asdict(score) for score in scores],
    }
    Path(path).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _score(
    benchmark: Benchmark, ratio: int, name: str, system: PairSystem, pairs: Sequence[Pair]
) -> Score:
    per_image: dict[str, dict[MetricName, float]] = {}
    for pair in pairs:
        estimate = system.upscale(pair)
        per_image[pair.name] = {
            metric: measure(metric, estimate, pair, benchmark.border)
            for metric in benchmark.metrics
        }
    means = {
        metric: float(np.mean([values[metric] for values in per_image.values()]))
        for metric in benchmark.metrics
    }
    return Score(benchmark.name, ratio, name, len(pairs), means, per_image)


def _line(score: Score) -> str:
    values = "  ".join(f"{METRICS[m].symbol} {_shown(m, v)}" for m, v in score.values.items())
    return f"{score.benchmark} x{score.ratio}  {score.system}: {values}  ({score.images} images)"


def _protocol(benchmark: Benchmark, scores: Sequence[Score]) -> str:
    images = max(score.images for score in scores)
    return f"{benchmark.protocol}. {images} images."


def _table(scores: Sequence[Score]) -> str:
    """Return one benchmark's table: a row a system, a column a ratio and metric."""
    columns = [
        (ratio, metric)
        for ratio in dict.fromkeys(score.ratio for score in scores)
        for metric in scores[0].values
    ]
    cells = {
        (score.system, score.ratio, metric): value
        for score in scores
        for metric, value in score.values.items()
    }
    systems = list(dict.fromkeys(score.system for score in scores))
    marks = dict(mark for column in columns for mark in _marks(column, systems, cells))
    heads = [f"x{ratio} {METRICS[metric].heading}" for ratio, metric in columns]
    lines = [" | ".join(["", "system", *heads, ""]).strip(), "|---|" + "---|" * len(columns)]
    for system in systems:
        row = [
            marks.get((system, *column), "{}").format(_shown(column[1], cells[(system, *column)]))
            for column in columns
        ]
        lines.append(" | ".join(["", system, *row, ""]).strip())
    return "\n".join(lines)


def _marks(
    column: tuple[int, MetricName],
    systems: Sequence[str],
    cells: Mapping[tuple[str, int, MetricName], float],
) -> Iterator[tuple[tuple[str, int, MetricName], str]]:
    """Yield how the best and the second best of a column are set."""
    sign = -1 if METRICS[column[1]].better == "higher" else 1
    ranked = sorted(systems, key=lambda system: sign * cells[(system, *column)])
    for system, mark in zip(ranked, ("**{}**", "<u>{}</u>"), strict=False):
        yield (system, *column), mark


def _shown(metric: MetricName, value: float) -> str:
    digits = {"ssim_wang": 4, "ssim_skimage7": 4, "rmse": 3}.get(metric, 2)
    return f"{value:.{digits}f}"


def _commit() -> str:
    """Return the commit the code comes from, or say that it is not a checkout."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "not a git checkout"
    return found.stdout.strip()
