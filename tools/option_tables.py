"""Write the tables of options in the docs from the options themselves.

``python tools/option_tables.py docs/*.md`` rewrites what stands between ``<!-- options: GROUP -->``
and ``<!-- end of options -->``; the groups are those of :data:`GROUPS`.
"""

import re
import sys
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path

from gisr.apps.upscale_help import examples_of
from gisr.pipelines.batch import COLUMNS
from gisr.pipelines.execution import Execution
from gisr.pipelines.option import Option, options_of
from gisr.pipelines.options import Options
from gisr.tasks import TASKS, TaskName

_MARKED = re.compile(
    r"(?P<begin><!-- options: (?P<group>[^>]+) -->\n).*?(?P<end><!-- end of options -->)", re.DOTALL
)


def _spellings(each: Option) -> str:
    """Return how an option is written on the command line, the short spellings first."""
    short = [word for word in each.info.spellings if not word.startswith("--")]
    long = [word for word in each.info.spellings if word.startswith("--")]
    no = [] if each.negative is None else [each.negative]
    return ", ".join(f"`{word}`" for word in (*short, each.flag, *long, *no))


def _option_table(options: Iterable[Option]) -> str:
    """Return a table of options: how each is written, and what it does."""
    return _table(("option", "meaning"), ((_spellings(each), _meaning(each)) for each in options))


def _of_task(task: TaskName | None) -> str:
    """Return a table of the options that are for a task, or of those for all tasks."""
    options = options_of(Options).values()
    return _option_table(
        each for each in options if (task in each.info.tasks if task else not each.info.tasks)
    )


def _example_block(task: TaskName | None) -> str:
    """Return the worked examples of a task, as its help has them; None gives those of all."""
    lines = [f"# {each.purpose}\n{each.command}\n" for each in examples_of(task)]
    return f"```sh\n{''.join(lines)}```\n"


def _column_table() -> str:
    """Return a table of the columns of a list of pairs."""
    options = options_of(Options)
    rows = (
        (
            f"`{name}`" + ", needed" * column.needed,
            _titles(column.tasks or ()),
            _spellings(options[name]) if name in options else "",
            _meaning(options[name]) if name in options else column.meaning,
        )
        for name, column in COLUMNS.items()
    )
    return _table(("column", "for", "option", "meaning"), rows)


def _page_table() -> str:
    """Return a table of the options that the page in the browser offers."""
    rows = (
        (each.info.page, _titles(_page_tasks(each)), _spellings(each))
        for each in options_of(Options).values()
        if each.info.page
    )
    return _table(("on the page", "for", "on the command line"), rows)


GROUPS: dict[str, Callable[[], str]] = {
    **{task: partial(_of_task, task) for task in TASKS},
    **{f"examples {task}": partial(_example_block, task) for task in TASKS},
    "all tasks": partial(_of_task, None),
    "execution": lambda: _option_table(options_of(Execution).values()),
    "columns of a list": _column_table,
    "page": _page_table,
}
"""Tables and examples by the name of their group."""


def rewritten(page: str) -> str:
    """Return the text of a page with its tables as the options are.

    Raises:
        KeyError: A group that is none of :data:`GROUPS`.
    """
    return _MARKED.sub(lambda m: f"{m['begin']}{_shown(m['group'])}{m['end']}", page)


def _shown(group: str) -> str:
    text = GROUPS[group]()
    return text if text.startswith("```") else _boxed(text)


def groups_in(page: str) -> list[str]:
    """Return the groups whose tables a page has."""
    return [match["group"] for match in _MARKED.finditer(page)]


def _boxed(table: str) -> str:
    """Return a table in a box of its own, where the site's style keeps options on one line."""
    return f'<div class="options" markdown>\n\n{table}\n</div>\n'


def _page_tasks(each: Option) -> list[TaskName]:
    """Return the tasks for which the page offers an option."""
    need = each.info.needs
    return [
        name
        for name, task in TASKS.items()
        if each.for_task(name) and (not need or getattr(task, need) is not None)
    ]


def _titles(tasks: Collection[str]) -> str:
    named = [task.title for name, task in TASKS.items() if name in tasks]
    return ", ".join(named) if 0 < len(named) < len(TASKS) else "all"


def _meaning(each: Option) -> str:
    choices = f" One of {', '.join(each.info.choices)}." if each.info.choices else ""
    return each.info.help + choices


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        text = path.read_text("utf-8")
        if (new := rewritten(text)) != text:
            path.write_text(new, "utf-8")
            print(path)
