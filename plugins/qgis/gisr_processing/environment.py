"""The virtual environment that the plugin makes for gisr, when the user runs 'Install gisr'."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .child import Feedback, run
from .program import program_in

OLDEST = (3, 11)
"""The oldest Python that gisr runs on."""
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where torch without CUDA comes from; of two builds of one release pip takes this index's."""
_ASK = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
_CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3", "python")


class InstallError(Exception):
    """gisr cannot be installed; the message says why, and the way out."""


def find_python(named: str) -> Path:
    """Return a Python that gisr runs on and that can make virtual environments.

    Args:
        named: The one to take; empty to look on PATH.

    Raises:
        InstallError: There is none.
    """
    oldest = ".".join(map(str, OLDEST))
    if named:
        if not _suits(named):
            raise InstallError(
                f"{named}: is no Python {oldest} or newer that can make virtual environments "
                "(on Debian and Ubuntu: apt install python3-venv): name another one"
            )
        return Path(named)
    for each in _found():
        if _suits(each):
            return Path(each)
    raise InstallError(
        f"no Python {oldest} or newer with venv was found on PATH: install one (python.org; on "
        "Debian and Ubuntu: apt install python3-venv), or name it in the dialog"
    )


def install(
    folder: Path, source: str, python: str, feedback: Feedback, *, cpu: bool = True
) -> Path:
    """Make the environment, or use the one that is there, and install gisr into it.

    One that was begun and not finished, or cancelled, is removed; one that was there before stays.

    Args:
        folder: Of the environment.
        source: What pip installs: the folder of a clone, a wheel, or a requirement.
        python: The Python to make it with; empty to look for one.
        feedback: Has the log, and says whether the user cancelled.
        cpu: Take torch without CUDA.

    Returns:
        The program.

    Raises:
        InstallError: A step failed.
        CanceledError: The user cancelled.
    """
    new = not program_in(folder, "python").is_file()
    done = False
    try:
        if new:
            found = find_python(python)
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            _step("python -m venv", [str(found), "-m", "venv", str(folder)], feedback)
        feedback.setProgress(5)
        pip = [str(program_in(folder, "python")), "-m", "pip", "--no-input"]
        pip += ["--disable-pip-version-check", "install", "--upgrade"]
        pip += ["--extra-index-url", CPU_INDEX] if cpu else []
        _step("pip install", [*pip, with_extra(source)], feedback)
        program = program_in(folder)
        if not program.is_file():
            raise InstallError(f"{source}: was installed, but brought no program gisr")
        done = True
        return program
    finally:
        if new and not done:
            shutil.rmtree(folder, ignore_errors=True)


def with_extra(source: str) -> str:
    """Return what pip installs: a path with the extra for GeoTIFF, anything else as it is."""
    path = Path(source).expanduser()
    return f"{path.resolve()}[geo]" if path.exists() else source


def _step(name: str, words: list[str], feedback: Feedback) -> None:
    said: list[str] = []

    def heard(stream: str, line: str) -> None:
        said.append(line)
        feedback.pushInfo(line)

    try:
        code = run(words, feedback, heard)
    except OSError as error:
        raise InstallError(f"{words[0]}: cannot be started: {error.strerror or error}") from error
    if code:
        errors = [line for line in said if line.startswith("ERROR")]
        last = (errors or said or ["it said nothing"])[-1]
        raise InstallError(f"{name} failed: {last}")


def _found() -> Iterator[str]:
    for name in _CANDIDATES:
        path = shutil.which(name)
        if path is not None:
            yield path


def _suits(python: str) -> bool:
    environment = {n: v for n, v in os.environ.items() if n not in ("PYTHONHOME", "PYTHONPATH")}
    try:
        asked = subprocess.run(
            [python, "-c", _ASK],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env=environment,
        )
        version = tuple(int(number) for number in asked.stdout.split())
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and version >= OLDEST
