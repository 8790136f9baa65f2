"""Which gisr is run: the one of the setting, the one that the plugin installed, or that on PATH."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

REMEDY = (
    "run the algorithm 'Install gisr' of this provider, or name the program under Settings > "
    "Options > Processing > Providers > gisr"
)


class GisrNotFoundError(Exception):
    """There is no gisr where it was looked for; the message says where, and the way out."""


@dataclass(frozen=True)
class Program:
    """A gisr that can be started."""

    path: Path
    origin: str
    """Where it was found, for the log."""


def find_gisr(setting: str, environment: Path) -> Program:
    """Return the gisr to run.

    A setting is obeyed or refused: another gisr than the one that it names is never run.

    Args:
        setting: The program, or the folder of its virtual environment; empty where none is named.
        environment: Folder of the virtual environment that the plugin makes.

    Raises:
        GisrNotFoundError: There is none.
    """
    if setting.strip():
        return Program(_named(Path(setting.strip()).expanduser()), "named in the options")
    own = program_in(environment)
    if own.is_file():
        return Program(own, "installed by this plugin")
    found = shutil.which("gisr")
    if found is None:
        raise GisrNotFoundError(
            f"gisr was not found, neither in {environment} nor on PATH: {REMEDY}"
        )
    return Program(Path(found), "found on PATH")


def program_in(environment: Path, name: str = "gisr") -> Path:
    """Return where a virtual environment has a program."""
    if os.name == "nt":
        return environment / "Scripts" / f"{name}.exe"
    return environment / "bin" / name


def _named(path: Path) -> Path:
    for each in (program_in(path), path):
        if each.is_file():
            if not os.access(each, os.X_OK):
                raise GisrNotFoundError(f"{each}: cannot be run (no permission): {REMEDY}")
            return each
    raise GisrNotFoundError(
        f"{path}: is named in the options, but there is no gisr: correct it there, or clear it"
    )
