"""Errors as a command shows them: one line and an exit code, never a traceback."""

import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress

from gisr.apps.signals import ended_in_order
from gisr.errors import GisrError, InputError, one_line
from gisr.memory import is_out_of_memory

BROKEN_PIPE = 128 + 13
"""Exit code where nobody reads what is printed any more, as that of a process that SIGPIPE ends."""
_LITTLE_MEMORY = "there is not enough memory: close other programs or use a larger machine"


def guarded(run: Callable[[], int]) -> int:
    """Run a command; errors that a user can act on become one line on stderr.

    Signals that end the process let it remove what is half done (:mod:`gisr.apps.signals`).

    Returns:
        What the command returns; 2 for an error, 130 when interrupted, 141 when nobody reads any
        more what it prints (``gisr ... | head -1``).
    """
    try:
        with ended_in_order():
            check_place()
            return run()
    except GisrError as error:
        return fail(str(error))
    except BrokenPipeError as error:
        return BROKEN_PIPE if reader_left() else fail(f"{error.strerror}: start it again")
    except OSError as error:  # of files that are not the user's own
        name = "" if error.filename is None else f"{error.filename}: "
        if is_out_of_memory(error):
            return fail(f"{name}{_LITTLE_MEMORY}")
        return fail(f"{name}{error.strerror or error}: check the disk and its permissions")
    except KeyboardInterrupt:
        with suppress(OSError):
            print("gisr: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if not is_out_of_memory(error):
            raise  # a defect
        return fail(_LITTLE_MEMORY)


def check_place() -> None:
    """Refuse to run in a folder that was deleted: libraries end the process over it.

    Raises:
        InputError: It was.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise InputError(
            f"the current folder is there no more ({error.strerror}): go to another (cd)"
        ) from error


def fail(message: str) -> int:
    """Print an error in one line; control characters of names are spelt out.

    Returns:
        The exit code, 2.
    """
    with suppress(OSError):  # the exit code says it
        print(f"gisr: error: {one_line(message)}", file=sys.stderr)
    return 2


def reader_left() -> bool:
    """Return whether whoever read what is printed has gone."""
    if not hasattr(select, "poll"):  # Windows, where nobody else breaks a pipe
        return True
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # no stream of the system
            poll = select.poll()
            poll.register(stream.fileno(), 0)
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
                return True
    return False
