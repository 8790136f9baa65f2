"""Errors a user can act on.

Every message names the value, the file where there is one, and the remedy. The command line prints
the message on one line and exits with code 2; nothing in gisr catches these to carry on regardless.
"""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches


class GisrError(Exception):
    """Base of every error gisr raises on purpose."""


class InputError(GisrError, ValueError):
    """An array or argument cannot be used (shape, type, NaN, empty)."""


class PairError(InputError):
    """Target and guide are each fine but do not fit together (CRS, extent, orientation, ratio)."""


class FileFormatError(GisrError):
    """A file is missing, damaged, of the wrong kind, or cannot be written."""


class LimitError(GisrError):
    """A file claims more pixels, voxels, bands or bytes than the limits allow."""


class WeightsError(GisrError):
    """Weights are missing, do not match their configuration, or hold values that are not finite."""


class RecipeError(GisrError, ValueError):
    """A training recipe or data folder requests something impossible."""


class MissingExtraError(GisrError, ImportError):
    """An optional dependency is needed; the message names the extra to install."""


def shortened(value: object, most: int = 80) -> str:
    """Return a value for a message, its middle cut where it is long: it may be a stranger's.

    The end stays, because it is what tells one path from another.
    """
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= most:
        return text
    end = most // 2 - 2
    return f"{text[: most - end - 5]} ... {text[-end:]}"


def one_line(text: str) -> str:
    """Return a text in one line; control characters of names are spelt out."""
    line = " ".join(text.split())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)


def counted(names: Sequence[str], of: int) -> str:
    """Return how many of some pairs are left out, and the first of them, to go on with a reason."""
    first = shortened(names[0])
    if len(names) == 1:
        return f"1 of {of} pairs is left out, {first}"
    return f"{len(names)} of {of} pairs are left out, {first} first"


def meant(word: str, known: Iterable[str], otherwise: str = "", alike: float = 0.6) -> str:
    """Return the remedy for a word that is none of the known ones.

    Args:
        word: As the user wrote it.
        known: What could have been meant.
        otherwise: The remedy where none of them is like it.
        alike: From 0 to 1, how much one has to be.
    """
    near = get_close_matches(word, [*known], 1, alike)
    return f"did you mean {near[0]}?" if near else otherwise


def listed(names: Collection[str], most: int = 3) -> str:
    """Return the first of some names for a message, and how many more there are."""
    shown = ", ".join(shortened(name) for name in sorted(names)[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
