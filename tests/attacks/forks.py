"""Runs of ``gisr`` under attack: one process loads the libraries once, and forks for each run.

A run with limits, signals and memory of its own then takes a tenth of a second, not five.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from tests.attacks.mutations import spoilt

_ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # What is freed goes back: what a warm process kept would be memory beyond a limit.
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
_SECONDS = 60
"""Processor time of a run; it is ended by the system then."""
RAISED = 70
"""Exit code of a run that raised what the command line does not turn into a line."""


@dataclass(frozen=True)
class Attack:
    """What is done to a run."""

    memory: int | None = None
    """Bytes of address space beyond those of the libraries."""
    largest_file: int | None = None
    """Bytes that a file may grow to: stands for a full disk."""
    signals: tuple[int, ...] = ()
    """Sent to itself at once, in this order."""
    moment: int = 0
    """Before which of its dealings with files of its folder the signals come, counted from 1."""
    spoiled: str = ""
    """A file of the folder that is spoiled; the command runs once for each seed."""
    seeds: int = 1
    """How many."""
    first: int = 0
    """The first of them, to see one again."""
    interpolated: bool = False
    """Whether bicubic interpolation answers in place of the network, where files are attacked."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    status: int
    """Exit code; the negative number of the signal that ended it."""
    out: str
    err: str
    moments: int
    """How often it dealt with files of its folder."""
    left: tuple[str, ...]
    """Files and folders that it added to its folder."""
    megabytes: float
    """By which the memory in pages of its own grew at most."""


class Forks:
    """The process that runs commands."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Talk to a process that was started."""
        self._process = process

    def run(self, words: Sequence[str], folder: Path, attack: Attack | None = None) -> Outcome:
        """Run a command in a folder, and leave there what it made."""
        (outcome,) = self.run_all(words, folder, attack or Attack())
        return outcome

    def run_all(self, words: Sequence[str], folder: Path, attack: Attack) -> list[Outcome]:
        """Run a command for each seed; what a run made is removed before the next."""
        assert self._process.stdin is not None and self._process.stdout is not None
        request = {"words": list(words), "folder": str(folder), **asdict(attack)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process that runs the commands died"
        return [Outcome(**{**each, "left": tuple(each["left"])}) for each in json.loads(line)]


@contextmanager
def forking(*warm: tuple[Sequence[str], Path]) -> Iterator[Forks]:
    """Start the process.

    Args:
        warm: Commands, and the folders they run in, that have it load what the others will need.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.attacks.forks"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env=os.environ | _SETTINGS,
    )
    with process:
        assert process.stdin is not None
        started = [[list(words), str(folder)] for words, folder in warm]
        process.stdin.write(json.dumps(started) + "\n")
        process.stdin.flush()
        yield Forks(process)
        process.stdin.close()


def _serve(requests: IO[str], answers: IO[str]) -> None:
    import torch

    from gisr.apps import cli

    torch.set_num_threads(1)
    for words, folder in json.loads(requests.readline()):
        os.chdir(folder)
        assert cli.main(words) == 0, words
    for line in requests:
        request = json.loads(line)
        request["signals"] = tuple(request["signals"])
        words, folder = request.pop("words"), request.pop("folder")
        answers.write(json.dumps(_outcomes(words, folder, Attack(**request))) + "\n")
        answers.flush()


def _outcomes(words: list[str], folder: str, attack: Attack) -> list[dict[str, Any]]:
    """Fork, and return what came of the runs of the child; of its last, how it ended."""
    before = set(os.listdir(folder))
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.chdir(folder)
            _attacked(words, attack, before, os.fdopen(write, "w"))
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            found: list[dict[str, Any]] = [json.loads(line) for line in pipe]
        _, state = os.waitpid(child, 0)
        if len(found) < attack.seeds:
            found.append(
                {"status": os.waitstatus_to_exitcode(state), "moments": 0, "megabytes": 0.0}
                | {"out": _text(out.fileno()), "err": _text(err.fileno())}
                | {"left": sorted(set(os.listdir(folder)) - before)}
            )
    return found


def _attacked(words: list[str], attack: Attack, before: set[str], report: IO[str]) -> None:
    """Run a command under attack, in a process that was forked for it."""
    from gisr.apps.cli import main
    from gisr.temporaries import discard

    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sound = Path(attack.spoiled).read_bytes() if attack.spoiled else b""
    if attack.interpolated:
        _without_network()
    moments = _counted(attack)
    _limited(attack)
    for seed in range(attack.first, attack.first + attack.seeds):
        if attack.spoiled:
            Path(attack.spoiled).write_bytes(spoilt(sound, seed))
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
        resident = _kilobytes("VmRSS")
        try:
            status = main(words)
        except BaseException:
            status = RAISED
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        left = sorted(set(os.listdir()) - before)
        grown = (_kilobytes("VmHWM") - resident) / 1e3
        outcome = {"status": status, "moments": moments(), "left": left, "megabytes": grown}
        report.write(json.dumps(outcome | {"out": _text(1), "err": _text(2)}) + "\n")
        report.flush()
        for number in (1, 2):
            os.ftruncate(number, 0)
            os.lseek(number, 0, os.SEEK_SET)
        for name in left if attack.seeds > 1 else ():
            discard(Path(name))


def _without_network() -> None:
    """Have what is read sharpened by an interpolation, which takes no time."""
    from gisr.baselines.classical.interpolation import Bicubic
    from gisr.inference import upscaler
    from gisr.weights import store

    vars(store)["load_folder"] = lambda folder: None
    vars(upscaler)["Upscaler"] = lambda weights, device: Bicubic()


def _counted(attack: Attack) -> Callable[[], int]:
    """Count dealings with files of this folder, and send the signals when it is time."""
    count, place = 0, os.getcwd()

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if not event.startswith(("open", "os.", "shutil.")):
            return
        given = arguments[:1] if event == "open" else arguments  # its mode is a text as well
        names = [os.fsdecode(each) for each in given if isinstance(each, str | bytes)]
        if any(os.path.abspath(name).startswith(place) for name in names):
            count += 1
            if count == attack.moment:
                for number in attack.signals:
                    os.kill(os.getpid(), number)

    sys.addaudithook(audit)
    return lambda: count


def _limited(attack: Attack) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS + attack.seeds,) * 2)
    if attack.largest_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (attack.largest_file,) * 2)
    if attack.memory is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + attack.memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _kilobytes(name: str) -> int:
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


def _text(number: int) -> str:
    """Return what was written to a file that stands for an output."""
    return os.pread(number, 2**16, 0).decode(errors="replace")


if __name__ == "__main__":
    # What the commands print to standard output must not come between the answers.
    _answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _serve(sys.stdin, _answers)
