"""What adapting to a scene gains on pairs with a truth, and what it costs.

    python benchmarks/adapt.py ../shared/data --minutes 1 --satellite l7_19 gf2_test_fr0 --ratio 2
    python benchmarks/adapt.py ../shared/data/index_more.json --satellite s2_dsen2_t33uub --ratio 2
    python benchmarks/adapt.py ../shared/data --volumes tcga_fg_6692/T2 --thick 4

A satellite pair is Wald's: its target and guide are all that adapting sees, and it reduces them
once more; the truth is for the score alone. Of a volume the truth is its middle, and the target has
slices of so many of its voxels. One thread. Rows of a table in Markdown.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from thick_slices import ThickCase, psnr

import gisr
from gisr.adaptation.adapt import Adaptation, learn
from gisr.adaptation.lesson import NoLessonsError
from gisr.adaptation.settings import AdaptSettings
from gisr.datasets.entry import Scene
from gisr.datasets.sources import read_entries
from gisr.experiments.evaluation import measure
from gisr.inference.answers import Settings
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.volume_lessons import volume_lessons
from gisr.tasks import find_task
from gisr.weights.store import load_weights

HEADINGS = ("pair", "as shipped", "adapted", "kept back, dB", "used", "steps", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--satellite", nargs="*", default=[], help="names of scenes")
    parser.add_argument("--ratio", type=int, default=2)
    parser.add_argument("--volumes", nargs="*", default=[], help="SUBJECT/CONTRAST, guided by T1")
    parser.add_argument("--thick", type=int, default=4)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=AdaptSettings().learning_rate)
    parser.add_argument("--model")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    settings = AdaptSettings(chosen.minutes, learning_rate=chosen.rate)
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", flush=True)
    for entry in read_entries(chosen.data) if chosen.satellite else []:
        if entry.name in chosen.satellite and isinstance(entry, Scene):
            satellite(entry, chosen.ratio, chosen.model, settings)
    for name in chosen.volumes:
        volume(chosen.data, name, chosen.thick, chosen.side, chosen.model, settings)


def satellite(entry: Scene, ratio: int, model: str | None, settings: AdaptSettings) -> None:
    pair = next(iter(entry.pairs(ratio)))
    task, blind = find_task(pair.task), replace(pair, truth=None)
    weights = load_weights(model)
    more = pair.guide.shape[2] > weights.network.config.guide_channels
    upscaler = Upscaler(weights.widened(pair.guide.shape[2]) if more else weights, "cpu")

    def scores(system: Upscaler) -> str:
        image = system.answer(blind, Settings()).image
        values = measure(task.metrics, image, pair, task.border)
        return " / ".join(f"{value:.2f}" for value in values.values())

    row(
        f"{entry.name} x{ratio}",
        upscaler,
        scores,
        lambda: gisr.adapt(upscaler, blind, settings),
    )


def volume(
    data: Path, name: str, ratio: int, side: int, model: str | None, settings: AdaptSettings
) -> None:
    case, upscaler = ThickCase.of(data, name, side, ratio, 0.0), gisr.load_model(model, "cpu")
    target, guide = case.target.voxels, case.guide.voxels

    def scores(system: Upscaler) -> str:
        made = case.sharpener(system)
        image = made(target, guide).voxels
        return f"{psnr(image, case.truth.voxels, made.inside()):.2f}"

    def adapted() -> Adaptation:
        lessons = volume_lessons(case.sharpener(upscaler), target, guide)
        return learn(upscaler, lessons, settings)

    row(f"{name}, slices of {ratio}", upscaler, scores, adapted)


def row(
    name: str,
    upscaler: Upscaler,
    scores: Callable[[Upscaler], str],
    adapted: Callable[[], Adaptation],
) -> None:
    before, began = scores(upscaler), time.perf_counter()
    try:
        found = adapted()
    except NoLessonsError as error:
        print(f"| {name} | {before} | {error} | | | | |", flush=True)
        return
    seconds = time.perf_counter() - began
    gain = f"{found.gain:+.2f}" if np.isfinite(found.gain) else "diverged"
    cells = (
        name,
        before,
        scores(found.upscaler),
        gain,
        "yes" if found.used else "no",
        str(found.steps),
        f"{seconds:.0f}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
