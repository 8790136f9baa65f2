"""Values in messages: what is long is cut so that a reader still knows which one it is."""

from hypothesis import given
from hypothesis import strategies as st

from gisr.errors import listed, shortened


def test_a_long_path_keeps_the_end_that_names_it() -> None:
    folder = "/data/projects/2026/harvest/satellites/" + "deep/" * 12
    runs = [shortened(f"{folder}run-{number}") for number in (1, 2)]
    assert runs[0] != runs[1]
    assert all(len(run) == 80 and run.startswith("/data/projects/2026") for run in runs)
    assert runs[0].endswith("deep/run-1")


@given(st.text(max_size=200), st.sampled_from([20, 80, 81]))
def test_never_longer_than_requested_and_whole_where_it_fits(text: str, most: int) -> None:
    short = shortened(text, most)
    assert short == text if len(text) <= most else len(short) == most


def test_names_are_counted_that_are_not_shown() -> None:
    assert listed({"c", "a", "d", "b"}) == "a, b, c and 1 more"
    assert listed(["b", "a"]) == "a, b"
