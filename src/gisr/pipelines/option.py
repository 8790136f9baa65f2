"""What an option is: a field of a dataclass with its help, its tasks and where it is offered."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from numbers import Integral, Real
from os import PathLike
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from gisr.errors import InputError, shortened
from gisr.tasks import TaskName, check_subject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class OptionInfo:
    """What is known of an option besides its name, type and default."""

    help: str
    tasks: tuple[TaskName, ...] = ()
    """The tasks it is for; all when empty."""
    flag: str = ""
    """Long spelling on the command line where it is not the field's name."""
    spellings: tuple[str, ...] = ()
    """Further spellings there."""
    column: bool = False
    """Whether it may differ from pair to pair, as a column of a list."""
    page: str = ""
    """Label on the page; empty where it is not offered there."""
    page_help: str = ""
    """Text below the label."""
    page_default: str = "not given"
    """What the page shows where no value is given."""
    page_off: str = ""
    """On the page it is ticked or not: this value where it is not, else the default."""
    page_id: str = ""
    """Name of its element on the page where it is not the field's name."""
    page_file: str = ""
    """On the page, the label of the button that downloads its file."""
    page_reads: bool = False
    """On the page, whether the files are read again when it changes."""
    follows: str = ""
    """On the page, the option with which it is chosen."""
    extra: str = ""
    """On the page, the extra of gisr without which it is not offered."""
    needs: str = ""
    """On the page, the field of a task's record without which it changes nothing."""
    choices: tuple[str, ...] = ()
    """Words to choose from, in whatever case."""
    suggestions: tuple[str, ...] = ()
    """Words that the page offers to choose from; any other is possible too."""
    least: float | None = None
    most: float | None = None
    positive: bool = False
    """Whether a number must lie above 0."""
    file: bool = False
    """Whether it names a file of one pair."""
    file_word: str = ""
    """What a file is named after it: the option's name when empty."""


@dataclass(frozen=True)
class Option:
    """One option: a field of a dataclass."""

    name: str
    type: Any
    """Its type without None: bool, int, float, str, a Literal, or a tuple of str or int | str."""
    default: Any
    info: OptionInfo
    instead: tuple[str, ...] = ()
    """Words that may stand in place of its number."""

    @property
    def flag(self) -> str:
        """Long spelling on the command line."""
        return self.info.flag or "--" + self.name.replace("_", "-")

    @property
    def negative(self) -> str | None:
        """The flag that says no, for an option that is neither on nor off by default."""
        return f"--no-{self.flag[2:]}" if self.type is bool and self.default is None else None

    @property
    def words(self) -> tuple[str, ...]:
        """Words to choose from; nothing where any value is possible."""
        return get_args(self.type) if get_origin(self.type) is Literal else self.info.choices

    def for_task(self, task: TaskName) -> bool:
        """Return whether it is for a task."""
        return not self.info.tasks or task in self.info.tasks

    def spelt(self, value: Any) -> Iterator[str]:  # noqa: ANN401 - any option's value
        """Yield the words of a command line that give it a value; nothing for the default."""
        if value == self.default:
            return
        if self.type is bool:
            yield self.flag if value else str(self.negative)
            return
        for each in value if isinstance(value, tuple) else (value,):
            yield from (self.flag, repr(each) if isinstance(each, float) else str(each))


def option(
    default: Any,  # noqa: ANN401 - any option's default
    help: str,
    **info: Any,  # noqa: ANN401 - of OptionInfo
) -> Any:  # noqa: ANN401 - what dataclasses.field returns
    """Return a field of an option."""
    return field(default=default, metadata={"option": OptionInfo(help, **info)})


def options_of(kind: type) -> dict[str, Option]:
    """Return the options of a dataclass whose fields were made by :func:`option`, by name."""
    if kind not in _KNOWN:
        hints = get_type_hints(kind)
        _KNOWN[kind] = {each.name: _option(each, hints[each.name]) for each in fields(kind)}
    return _KNOWN[kind]


