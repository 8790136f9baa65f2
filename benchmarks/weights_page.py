"""Make the page of some weights: tables, bars, worst images and training curves.

    gisr evaluate ../shared/data --out runs/scores/pairs.json
    gisr evaluate ../shared/data/standard/lu --out runs/scores/lu.json
    python benchmarks/weights_page.py --scores runs/scores/*.json --runs runs/a runs/b \
        --name v6 --remarks runs/remarks.md --text runs/training.md \
        --out docs/results/weights-v6.md

Writes the page and, beside it, a JSON with every image's values, from which ``weights_card.py``
brings the card and the README up to date.
"""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, median

from gisr.experiments.evaluation import Score, tables
from gisr.tasks import TASKS

SYSTEM = "magnet-s"
WAYS = {
    "+plain": "--no-consistent",
    "+consistent": "--consistent",
    "+ensemble": "--uncertainty",
    "+ensemble+consistent": "both",
}
"""Other settings, as `gisr evaluate` names them and as `gisr upscale` does."""
_LOW_BAR = 0.5
"""dB that an image may be worse than interpolation."""

Bar = tuple[float, float, bool]
"""The goal, what was measured, whether it is reached."""
Value = Callable[[str, int, str, str], float]
"""Gives the mean of (benchmark, ratio, system, metric)."""


def reference(benchmark: str) -> str:
    """Return the interpolation that a benchmark is compared with."""
    return "zero-filled" if benchmark.startswith("mri") else "bicubic"


def gains(scores: Sequence[Score]) -> list[tuple[float, str]]:
    """Return each image's gain over interpolation in dB, the worst first."""
    found = {(score.benchmark, score.ratio, score.system): score for score in scores}
    result = []
    for score in scores:
        base = found.get((score.benchmark, score.ratio, reference(score.benchmark)))
        if score.system != SYSTEM or base is None:
            continue
        for name, values in score.per_image.items():
            before = base.per_image[name]
            if not {"psnr", "rmse"} & set(values):
                continue  # without a truth: indexes that no interpolation is the measure of
            if "psnr" in values:
                gain = values["psnr"] - before["psnr"]
            else:
                gain = 20 * math.log10(before["rmse"] / values["rmse"])
            result.append((gain, f"{score.benchmark} x{score.ratio} {name}"))
    return sorted(result)


def said_of_worst(worst: Sequence[tuple[float, str]]) -> str:
    """Report how many of the images come out worse than the interpolated target."""
    below, low = (sum(gain < least for gain, _ in worst) for least in (0, -_LOW_BAR))
    return (
        "Gain over bicubic (zero-filling for MR) in dB, of the RMSE for depth: "
        f"{below} of {len(worst)} are\nbelow 0, {low} below -{_LOW_BAR}. The worst five:"
    )


def listed(worst: Sequence[tuple[float, str]]) -> str:
    """Return the table of the worst five images."""
    rows = [f"| {name} | {gain:+.2f} |" for gain, name in worst[:5]]
    return "\n".join(["| image | gain in dB |", "|---|---|", *rows])


def scans(scores: Sequence[Score]) -> str:
    """Return the table of the gain over zero-filling by scan: means hide how they differ."""
    found: dict[tuple[str, int, str], list[tuple[float, float]]] = defaultdict(list)
    base = {(s.benchmark, s.ratio): s.per_image for s in scores if s.system == "zero-filled"}
    for score in scores:
        if score.system == SYSTEM and score.benchmark.startswith("mri"):
            for name, values in score.per_image.items():
                before = base[score.benchmark, score.ratio][name]["psnr"]
                key = score.benchmark, score.ratio, name.split(":")[0]
                found[key].append((before, values["psnr"] - before))
    lines = [
        "| benchmark | ratio | scan | slices | zero-filled, dB | gain, dB |",
        "|---|---|---|---|---|---|",
    ]
    for (benchmark, ratio, scan), own in found.items():
        before, gain = (fmean(values) for values in zip(*own, strict=True))
        lines.append(
            f"| {benchmark} | x{ratio} | {scan} | {len(own)} | {before:.2f} | {gain:+.2f} |"
        )
    return "\n".join(lines)


def bars(scores: Sequence[Score]) -> str:
    """Return the table of the goals, what was measured, and whether they are reached."""
    ours, *others = (_bars(scores, SYSTEM + way) for way in ("", *WAYS))
    heads = ["row", "goal", "measured", "reached", *(f"with {way}" for way in WAYS.values())]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for what, (bar, value, reached) in ours.items():
        also = [_also(other[what]) if what in other else "" for other in others]
        said = "yes" if reached else "no"
        lines.append(f"| {what} | {bar:.3f} | {value:.3f} | {said} | {' | '.join(also)} |")
    return "\n".join(lines)


def _also(bar: Bar) -> str:
    return f"{bar[1]:.3f}" + (" (reached)" if bar[2] else "")


