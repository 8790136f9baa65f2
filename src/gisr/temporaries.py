"""Temporary files and folders that say whose they are, so that what a dead process left is swept.

A name is ``.NAME.PID-START-MACHINE.part``, and a suffix after it where a library goes by that of
the file it writes. A process number is used again; together with the time the process started it is
not. Machines that share a folder cannot see each other's processes.
"""

import errno
import hashlib
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from gisr.errors import FileFormatError, GisrError

_NAME = re.compile(r"\..+\.(\d+)-(\d+)-([0-9a-f]{8})\.part(\..*)?", re.DOTALL)
_OLD = 24 * 3600.0
"""Seconds after which a temporary whose owner cannot be seen from here is taken for orphaned."""
_FULL = 10**6
"""Free bytes below which what could not be written was refused for want of room."""
_PROCESSES = Path("/proc")
_OWN: set[Path] = set()
"""Folders in which this process made temporaries."""


def temporary(path: Path, suffix: str = "") -> Path:
    """Return the temporary name, in the same folder, of a file or folder that this process makes.

    One at a time: the same path gives the same name.

    Args:
        path: What will be there.
        suffix: End of the temporary name; all names that begin with it have the same owner.
    """
    _OWN.add(path.parent.absolute())
    return path.with_name(f".{path.name}.{_owner()}.part{suffix}")


def sweep_own() -> None:
    """Remove all temporaries of this process: it is being ended, perhaps while it removed one."""
    for folder in _OWN:
        with suppress(OSError):
            for name in os.listdir(folder):
                if f".{_owner()}.part" in name and _NAME.fullmatch(name):
                    discard(folder / name)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes ``path`` when the block ends without an exception.

    On any exception, Ctrl-C included, it is removed.

    Raises:
        FileFormatError: The disk refuses it.
    """
    part = temporary(path)
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        discard(part)


def discard(path: Path) -> None:
    """Remove a file or a folder with all it holds, if it is there and the system lets it."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def sweep(folder: Path, *, held: bool = False) -> None:
    """Remove what processes that are no more left half done in a folder; not in those inside it.

    Args:
        folder: May be missing.
        held: The folder is this process's alone: every temporary in it is orphaned.
    """
    try:
        names = os.listdir(folder)
    except OSError:  # missing, or not readable
        return
    for name in names:
        path = folder / name
        if (held and (name.endswith(".part") or _NAME.fullmatch(name))) or _orphaned(path):
            discard(path)


def write_error(path: Path, error: OSError) -> GisrError:
    """Return the error for an output that the system refused, which names the disk if it is full.

    Args:
        path: What was written.
        error: What the system said.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        disk = _mount(path)
        reason = f"the disk {disk} is full: make room on it and run the same command again"
    else:
        reason = f"{error.strerror or error}: check the disk and its permissions"
    return FileFormatError(f"{path}: cannot be written: {reason}")


def full_disk_error(path: Path) -> GisrError | None:
    """Return the error for an output that a library could not write, if its disk is full."""
    try:
        free = shutil.disk_usage(path.absolute().parent).free
    except OSError:
        return None
    return write_error(path, OSError(errno.ENOSPC, "")) if free < _FULL else None


def _owner() -> str:
    """Return what tells this process from all others, of other times and machines too."""
    return f"{os.getpid()}-{_started(os.getpid()) or 0}-{_machine()}"


def _orphaned(path: Path) -> bool:
    named = _NAME.fullmatch(path.name)
    if named is None:
        return False  # whose it is cannot be said
    if named[3] == _machine() and os.name == "posix":
        return not _alive(int(named[1]), int(named[2]))
    try:
        return time.time() - path.lstat().st_mtime > _OLD
    except OSError:
        return False


def _alive(process: int, started: int) -> bool:
    if (_PROCESSES / "self").exists():
        return _started(process) == started
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


def _started(process: int) -> int | None:
    """Return when a process started, in ticks since the machine did; None if it is no more."""
    try:
        about = (_PROCESSES / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *values = about.rpartition(")")[2].split()
    return None if state in "ZX" else int(values[18])


@cache
def _machine() -> str:
    """Return what tells apart the machines, and the containers, that see the same processes."""
    try:
        processes = os.readlink(_PROCESSES / "self" / "ns" / "pid")
    except OSError:
        processes = ""
    return hashlib.sha256(f"{platform.node()} {processes}".encode()).hexdigest()[:8]


def _mount(path: Path) -> Path:
    """Return where the disk is mounted that a path lies on."""
    place = path.absolute()
    while not place.is_mount() and place != place.parent:
        place = place.parent
    return place
