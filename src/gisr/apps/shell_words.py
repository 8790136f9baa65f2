"""Words that a shell gives where it was to give something else."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from gisr.errors import InputError
from gisr.io.files import check_no_address

_NO_FILES = ("scheduler", "describe", "model")
"""Parameters whose words may be addresses."""
_ADDRESS = re.compile(r"^/vsi|^[a-zA-Z0-9+.-]+://")
"""``network:/folder`` is none."""


def check_shell_words(values: Mapping[str, object], written: Callable[[str], str]) -> None:
    """Refuse an empty word, of a variable without a value, ~ in quotes or behind an =, addresses.

    An address would be taken for a path: of ``-o s3://bucket/out`` a folder ``s3:`` was made here.

    Args:
        values: Of the parameters of a command.
        written: What the user writes for a parameter.

    Raises:
        InputError: There is such a word.
        FileFormatError: An address.
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
            if isinstance(text, str) and name not in _NO_FILES and _ADDRESS.search(text):
                check_no_address(text)
