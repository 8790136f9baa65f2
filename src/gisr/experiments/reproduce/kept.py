"""What a folder of results keeps for the next start, as JSON that is whole or not there."""

import json
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError
from gisr.temporaries import written_whole


def read_kept(path: Path) -> dict[str, Any]:
    """Return a record that an earlier start wrote.

    Raises:
        FileFormatError: It is damaged.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:  # ValueError: no JSON, no UTF-8
        raise FileFormatError(
            f"{path}: cannot be read ({error}): delete it, and what it held is made again"
        ) from error


def write_kept(path: Path, record: dict[str, Any]) -> None:
    """Write a record; a process that is killed meanwhile, or a full disk, leaves the one before.

    Raises:
        FileFormatError: The disk refuses it.
    """
    with written_whole(path) as part:
        part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
