"""``gisr demo``: one real pair and two generated ones, sharpened, scored and drawn.

The real pair ships inside scikit-image, and the embedded weights were trained without it. The other
two scenes are drawn by a program: the demo shows that the installation works and what the results
look like. ``gisr evaluate`` measures how good the weights are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gisr.baselines.classical import ClassicalBaseline, load_baseline
from gisr.data.pair import Pair
from gisr.data.phantoms import SCENE_BITS, head_phantom, satellite_scene
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.errors import FileFormatError
from gisr.experiments.demo_pictures import Sheet, draw_comparison
from gisr.experiments.evaluation import measure, shown
from gisr.inference.answers import Progress
from gisr.inference.loading import load_model
from gisr.metrics import METRICS, MetricName
from gisr.tasks import Task, TaskName, find_task


@dataclass(frozen=True)
class DemoResult:
    """One pair of the demo: what it is, how both systems do, where its picture is."""

    task: TaskName
    title: str
    origin: str
    """Real or generated, and whether it was seen in training."""
    unit: str
    """Unit of the target."""
    metrics: Mapping[str, Mapping[MetricName, float]]
    """Values by system, the interpolation first, and metric."""
    picture: Path


@dataclass(frozen=True, eq=False)
class _Case:
    """A pair with its truth, and how it is shown."""

    pair: Pair
    title: str
    origin: str
    guide: str
    unit: str

    @property
    def task(self) -> Task:
        return find_task(self.pair.task)

    @property
    def baseline(self) -> ClassicalBaseline:
        return load_baseline(self.task.interpolation)


def run_demo(
    out: str | Path,
    model: str | Path | None = None,
    *,
    device: str | None = None,
    progress: Progress | None = None,
) -> list[DemoResult]:
    """Sharpen the three pairs and write ``demo_<task>.png`` for each.

    Args:
        out: Folder for the pictures; created when missing.
        model: What :func:`gisr.load_model` takes; the embedded default when None.
        device: torch device.
        progress: Called with (tiles done, tiles in all) of each image.

    Raises:
        WeightsError: The weights cannot be loaded.
        FileFormatError: A picture cannot be written, or scikit-image came without its images.
    """
    folder = Path(out)
    upscaler = load_model(model, device)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileFormatError(f"{folder}: cannot be created ({error.strerror})") from error
    results = []
    for make_case in _CASES:
        case = make_case()
        estimates = {
            case.baseline.name: case.baseline.answer(case.pair).image,
            f"gisr {upscaler.name}": upscaler.answer(case.pair, progress=progress).image,
        }
        results.append(_finish(case, estimates, folder))
    return results


def format_results(results: list[DemoResult]) -> str:
    """Return the results as small tables, with the definition of every metric named."""
    parts = []
    for result in results:
        names = list(next(iter(result.metrics.values())))
        widths = {name: max(12, len(_heading(name, result.unit)) + 3) for name in names}
        heads = "".join(f"{_heading(name, result.unit):>{widths[name]}}" for name in names)
        lines = [f"{result.title} ({result.origin})", f"{'':<18}{heads}"]
        for system, values in result.metrics.items():
            cells = "".join(f"{shown(name, values[name]):>{widths[name]}}" for name in names)
            lines.append(f"{system:<18}{cells}")
        parts.append("\n".join([*lines, f"picture: {result.picture}"]))
    used = dict.fromkeys(name for result in results for name in next(iter(result.metrics.values())))
    definitions = [f"{METRICS[name].symbol}: {METRICS[name].definition}" for name in used]
    return "\n\n".join([*parts, "\n".join(definitions)])


def motorcycle_case() -> _Case:
    """Return Middlebury Motorcycle at x8, the real pair: disparity guided by the left image.

    Raises:
        FileFormatError: scikit-image is installed without its images.
    """
    from skimage.data import stereo_motorcycle

    try:
        left, _, disparity = stereo_motorcycle()  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError) as error:
        raise FileFormatError(
            f"scikit-image's Motorcycle pair cannot be read ({error}): install scikit-image again "
            "from its wheel"
        ) from error
    known = np.isfinite(disparity)
    return _Case(
        depth_pair(
            np.where(known, disparity, 0), left, 8, valid=known, name="Middlebury Motorcycle"
        ),
        "Depth x8: Middlebury Motorcycle",
        "a real pair, left out of the training of the embedded weights",
        "colour image",
        "pixels of disparity",
    )


def satellite_case(size: int = 384) -> _Case:
    """Return a generated scene reduced x4 by Wald's protocol."""
    scene = satellite_scene(size)
    return _Case(
        wald_pair(
            scene.multispectral, scene.panchromatic, 4, bits=SCENE_BITS, name="generated scene"
        ),
        "Pansharpening x4: fields, river and village",
        "a generated scene, not a real one",
        "panchromatic band",
        "digital numbers",
    )


def head_case(size: int = 256) -> _Case:
    """Return a generated head whose T2 k-space was cropped x4, guided by T1."""
    head = head_phantom(size)
    return _Case(
        kspace_pair(
            head.t2, head.t1, 4, contrast="T2", guide_contrast="T1", name="generated phantom"
        ),
        "MRI x4: head phantom, T2 guided by T1",
        "a generated phantom, not a real head",
        "T1 contrast",
        "signal",
    )


_CASES: tuple[Callable[[], _Case], ...] = (motorcycle_case, satellite_case, head_case)


def _finish(
    case: _Case, estimates: dict[str, Float[np.ndarray, "H W bands"]], folder: Path
) -> DemoResult:
    """Score and draw."""
    metrics = {
        system: measure(case.task.metrics, image, case.pair, case.task.border)
        for system, image in estimates.items()
    }
    picture = folder / f"demo_{case.pair.task}.png"
    sheet = Sheet(
        case.title,
        f"{case.origin[0].upper()}{case.origin[1:]}. Shown: the square on which "
        f"{case.baseline.name} errs most. Numbers: the whole image.",
        case.guide,
        case.unit,
        _table_lines(metrics, case.unit),
    )
    try:
        draw_comparison(picture, sheet, case.pair, list(estimates.items()))
    except OSError as error:
        raise FileFormatError(f"{picture}: cannot be written ({error.strerror})") from error
    return DemoResult(case.pair.task, case.title, case.origin, case.unit, metrics, picture)


def _table_lines(metrics: Mapping[str, Mapping[MetricName, float]], unit: str) -> tuple[str, ...]:
    """Return the numbers, a block for each metric: what fits beside a picture."""
    lines: list[str] = []
    for metric in next(iter(metrics.values())):
        arrow = "higher" if METRICS[metric].better == "higher" else "lower"
        lines.append(f"{_heading(metric, unit)}, {arrow} is better")
        lines.extend(f"    {name}: {shown(metric, v[metric])}" for name, v in metrics.items())
    return tuple(lines)


def _heading(metric: MetricName, unit: str) -> str:
    """Return a metric with its unit; the data's own for a metric that has it."""
    return f"{METRICS[metric].symbol} ({unit})" if metric == "rmse" else METRICS[metric].heading
