"""The page of a report: one HTML file that needs no network."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gisr.array_types import Map
from gisr.errors import InputError
from gisr.io.files import typed_errors
from gisr.pipelines.report import figures
from gisr.pipelines.report.figures import Painter, picture
from gisr.pipelines.report.measurements import (
    Overview,
    Profile,
    most_changed,
    overview_of,
    profile_of,
    quality_of,
    residual_on,
    sample_windows,
    spectrum_of,
)
from gisr.pipelines.report.windowed_result import ResultWindow, WindowedResult
from gisr.pipelines.request import FileResult, Request
from gisr.rendering.colours import expert_colour
from gisr.rendering.stretch import percentile_or_one
from gisr.rendering.templates import render
from gisr.tasks import find_task
from gisr.version import __version__
from gisr.windows import Window

if TYPE_CHECKING:
    from gisr.inference.system import PairSystem

TemplateValues = dict[str, object]
"""What the template uses, by name."""


class Panel(NamedTuple):
    """A picture with its caption."""

    caption: str
    address: str


class RoutingPanel(NamedTuple):
    """The routing of one level of the network."""

    position: str
    address: str
    shares: list[float]
    """Of the experts, in per cent."""


def write_report(
    system: "PairSystem",
    request: Request[Any],
    result: FileResult,
    windows: WindowedResult,
    place: Path,
) -> None:
    """Write the page of a request whose result is there, if not in its place yet.

    Args:
        system: What made the result; computes the routing that is shown.
        request: The request; ``request.options.report`` is the file.
        result: What was written.
        windows: Pair and result.
        place: Path to write to, of :meth:`gisr.pipelines.request.Request.writing`: result and page
            appear together.

    Raises:
        InputError: No pixel of the result is known.
        FileFormatError: The page cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    text = render("gisr.pipelines.report", "page.html", **_values(system, request, result, windows))
    with typed_errors(request.options.report or place, "cannot be written"):
        place.write_text(text, encoding="utf-8")


def _values(
    system: "PairSystem", request: Request[Any], result: FileResult, windows: WindowedResult
) -> TemplateValues:
    overview = overview_of(windows)
    regions = _known(windows, most_changed(overview, windows.shape))
    painter = Painter.of(result.task, overview, regions)
    profile = profile_of(regions[0])
    unit = find_task(result.task).unit
    return {
        "name": request.target.name,
        "result": result,
        "size": result.size,
        "part": windows.name,
        "unit": unit,
        "overview": _overview(overview, painter, unit),
        "regions": [
            _region(region, painter, profile if number == 0 else None)
            for number, region in enumerate(regions)
        ],
        "full_change": painter.full_change,
        "spectrum": figures.spectrum_plot(spectrum_of(regions, result.ratio)),
        "profile": figures.profile_plot(profile, unit),
        "agreement": _agreement(result, windows),
        "routing": _routing(system, request, windows, regions[0]),
        "expert_colour": expert_colour,
        "facts": _facts(request, result),
        "command": request.command,
        "versions": _versions(system),
        "device": system.device_name,
        "precision": system.computed_in(request.options.precision),
    }


def _known(windows: WindowedResult, places: Sequence[Window]) -> list[ResultWindow]:
    parts = [windows.read(place) for place in places]
    found = [part for part in parts if part is not None]
    if not found:
        raise InputError("no pixel of the result is known: there is nothing to report on")
    return found


def _overview(overview: Overview, painter: Painter, unit: str) -> TemplateValues:
    known = overview.known

    def magnitude(name: str, values: Map) -> Panel:
        full = percentile_or_one(values[known], figures.FULL_SCALE)
        address = picture(painter.magnitude_picture(values, known, full))
        return Panel(f"{name}, white: {full:.3g} or more ({unit})", address)

    panels = [Panel("guide", picture(painter.guide_picture(overview.guide)))]
    panels.append(magnitude("mean absolute change", overview.change))
    if overview.spread is not None:
        panels.append(magnitude("spread of the eight estimates", overview.spread))
    return {
        "before": picture(painter.target_picture(overview.before, known)),
        "after": picture(painter.target_picture(overview.after, known)),
        "step": overview.step,
        "panels": panels,
    }


def _region(region: ResultWindow, painter: Painter, profile: Profile | None) -> TemplateValues:
    """Return pictures of a region, with the line of a profile if it was taken there."""
    after = painter.target_picture(region.after, region.known)
    if profile is not None:
        after = figures.with_line(after, region, profile, upright=painter.turned)
    change = painter.change_picture(region.after - region.before, region.known)
    panels = [
        Panel("before", picture(painter.target_picture(region.before, region.known))),
        Panel("after", picture(after)),
        Panel("guide", picture(painter.guide_picture(region.pair.guide))),
        Panel("after - before", picture(change, exact=True)),
    ]
    if region.spread is not None:
        spread = region.spread.mean(axis=2)
        colours = painter.magnitude_picture(spread, region.known, painter.full_spread)
        panels.append(Panel("spread", picture(colours)))
    rows, columns = region.window
    return {"panels": panels, "rows": rows, "columns": columns}


def _agreement(result: FileResult, windows: WindowedResult) -> TemplateValues:
    """Return how far the degraded result is from the target, and quality without a reference."""
    parts = _known(windows, sample_windows(windows))
    found = residual_on(windows, parts) if windows.sampled else None
    made = result.consistency
    return {
        "windows": len(parts),
        "residual": None if found is None else found.shown(found.before),
        "projection": None if made is None else [made.shown(v) for v in (made.before, made.after)],
        "quality": quality_of(parts),
    }


def _routing(
    system: "PairSystem", request: Request[Any], windows: WindowedResult, region: ResultWindow
) -> list[RoutingPanel]:
    """Return the routing of a region by level; nothing where the network has no experts."""
    window = windows.routed(region.window)
    shape = window[0].stop - window[0].start, window[1].stop - window[1].start
    upright = find_task(region.pair.task).turned
    return [
        RoutingPanel(
            level.position,
            figures.routing_picture(level, shape, upright=upright),
            [100 * share for share in level.weights.float().mean(dim=(0, 2, 3)).tolist()],
        )
        for level in system.route(windows.source, window, request.options.settings)
    ]


def _facts(request: Request[Any], result: FileResult) -> list[tuple[str, str]]:
    """Return what the result was made from and with, as names and values."""
    options, vocabulary = request.options, find_task(result.task).vocabulary
    paths = {"target": request.target, "guide": request.guide, "output": result.path}
    facts = [(n, str(path) if request.folders_named else path.name) for n, path in paths.items()]
    facts.append(("task", result.task))
    facts += [("ratio", f"{result.ratio:.4g}"), ("grid", result.grid)]
    if "sensors" in vocabulary:
        facts.append(("sensor", options.sensor or "not given"))
    if "contrasts" in vocabulary:
        facts.append(("contrast", result.contrast or "unknown"))
        facts.append(("guide's contrast", result.guide_contrast or "unknown"))
    if result.alignment is not None:
        facts.append(("alignment", result.alignment.note))
    if result.adaptation:
        facts.append(("adaptation", result.adaptation))
    if options.description is not None:
        facts.append(("description", options.description))
    return facts


def _versions(system: "PairSystem") -> str:
    parts = [f"gisr {__version__}", f"weights {system.name}"]
    parts.append(f"Python {platform.python_version()}")
    return ", ".join([*parts, *(f"{name} {version(name)}" for name in ("torch", "numpy"))])
