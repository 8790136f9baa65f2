"""What a BIDS sidecar says of its image: the thickness of the slices."""

import json
import math
from pathlib import Path

from gisr.io.files import file_suffix
from gisr.notes import Note

_LARGEST_FILE = 2**22
"""Bytes of a sidecar: real ones have some thousand."""


def sidecar_thickness(image: Path) -> tuple[float | None, tuple[Note, ...]]:
    """Return ``SliceThickness`` of the JSON file beside a NIfTI file, mm, and what to say of it.

    None where there is no such file, or it does not say it; a file that cannot be used is reported,
    not an error: the image itself is sound.
    """
    name = image.name[: -len(file_suffix(image))] + ".json"
    path = image.with_name(name)
    try:
        if not path.is_file():
            return None, ()
        if path.stat().st_size > _LARGEST_FILE:
            return None, (Note(f"{name}: too large for a sidecar: ignored"),)
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None, (Note(f"{name}: cannot be read as JSON: ignored"),)
    stated = found.get("SliceThickness") if isinstance(found, dict) else None
    if stated is None:
        return None, ()
    sound = isinstance(stated, int | float) and not isinstance(stated, bool)
    if not sound or not math.isfinite(stated) or not stated > 0:
        return None, (Note(f"{name}: its SliceThickness is no thickness: ignored"),)
    return float(stated), ()
