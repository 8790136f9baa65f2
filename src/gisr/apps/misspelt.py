"""What an option that there is not may have been meant for."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def meant_option(message: str, command: Sequence[str], options: Iterable[str]) -> str:
    """Return the error for a misspelt option; nothing where none of a command is like it.

    Args:
        message: Of the parser.
        command: Words that name the command.
        options: All of the command.
    """
    unknown = re.search(r"unrecognized arguments: (--[\w-]+)", message)
    near = get_close_matches(unknown[1], [*options], 1) if unknown else []
    if unknown is None or not near:
        return ""
    name = " ".join(("gisr", *command))
    return f"{unknown[1]}: is no option of {name}: did you mean {near[0]}?"
