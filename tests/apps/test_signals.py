"""Ctrl-C too early, twice, and at the end: one line, and nothing is disturbed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gisr.apps.signals import ended_in_order
from gisr.io.files import atomic_output
from gisr.temporaries import temporary

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals")
EARLY = """
import builtins, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
load = builtins.__import__
def interrupted(name, *rest):
    if name == "jsonargparse":
        builtins.__import__ = load
        os.kill(os.getpid(), signal.SIGINT)
    return load(name, *rest)
builtins.__import__ = interrupted
from gisr.__main__ import main
sys.exit(main())
"""


def test_ctrl_c_while_the_command_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "gisr: interrupted\n")


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_a_second_signal_does_not_disturb_what_the_first_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    cleaned = False
    try:
        with pytest.raises(KeyboardInterrupt), ended_in_order():
            try:
                send(signal.SIGINT)
            finally:
                send(signal.SIGINT)
                send(signal.SIGTERM)
                cleaned = True
        assert cleaned
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_while_a_temporary_is_removed_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path) -> None:
        monkeypatch.undo()
        send(signal.SIGTERM)

    monkeypatch.setattr("gisr.io.files.discard", interrupted)
    with (
        pytest.raises(SystemExit) as end,
        ended_in_order(),
        atomic_output(tmp_path / "a", overwrite=False),
    ):
        assert list(tmp_path.iterdir()) != []
        raise ValueError
    assert end.value.code == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_temporaries_of_others_stay(tmp_path: Path) -> None:
    other = temporary(tmp_path / "x").name.replace(f".{os.getpid()}-", ".1-")
    (tmp_path / other).touch()
    with pytest.raises(SystemExit), ended_in_order():
        send(signal.SIGTERM)
    assert [path.name for path in tmp_path.iterdir()] == [other]
