"""Reader of the project's folder of real pairs (``index.json`` and the files it names)."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gisr.datasets.entry import Entry, Frame, Scan, Scene, Split
from gisr.errors import FileFormatError
from gisr.io.colour import read_colour
from gisr.io.depth.maps import read_depth
from gisr.io.geotiff import read_geotiff
from gisr.io.volumes.nifti import read_nifti
from gisr.tasks import TaskName

INDEX = "index.json"
"""Name of the index."""
OPEN_PAIRS = "open-pairs"
"""The ``dataset`` of its entries."""

_SKY = 1000.0
"""Depths above it, in metres, are sky, and so unknown, in entries that have sky."""
_UNITS = {"disparity": "px", "depth": "m"}
"""Unit of the values by the ``kind`` of a depth entry."""


def read_open_pairs(folder: str | Path) -> list[Entry]:
    """Return the entries of a folder, in the order of its index.

    Args:
        folder: Holds ``index.json``: a list of objects with ``id``, ``task``, ``split`` and
            ``open``; pansharpening and depth entries name the files ``target`` and ``guide``, MR
            entries a file for each of their ``contrasts``.

    Raises:
        FileFormatError: No index, or one that is not as described.
    """
    index = Path(folder) / INDEX
    try:
        records = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not JSON, not UTF-8
        raise FileFormatError(f"{index}: no readable index of pairs ({error})") from error
    if not isinstance(records, list):
        raise FileFormatError(f"{index}: must be a list of entries")
    return [_entry(index, number, record) for number, record in enumerate(records)]


def _entry(index: Path, number: int, record: dict[str, Any]) -> Entry:
    try:
        return _MAKERS[record["task"]](index.parent, record)
    except KeyError as error:
        raise FileFormatError(f"{index}, entry {number}: {error} is missing or unknown") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise FileFormatError(f"{index}, entry {number}: no description of a pair ({error})") from (
            error
        )


def _scene(folder: Path, record: dict[str, Any]) -> Entry:
    target, guide = folder / record["target"], folder / record["guide"]
    row, column = record.get("guide_offset_px", (0.0, 0.0))
    bits = record.get("bits")
    return Scene(
        **_about(record),
        files=(target, guide),
        read_multispectral=partial(_raster, target),
        read_panchromatic=partial(_raster, guide),
        sensor=record.get("sensor"),
        bits=None if bits is None else int(bits),
        guide_offset=(float(row), float(column)),
    )


def _scan(folder: Path, record: dict[str, Any]) -> Entry:
    files = {contrast: folder / file for contrast, file in record["contrasts"].items()}
    return Scan(
        **_about(record),
        files=tuple(files.values()),
        read_contrasts={name: partial(_voxels, path) for name, path in files.items()},
    )


def _frame(folder: Path, record: dict[str, Any]) -> Entry:
    depth, colour = folder / record["target"], folder / record["guide"]
    return Frame(
        **_about(record),
        files=(depth, colour),
        read_depth=partial(
            _depth, depth, float(record["invalid"]), float(record["scale"]), "sky" in record
        ),
        read_colour=partial(_colour, colour),
        unit=_UNITS.get(record.get("kind", ""), ""),
    )


_MAKERS: dict[TaskName, Callable[[Path, dict[str, Any]], Entry]] = {
    "pansharpening": _scene,
    "mri": _scan,
    "depth": _frame,
}


def _about(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that all entries have."""
    if record["split"] not in get_args(Split):
        raise ValueError(f"split {record['split']!r} is none of {', '.join(get_args(Split))}")
    return {
        "name": str(record["id"]),
        "dataset": OPEN_PAIRS,
        "split": record["split"],
        "group": str(record.get("group", "")),
        "open": bool(record["open"]),
    }


# Functions and partials, no closures: processes that load data may get entries pickled.


def _raster(path: Path) -> Shaped[np.ndarray, "H W bands"]:
    return read_geotiff(path).pixels


def _voxels(path: Path) -> Shaped[np.ndarray, "X Y Z"]:
    return read_nifti(path).voxels


def _depth(
    path: Path, invalid: float, scale: float, sky: bool
) -> tuple[Float[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    depth = read_depth(path, invalid=invalid)
    values = (depth.values / scale).astype(np.float32)
    return values, depth.valid & (values <= _SKY) if sky else depth.valid


def _colour(path: Path) -> Shaped[np.ndarray, "H W channels"]:
    colour = read_colour(path)
    return colour[..., None] if colour.ndim == 2 else colour
