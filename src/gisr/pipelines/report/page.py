"""The page of a report: one HTML file that opens offline and asks nothing of the network."""

import platform
from collections.abc import Iterator, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from gisr.errors import InputError
from gisr.inference.consistency.correction import Consistency
from gisr.io.files import atomic_output, typed_errors
from gisr.pipelines.report import figures
from gisr.pipelines.report.figures import Painter, picture
from gisr.pipelines.report.measurements import (
    Overview,
    Profile,
    judged_windows,
    most_changed,
    overview_of,
    profile_of,
    quality_of,
    residual_on,
    spectrum_of,
)
from gisr.pipelines.report.views import Look, Subject
from gisr.pipelines.request import FileResult, Request
from gisr.tasks import find_task
from gisr.version import __version__

if TYPE_CHECKING:
    from gisr.inference.system import PairSystem


def write_report(
    system: "PairSystem", request: Request[Any], result: FileResult, subject: Subject
) -> None:
    """Write the page that an request asks for; it appears whole or not at all.

    Args:
        system: What made the result: it is asked which experts were used where.
        request: What was asked for; ``request.options.report`` is the file.
        result: What came of it.
        subject: Pair and result.

    Raises:
        InputError: No pixel of the result is known.
        FileFormatError: The page cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    path = request.options.report
    if path is None:
        raise InputError("no file for the report: give options.report")
    title = f"{request.target.name}, sharpened"
    text = _template().substitute(
        title=escape(title),
        subtitle=escape(_subtitle(result, subject)),
        sections="\n".join(_sections(system, request, result, subject)),
    )
    with (
        atomic_output(path, request.options.overwrite) as temporary,
        typed_errors(path, "cannot be written"),
    ):
        temporary.write_text(text, encoding="utf-8")


def _template() -> Template:
    page = files("gisr.pipelines.report") / "page.html"
    return Template(page.read_text(encoding="utf-8"))


def _subtitle(result: FileResult, subject: Subject) -> str:
    size = " x ".join(map(str, result.shape))
    shown = f"; shown: {subject.name}" if subject.name else ""
    return f"{result.task}, ratio {result.ratio:.4g}, {size} {result.dtype}{shown}"


def _sections(
    system: "PairSystem", request: Request[Any], result: FileResult, subject: Subject
) -> Iterator[str]:
    overview = overview_of(subject)
    looks = _seen(subject, most_changed(overview, subject.shape))
    painter = Painter.of(result.task, overview, looks)
    profile = profile_of(looks[0])
    yield _whole(overview, painter)
    yield _crops(looks, painter, profile)
    yield _plots(looks, profile, result)
    yield _numbers(result, subject)
    yield _experts(system, request, subject, looks[0])
    yield _facts(request, result)
    yield _origin(system, request, result)


def _seen(subject: Subject, windows: Sequence[tuple[slice, slice]]) -> list[Look]:
    looks = [subject.look(window) for window in windows]
    found = [look for look in looks if look is not None]
    if not found:
        raise InputError("no pixel of the result is known: there is nothing to report on")
    return found


def _whole(overview: Overview, painter: Painter) -> str:
    known = overview.known
    before = picture(painter.image(overview.before, known))
    after = picture(painter.image(overview.after, known))
    unit = find_task(painter.task).unit
    panels = [("guide", picture(painter.guide(overview.guide)))]
    most = float(np.percentile(overview.change[known], 99)) or 1.0
    change = picture(painter.amount(overview.change, most, known))
    panels.append((f"mean change, white: {most:.3g} or more ({unit})", change))
    if overview.spread is not None:
        most = float(np.percentile(overview.spread[known], 99)) or 1.0
        spread = picture(painter.amount(overview.spread, most, known))
        panels.append((f"spread of the eight answers, white: {most:.3g} or more", spread))
    scale = (
        "" if overview.step == 1 else f", every pixel a mean of {overview.step} x {overview.step}"
    )
    return f"""<section>
<h2>Before and after</h2>
<p class="quiet">Drag across the image. Left the interpolated target, right the result{scale}; grey
is unknown.</p>
<div class="wide beside{len(panels)}">
<div class="compare" style="--at: 50%">
<img alt="after" src="{after}"><img class="over" alt="before" src="{before}">
<span class="tag" style="left: 8px">before</span><span class="tag" style="right: 8px">after</span>
<span class="bar"></span>
<input type="range" min="0" max="100" value="50" aria-label="before and after">
</div>
<div class="beside">{_figures(panels)}</div>
</div>
</section>"""


def _crops(looks: Sequence[Look], painter: Painter, profile: Profile) -> str:
    rows = []
    turned = painter.task == "mri"
    for number, look in enumerate(looks):
        after = painter.image(look.after, look.known)
        if number == 0:
            after = figures.with_line(after, look, profile, turned)
        panels = [
            ("before", painter.image(look.before, look.known)),
            ("after", after),
            ("guide", painter.guide(look.pair.guide)),
            ("after - before", painter.difference(look.after - look.before, look.known)),
        ]
        if look.spread is not None:
            spread = look.spread.mean(axis=2)
            panels.append(("spread", painter.amount(spread, painter.most_spread, look.known)))
        shown = [
            (name, picture(colours, exact=name == "after - before")) for name, colours in panels
        ]
        rows.append(f'<div class="row">{_figures(shown)}</div>')
        rows.append(f'<p class="quiet">{_place(look)}</p>')
    unit = find_task(painter.task).unit
    return f"""<section>
