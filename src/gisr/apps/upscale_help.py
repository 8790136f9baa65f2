"""``gisr upscale --help``: worked examples on top, and the options of one task alone."""

from collections.abc import Sequence

from gisr.errors import InputError
from gisr.tasks import TASKS, TaskName
from gisr.tasks.task import HelpExample

USAGE = "gisr upscale TARGET GUIDE -o OUTPUT [options]"
SEVERAL = HelpExample(
    "folders whose files are paired by name, those that are not done yet",
    "gisr upscale low high -o sharp --skip-existing",
)
_WORDS = ("-h", "--help")


def help_topics() -> dict[str, TaskName]:
    """Return the tasks by the words that ask for their help: names, and titles in lower case."""
    titles = {task.title.lower(): name for name, task in TASKS.items()}
    return titles | {name: name for name in TASKS}


def requested_help(arguments: Sequence[str]) -> TaskName | None:
    """Return the task whose options alone are asked for; None where all of them are, or none.

    Args:
        arguments: Words after ``gisr upscale``: ``--help mri``, or ``satellite -h``.

    Raises:
        InputError: Help on something that is no task.
    """
    if len(arguments) != 2 or not set(_WORDS) & set(arguments):
        return None
    topics, (word,) = help_topics(), [word for word in arguments if word not in _WORDS] or ("",)
    if arguments[0] in _WORDS and word and word.lower() not in topics:
        raise InputError(f"help on {word!r}: write {_how()}, or gisr upscale --help for all")
    return topics.get(word.lower())


def examples_of(task: TaskName | None) -> tuple[HelpExample, ...]:
    """Return the examples of a task; where it is None the plainest of each, and one on folders."""
    if task is not None:
        return TASKS[task].examples
    return (*(example for each in TASKS.values() for example in each.examples[:1]), SEVERAL)


def examples_text(task: TaskName | None) -> str:
    """Return examples as lines: what each is for, and below it the command."""
    lines = [f"  # {each.purpose}\n  {each.command}" for each in examples_of(task)]
    if task is None:
        lines.append(f"The options of one task alone: {_how()}.")
    return "\n\n".join(lines)


def _how() -> str:
    """Return how help on one task is asked for."""
    first, *others = (f"--help {task.title.lower()}" for task in TASKS.values())
    return f"gisr upscale {' or '.join((first, *others))}"


__all__ = [
    "SEVERAL",
    "USAGE",
    "examples_of",
    "examples_text",
    "help_topics",
    "requested_help",
]
