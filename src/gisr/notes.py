"""What a user is told of a run: what was assumed, ignored, changed or could not be used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

NoteLevel = Literal["warning", "note", "detail"]
"""``warning``: the result may not be what the user wants, and the line names the way out.
``note``: a choice that was made for the user. ``detail``: a measurement, for those who ask."""

_MOST_LINES = 2
"""Lines that an ordinary run prints above that of its result: three in all. Warnings are no
ordinary thing: none is left out."""


@dataclass(frozen=True)
class Note:
    """One plain line, without a full stop."""

    text: str
    level: NoteLevel = "note"

    def __str__(self) -> str:
        """Return the line."""
        return self.text


def warning(text: str) -> Note:
    """Return a line on what may be wrong with a result; it names the way out."""
    return Note(text, "warning")


def detail(text: str) -> Note:
    """Return a line on a measurement."""
    return Note(text, "detail")


def note_lines(notes: Sequence[Note], *, verbose: bool = False) -> list[str]:
    """Return what is printed of notes: every warning, and notes up to two lines in all.

    Args:
        notes: Of one run, in the order in which they arose.
        verbose: Whether all are printed, details too.

    Returns:
        ``warning: ...`` or ``note: ...``; the last line says how many notes are left out.
    """
    chosen = {level: _texts(notes, level) for level in ("warning", "note", "detail")}
    lines = [f"warning: {text}" for text in chosen["warning"]]
    if verbose:
        return lines + [f"note: {text}" for text in (*chosen["note"], *chosen["detail"])]
    room = max(0, _MOST_LINES - len(lines))
    lines += [f"note: {text}" for text in chosen["note"][:room]]
    left_out = len(chosen["note"]) - room
    if left_out > 0:
        lines[-1] += f" ({left_out} note{'s' * (left_out > 1)} more with --verbose)"
    return lines


def _texts(notes: Iterable[Note], level: str) -> list[str]:
    return list(dict.fromkeys(note.text for note in notes if note.level == level))


__all__ = ["Note", "NoteLevel", "detail", "note_lines", "warning"]
