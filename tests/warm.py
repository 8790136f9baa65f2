"""Programs that start at once: one process imports the libraries, and forks for each program.

A program of a test, ``python -c CODE`` or ``python -m gisr ...``, then starts in a hundredth of a
second and not in the seconds that importing torch takes. Tests ask for the fixture ``warm``::

    done = warm.run("-m", "gisr", "upscale", str(target), str(guide))   # the words after python
    assert (done.returncode, done.stderr) == (0, "")

    with warm.start("-c", CODE, str(folder)) as program:                # while it runs
        assert program.out.readline() == "ready\\n"
        program.send(signal.SIGTERM)
    assert program.status == 143

A program begins as a fresh one does: signals as Python sets them, no thread but its own, random
numbers of its own, the folder and the environment of the test. What it does not show is what
happens while Python and libraries start: imports, and the settings that they read from the
environment then; it computes with one thread until it says otherwise; and memory is that of all
the libraries. Programs about those are started afresh, with :mod:`subprocess`; so is every one
where the system is not Linux.
"""

import atexit
import gc
import importlib
import json
import os
import random
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, NoReturn, Self

_ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
_SECONDS = 300.0
"""After which a program is killed."""
LIBRARIES = (
    *("gisr.apps.cli", "gisr.training.loop", "gisr.pipelines.run", "gisr.inference.upscaler"),
    *("torch._dynamo", "rasterio", "nibabel", "cv2"),
)
"""What most programs of the tests import, an optimiser's first step torch._dynamo; those that are
not installed are left out."""


@dataclass
class Program:
    """A program that runs."""

    pid: int
    out: IO[str]
    """What it writes to standard output, to be read while it runs."""
    err: IO[str]
    _ended: Callable[[float], int | None]
    """Waits so many seconds for its end; its exit code, None while it runs."""
    status: int | None = None
    """Its exit code once it has ended; the negative number of the signal that ended it."""

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.running:
            os.kill(self.pid, number)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        if self.status is None:
            self.status = self._ended(0.0)
        return self.status is None

    def kill(self) -> None:
        """Have the system end it at once, unless it has ended."""
        self.send(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    def wait(self, timeout: float = _SECONDS) -> int:
        """Return its exit code when it has ended; kill it if it does not in so many seconds."""
        if self.status is None:
            self.status = self._ended(timeout)
        while self.status is None:
            self.kill()
            self.status = self._ended(1.0)
        return self.status

    def __enter__(self) -> Self:
        """Give the program."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        """Wait for its end; after an error of the test, kill it."""
        self.wait(_SECONDS if kind is None else 0.0)
        self.out.close()
        self.err.close()


class Warm:
    """Starts programs."""

    def __init__(self, connection: socket.socket | None) -> None:
        """Ask the process at the other end of a connection for them; without one, the system."""
        self._connection = connection

    def run(
        self,
        *words: str,
        folder: Path | None = None,
        environment: Mapping[str, str | None] | None = None,
        limits: Mapping[int, int] | None = None,
        timeout: float = _SECONDS,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end.

        Args:
            words: What follows ``python``: "-c", code and arguments, or "-m", module and arguments.
            folder: Where it runs; where the test does when None.
            environment: Variables that it has beyond, or with None does not have of, the test's.
            limits: Values of RLIMIT_..., by their numbers; on Linux alone.
            timeout: Seconds after which it is killed.
        """
        started = self.start(*words, folder=folder, environment=environment, limits=limits)
        with started as program, ThreadPoolExecutor(2) as readers:
            texts = [readers.submit(each.read) for each in (program.out, program.err)]
            status = program.wait(timeout)
            return subprocess.CompletedProcess(words, status, *(text.result() for text in texts))

    def start(
        self,
        *words: str,
        folder: Path | None = None,
        environment: Mapping[str, str | None] | None = None,
        limits: Mapping[int, int] | None = None,
    ) -> Program:
        """Start a program, for a ``with`` block; the arguments are those of :meth:`run`."""
        pipes = os.pipe(), os.pipe()
        out, err = (os.fdopen(there, "w") for _, there in pipes)
        with out, err:  # the program has these ends, and closes them by ending
            program = self._begin(words, (out, err), folder, environment, limits)
        program.out, program.err = (os.fdopen(here) for here, _ in pipes)
        return program

    def _begin(
        self,
        words: Sequence[str],
        outputs: tuple[IO[str], IO[str]],
        folder: Path | None,
        changes: Mapping[str, str | None] | None,
        limits: Mapping[int, int] | None,
    ) -> Program:
        place = os.path.abspath(folder or os.getcwd())
        changed = {**os.environ, **(changes or {})}
        environment = {name: value for name, value in changed.items() if value is not None}
        if self._connection is None:
            assert not limits, "limits are set where programs are forked"
            command, (out, err) = [sys.executable, *words], outputs
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=place,
                env=environment,
            )
            return Program(process.pid, *outputs, partial(_fresh_ended, process))
        request = {"words": words, "folder": place, "environment": environment}
        files = [each.fileno() for each in outputs]
        pid = self._ask({**request, "limits": list((limits or {}).items())}, files)
        return Program(pid, *outputs, partial(self._forked_ended, pid))

    def _ask(self, request: Mapping[str, Any], files: Sequence[int] = ()) -> int:
        assert self._connection is not None
        socket.send_fds(self._connection, [json.dumps(request).encode()], files)
        answer = self._connection.recv(99)
        assert answer, "the process that starts the programs died"
        return int(answer)

    def _forked_ended(self, pid: int, timeout: float) -> int | None:
        handle = os.pidfd_open(pid)
        try:
            ended = bool(select.select([handle], [], [], timeout)[0])
        finally:
            os.close(handle)
        return self._ask({"ended": pid}) if ended else None


