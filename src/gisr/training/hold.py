"""A run's folder is one run's at a time: a lock that ends with its process, however it ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gisr.errors import RecipeError
from gisr.temporaries import sweep, write_error

LOCK_FILE = ".lock"
"""Holds the number of the process while it trains; the system, not the file, says whether it does.
"""
_OWN = ("checkpoints", "weights")
"""What only the process with the lock writes to; all processes of a run write to the folder."""
_held: set[Path] = set()
"""Folders of this process: a lock keeps out other processes only."""


class TakenError(RecipeError):
    """Another process has the folder."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep the folder of a run for this process, free of what others left half done.

    Args:
        folder: Made when missing, and removed again should nothing come into it.

    Raises:
        TakenError: Another run is training in it.
        FileFormatError: The system refuses the folder.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    place = folder.absolute()
    if place in _held:
        raise _taken(folder, str(os.getpid()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder)
    except OSError as error:
        raise write_error(folder, error) from error
    _held.add(place)
    try:
        sweep(folder)
        for name in _OWN:
            sweep(folder / name, held=True)
        yield
    finally:
        _held.discard(place)
        with suppress(OSError):  # while it is still ours
            (folder / LOCK_FILE).unlink()
        os.close(lock)
        with suppress(OSError):  # not empty, as a rule
            for missing in made:
                missing.rmdir()


def _lock(folder: Path) -> int:
    """Return the open lock file; another process may remove it between two lines of this one."""
    path = folder / LOCK_FILE
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            _lock_file(lock)
        except (BlockingIOError, PermissionError):
            owner = os.read(lock, 20).decode("ascii", "replace")
            os.close(lock)
            raise _taken(folder, owner) from None
        with suppress(OSError):
            if os.path.samestat(os.fstat(lock), path.stat()):
                with suppress(OSError):  # a full disk: the number only serves the message
                    os.truncate(lock, 0)
                    os.write(lock, str(os.getpid()).encode())
                return lock
        os.close(lock)


def _lock_file(lock: int) -> None:
    # Not flock: loader processes would inherit it, and hold it for seconds after a killed run.
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _taken(folder: Path, owner: str) -> TakenError:
    process = f" (process {owner})" if owner.isdecimal() else ""
    return TakenError(
        f"{folder}: another run{process} is training in this folder: wait until it has ended, or "
        "choose another folder"
    )


__all__ = ["LOCK_FILE", "TakenError", "held"]
