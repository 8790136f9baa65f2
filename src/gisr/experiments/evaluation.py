"""Scoring any system on the public benchmarks, and the resulting tables."""

import json
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.datasets.entry import Entry, naming
from gisr.datasets.sources import AUTO, left_out, read_entries
from gisr.errors import InputError
from gisr.estimation.no_reference import NoReferenceQuality
from gisr.estimation.registration import align_guide
from gisr.experiments.benchmark import NO_REFERENCE, Benchmark, named_pairs
from gisr.experiments.benchmark_choice import chosen_benchmarks, members_of, not_scored
from gisr.experiments.benchmarks import BENCHMARKS
from gisr.experiments.scorable import check_scorable, is_empty
from gisr.experiments.system_variants import SystemVariant, as_variant, untrained
from gisr.inference.system import PairSystem
from gisr.metrics import (
    METRICS,
    MetricName,
    ergas,
    psnr,
    q2n,
    rmse,
    sam,
    ssim_skimage7,
    ssim_wang,
)
from gisr.tasks import TaskName
from gisr.temporaries import written_whole


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
    empty: int = 0
    """Images that were left out: one value everywhere, of which every answer has PSNR infinity."""


def evaluate(
    systems: Mapping[str, PairSystem | SystemVariant],
    data: str | Path,
    *,
    layout: str = AUTO,
    tasks: Sequence[TaskName] | None = None,
    benchmarks: Sequence[str] | None = None,
    ratios: Sequence[int] | None = None,
    progress: Callable[[str], None] | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> list[Score]:
    """Score systems on the benchmarks that a data set belongs to.

    Args:
        systems: By the name they have in tables.
        data: Folder of any data set that :func:`gisr.datasets.sources.read_entries` takes.
        layout: How it lies on disk; recognised when ``auto``.
        tasks: Keep only these tasks.
        benchmarks: Keep only these, by name.
        ratios: Score at these, in place of those of the benchmarks; pairs whose targets were made
            by others have their own only.
        progress: Called with a line for each score.
        notify: Called with a line on what of the data is not scored.

    Raises:
        InputError: An unknown benchmark, or none is left.
        FileFormatError: The data cannot be read.
    """
    variants = {name: as_variant(system) for name, system in systems.items()}
    chosen = chosen_benchmarks(tasks, benchmarks)
    entries = read_entries(data, layout)
    for line in left_out(data, entries):
        notify(line)
    members = members_of(chosen, entries, str(data), every=bool(benchmarks))
    if not (tasks or benchmarks) and (line := not_scored(entries, members.values())):
        notify(f"{data}: {line}")
    scored = dict.fromkeys(each.task for each in chosen if members[each.name])
    for line in untrained(variants, list(scored)):
        notify(line)
    scores = []
    for benchmark in chosen:
        own = members[benchmark.name]
        for ratio in ratios or benchmark.ratios_of(own):
            for score in _scores(benchmark, ratio, variants, own):
                scores.append(score)
                if progress is not None:
                    progress(_line(score))
    if not scores:
        names = ", ".join(name for name, own in members.items() if own)
        raise InputError(
            f"{data}: {', '.join(variants)} can score none of {names}{_at(ratios)}: name others"
        )
    return scores


def measure(
    metrics: Sequence[MetricName],
    estimate: Float[np.ndarray, "H W bands"],
    pair: Pair,
    border: int = 0,
) -> dict[MetricName, float]:
    """Return metrics of one image, with the definitions of :data:`gisr.metrics.METRICS`.

    Args:
        metrics: By name.
        estimate: Sharpened target, in its units.
        pair: What it was made from; with its truth, unless all metrics do without.
        border: Pixels cut on every side first; the indexes that need no truth see all.

    Raises:
        InputError: A metric is not defined for the pair.
    """
    return {
        **_without_truth([metric for metric in metrics if metric in NO_REFERENCE], estimate, pair),
        **{
            metric: _with_truth(metric, estimate, pair, border)
            for metric in metrics
            if metric not in NO_REFERENCE
        },
    }


def _without_truth(
    metrics: Sequence[MetricName], estimate: Float[np.ndarray, "H W bands"], pair: Pair
) -> dict[MetricName, float]:
    if not metrics:
        return {}
    quality = NoReferenceQuality(estimate, pair)
    return {metric: float(getattr(quality, metric)) for metric in metrics}


def _with_truth(
    metric: MetricName, estimate: Float[np.ndarray, "H W bands"], pair: Pair, border: int
) -> float:
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
        case "q2n":
            return q2n(estimate, truth, border=border)
        case _:
            raise InputError(f"{metric} compares with no truth")


def tables(scores: Sequence[Score]) -> str:
    """Return the scores as Markdown, one table a benchmark, best in bold, second underlined."""
    parts = []
    for benchmark in BENCHMARKS:
        own = [score for score in scores if score.benchmark == benchmark.name]
        if own:
            parts.append(f"### {benchmark.title}\n\n{_protocol(benchmark, own)}\n\n{_table(own)}")
    return "\n\n".join(parts) + "\n"


def save_scores(scores: Sequence[Score], path: str | Path, command: str) -> None:
    """Write scores with what is needed to reproduce them: command, commit, date, machine.

    Raises:
        FileFormatError: The disk refuses it; what was there before stays.
    """
    record = {**provenance(command), "scores": [asdict(score) for score in scores]}
    with written_whole(Path(path)) as part:
        part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def provenance(command: str) -> dict[str, str]:
    """Return what is needed to reproduce a result: command, commit, date, machine."""
    return {
        "command": command,
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
    }


def _at(ratios: Sequence[int] | None) -> str:
    return f" at x{', x'.join(map(str, ratios))}" if ratios else ""


def _scores(
    benchmark: Benchmark,
    ratio: int,
    systems: Mapping[str, SystemVariant],
    entries: Sequence[Entry],
) -> list[Score]:
    """Score the systems that can do the task; pairs are made once, and not kept."""
    able = {
        name: system for name, system in systems.items() if system.system.can(benchmark.task, ratio)
    }
    values: dict[str, dict[str, dict[MetricName, float]]] = {name: {} for name in able}
    empty = 0
    for entry in entries:
        for pair in named_pairs(benchmark, entry, ratio):
            if "psnr" in benchmark.metrics and is_empty(pair):
                empty += 1
                continue
            if any(pair.name in own for own in values.values()):
                raise InputError(f"{benchmark.name}: two pairs are called {pair.name}: rename one")
            with naming(entry):
                for name, own in _measured(benchmark, pair, able).items():
                    values[name][pair.name] = own
    return [
        Score(benchmark.name, ratio, name, len(own), _means(own, benchmark.metrics), own, empty)
        for name, own in values.items()
        if own  # some pairs have one ratio only
    ]


def _measured(
    benchmark: Benchmark, pair: Pair, systems: Mapping[str, SystemVariant]
) -> dict[str, dict[MetricName, float]]:
    """Return the metrics of what systems make of a pair."""
    check_scorable(benchmark, pair)
    judged = align_guide(pair)[0] if benchmark.guide_aligned else pair
    return {
        name: measure(benchmark.metrics, system.answer(pair).image, judged, benchmark.border)
        for name, system in systems.items()
    }


def _means(
    per_image: Mapping[str, Mapping[MetricName, float]], metrics: Sequence[MetricName]
) -> dict[MetricName, float]:
    return {
        metric: float(np.mean([values[metric] for values in per_image.values()]))
        for metric in metrics
    }


def _line(score: Score) -> str:
    values = "  ".join(f"{METRICS[m].symbol} {shown(m, v)}" for m, v in score.values.items())
    return f"{score.benchmark} x{score.ratio}  {score.system}: {values}  ({_count(score.images)})"


def _count(images: int) -> str:
    return f"{images} image{'s' * (images != 1)}"


def _protocol(benchmark: Benchmark, scores: Sequence[Score]) -> str:
    images = max(score.images for score in scores)
    empty = max(score.empty for score in scores)
    left_out = (
        f", and {empty} of one value everywhere that {'is' if empty == 1 else 'are'} not scored"
    )
    return f"{benchmark.protocol}. {_count(images)}{left_out if empty else ''}."


def _table(scores: Sequence[Score]) -> str:
    """Return one benchmark's table: a row a system, a column a ratio and metric."""
    columns = [
        (ratio, metric)
        for ratio in dict.fromkeys(score.ratio for score in scores)
        for metric in scores[0].values
    ]
    cells = {
        (name, *column): text
        for column in columns
        for name, text in _column(scores, *column).items()
    }
    systems = list(dict.fromkeys(score.system for score in scores))
    heads = [f"x{ratio} {METRICS[metric].heading}" for ratio, metric in columns]
    lines = [" | ".join(["", "system", *heads, ""]).strip(), "|---|" + "---|" * len(columns)]
    for system in systems:
        row = [cells.get((system, *column), "") for column in columns]
        lines.append(" | ".join(["", system, *row, ""]).strip())
    return "\n".join(lines)


def _column(scores: Sequence[Score], ratio: int, metric: MetricName) -> dict[str, str]:
    own = [score for score in scores if score.ratio == ratio and metric in score.values]
    values = {score.system: score.values[metric] for score in own}
    return marked(values, metric, ("**{}**", "<u>{}</u>"))


def marked(values: Mapping[str, float], metric: MetricName, forms: Sequence[str]) -> dict[str, str]:
    """Return the values of a metric as text.

    Args:
        values: By name.
        metric: Says which is best, and how many digits are shown.
        forms: How the best, the second best and so on are set. Values that read alike share one:
            digits that are not shown must not decide between them.
    """
    texts = dict.fromkeys(shown(metric, values[name]) for name in ranked(values, metric))
    marks = dict(zip(texts, forms, strict=False))
    plain = {name: shown(metric, value) for name, value in values.items()}
    return {name: marks.get(text, "{}").format(text) for name, text in plain.items()}


def ranked(values: Mapping[str, float], metric: MetricName) -> list[str]:
    """Return the names of values of a metric, the best first."""
    return sorted(values, key=lambda name: values[name], reverse=METRICS[metric].better == "higher")


def shown(metric: MetricName, value: float) -> str:
    """Return a value with the digits of its metric."""
    return f"{value:.{METRICS[metric].digits}f}"


def _commit() -> str:
    """Return the commit of the code, or that it is not a checkout."""
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