def _bars(scores: Sequence[Score], system: str) -> dict[str, Bar]:
    """Return every bar that a system was measured for."""
    values = {(s.benchmark, s.ratio, s.system): dict(s.values) for s in scores}

    def of(benchmark: str, ratio: int, name: str, metric: str) -> float:
        found = values[benchmark, ratio, system if name == SYSTEM else name]
        return float(found[metric])  # type: ignore[index]

    measured = {(benchmark, ratio) for benchmark, ratio, name in values if name == system}
    rows: dict[str, Bar] = {}
    if ("landsat7", 4) in measured:
        for ratio in (2, 4):
            rows |= _above("landsat7", ratio, of, "gsa-aligned", 1.5)
        for metric in ("sam", "ergas"):
            best = min(of("landsat7", 4, name, metric) for name in ("bicubic", "gsa-aligned"))
            ours = of("landsat7", 4, SYSTEM, metric)
            rows[f"landsat7 x4 {metric.upper()}, below both"] = best, ours, ours < best
    if ("quickbird", 4) in measured:
        rows |= _above("quickbird", 4, of, "gsa-aligned", 0.0)
        bar, ours = of("quickbird", 4, "bicubic", "sam"), of("quickbird", 4, SYSTEM, "sam")
        rows["quickbird x4 SAM, below bicubic"] = bar, ours, ours < bar
    if ("sentinel2", 2) in measured:
        for metric, most in (("rmse", 75.0), ("sam", 0.90), ("ergas", 1.65)):
            ours = of("sentinel2", 2, SYSTEM, metric)
            rows[f"sentinel2 x2 {metric.upper()}, at most"] = most, ours, ours <= most
    if ("landsat7-swir", 2) in measured:
        ours = of("landsat7-swir", 2, SYSTEM, "psnr")
        rows["landsat7-swir x2 PSNR, at least"] = 36.5, ours, ours >= 36.5
    for benchmark in ("mri-t1-t2", "mri-t1-flair"):
        for ratio, gain in ((2, 3.0), (4, 3.0), (8, 2.5)):
            if (benchmark, ratio) in measured:
                rows |= _above(benchmark, ratio, of, "zero-filled", gain)
    for ratio, share in ((4, 0.5), (8, 0.5), (16, 0.6)):
        if ("middlebury2005", ratio) in measured:
            rows |= _below("middlebury2005", ratio, of, share)
    for ratio, most in ((4, 1.1), (8, 2.1), (16, 4.4)):
        if ("lu", ratio) in measured:
            ours = of("lu", ratio, SYSTEM, "rmse")
            rows[f"lu x{ratio} RMSE, at most"] = most, ours, ours <= most
    for ratio in (4, 8, 16):
        if ("rgbdd", ratio) in measured:
            rows |= _below("rgbdd", ratio, of, 0.7)
    return rows


def _above(benchmark: str, ratio: int, of: Value, system: str, gain: float) -> dict[str, Bar]:
    bar, ours = of(benchmark, ratio, system, "psnr") + gain, of(benchmark, ratio, SYSTEM, "psnr")
    return {f"{benchmark} x{ratio} PSNR, {system} + {gain:g} dB": (bar, ours, ours >= bar)}


def _below(benchmark: str, ratio: int, of: Value, share: float) -> dict[str, Bar]:
    bar = share * of(benchmark, ratio, "bicubic", "rmse")
    ours = of(benchmark, ratio, SYSTEM, "rmse")
    return {f"{benchmark} x{ratio} RMSE, {share:g} of bicubic": (bar, ours, ours < bar)}


def curves(run: Path) -> str:
    """Return the tables of a run: relative training error, and validation."""
    events = [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]
    training = {event["step"]: event for event in events if event["event"] == "training"}
    seen = {key for event in training.values() for key in event}
    tasks = [task for task in TASKS if f"relative_error_{task}" in seen]
    lines = ["| step | minutes | " + " | ".join(tasks) + " |", "|---" * (len(tasks) + 2) + "|"]
    for step in sorted(step for step in training if step % 500 == 0):
        near = [event for at, event in training.items() if step - 500 < at <= step]
        keys = [f"relative_error_{task}" for task in tasks]
        means = [median(e[key] for e in near if key in e) for key in keys]
        minutes = training[step]["seconds"] / 60
        lines.append(f"| {step} | {minutes:.0f} | " + " | ".join(f"{m:.3f}" for m in means) + " |")
    checks = [event for event in events if event["event"] == "validation"]
    if checks:
        names = [key for key in checks[0] if key not in ("event", "step", "seconds")]
        lines += ["", "| step | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        lines += [
            f"| {check['step']} | " + " | ".join(f"{check[name]:.3f}" for name in names) + " |"
            for check in checks
        ]
    return "\n".join(lines)


def main() -> None:
    """Write the page and its JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", nargs="+", type=Path, required=True)
    parser.add_argument("--runs", nargs="+", type=Path, required=True)
    parser.add_argument("--name", required=True, help="for example v6")
    parser.add_argument("--text", type=Path, required=True, help="how they were trained")
    parser.add_argument("--remarks", type=Path, help="what is missing, and why")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    records = [json.loads(path.read_text("utf-8")) for path in given.scores]
    scores = [Score(**score) for record in records for score in record["scores"]]
    worst = gains(scores)
    remarks = given.remarks.read_text("utf-8").strip() if given.remarks else ""
    commands = "\n".join(f"- `{r['command']}` ({r['date']}, {r['machine']})" for r in records)
    runs = "\n\n".join(f"`{run.name}`:\n\n{curves(run)}" for run in given.runs)
    page = f"""# Results of weights {given.name}

Every image's values are in [{given.out.stem}.json]({given.out.stem}.json). Measured by

{commands}

## Goals, and what was measured

{bars(scores)}

{remarks}

## Tables

{tables(scores)}
### MR by scan

{scans(scores)}

## The worst five images

{said_of_worst(worst)}

{listed(worst)}

## How they were trained

{given.text.read_text("utf-8").strip()}

Error of the training patches (the recipe's criterion) relative to that of the untouched input (the
median of ten means over 50 steps), and validation of the moving average (middle parts of the
validation pairs; PSNR in dB, RMSE in pixels).

{runs}
"""
    given.out.write_text(page, encoding="utf-8")
    record = {"commands": [r["command"] for r in records], "scores": [asdict(s) for s in scores]}
    given.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
