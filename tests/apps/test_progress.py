"""Progress for other programs: lines of JSON on stderr, few of them."""

import json

import pytest

from gisr.apps.progress import ProgressBar, ProgressLines, shown_progress
from gisr.errors import InputError
from gisr.pipelines.execution import Execution


def test_lines_begin_and_end_every_round_and_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLines("px") as progress:
        for total in (10_000, 500):
            for done in range(total + 1):
                progress(done, total)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line["unit"] for line in lines} == {"px"}
    rounds = [[each["done"] for each in lines if each["total"] == t] for t in (10_000, 500)]
    assert [(each[0], each[-1]) for each in rounds] == [(0, 10_000), (0, 500)]
    assert all(each == sorted(each) for each in rounds)
    assert len(lines) < 1000


def test_json_is_asked_for_and_quiet_hides_it() -> None:
    assert isinstance(shown_progress("px", Execution(progress="json")), ProgressLines)
    assert isinstance(shown_progress("px", Execution()), ProgressBar)
    quiet = shown_progress("px", Execution(progress="json", quiet=True))
    assert isinstance(quiet, ProgressBar)


@pytest.mark.parametrize("elsewhere", [{"workers": 2}, {"scheduler": "tcp://10.0.0.1:8786"}])
def test_progress_of_other_processes_is_refused(elsewhere: dict[str, object]) -> None:
    with pytest.raises(InputError, match="leave workers and scheduler out"):
        Execution(progress="json", **elsewhere)  # type: ignore[arg-type]
