"""The figures, drawn with matplotlib into a file; no window is opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from gisr.experiments.reproduce.features import Prompts
from gisr.metrics import METRICS
from gisr.optional_imports import load_extra
from gisr.tasks import TASKS, find_task
from gisr.tasks.mri import MRI
from gisr.training.log import RunLog

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = ("-", "--", ":", "-.")
_SHADES = ("#1b7f5c", "#3b5bdb", "#d9480f", "#862e9c", "#495057")
_MARKS = {2: "o", 3: "D", 4: "^", 8: "s", 16: "v"}
_CHANNELS = 6
_BINS = 24


def draw_norms(path: Path, norms: Mapping[str, Float[np.ndarray, "places channels"]]) -> None:
    """Draw, for six channels spread evenly over all, how their norms are distributed by task."""
    channels = min(values.shape[1] for values in norms.values())
    count = min(_CHANNELS, channels)
    chosen = [int((k + 0.5) * channels / count) for k in range(count)]
    figure = _figure(10, 5.6)
    axes = np.ravel(figure.subplots(2, -(-count // 2), squeeze=False))
    for axis, channel in zip(axes, chosen, strict=False):
        columns = {name: values[:, channel] for name, values in norms.items()}
        top = float(np.percentile(np.concatenate(list(columns.values())), 99.5)) or 1.0
        for name, values in columns.items():
            colour = find_task(name).colour
            style = {"bins": np.linspace(0, top, _BINS), "density": True, "color": colour}
            axis.hist(values, histtype="stepfilled", alpha=0.35, label=name, **style)
            axis.hist(values, histtype="step", **style)
        axis.set_title(f"channel {channel}", fontsize=10)
        axis.set_yticks([])
    for axis in axes[count:]:
        axis.set_axis_off()
    axes[0].legend(fontsize=8)
    figure.supxlabel("L2 norm of the feature map in a place", fontsize=10)
    figure.supylabel("density", fontsize=10)
    figure.savefig(path)


def draw_prompts(
    path: Path, prompts: Prompts, seed: int
) -> dict[str, list[tuple[float, float] | None]]:
    """Draw the t-SNE of (a) all prompts by task and (b) those of MR by ratio.

    Returns:
        The points of each panel, by its letter; None for a prompt that is not in it.
    """
    figure = _figure(10, 4.8)
    left, right = figure.subplots(1, 2)
    everything, mri = np.arange(len(prompts.names)), prompts.of_task(MRI.name)
    all_points = _embedded(prompts.values, seed)
    ratios = np.array(prompts.ratios)
    for task, record in TASKS.items():
        for ratio in sorted(set(prompts.ratios)):
            own = [k for k in prompts.of_task(task) if ratios[k] == ratio]
            _scatter(left, all_points[own], record.colour, ratio, f"{task} x{ratio}")
    left.set_title("(a) all tasks", fontsize=10)
    panels = {"a": (everything, all_points)}
    if len(mri) >= 4:
        points = _embedded(prompts.values[mri], seed)
        for number, ratio in enumerate(sorted(set(ratios[mri].tolist()))):
            colour = _SHADES[number % len(_SHADES)]
            _scatter(right, points[ratios[mri] == ratio], colour, ratio, f"x{ratio}")
        panels["b"] = (mri, points)
    else:
        right.text(0.5, 0.5, "fewer than 4 MR pairs", ha="center", transform=right.transAxes)
    right.set_title("(b) MR, by ratio", fontsize=10)
    for axis in (left, right):
        axis.set_xticks([])
        axis.set_yticks([])
        if axis.collections:
            axis.legend(fontsize=7, loc="best")
    figure.savefig(path)
    return {letter: _placed(len(everything), *panel) for letter, panel in panels.items()}


def draw_curves(path: Path, log: RunLog) -> None:
    """Draw, task by task, validation scores above and the training error below."""
    seen = [task for task in TASKS if log.of_task(task) or f"error_{task}" in log.training]
    figure = _figure(3.7 * len(seen), 6)
    upper, lower = figure.subplots(2, len(seen), sharex=True, squeeze=False)
    for task, above, below in zip(seen, upper, lower, strict=True):
        own, record = log.of_task(task), TASKS[task]
        for line, (name, curve) in enumerate(own.items()):
            label = name.split(f"_{task}_")[1].replace("_", " ")
            style = _LINES[line % len(_LINES)]
            above.plot(curve.steps, curve.values, style, marker=".", label=label)
        metric = METRICS[record.metric]
        above.set_title(f"{task}\n{metric.heading}, {metric.better} is better", fontsize=9)
        if own:
            above.legend(fontsize=7)
        else:
            above.text(0.5, 0.5, "no validation pairs", ha="center", transform=above.transAxes)
        if (error := log.training.get(f"error_{task}")) is not None:
            below.plot(error.steps, error.values, color=record.colour, linewidth=1)
        below.set_title("training error, normalised,\nmeans of 50 steps", fontsize=9)
        below.set_xlabel("step", fontsize=9)
    figure.savefig(path)


def _figure(width: float, height: float) -> "Figure":
    load_extra("matplotlib", "research")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def _scatter(axis: "Axes", points: np.ndarray, colour: str, ratio: int, label: str) -> None:
    if len(points):
        mark = _MARKS.get(ratio, "x")
        axis.scatter(
            points[:, 0], points[:, 1], s=22, c=colour, marker=mark, alpha=0.7, label=label
        )


def _embedded(values: Float[np.ndarray, "n width"], seed: int) -> Float[np.ndarray, "n 2"]:
    load_extra("sklearn", "research")
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(values) - 1) / 3)
    map_of = TSNE(perplexity=perplexity, random_state=seed, init="pca")
    points: np.ndarray = map_of.fit_transform(values)
    return points


def _placed(count: int, places: np.ndarray, points: np.ndarray) -> list[tuple[float, float] | None]:
    found: list[tuple[float, float] | None] = [None] * count
    for place, point in zip(places, points, strict=True):
        found[int(place)] = (round(float(point[0]), 4), round(float(point[1]), 4))
    return found
