"""A program that is forked is what one that is started afresh is."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.warm import Warm

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=["forked", "fresh"])
def run(request: pytest.FixtureRequest, warm: Warm) -> Run:
    """Run programs in both ways: each test says of both the same."""
    return warm.run if request.param == "forked" else Warm(None).run


@pytest.mark.parametrize(
    ("code", "status", "out", "last"),
    [
        ("import sys; print(*sys.argv[1:], __name__)", 0, "a b __main__\n", ""),
        ("import sys; sys.exit(7)", 7, "", ""),
        ("import sys; print(1); sys.exit('no')", 1, "1\n", "no"),
        ("raise KeyError(3)", 1, "", "KeyError: 3"),
        ("import atexit; atexit.register(print, 'end'); print('begin')", 0, "begin\nend\n", ""),
        ("import threading; threading.Timer(0.1, print, ['late']).start()", 0, "late\n", ""),
        ("import os; print(1, flush=True); os.kill(os.getpid(), 9)", -9, "1\n", ""),
        ("import os; os.kill(os.getpid(), 15)", -15, "", ""),
        ("raise KeyboardInterrupt", -2, "", "KeyboardInterrupt"),
    ],
)
def test_ends(run: Run, code: str, status: int, out: str, last: str) -> None:
    done = run("-c", code, "a", "b")
    assert (done.returncode, done.stdout) == (status, out)
    assert done.stderr.splitlines()[-1:] == [last][: bool(last)]


def test_modules(run: Run) -> None:
    done = run("-m", "gisr", "upscale", "no.tif", "none.tif", "-o", "out.tif")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("gisr: error: ")


ABOUT = """
import os, signal, sys, tempfile
from gisr.temporaries import _OWN
print(os.getcwd(), tempfile.gettempdir(), os.environ.get("MORE"), os.environ.get("LESS"))
print(sys.stdin.read(), sys.path[0], _OWN, len(os.listdir("/proc/self/task")))
print([signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_surroundings_are_the_tests(
    warm: Warm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESS", "1")
    changes = {"MORE": "2", "LESS": None, "TMPDIR": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"}
    forked, fresh = (
        each.run("-c", ABOUT, folder=tmp_path, environment=changes) for each in (warm, Warm(None))
    )
    assert forked.stdout == fresh.stdout, (forked.stderr, fresh.stderr)
    assert forked.stdout.startswith(f"{tmp_path} {tmp_path} 2 None\n")
    monkeypatch.chdir(tmp_path)
    assert warm.run("-c", "import os; print(os.getcwd())").stdout == f"{tmp_path}\n"


RANDOM = """
import random, numpy, torch
print(random.random(), numpy.random.rand(), numpy.random.default_rng().random())
print(torch.initial_seed(), torch.get_num_threads())
"""


def test_much_may_be_said(run: Run) -> None:
    done = run("-c", "import sys; [print('x' * 2**20, file=f) for f in (sys.stdout, sys.stderr)]")
    assert (done.returncode, len(done.stdout), len(done.stderr)) == (0, 2**20 + 1, 2**20 + 1)


def test_random_numbers_are_a_programs_own(warm: Warm) -> None:
    one, other = (warm.run("-c", RANDOM).stdout.split() for _ in range(2))
    assert not set(one[:3]) & set(other[:3])
    assert one[3:] == other[3:]  # torch begins alike in every process


@pytest.mark.skipif(sys.platform != "linux", reason="limits are set there alone")
def test_limits_and_time(warm: Warm, tmp_path: Path) -> None:
    import resource

    code = "from pathlib import Path; Path('file').write_bytes(bytes(99))"
    done = warm.run("-c", code, folder=tmp_path, limits={resource.RLIMIT_FSIZE: 9})
    assert (done.returncode, "File too large" in done.stderr) == (1, True)
    assert warm.run("-c", "import time; time.sleep(99)", timeout=0.2).returncode == -9


@pytest.mark.parametrize("forked", [True, False])
def test_programs_are_heard_and_signalled_while_they_run(warm: Warm, forked: bool) -> None:
    code = "import sys, time; print(sys.argv[1], flush=True); time.sleep(99)"
    way = warm if forked else Warm(None)
    words: Sequence[str] = ("first", "second")
    with way.start("-c", code, words[0]) as one, way.start("-c", code, words[1]) as two:
        assert [each.out.readline() for each in (two, one)] == ["second\n", "first\n"]
        two.send(signal.SIGTERM)
        assert (two.wait(), one.status) == (-15, None)
        assert one.running
        one.kill()
        assert one.err.read() == ""
    assert one.status == -9


def test_an_interrupt_is_not_ignored(warm: Warm) -> None:
    """As it would be, handed down by tests that run in the background of a shell."""
    done = warm.run("-c", "import os; os.kill(os.getpid(), 2)")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (-2, "KeyboardInterrupt")


def test_a_program_ends_with_the_test_that_failed(warm: Warm) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        warm.start("-c", "import time; time.sleep(99)") as program,
    ):
        raise ZeroDivisionError
    assert program.status == -9
