"""Tables as the paper sets them: best in bold, second underlined, in Markdown and LaTeX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gisr.experiments.evaluation import marked, shown
from gisr.experiments.reproduce.columns import ResultColumn
from gisr.metrics import METRICS

_UNSEEN = "never trained on this task at this ratio"


@dataclass(frozen=True)
class ResultRow:
    """One row of a table; in columns it has no value for it is not ranked."""

    name: str
    values: Mapping[str, float]
    """By key of the column."""
    unseen: frozenset[str] = frozenset()
    """Columns of a task and ratio that it was not trained on."""
    spread: Mapping[str, float] = field(default_factory=dict)
    """Standard deviation over seeds; nothing of a single one."""


@dataclass(frozen=True)
class Facts:
    """Columns that are no results: sizes and costs, behind the results and not ranked."""

    heads: tuple[str, ...] = ()
    cells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By name of the row."""

    def of(self, name: str, empty: str) -> list[str]:
        """Return the cells of a row."""
        return list(self.cells.get(name, (empty,) * len(self.heads)))


@dataclass(frozen=True)
class _Style:
    best: str
    second: str
    unseen: str
    empty: str
    spread: str


_MARKDOWN = _Style("**{}**", "<u>{}</u>", "{} †", "", " ± {}")
_LATEX = _Style(r"\textbf{{{}}}", r"\underline{{{}}}", r"{}$^\dagger$", "--", r" $\pm$ {}")


def markdown(
    columns: Sequence[ResultColumn],
    rows: Sequence[ResultRow],
    reference: ResultRow | None = None,
    facts: Facts = Facts(),
) -> str:
    """Return a Markdown table; the reference is shown below and not ranked."""
    heads = ["", *(f"{c.pairs_key} {_metric(c)}" for c in columns), *facts.heads]
    lines = [heads, ["---"] * len(heads)]
    body = _body(columns, rows, _MARKDOWN)
    lines += [[*line, *facts.of(line[0], _MARKDOWN.empty)] for line in body]
    if reference is not None:
        for name, *cells in _plain(columns, reference, _MARKDOWN):
            lines.append([f"*{name}*", *cells, *facts.of(name, _MARKDOWN.empty)])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return table + _note(rows, "\n\n† {}")


def latex(
    columns: Sequence[ResultColumn],
    rows: Sequence[ResultRow],
    reference: ResultRow | None = None,
    facts: Facts = Facts(),
) -> str:
    """Return a LaTeX tabular that needs booktabs; the reference is below a rule, not ranked."""
    tasks = list(dict.fromkeys(column.task for column in columns))
    spans = {task: sum(column.task == task for column in columns) for task in tasks}
    heads = [rf"\multicolumn{{{spans[task]}}}{{c}}{{{task}}}" for task in tasks]
    names = [f"{column.benchmark} $\\times${column.ratio}" for column in columns]
    metrics = [_metric(column).replace("↑", r"$\uparrow$") for column in columns]
    metrics = [metric.replace("↓", r"$\downarrow$") for metric in metrics]
    blank = [""] * len(facts.heads)
    parts = [[*heads, *blank], [*names, *blank], [*metrics, *facts.heads]]
    lines = [rf"\begin{{tabular}}{{l{'c' * (len(columns) + len(blank))}}}", r"\toprule"]
    lines += [" & ".join(["", *part]) + r" \\" for part in parts] + [r"\midrule"]
    body = _body(columns, rows, _LATEX)
    lines += [" & ".join([*line, *facts.of(line[0], "--")]) + r" \\" for line in body]
    if reference is not None:
        lines.append(r"\midrule")
        below = _plain(columns, reference, _LATEX)
        lines += [" & ".join([*line, *facts.of(line[0], "--")]) + r" \\" for line in below]
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + _note(rows, "\n% dagger: {}") + "\n"


def _body(
    columns: Sequence[ResultColumn], rows: Sequence[ResultRow], style: _Style
) -> list[list[str]]:
    lines = [[row.name] for row in rows]
    for column in columns:
        values = {row.name: row.values[column.key] for row in rows if column.key in row.values}
        texts = marked(values, column.metric, (style.best, style.second))
        for line, row in zip(lines, rows, strict=True):
            if row.name not in values:
                line.append(style.empty)
                continue
            text = texts[row.name]
            if column.key in row.spread:
                text += style.spread.format(shown(column.metric, row.spread[column.key]))
            line.append(style.unseen.format(text) if column.key in row.unseen else text)
    return lines


def _plain(columns: Sequence[ResultColumn], row: ResultRow, style: _Style) -> list[list[str]]:
    cells = [
        shown(column.metric, row.values[column.key]) if column.key in row.values else style.empty
        for column in columns
    ]
    return [[row.name, *cells]]


def _metric(column: ResultColumn) -> str:
    definition = METRICS[column.metric]
    return f"{definition.symbol} {'↑' if definition.better == 'higher' else '↓'}"


def _note(rows: Sequence[ResultRow], form: str) -> str:
    return form.format(_UNSEEN) if any(row.unseen for row in rows) else ""
