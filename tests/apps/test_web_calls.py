"""Calls of the page's functions: of those it has, with as many values as they take."""

import math
from typing import Any

import pytest

from gisr.apps.web.allowed import API, RefusedError
from gisr.apps.web.calls import JOIN_ROUTE, Calls, Function

CALLS = Calls(
    {0: Function(2), 5: Function(0, queued=False), 9: Function(0, selects=True)},
    waits=lambda session: session == "ikladiei4k",
)
RUN = f"{API}/run/predict"
SOUND: dict[str, Any] = {"fn_index": 0, "data": [None, 1], "session_hash": "ikladiei4k"}
AT_ONCE = SOUND | {"fn_index": 5, "data": []}
CLICKED = SOUND | {"fn_index": 9, "data": [], "event_data": {"index": [3, 4.5], "value": None}}


def test_what_the_page_calls_is_answered() -> None:
    CALLS.check_call(JOIN_ROUTE, SOUND)
    CALLS.check_call(JOIN_ROUTE, SOUND | {"session_hash": "a-B_9", "event_data": None})
    CALLS.check_call(RUN, AT_ONCE)
    CALLS.check_call(JOIN_ROUTE, CLICKED)
    CALLS.check_call(f"{API}/reset", {"event_id": "a"})  # calls no function
    CALLS.check_stream("session_hash=ikladiei4k")


@pytest.mark.parametrize("number", [9999, -1, None, "0", True, 0.0, [0], 10**30])
def test_functions_that_the_page_does_not_have(number: object) -> None:
    for path in (JOIN_ROUTE, RUN):
        with pytest.raises(RefusedError) as refused:
            CALLS.check_call(path, SOUND | {"fn_index": number})
        assert refused.value.status == 400
        assert str(refused.value) == f"the page has no function {number!r}: load the page again"


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"data": [1]}, r"takes a list of 2 values as data, not \[1\]: load the page again"),
        ({"data": None}, "takes a list of 2 values as data, not None"),
        ({"data": "ab"}, "takes a list of 2 values as data, not 'ab'"),
        ({"data": [[1] * 1000] * 3}, r"not \[\[1, 1, .* \.\.\. .* 1\]\]: load"),
        ({"session_hash": ""}, "session_hash '' must be letters, digits, - and _"),
        ({"session_hash": None}, "session_hash None must be"),
        ({"session_hash": "a\n"}, r"session_hash 'a\\n' must be"),
        ({"session_hash": "a" * 65}, "session_hash 'aaa"),
    ],
)
def test_calls_with_other_values(changed: dict[str, object], line: str) -> None:
    with pytest.raises(RefusedError, match=line) as refused:
        CALLS.check_call(JOIN_ROUTE, SOUND | changed)
    assert refused.value.status == 400 and "\n" not in str(refused.value)


def test_what_has_a_queue_is_not_run_past_it() -> None:
    with pytest.raises(RefusedError, match="function 0 of the page has a queue: ask by queue/join"):
        CALLS.check_call(RUN, SOUND)


@pytest.mark.parametrize(
    "event",
    [
        *(None, 3, [1, 2], {}, {"index": [1, 2]}),
        *({"index": place, "value": 1} for place in (None, "ab", [1], [1, "2"], [1, math.nan])),
    ],
)
def test_a_click_tells_its_place(event: object) -> None:
    with pytest.raises(RefusedError, match="must tell a place: two numbers as index"):
        CALLS.check_call(JOIN_ROUTE, CLICKED | {"event_data": event})


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("session_hash=unknown", "'unknown'"),
        ("session_hash=", r"\[\]"),
        ("", r"\[\]"),
        ("session_hash=ikladiei4k&session_hash=b", r"\['ikladiei4k', 'b'\]"),
    ],
)
def test_answers_are_read_by_who_called(query: str, named: str) -> None:
    line = f"no answer waits for session_hash {named}: load the page again"
    with pytest.raises(RefusedError, match=line) as refused:
        CALLS.check_stream(query)
    assert refused.value.status == 400