def _fresh_ended(process: "subprocess.Popen[bytes]", timeout: float) -> int | None:
    with suppress(subprocess.TimeoutExpired):
        return process.wait(timeout)
    return None


@contextmanager
def warmed(*modules: str) -> Iterator[Warm]:
    """Start the process that imports modules and then starts programs; end it with the block."""
    if sys.platform != "linux":
        yield Warm(None)
        return
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here:
        with there:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(there.fileno()), *modules],
                cwd=_ROOT,
                env={**os.environ, **ONE_THREAD},
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        yield Warm(here)
        # Said, and not left to the closing: a process that the tests forked has this end as well.
        socket.send_fds(here, [json.dumps({"over": True}).encode()], [])
    process.wait()


def _serve(connection: socket.socket) -> list[str]:
    """Fork for each request, and return only in the processes forked: the words to run."""
    while True:
        message, files, _, _ = socket.recv_fds(connection, 2**20, 2)
        if not message:
            _end(0)  # the tests are over
        request = json.loads(message)
        if "over" in request:
            _end(0)
        if "ended" in request:
            _, state = os.waitpid(request["ended"], 0)
            answer = os.waitstatus_to_exitcode(state)
        else:
            answer = os.fork()
            if not answer:
                connection.close()
                _begin_afresh(request, files)
                return list(request["words"])
            for file in files:
                os.close(file)
        connection.send(str(answer).encode())


def _begin_afresh(request: Mapping[str, Any], files: Sequence[int]) -> None:
    """Make a process that was forked what one is that was started."""
    import resource

    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_DFL)
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # is looked for where the environment says
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    for kind, most in request["limits"]:
        resource.setrlimit(kind, (most, most))


def _run(words: Sequence[str]) -> None:
    """Do what ``python`` does with these words."""
    kind, what, *rest = words
    if kind == "-m":
        sys.path[0], sys.argv = os.getcwd(), [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
        return
    assert kind == "-c", words
    sys.path[0], sys.argv = "", ["-c", *rest]
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    exec(compile(what, "<string>", "exec"), vars(module))


def import_libraries(modules: Sequence[str]) -> None:
    """Import what is installed of modules, and make this process one that may be forked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which then end this
    for name in modules:
        if find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    gc.collect()
    gc.freeze()
    (_,) = os.listdir("/proc/self/task")  # a forked process would miss any other thread


def _end(status: int) -> NoReturn:
    """End as Python does, but leave the libraries to the system: clearing them up takes longest."""
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def serve_programs(connection: socket.socket) -> NoReturn:
    """Start what is requested; in the processes forked, run it and end."""
    try:
        _run(_serve(connection))
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        _end(end.code or 0)
    _end(0)


if __name__ == "__main__":
    import_libraries(sys.argv[2:])
    serve_programs(socket.socket(fileno=int(sys.argv[1])))
