"""What a system gains, over how fast it is: a table and a picture.

    python benchmarks/quality_by_speed.py ../shared/data --picture docs/images/quality-by-speed.png

Quality is that of `gisr evaluate` on satellite benchmarks at ratio 4. Speed is that of the same
call on a drawn scene in memory, files aside: guide pixels per CPU second of one thread, systems in
turn, the best of several rounds. Ratios to the first system can be compared between machines, rates
not.
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from gisr.data.phantoms import satellite_scene
from gisr.data.protocols import wald_pair
from gisr.experiments.evaluation import Score, evaluate
from gisr.experiments.named_systems import load_systems
from gisr.experiments.system_variants import SystemVariant

SYSTEMS = ("magnet-s", "magnet-xs", "gsa-aligned", "gsa", "bicubic")
BENCHMARKS = ("landsat7", "quickbird")
RATIO = 4


def rates(systems: Mapping[str, SystemVariant], side: int, rounds: int) -> dict[str, float]:
    """Return guide pixels per CPU second."""
    scene = satellite_scene(side)
    pair = wald_pair(scene.multispectral, scene.panchromatic, RATIO)
    seconds = dict.fromkeys(systems, float("inf"))
    for _ in range(rounds):
        for name, system in systems.items():
            began = time.process_time()
            system.answer(pair)
            seconds[name] = min(seconds[name], time.process_time() - began)
    return {name: side**2 / taken for name, taken in seconds.items()}


def quality(scores: list[Score], system: str, benchmark: str) -> float:
    """Return the PSNR in dB."""
    (found,) = (
        score.values["psnr"]
        for score in scores
        if (score.system, score.benchmark, score.ratio) == (system, benchmark, RATIO)
    )
    return found


def draw(found: Mapping[str, float], scores: list[Score], chosen: list[str], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5 * len(chosen), 3.6), layout="constrained")
    for axes, benchmark in zip(
        figure.subplots(1, len(chosen), squeeze=False)[0], chosen, strict=True
    ):
        for number, (name, rate) in enumerate(found.items()):
            place = (rate / 1e6, quality(scores, name, benchmark))
            axes.plot(*place, "o")
            # To both sides in turn: neighbours must not write over each other.
            side, aligned = ((6, 5), "left") if number % 2 else ((-6, 5), "right")
            axes.annotate(name, place, textcoords="offset points", xytext=side, ha=aligned)
        axes.set(xscale="log", title=f"{benchmark}, x{RATIO}", xlabel="megapixels per CPU second")
        axes.set_ylabel("PSNR (dB)")
        axes.margins(0.35, 0.15)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--systems", nargs="+", default=SYSTEMS)
    parser.add_argument("--benchmarks", nargs="+", default=BENCHMARKS)
    parser.add_argument("--side", type=int, default=1024, help="of the drawn scene")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    systems = load_systems(given.systems, "cpu")
    found = rates(systems, given.side, given.rounds)
    scores = [
        score
        for score in evaluate(systems, given.data, benchmarks=given.benchmarks)
        if score.ratio == RATIO
    ]
    print("| system | MP per CPU second | times the first | " + " | ".join(given.benchmarks) + " |")
    print("|---" * (3 + len(given.benchmarks)) + "|")
    first = found[given.systems[0]]
    for name, rate in found.items():
        values = " | ".join(f"{quality(scores, name, each):.2f} dB" for each in given.benchmarks)
        print(f"| {name} | {rate / 1e6:.3f} | {rate / first:.2f} | {values} |")
    if given.picture is not None:
        draw(found, scores, given.benchmarks, given.picture)


if __name__ == "__main__":
    main()