<h2>Where it changed most</h2>
<p class="quiet">One pixel of the screen is one of the guide. Differences: red is higher than
before, blue lower, fully coloured at {painter.most:.3g} ({unit}). The yellow line is
where the profile below was taken.</p>
{"".join(rows)}
</section>"""


def _place(look: Look) -> str:
    rows, columns = look.window
    return f"rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}"


def _plots(looks: Sequence[Look], profile: Profile, result: FileResult) -> str:
    spectrum = figures.spectrum_plot(spectrum_of(list(looks), result.ratio))
    across = figures.profile_plot(profile, find_task(result.task).unit)
    return f"""<section class="columns">
<figure><h2>Detail by frequency</h2><img alt="spectra" src="{spectrum}">
<figcaption>Radial power spectra of the regions above, all bands together, the guide brought to the
result's power at low frequencies. Right of the dashed line, the target holds nothing: what is there
was learnt, or taken from the guide.</figcaption></figure>
<figure><h2>Across the strongest edge</h2><img alt="profile" src="{across}">
<figcaption>Mean over bands along the yellow line; the guide scaled to the
result.</figcaption></figure>
</section>"""


def _numbers(result: FileResult, subject: Subject) -> str:
    looks = _seen(subject, judged_windows(subject))
    where = f"on {len(looks)} windows spread over the image" if len(looks) > 1 else "on the image"
    lines = list[str]()
    if subject.sampled:
        found = residual_on(subject, looks)
        lines.append(
            "<p>Degraded as the target's protocol does, the result differs from the target by "
            f"<b>{escape(found.shown(found.before))}</b> (root mean square, {where}).</p>"
        )
    if result.consistency is not None:
        lines.append(f"<p>It was made consistent: {escape(_both(result.consistency))}.</p>")
    quality = quality_of(looks)
    if quality:
        names = ("qnr", "hqnr", "d_lambda", "d_lambda_k", "d_s")
        heads = ("QNR", "HQNR", "D<sub>λ</sub>", "D<sub>λ</sub><sup>K</sup>", "D<sub>s</sub>")
        head = "".join(f'<th class="number">{text}</th>' for text in heads)
        rows = "".join(
            f"<tr><th>{name}</th>"
            + "".join(f'<td class="number">{getattr(values, key):.4f}</td>' for key in names)
            + "</tr>"
            for name, values in quality.items()
        )
        lines.append(
            f"<table><tr><th></th>{head}</tr>{rows}</table>"
            f'<p class="quiet">Quality with no reference, {where}: QNR and HQNR are best at 1, '
            "distortions at 0. They compare images with each other, not with the truth.</p>"
        )
    if not lines:
        return ""
    return f"<section><h2>Does it agree with the target?</h2>{''.join(lines)}</section>"


def _both(found: Consistency) -> str:
    return f"{found.shown(found.before)} before the projection, {found.shown(found.after)} after it"


def _experts(system: "PairSystem", request: Request[Any], subject: Subject, look: Look) -> str:
    window = subject.routed(look.window)
    shown = window[0].stop - window[0].start, window[1].stop - window[1].start
    levels = system.route(subject.source, window, request.options.settings)
    if not levels:
        return ""
    turned = look.pair.task == "mri"
    panels = []
    for level in levels:
        share = level.weights.float().mean(dim=(0, 2, 3)).tolist()
        bar = "".join(
            f'<span style="width: {100 * part:.2f}%; background: {_expert_colour(index)}"></span>'
            for index, part in enumerate(share)
        )
        text = ", ".join(f"{100 * part:.0f} %" for part in share)
        panels.append(
            f'<figure><img alt="{escape(level.position)}" '
            f'src="{figures.routing_picture(level, shown, turned)}">'
            f'<div class="shares">{bar}</div>'
            f"<figcaption>{escape(level.position)}: {text}</figcaption></figure>"
        )
    count = levels[0].weights.shape[1]
    key = "".join(
        f'<span class="key" style="background: {_expert_colour(index)}"></span>expert {index + 1}'
        for index in range(count)
    )
    return f"""<section>
<h2>Which experts were used where</h2>
<p class="quiet">Routing of the first region above, level by level: the colour of a pixel mixes
those of the experts chosen for it, by their weights; the bar and the numbers are their
shares.</p><p class="quiet">{key}</p>
<div class="row small">{"".join(panels)}</div>
</section>"""


def _expert_colour(index: int) -> str:
    return figures.EXPERT_COLOURS[index % len(figures.EXPERT_COLOURS)]


def _facts(request: Request[Any], result: FileResult) -> str:
    options, facts = request.options, [("target", str(request.target))]
    facts += [("guide", str(request.guide)), ("output", str(result.path))]
    facts += [("task", result.task), ("ratio", f"{result.ratio:.4g}"), ("grid", result.grid)]
    if result.task == "pansharpening":
        facts.append(("sensor", options.sensor or "not said"))
    if result.task == "mri":
        facts.append(("contrast", result.contrast or "unknown"))
        facts.append(("guide's contrast", result.guide_contrast or "unknown"))
    if result.alignment is not None:
        facts.append(("alignment", result.alignment.note))
    if options.description is not None:
        facts.append(("description", options.description))
    rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in facts)
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.notes)
    below = f"<p>Notes:</p><ul>{notes}</ul>" if notes else ""
    return f"<section><h2>What the files were taken for</h2><table>{rows}</table>{below}</section>"


def _origin(system: "PairSystem", request: Request[Any], result: FileResult) -> str:
    parts = [
        f"gisr {__version__}",
        f"weights {system.name}",
        f"Python {platform.python_version()}",
    ]
    parts += [f"{name} {version(name)}" for name in ("torch", "numpy")]
    asked = f"<p><code>{escape(request.command)}</code></p>" if request.command else ""
    return (
        f'<section><h2>How it was made</h2>{asked}<p class="quiet">{escape(", ".join(parts))}, '
        f"on {escape(system.device_name)}</p></section>"
    )


def _figures(panels: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<figure><img alt="{escape(name)}" src="{address}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, address in panels
    )
