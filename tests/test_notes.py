"""What is printed of a run: warnings all, notes up to three lines, details on request."""

from gisr.notes import Note, detail, note_lines, warning

NOTES = [detail("measured"), Note("a"), Note("b"), warning("wrong"), Note("c"), Note("d")]


def test_an_ordinary_run_prints_three_lines_and_says_what_it_leaves_out() -> None:
    assert note_lines(NOTES) == [
        "warning: wrong",
        "note: a",
        "note: b (2 more with --verbose)",
    ]


def test_every_warning_is_printed() -> None:
    many = [warning(str(number)) for number in range(5)]
    lines = note_lines([*many, Note("a")])
    assert lines[:4] == [f"warning: {number}" for number in range(4)]
    assert lines[4] == "warning: 4 (1 more with --verbose)"


def test_verbose_prints_all_with_measurements_last() -> None:
    lines = note_lines(NOTES, verbose=True)
    assert lines[0] == "warning: wrong"
    assert lines[-1] == "note: measured"
    assert len(lines) == len(NOTES)


def test_a_line_is_said_once() -> None:
    assert note_lines([Note("a"), Note("a"), detail("x")]) == ["note: a"]
