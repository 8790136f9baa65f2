"""A program in a process of its own: its lines are heard as they come, cancel ends all of it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Protocol

_LISTEN = 0.1
"""Seconds between two looks whether the user cancelled."""
_PATIENCE = 10.0
"""Seconds that a program has to clean up when it is told to end."""
_OF_QGIS = (
    "GDAL_DATA",
    "GDAL_DRIVER_PATH",
    "PROJ_DATA",
    "PROJ_LIB",
    "PYTHONEXECUTABLE",
    "PYTHONHOME",
    "PYTHONPATH",
)
"""Variables that QGIS sets for its own Python, GDAL and PROJ; others must not follow them."""
_NEW = ("--progress", "'align'", "'multiband'", "--target: ")
"""What a gisr that is older than the plugin complains of."""
_ERROR, _WORDS = "gisr: error: ", "gisr: "


class Feedback(Protocol):
    """What is used of ``QgsProcessingFeedback``."""

    def isCanceled(self) -> bool:
        """Return whether the user cancelled."""

    def setProgress(self, progress: float) -> None:
        """Show progress in percent."""

    def pushInfo(self, info: str) -> None:
        """Write a line into the log."""

    def pushWarning(self, warning: str) -> None:
        """Write a warning into the log."""

    def pushCommandInfo(self, info: str) -> None:
        """Write a command into the log."""


class CanceledError(Exception):
    """The user cancelled; the program has ended."""

    def __init__(self, process: int) -> None:
        """Remember the number of the process that ended."""
        super().__init__("cancelled")
        self.process = process


class GisrError(Exception):
    """gisr failed; the message is its one line."""


Heard = Callable[[str, str], None]
"""Called with ``stdout`` or ``stderr`` and a line, in the thread that called :func:`run`."""


def run(words: Sequence[str], feedback: Feedback, heard: Heard) -> int:
    """Run a program to its end and return its exit code.

    Raises:
        CanceledError: The user cancelled: the program and all that it started have ended.
        OSError: It cannot be started.
    """
    feedback.pushCommandInfo(shlex.join(words))
    lines: queue.Queue[tuple[str, str]] = queue.Queue()
    with _start(words) as child:
        readers = [
            threading.Thread(target=_read, args=(name, pipe, lines), daemon=True)
            for name, pipe in (("stdout", child.stdout), ("stderr", child.stderr))
        ]
        for reader in readers:
            reader.start()
        try:
            while any(reader.is_alive() for reader in readers) or not lines.empty():
                if feedback.isCanceled():
                    raise CanceledError(child.pid)
                with contextlib.suppress(queue.Empty):
                    heard(*lines.get(timeout=_LISTEN))
            return child.wait()
        except BaseException:
            end(child)
            raise


def run_gisr(program: Path, words: Sequence[str], feedback: Feedback) -> list[str]:
    """Run gisr with its progress, notes and warnings in the log.

    Args:
        program: From :func:`gisr_processing.program.find_gisr`.
        words: Of the command line.
        feedback: Shows progress, has the log, and says whether the user cancelled.

    Returns:
        The lines that it printed as its result.

    Raises:
        GisrError: It failed, or cannot be started.
        CanceledError: The user cancelled.
    """
    printed: list[str] = []
    errors: list[str] = []
    others: list[str] = []

    def heard(stream: str, line: str) -> None:
        if stream == "stdout":
            printed.append(line)
        elif line.startswith("{") and (share := _share(line)) is not None:
            feedback.setProgress(100 * share)
        elif line.startswith(_ERROR):
            errors.append(line[len(_ERROR) :])
        elif line.startswith(_WORDS + "warning: "):
            feedback.pushWarning(line[len(_WORDS) :])
        elif line.startswith(_WORDS):
            feedback.pushInfo(line[len(_WORDS) :])
        else:
            others.append(line)
            feedback.pushInfo(line)

    try:
        code = run([str(program), *words], feedback, heard)
    except OSError as error:
        raise GisrError(f"{program}: cannot be started: {error.strerror or error}") from error
    if code:
        raise GisrError(_reason(program, code, errors, others))
    return printed


def end(child: subprocess.Popen[str]) -> None:
    """End a program and all that it started: asked first, so that it cleans up; then at once."""
    if os.name == "nt":
        tree = ["taskkill", "/F", "/T", "/PID", str(child.pid)]
        subprocess.run(tree, check=False, capture_output=True)
    else:
        _signal(child, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
        _signal(child, signal.SIGKILL)  # what it started, too
    child.wait()


def remove_parts(folder: Path, process: int) -> None:
    """Remove what an ended gisr left in a folder, where it had no time to do so itself.

    Its temporaries carry the number of its process. On Windows that is not the number of what was
    started; there a file that a living gisr writes cannot be removed.
    """
    owner = "*" if os.name == "nt" else f"{process}-*"
    for part in folder.glob(f".gisr-*.{owner}.part*"):
        with contextlib.suppress(OSError):
            part.unlink()


def _start(words: Sequence[str]) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_QGIS}
    environment["PYTHONUTF8"] = environment["PYTHONUNBUFFERED"] = "1"
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=environment,
        creationflags=flags,
        start_new_session=True,  # a group of its own, which ends as one
    )


def _signal(child: subprocess.Popen[str], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _read(name: str, pipe: IO[str], lines: queue.Queue[tuple[str, str]]) -> None:
    for line in pipe:
        if line.strip():
            lines.put((name, line.rstrip()))


def _share(line: str) -> float | None:
    """Return the done part of a line of progress, 0 to 1; None where it is no such line."""
    try:
        progress = json.loads(line)
        return float(progress["done"]) / max(1.0, float(progress["total"]))
    except (ValueError, KeyError, TypeError):
        return None


def _reason(program: Path, code: int, errors: Sequence[str], others: Sequence[str]) -> str:
    """Return why gisr failed, in its own words where it had any."""
    said = " ".join(errors)
    if any(word in said for word in _NEW):
        return (
            f"{program} is older than this plugin: install a newer one, for example with the "
            f"algorithm 'Install gisr' (it said: {said})"
        )
    if said:
        return said
    if code < 0 or code in (137, 143):
        return (
            f"gisr was ended from outside (signal {-code if code < 0 else code - 128}); if memory "
            "was short, give it less (Most memory)"
        )
    return f"gisr ended with code {code}: {others[-1] if others else 'it said nothing'}"
