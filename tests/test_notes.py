"""What is printed of a run: every warning, notes up to two lines, the rest on request."""

from gisr.notes import Note, detail, note_lines, warning

NOTES = [detail("measured"), Note("a"), Note("b"), warning("wrong"), Note("c"), Note("d")]


def test_an_ordinary_run_prints_two_lines_and_says_what_it_leaves_out() -> None:
    assert note_lines(NOTES) == ["warning: wrong", "note: a (3 notes more with --verbose)"]
    assert note_lines([Note("a"), Note("b")]) == ["note: a", "note: b"]
    assert note_lines([]) == []


def test_no_warning_is_left_out() -> None:
    many = [warning(str(number)) for number in range(5)]
    assert note_lines([*many, Note("a")]) == [
        *(f"warning: {number}" for number in range(4)),
        "warning: 4 (1 note more with --verbose)",
    ]


def test_verbose_prints_all_with_measurements_last() -> None:
    lines = note_lines(NOTES, verbose=True)
    assert lines[0] == "warning: wrong"
    assert lines[-1] == "note: measured"
    assert len(lines) == len(NOTES)


def test_a_line_is_said_once() -> None:
    assert note_lines([Note("a"), Note("a"), detail("x")]) == ["note: a"]
