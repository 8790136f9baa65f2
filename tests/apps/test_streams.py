"""Standard streams that are closed, full, or read no more: the exit code says it, in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs the streams of a shell")


def gisr(words: str, redirected: str) -> tuple[int, str]:
    """Run a command of a shell, and return the exit code of gisr and what is on stderr."""
    shell = f"{sys.executable} -m gisr {words} {redirected}; exit ${{PIPESTATUS[0]}}"
    buffered = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=buffered)
    return done.returncode, done.stderr


def test_who_reads_no_more_ends_it_as_a_broken_pipe_does() -> None:
    for words in ("tasks", "upscale --help mr"):
        assert gisr(words, "| true") == (141, "")
    assert gisr("tasks", "2>&1 | true") == (141, "")
    unbuffered = f"{sys.executable} -u -m gisr tasks | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", unbuffered], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_behind_a_stream_is_told() -> None:
    code, line = gisr("tasks", "> /dev/full")
    assert code == 2
    assert line == "gisr: error: standard output: cannot be written: No space left on device\n"
    assert gisr("upscale missing.png b.png -o c.png", "2> /dev/full") == (2, "")


def test_closed_streams_lead_nowhere() -> None:
    assert gisr("tasks", ">&- 2>&- <&-") == (0, "")
    # The line of an error goes nowhere, not to the output.
    shell = f"{sys.executable} -m gisr upscale missing.png b.png -o c.png 2>&-"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    program = (
        "import os\nfrom gisr.apps.streams import open_streams\nopen_streams()\n"
        "import sys\nassert os.open('data', os.O_CREAT | os.O_RDWR) > 2\n"
        "print('lost'); print('lost', file=sys.stderr); os.write(1, b'lost'); os.write(2, b'lost')"
    )
    shell = f'{sys.executable} -c "$1" <&- >&- 2>&-'
    words = ["bash", "-c", shell, "bash", program]
    done = subprocess.run(words, capture_output=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "data").read_bytes() == b""
