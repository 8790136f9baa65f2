"""Words that a shell gives where it was to give something else."""

from collections.abc import Callable, Mapping
from pathlib import Path

from gisr.errors import InputError


def check_shell_words(values: Mapping[str, object], written: Callable[[str], str]) -> None:
    """Refuse an empty word, of a variable without a value, and ~ in quotes or behind an =.

    Args:
        values: Of the parameters of a command.
        written: What the user writes for a parameter.

    Raises:
        InputError: There is such a word.
    """
    for name, value in values.items():
        for text in value if isinstance(value, list | tuple) else (value,):
            if text == "":
                raise InputError(
                    f"{written(name)} is empty: give it a value, or leave it out (has a variable "
                    "of the shell none?)"
                )
            if isinstance(text, str) and text.startswith("~/") and not Path("~").exists():
                raise InputError(
                    f"{written(name)} {text}: a shell replaces ~ only without quotes and at the "
                    f"start of a word: write {Path(text).expanduser()}"
                )
