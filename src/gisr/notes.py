"""What a user is told of a run: what was assumed, ignored, changed or could not be used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

NoteLevel = Literal["warning", "note", "detail"]
"""``warning``: the result may not be what the user wants, and the line names the way out.
``note``: a choice that was made for the user. ``detail``: a measurement, for those who ask."""

_MOST_LINES = 2
"""Lines that an ordinary run prints above that of its result: three in all."""


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
    """Return what is printed of notes: two lines, warnings first, and how many are left out.

    Args:
        notes: Of one run, in the order in which they arose.
        verbose: Whether all are printed, details too.

    Returns:
        ``warning: ...`` or ``note: ...``; the last line says how many of which are left out.
    """
    chosen = {level: _texts(notes, level) for level in ("warning", "note", "detail")}
    lines = [f"warning: {text}" for text in chosen["warning"]]
    lines += [f"note: {text}" for text in chosen["note"]]
    if verbose:
        return lines + [f"note: {text}" for text in chosen["detail"]]
    warned = max(0, len(chosen["warning"]) - _MOST_LINES)
    noted = max(0, len(lines) - _MOST_LINES - warned)
    left_out = [_counted(warned, "warning"), _counted(noted, "note")]
    if any(left_out):
        told = " and ".join(filter(None, left_out))
        lines[_MOST_LINES - 1] += f" ({told} more with --verbose)"
    return lines[:_MOST_LINES]


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count > 1)}" if count else ""


def _texts(notes: Iterable[Note], level: str) -> list[str]:
    return list(dict.fromkeys(note.text for note in notes if note.level == level))


__all__ = ["Note", "NoteLevel", "detail", "note_lines", "warning"]
