"""The HTML of the page, from the templates beside this module; every value is escaped."""

import re
from functools import partial

from gisr.apps.web.drawing import ColourBar
from gisr.apps.web.examples import EXAMPLES
from gisr.apps.web.form import page_tasks
from gisr.apps.web.job import PageOutcome
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.scores import Scores
from gisr.errors import GisrError
from gisr.metrics import METRICS
from gisr.rendering.templates import render
from gisr.tasks import TASKS, find_task

FOLDER_PREFIX = "gisr-serve-"
"""How the name of a server's folder begins."""
ROUTING_WORDS = (
    "At every level of its encoder the network sends each pixel to two of its experts. The colour "
    "is that of the one with the larger weight. Computed for the part in view."
)
_render = partial(render, "gisr.apps.web")

INTRODUCTION = _render("introduction.html", tasks=TASKS.values())


def placeholder() -> str:
    """Return what stands in place of a result: which files go together."""
    real = [find_task(task).title for task, example in EXAMPLES.items() if example.real]
    return _render("placeholder.html", tasks=TASKS.values(), usable=page_tasks(), real=real)


def footer(limits: PageLimits) -> str:
    """Return the limits of the page and when files are deleted."""
    return _render("footer.html", limits=limits)


def pair_line(text: str, *, wrong: bool = False) -> str:
    """Return what two files were recognised as, or the error; nothing for an empty text."""
    return _render("pair.html", text=text, wrong=wrong)


def caption_line(text: str, bar: ColourBar | None = None) -> str:
    """Return the caption below a picture, and what its colours stand for."""
    return _render("caption.html", text=text, bar=bar)


def plain(error: GisrError) -> str:
    """Return a message on one line, with the names of files but not where the server keeps them."""
    return re.sub(rf"/\S*/{FOLDER_PREFIX}(?:[^\s/]+/)+", "", " ".join(str(error).split()))


def message(error: GisrError, title: str) -> str:
    """Return :func:`plain` as HTML, below a title."""
    return _render("message.html", title=title, text=plain(error))


def summary(outcome: PageOutcome) -> str:
    """Return what was written, with the notes and the same command."""
    notes = {
        level: list(dict.fromkeys(note.text for note in outcome.notes if note.level == level))
        for level in ("warning", "note", "detail")
    }
    subject = find_task(outcome.result.task).subject
    return _render(
        "summary.html",
        result=outcome.result,
        subject=subject[0].upper() + subject[1:],
        notes=notes,
        command=outcome.command,
    )


def scores_table(scores: Scores | None) -> str:
    """Return the metrics of both images against the truth; nothing without one."""
    if scores is None:
        return ""
    metrics = [METRICS[name] for name in next(iter(scores.values.values()))]
    return _render("scores.html", scores=scores, metrics=metrics)
