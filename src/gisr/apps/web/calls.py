"""Which functions of the page a request may call, and with what.

Gradio answers a call of a function that it does not have, or with other values than it takes, by an
error of the server, and tells the terminal at length. Here such a call is the error of who sent it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any
from urllib.parse import parse_qs

from gisr.apps.web.allowed import API, RefusedError
from gisr.errors import shortened

JOIN_ROUTE = f"{API}/queue/join"
STREAM_ROUTE = f"{API}/queue/data"
_RUN_ROUTE = f"{API}/run/"
_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""How a page calls itself: by chance, as its script does."""
_AGAIN = "load the page again"


@dataclass(frozen=True)
class Function:
    """A function of the page, as far as a request has to know it."""

    inputs: int
    """How many values it takes."""
    queued: bool = True
    """Whether its calls wait for their turn; others are answered at once."""
    selects: bool = False
    """Whether it takes a place that was clicked on."""


class Calls:
    """What may be called: the page's own functions, in the way that the page calls them."""

    def __init__(
        self, functions: Mapping[int, Function], waits: Callable[[str], bool] = lambda session: True
    ) -> None:
        """Know the functions of a page.

        Args:
            functions: By their numbers.
            waits: Whether a session has called a function whose answer it has not read.
        """
        self._functions, self._waits = functions, waits

    def check_call(self, path: str, call: Mapping[str, Any]) -> None:
        """Check a call of a function; requests that call none pass.

        Raises:
            RefusedError: There is no such function, it takes other values, or waits in the queue.
        """
        direct = path.startswith(_RUN_ROUTE)
        if not direct and path != JOIN_ROUTE:
            return
        number, data, session = (call.get(name) for name in ("fn_index", "data", "session_hash"))
        function = self._functions.get(number) if type(number) is int else None
        if function is None:
            raise _refused(f"the page has no function {_written(number)}: {_AGAIN}")
        if not isinstance(data, list) or len(data) != function.inputs:
            raise _refused(
                f"function {number} of the page takes a list of {function.inputs} values as data, "
                f"not {_written(data)}: {_AGAIN}"
            )
        if not isinstance(session, str) or not _SESSION.fullmatch(session):
            raise _refused(f"session_hash {_written(session)} must be letters, digits, - and _")
        if direct and function.queued:
            raise _refused(f"function {number} of the page has a queue: ask by queue/join")
        if function.selects:
            _check_place(call.get("event_data"))

    def check_stream(self, query: str) -> None:
        """Check that somebody who reads answers has called a function.

        Raises:
            RefusedError: It has not, or read all of them.
        """
        sessions = parse_qs(query).get("session_hash", [])
        if len(sessions) != 1 or not self._waits(sessions[0]):
            named = _written(sessions[0] if len(sessions) == 1 else sessions)
            raise _refused(f"no answer waits for session_hash {named}: {_AGAIN}")


def page_calls(blocks: Any) -> Calls:  # noqa: ANN401 - gradio is not known to type checkers
    """Return what may be called of a page of Gradio's whose queue has been set up."""
    functions = {
        number: Function(
            len(function.inputs),
            queued=function.queue is not False,
            selects=any(event == "select" for _, event in function.targets),
        )
        for number, function in blocks.fns.items()
    }
    return Calls(functions, lambda session: session in blocks._queue.pending_messages_per_session)


def _check_place(event: object) -> None:
    """Check what tells where a picture was clicked on."""
    place = event.get("index") if isinstance(event, dict) and "value" in event else None
    if (
        not isinstance(place, list)
        or len(place) != 2
        or not all(isinstance(each, Real) and abs(float(each)) < float("inf") for each in place)
    ):
        raise _refused(f"event_data {_written(event)} must tell a place: two numbers as index")


def _refused(line: str) -> RefusedError:
    return RefusedError(400, line)


def _written(value: object) -> str:
    return shortened(repr(value))
