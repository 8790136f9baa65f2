"""A case as a command of its own: what it says, the processor time and memory it takes."""

import hashlib
import math
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.case import Case

if TYPE_CHECKING:
    from tests.warm import Warm

_MOST_SECONDS = 5
"""Processor time after which a command that has its libraries is ended by the system: twenty times
what a refusal takes."""

_PROGRAM = """
import os, re, resource, sys
pipe, largest = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
if largest:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
from gisr.apps.cli import main
status = main(sys.argv[3:])
with open("/proc/self/status") as about:
    os.write(pipe, re.search(r"VmHWM:\\s*(\\d+) kB", about.read())[1].encode())
sys.exit(status)
"""
"""``gisr`` with a limit on files. The peak of memory is the program's own: what ``getrusage`` says
may be its parent's, from before the exec."""
_FORKED = """
import re, sys

def kilobytes(of):
    with open("/proc/self/status") as about:
        return int(re.search(rf"{of}:\\s*(\\d+) kB", about.read())[1])

begun = kilobytes("VmRSS")
from gisr.apps.cli import main
status = main(sys.argv[2:])
with open(sys.argv[1], "w") as about:
    about.write(str(kilobytes("VmHWM") - begun))
sys.exit(status)
"""
_WITHOUT_RIGHTS = """
import ctypes, os, sys
for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root pass by permissions
    assert ctypes.CDLL(None).prctl(24, right, 0, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str
    seconds: float
    """Processor time, of the system too; not a number where it was not measured."""
    megabytes: float
    """Peak of the memory that lay in pages of its own."""


def words_of(case: Case, folder: Path, weights: Path) -> list[str]:
    """Write the files of a case and return its command, with small weights where it shall work."""
    words = [word.replace("{folder}", folder.name) for word in case.make(folder)]
    if words[0] == "upscale" and not case.says:
        words[1:1] = ["--model", str(weights), "--device", "cpu"]
    return words


def run_command(case: Case, words: list[str], folder: Path) -> Outcome:
    """Run a command in a folder."""
    read, write = os.pipe()
    program = [sys.executable, "-c", _PROGRAM, str(write), str(case.largest_file or 0), *words]
    if case.without_rights and os.geteuid() == 0:
        program = [sys.executable, "-c", _WITHOUT_RIGHTS, *program]
    before = os.times()
    done = subprocess.run(
        program, cwd=folder, capture_output=True, pass_fds=(write,), timeout=120, check=False
    )
    after = os.times()
    os.close(write)
    with os.fdopen(read) as pipe:
        peak = int(pipe.read() or 0) * 1024 / 1e6
    return Outcome(
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
        after.children_user + after.children_system - before.children_user - before.children_system,
        peak,
    )


def run_forked(case: Case, words: list[str], folder: Path, warm: "Warm", about: Path) -> Outcome:
    """Run a command in a folder, in a process that has its libraries; its peak is without them.

    What takes long is not seen by this but in ``benchmarks/malformed_corpus.py``.

    Args:
        case: Not one that runs without rights: those are taken from a process that is started.
        words: Of the command.
        folder: Where it runs.
        warm: Starts it.
        about: File for what it says of itself, outside the folder.
    """
    import resource  # not everywhere

    assert not case.without_rights
    limits = {resource.RLIMIT_CPU: _MOST_SECONDS}
    if case.largest_file:
        limits[resource.RLIMIT_FSIZE] = case.largest_file
    done = warm.run("-c", _FORKED, str(about), *words, folder=folder, limits=limits)
    grown = int(about.read_text() if about.exists() else 0) * 1024 / 1e6
    return Outcome(done.returncode, done.stdout, done.stderr, math.nan, grown)


def faults(case: Case, folder: Path, before: dict[str, str], status: int, err: str) -> list[str]:
    """Return what is wrong with how a command ended."""
    after = state(folder)
    if case.goes_on:
        after = {name: about for name, about in after.items() if not name.startswith("store")}
    if not case.says:
        return [] if status == 0 else [f"ended with {status}: {err.strip()}"]
    found = [] if status == 2 else [f"ended with {status}"]
    lines = err.splitlines()
    several = case.goes_on and all(line.startswith("gisr: ") for line in lines)
    if not (len(lines) == 1 or several) or not lines[-1].startswith("gisr: error: "):
        found.append(f"wrote no single line of error: {err!r}")
    found += [f"does not say {part!r}: {err.strip()}" for part in case.says if part not in err]
    if after != before:
        changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        found.append(f"left or changed {sorted(changed)}")
    return found


def state(folder: Path) -> dict[str, str]:
    """Return what every file of a folder is and holds."""
    return {str(path.relative_to(folder)): _about(path) for path in folder.rglob("*")}


def _about(path: Path) -> str:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        return f"{found.st_mode:o}"
    if found.st_size > 2**26 or not os.access(path, os.R_OK):
        return f"{found.st_size} {found.st_mtime_ns}"
    return hashlib.sha256(path.read_bytes()).hexdigest()
