"""Standard streams that are not there, or that nobody reads any more."""

import os
import sys

from gisr.apps.failures import BROKEN_PIPE, fail


def open_streams() -> None:
    """Have closed ones lead to nothing, or the next file that is opened would take their place."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for good


def finished(code: int) -> int:
    """Write what still waits, and return the exit code: another if it could not be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
    except OSError as error:
        code = fail(f"standard output: cannot be written: {error.strerror or error}")
    with open(os.devnull, "wb") as nothing:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:  # what it holds is lost, and Python would tell of it at its end
                os.dup2(nothing.fileno(), stream.fileno())
    return code


__all__ = ["finished", "open_streams"]
