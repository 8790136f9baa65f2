"""A real server of the page, on a free port of this machine."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WAIT = 300
"""Seconds for anything at all: the machine may be busy."""
_LIMITS = ["--max-upload", "3MB", "--max-session", "8MB", "--max-stored", "12MB"]
_LIMITS += ["--max-pixels", "100000"]


@dataclass(frozen=True)
class Server:
    """A server of the page, and the folder it keeps files in."""

    address: str
    folder: Path

    def kept(self) -> list[Path]:
        """Return the files that hold anything."""
        return [p for p in self.folder.rglob("*") if p.is_file() and p.stat().st_size]


@contextmanager
def serving(place: Path, weights: Path) -> Iterator[Server]:
    """Serve the page with small limits; its end deletes everything.

    Args:
        place: Folder for temporary files.
        weights: Folder of the weights.
    """
    words = ["serve", "--port", "0", "--threads", "1", "--model", str(weights), *_LIMITS]
    process = subprocess.Popen(
        [sys.executable, "-m", "gisr", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"TMPDIR": str(place), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line + process.stdout.read()
    (folder,) = place.glob("gisr-serve-*")
    assert folder.stat().st_mode & 0o077 == 0  # readable by its owner alone
    try:
        yield Server(found[0], folder)
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 0, rest
    assert rest == "gisr: ended, its files are deleted\n", rest
    assert list(place.glob("gisr-serve-*")) == []
