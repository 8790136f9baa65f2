"""What an option that there is not may have been meant for."""

import re
from collections.abc import Iterable, Sequence

from gisr.errors import meant


def meant_option(message: str, command: Sequence[str], options: Iterable[str]) -> str:
    """Return the error for a misspelt option; nothing where none of a command is like it.

    Args:
        message: Of the parser.
        command: Words that name the command.
        options: All of the command.
    """
    if [*command] == ["train"] and (
        word := re.search(r"unrecognized arguments: ([^-]\S*)", message)
    ):
        return f"{word[1]}: belongs to no option of gisr train: a list is one word, --data '[a, b]'"
    unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
    remedy = meant(unknown[1], options) if unknown else ""
    if unknown is None or not remedy:
        return ""
    name = " ".join(("gisr", *command))
    return f"{unknown[1]}: is no option of {name}: {remedy}"
