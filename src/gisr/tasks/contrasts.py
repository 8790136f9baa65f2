"""MR contrasts as file names spell them."""

import re
from os import PathLike
from pathlib import Path
from typing import Literal

Contrast = Literal["T1", "T1ce", "T2", "FLAIR", "PD"]
"""MR contrasts with a built-in description."""

CONTRAST_TOKENS: dict[str, Contrast] = {
    **dict.fromkeys(("t1", "t1w", "t1n"), "T1"),
    **dict.fromkeys(("t1ce", "t1gd", "t1c", "t1post"), "T1ce"),
    **dict.fromkeys(("t2", "t2w"), "T2"),
    **dict.fromkeys(("flair", "t2f", "t2flair"), "FLAIR"),
    **dict.fromkeys(("pd", "pdw"), "PD"),
}
"""Parts of a file name that name a contrast; BIDS and BraTS spellings included."""


def guess_contrast(path: str | PathLike[str]) -> Contrast | None:
    """Return the MR contrast that a file name names, None when it names none or several.

    ``sub-01_T1w.nii.gz`` is T1, ``BraTS_t1gd.nii`` T1ce; FLAIR goes before T2 (``T2_FLAIR``) and
    T1ce before T1.
    """
    tokens = re.split(r"[^a-z0-9]+", Path(path).name.lower())
    found = {CONTRAST_TOKENS[token] for token in tokens if token in CONTRAST_TOKENS}
    if "FLAIR" in found:
        found.discard("T2")
    if "T1ce" in found:
        found.discard("T1")
    return found.pop() if len(found) == 1 else None
