"""Errors as a command shows them: one line and an exit code, never a traceback."""

import sys
from collections.abc import Callable

from gisr.apps.signals import ended_in_order
from gisr.errors import GisrError, one_line
from gisr.memory import is_out_of_memory

_LITTLE_MEMORY = "there is not enough memory: close other programs or use a larger machine"


def guarded(run: Callable[[], int]) -> int:
    """Run a command; errors that a user can act on become one line on stderr.

    Signals that end the process let it remove what is half done (:mod:`gisr.apps.signals`).

    Returns:
        What the command returns; 2 for an error, 130 when interrupted.
    """
    try:
        with ended_in_order():
            return run()
    except GisrError as error:
        return fail(str(error))
    except OSError as error:  # of files that are not the user's own
        name = "" if error.filename is None else f"{error.filename}: "
        if is_out_of_memory(error):
            return fail(f"{name}{_LITTLE_MEMORY}")
        return fail(f"{name}{error.strerror or error}: check the disk and its permissions")
    except KeyboardInterrupt:
        print("gisr: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if not is_out_of_memory(error):
            raise  # a defect
        return fail(_LITTLE_MEMORY)


def fail(message: str) -> int:
    """Print an error in one line; control characters of names are spelt out.

    Returns:
        The exit code, 2.
    """
    print(f"gisr: error: {one_line(message)}", file=sys.stderr)
    return 2
