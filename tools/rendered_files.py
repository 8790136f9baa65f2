"""Files of rendered frames: the photograph's levels, PNG of 8 and 16 bits, and the index.

Pure numpy, because Blender's Python has none of our packages.
"""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLUMNS = "name,task,split,truth,guide,group,open,scale,unit"


def photograph(linear: NDArray[np.float32], stops: float) -> NDArray[np.uint8]:
    """Return 8-bit colours, exposed for the scene and then over or under by ``stops``."""
    middle, high = np.percentile(linear.mean(axis=-1), (50, 90))
    bright = max(1.3 * float(np.sqrt(middle * high)), 1e-6)
    exposed = linear * np.float32(0.8 * 2**stops / bright)
    shown = np.clip(exposed * (1 + exposed / 16) / (1 + exposed), 0, 1)  # white at 4
    curve = np.where(shown < 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    levels: NDArray[np.uint8] = np.rint(255 * curve).astype(np.uint8)
    return levels


def write_png(path: Path, image: NDArray[Any]) -> None:
    """Write (H, W) or (H, W, 3) uint8 or uint16, whole or not at all."""
    height, width = image.shape[:2]
    big = image.astype(image.dtype.newbyteorder(">")).reshape(height, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in big)
    header = struct.pack(
        ">IIBBBBB", width, height, 8 * image.itemsize, 2 if image.ndim == 3 else 0, 0, 0, 0
    )
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")):
        data += (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )
    _write_whole(path, data)


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)


def write_index(folder: Path) -> None:
    """Write ``pairs.csv`` of all frames that are there."""
    names = sorted(path.stem for path in (folder / "depth").glob("*.png"))
    rows = [
        f"{name},depth,train,depth/{name}.png,colour/{name}.png,{name},yes,1000,m"
        for name in names
        if not name.startswith(".") and (folder / "colour" / f"{name}.png").exists()
    ]
    _write_whole(folder / "pairs.csv", "\n".join([_COLUMNS, *rows, ""]).encode())
