"""Arguments of Python calls that can be but what they are: choices, numbers, text."""

from collections.abc import Collection
from numbers import Integral, Real

from gisr.errors import InputError, shortened


def check_choice(name: str, value: object, choices: Collection[object]) -> None:
    """Refuse what is none of some choices; 1 is not True.

    Raises:
        InputError: It is none.
    """
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        known = ", ".join(map(str, choices))
        raise InputError(f"{name} {shortened(repr(value))} must be one of {known}")


def check_number(name: str, value: object, *, whole: bool = False, needed: bool = False) -> None:
    """Refuse what is no number, or no whole one; True is none.

    Args:
        name: What the value is called.
        value: None is nothing said.
        whole: Whether it has to be whole.
        needed: Whether None is refused too.

    Raises:
        InputError: It is none.
    """
    if value is None and not needed:
        return
    if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{name} {shortened(repr(value))} must be {kind}, or left out")


def check_text(name: str, value: object) -> None:
    """Refuse what is no text; None is nothing said.

    Raises:
        InputError: It is none.
    """
    if value is not None and not isinstance(value, str):
        raise InputError(f"{name} {shortened(repr(value))} must be text, or left out")
