"""Arguments of a command from the options of a dataclass, and the dataclass from its arguments."""

from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

from jsonargparse import ArgumentParser

from gisr.errors import InputError
from gisr.pipelines.option import Option, number_or_name, number_or_word, options_of
from gisr.tasks import TASKS, TaskName

if TYPE_CHECKING:
    from argparse import _ActionsContainer

_Chosen = TypeVar("_Chosen")


def has_options(kind: object) -> bool:
    """Return whether a parameter of a command stands for all options of a dataclass."""
    return isinstance(kind, type) and is_dataclass(kind)


def add_options(parser: ArgumentParser, kind: type, task: TaskName | None = None) -> None:
    """Add an argument for every option of a dataclass, in sections by task.

    Args:
        parser: Receives them.
        kind: The dataclass.
        task: Options of others are left out; None adds all.
    """
    for title, options in option_sections(kind, task).items():
        group = parser.add_argument_group(title)
        for each in options:
            _add(group, each)


def option_sections(kind: type, task: TaskName | None = None) -> dict[str, list[Option]]:
    """Return the options of a dataclass by the heading they stand under.

    They come in the order of the first task that they are for, then the rest.

    Args:
        kind: The dataclass; its ``section`` is the heading of the rest.
        task: Options of others are left out; None gives all.
    """
    found: dict[tuple[TaskName, ...], list[Option]] = {}
    for each in options_of(kind).values():
        if task is None or each.for_task(task):
            found.setdefault(each.info.tasks, []).append(each)
    order = list(TASKS)

    def place(names: tuple[TaskName, ...]) -> list[int]:
        return [order.index(name) for name in names] or [len(order)]

    sections: dict[str, list[Option]] = {}
    for names in sorted(found, key=place):
        *several, last = (TASKS[name].title for name in names) if names else ("",)
        title = f"{', '.join(several)} and {last}" if several else last
        sections[title or getattr(kind, "section", "Options")] = found[names]
    return sections


def take_options(kind: type[_Chosen], values: dict[str, Any]) -> _Chosen:
    """Take the values of a dataclass out of parsed arguments, and build it.

    Raises:
        InputError: A value cannot be used.
    """
    chosen: dict[str, Any] = {}
    for name, each in options_of(kind).items():
        value = values.pop(_destination(each.flag))
        if each.negative is not None:
            no = values.pop(_destination(each.negative))
            if value and no:
                raise InputError(f"{name} and {each.negative[2:]} exclude each other")
            value = False if no else value or None
        elif get_origin(each.type) is tuple:
            value = each.default if value is None else _values(each, value)
        elif each.instead and isinstance(value, str):
            value = number_or_word(each, value)
        chosen[name] = value
    return kind(**chosen)


def repeated_flags(*kinds: type) -> dict[str, str]:
    """Return every spelling of options that are given once for each value, with its long one."""
    return {
        spelling: each.flag
        for kind in kinds
        for each in options_of(kind).values()
        if get_origin(each.type) is tuple
        for spelling in (each.flag, *each.info.spellings)
    }


def _add(parser: "_ActionsContainer", each: Option) -> None:
    # Its own name before other long ones: argparse calls the value by the first.
    short = [word for word in each.info.spellings if not word.startswith("--")]
    long = [word for word in each.info.spellings if word.startswith("--")]
    spellings = [*short, each.flag, *long]
    if each.type is bool:
        parser.add_argument(*spellings, action="store_true", help=each.info.help)
        if each.negative is not None:
            help_text = f"The opposite of {each.flag}, where that is the default."
            parser.add_argument(each.negative, action="store_true", help=help_text)
        return
    several = get_origin(each.type) is tuple
    text = several or bool(each.instead) or get_origin(each.type) is Literal
    parser.add_argument(
        *spellings,
        # Words are checked by the dataclass, whose messages name the choices.
        type=str if text else each.type,
        nargs="+" if several else None,
        default=None if several else each.default,
        metavar=_destination(each.flag).upper(),
        help=each.info.help,
    )


def _destination(flag: str) -> str:
    """Return what argparse calls the value of a flag."""
    return flag.lstrip("-").replace("-", "_")


def _values(each: Option, words: Sequence[str]) -> tuple[int | str, ...]:
    """Return words as a tuple of the option's type."""
    named = get_args(each.type)[0] is not str
    return tuple(number_or_name(word) if named else word for word in words)
