"""Errors of an entry's values, with its name and its files: the user has those, and no arrays."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from gisr.datasets.entry.base import Entry
from gisr.errors import InputError, listed

_MOST_FILES = 4
"""Those of a pair with its truth, and the table that lists it."""


@contextmanager
def naming(entry: Entry) -> Iterator[None]:
    """Name the entry in errors of what is made of its images.

    Where its values are what is wrong, the error is that of :meth:`Entry.check_values`, which says
    what to do to the file.

    Raises:
        InputError: As the block raised it, with the entry's name and files before it.
    """
    try:
        yield
    except InputError as error:
        about = f"{entry.name}{_files(entry)}"
        try:
            entry.check_values()
        except InputError as wrong:
            raise type(wrong)(f"{about}: {wrong}") from error
        raise type(error)(f"{about}: {error}") from error


def _files(entry: Entry) -> str:
    """Return the names of an entry's files and the folder that holds all of them."""
    if not entry.files:
        return ""
    files = [path.absolute() for path in entry.files]
    folder = os.path.commonpath([path.parent for path in files])
    names = [path.relative_to(folder).as_posix() for path in files]
    return f" ({listed(names, _MOST_FILES)} in {folder})"