_KNOWN: dict[type, dict[str, Option]] = {}
"""Looked up once: type hints of many fields take a millisecond."""


def number_or_name(text: str) -> int | str:
    """Return the whole number that a text writes, such as that of a band, or the text itself."""
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 10 else plain


def command_words(chosen: "DataclassInstance") -> list[str]:
    """Return the words of a command line that choose what was chosen."""
    return [
        word
        for name, each in options_of(type(chosen)).items()
        for word in each.spelt(getattr(chosen, name))
    ]


def number_or_word(each: Option, text: str) -> float | str:
    """Return the number that a text writes, or the word that may stand in its place.

    Raises:
        InputError: It is neither.
    """
    word = text.strip().lower()
    if word in each.instead:
        return word
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"{each.flag[2:]} {text!r} must be a number, nan or {' or '.join(each.instead)}"
        ) from None


def check_value(each: Option, value: Any) -> None:  # noqa: ANN401 - any option's value
    """Refuse a word that is not to choose from, or a number out of range.

    Raises:
        InputError: It is.
    """
    if value is None:
        return
    _check_kind(each, value)
    if value == each.default:
        return
    if get_origin(each.type) is Literal and value not in each.words:
        raise InputError(f"{each.flag[2:]} {value!r} must be {_either(each.words)}")
    if get_origin(each.type) is tuple and each.info.choices:
        for word in value:
            if word not in each.info.choices:
                raise InputError(f"{each.flag[2:]} {word!r} must be {_either(each.info.choices)}")
    low, high = each.info.least, each.info.most
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, Real) and not isinstance(number, bool):
            amount = float(number)
            _check_number(each.flag[2:], amount, low, high)
            if each.info.positive and not amount > 0:
                raise InputError(f"{each.flag[2:]} {amount:g} must be above 0")


_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "True or False"),
    int: ((Integral,), "a whole number"),
    float: ((Real,), "a number"),
    str: ((str, PathLike), "text"),
    tuple: ((tuple,), "a tuple"),
}
"""Of the type of an option, what its value may be, and how that is called."""


def _check_kind(each: Option, value: Any) -> None:  # noqa: ANN401 - any option's value
    """Refuse a value of another type, which only Python can give."""
    kind = get_origin(each.type) or each.type
    if kind is Literal or (isinstance(value, str) and value in each.instead):
        return
    accepted, words = _KINDS[kind]
    # True is a whole number to Python, and no thickness.
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind in (int, float)):
        words += f", nan or {each.instead[0]}" if each.instead else ""
        raise InputError(f"{each.flag[2:]} {shortened(repr(value))} must be {words}")


def check_for_task(chosen: "DataclassInstance", task: TaskName) -> None:
    """Refuse options that would be ignored.

    Raises:
        InputError: One is for another task.
    """
    for name, each in options_of(type(chosen)).items():
        value = getattr(chosen, name)
        if value != each.default and each.info.tasks:
            remedy = "leave it out, or name the --task"
            check_subject(f"{name} {value!r}", task, each.info.tasks, remedy)


def _check_number(name: str, number: float, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and not low <= number <= high:
        raise InputError(f"{name} {number:g} must lie between {low:g} and {high:g}")
    if low is not None and not number >= low:
        raise InputError(f"{name} {number:g} must be at least {low:g}")


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def _option(each: "Field[Any]", hint: Any) -> Option:  # noqa: ANN401 - a type
    assert each.default is not MISSING
    instead: tuple[str, ...] = ()
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        hint = kinds[0]  # of a file name, the string
        instead = tuple(
            w for kind in kinds[1:] if get_origin(kind) is Literal for w in kind.__args__
        )
    if get_origin(hint) is tuple:
        hint = tuple[get_args(hint)[0], ...]  # type: ignore[misc]
    info: Mapping[str, OptionInfo] = each.metadata
    return Option(each.name, hint, each.default, info["option"], instead)
