"""What NIfTI files hold between header and voxels: extensions, which are told and not copied."""

import struct
from pathlib import Path
from typing import IO, Any

from gisr.io.volumes.libraries import volume_library
from gisr.notes import Note

_MOST_BYTES = 2**20
"""Bytes behind a header in which extensions are looked for: their sizes may claim anything."""
_MOST_NAMED = 4


def extension_names(stream: IO[bytes], header: Any) -> tuple[str, ...]:
    """Return the kinds of a file's header extensions, each once; their content is not looked at.

    Args:
        stream: Right behind the fixed header.
        header: nibabel's.
    """
    room = int(header["vox_offset"]) - int(header["sizeof_hdr"])
    found = stream.read(min(max(room, 0), _MOST_BYTES))
    codes, place = volume_library("nibabel.nifti1").extension_codes, 4
    names: list[str] = []
    if found[:1] in (b"", b"\0"):
        return ()
    while place + 8 <= len(found):
        size, code = struct.unpack_from(f"{header.endianness}2i", found, place)
        if size < 8:
            break
        name = codes.label.get(code, f"code {code}")
        names += [name] if name not in names else []
        place += size
    return tuple(names)


def extension_notes(path: Path, names: tuple[str, ...]) -> list[Note]:
    """Return that the result lacks extensions of the target's header, and how to copy them."""
    if not names:
        return []
    listed = ", ".join(names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")
    return [
        Note(
            f"{path.name}: its header extensions ({listed}) are not in the result, as they may "
            "describe its own grid: result.header.extensions.extend(target.header.extensions) in "
            "nibabel copies them"
        )
    ]
