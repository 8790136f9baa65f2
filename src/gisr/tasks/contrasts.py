"""MR contrasts as file names, headers and options spell them."""

import re
from os import PathLike
from pathlib import Path
from typing import Literal, get_args

from gisr.errors import InputError

Contrast = Literal["T1", "T1ce", "T2", "FLAIR", "PD"]
"""MR contrasts with a built-in description."""

CONTRAST_TOKENS: dict[str, Contrast] = {
    **dict.fromkeys(("t1", "t1w", "t1n", "mprage", "mp2rage", "unit1", "spgr", "fspgr"), "T1"),
    **dict.fromkeys(("t1ce", "t1gd", "t1c", "t1post", "t1wce", "t1gad"), "T1ce"),
    **dict.fromkeys(("t2", "t2w", "t2tse", "t2space", "inplanet2"), "T2"),
    **dict.fromkeys(("flair", "t2f", "t2flair", "darkfluid", "t2wflair"), "FLAIR"),
    **dict.fromkeys(("pd", "pdw", "protondensity"), "PD"),
}
"""Parts of a file name that name a contrast; BIDS and BraTS spellings included."""
_AGENTS = frozenset(
    ("ce", "gd", "gad", "gado", "gadolinium", "post", "postgd", "postcontrast", "enhanced")
)
"""Parts that say of a T1 that a contrast agent was given: ``ce-gadolinium`` in BIDS."""
_NO_AGENT = frozenset(("non", "no", "without", "pre"))
_OTHER_QUANTITY = re.compile(r"(?<![a-z0-9])(t[12]|pd)w?([-_. ]*\*|[-_. ]+(star|rho|map)(?![a-z]))")
"""What T2*, T1rho and maps of times are called: no weighted image that has a description."""
_PLUS = re.compile(r"\+\s*c\b|\bc\s*\+|\bkm\b")
"""How scanners' series say it: ``T1 +C``, ``T1 KM`` (Kontrastmittel)."""


def guess_contrast(path: str | PathLike[str]) -> Contrast | None:
    """Return the MR contrast that a file name names, None when it names none or several.

    ``sub-01_T1w.nii.gz`` is T1, ``BraTS_t1gd.nii`` and ``sub-01_ce-gadolinium_T1w.nii.gz`` T1ce;
    FLAIR goes before T2 (``T2_FLAIR``) and T1ce before T1.
    """
    name = Path(path).name.lower()
    tokens = re.split(r"[^a-z0-9]+", name)
    found = {CONTRAST_TOKENS[token] for token in tokens if token in CONTRAST_TOKENS}
    found -= {CONTRAST_TOKENS[match[1]] for match in _OTHER_QUANTITY.finditer(name)}
    if "darkfluid" in "".join(tokens):
        found.add("FLAIR")
    if "FLAIR" in found:
        found.discard("T2")
    given = bool(_AGENTS.intersection(tokens)) and not _NO_AGENT.intersection(tokens)
    if "T1" in found and (given or _PLUS.search(name)):
        found.add("T1ce")
    if "T1ce" in found:
        found.discard("T1")
    return found.pop() if len(found) == 1 else None


def find_contrast(name: str) -> Contrast:
    """Return the contrast that a user names, in any spelling a file name may have.

    Raises:
        InputError: It is none with a built-in description.
    """
    found = guess_contrast(name)
    if found is None:
        raise InputError(
            f"unknown MR contrast {name!r}: use one of {', '.join(get_args(Contrast))}, "
            "or leave the contrast out"
        )
    return found
