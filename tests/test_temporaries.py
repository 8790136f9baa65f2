"""Temporaries have owners: what a dead process left is swept, what another is writing is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gisr.temporaries import sweep, temporary, written_whole

MAKE = """
import sys, time
from pathlib import Path
from gisr.temporaries import temporary
path = temporary(Path(sys.argv[1]))
path.write_text("half")
print(path, flush=True)
time.sleep(60)
"""


def test_only_what_is_orphaned_is_swept(tmp_path: Path) -> None:
    mine = temporary(tmp_path / "mine")
    mine.mkdir()
    (tmp_path / "users.part").touch()
    command = [sys.executable, "-c", MAKE, str(tmp_path / "other")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        sweep(tmp_path)
        assert theirs.exists()
        other.kill()
        other.wait()
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine, tmp_path / "users.part"])


def test_a_process_number_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    mine = temporary(tmp_path / "x")
    number, start, machine = mine.name.removesuffix(".part").rpartition(".")[2].split("-")
    assert int(number) == os.getpid()
    earlier = mine.with_name(f".x.{number}-{int(start) - 1}-{machine}.part")
    earlier.touch()
    mine.touch()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [mine]


def test_those_of_another_machine_are_swept_when_they_are_old(tmp_path: Path) -> None:
    new, old = tmp_path / ".a.1-1-00000000.part", tmp_path / ".b.1-1-00000000.part"
    new.touch()
    old.touch()
    os.utime(old, (0, 0))
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [new]
    sweep(tmp_path, held=True)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("whole")
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "x") as part:
        part.write_text("ha")
        raise KeyboardInterrupt
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]
