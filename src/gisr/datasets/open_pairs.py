"""Reader of a folder of real pairs: an index (``index.json``) and the files it names."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args
from zlib import crc32

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
MORE_PAIRS = "open-pairs-more"
"""The ``dataset`` of the entries of an index by another name: a recipe takes one, the other or
both."""

_SKY = 1000.0
"""Depths above it, in metres, are sky, and so unknown, in entries that have sky."""
_UNITS = {"disparity": "px", "depth": "m"}
"""Unit of the values by the ``kind`` of a depth entry."""


def read_open_pairs(folder: str | Path) -> list[Entry]:
    """Return the entries of a folder, in the order of its index.

    Args:
        folder: Holds ``index.json``, or is another index of the kind itself: a list of objects with
            ``id``, ``task``, ``split`` and ``open``; satellite and depth entries name the files
            ``target`` and ``guide``, MR entries a file for each of their ``contrasts``. A scene
            to train on whose guide is null gets a simulated panchromatic band: its bands weighted
            at random, always alike.

    Raises:
        FileFormatError: No index, or one that is not as described.
    """
    index = Path(folder)
    index = index if index.suffix == ".json" else index / INDEX
    try:
        records = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not JSON, not UTF-8
        raise FileFormatError(f"{index}: no readable index of pairs ({error})") from error
    if not isinstance(records, list):
        raise FileFormatError(f"{index}: must be a list of entries")
    return [_entry(index, number, record) for number, record in enumerate(records)]


def _entry(index: Path, number: int, record: dict[str, Any]) -> Entry:
    try:
        about = _about(OPEN_PAIRS if index.name == INDEX else MORE_PAIRS, record)
        return _MAKERS[record["task"]](index.parent, record, about)
    except KeyError as error:
        raise FileFormatError(f"{index}, entry {number}: {error} is missing or unknown") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise FileFormatError(f"{index}, entry {number}: no description of a pair ({error})") from (
            error
        )


def _scene(folder: Path, record: dict[str, Any], about: dict[str, Any]) -> Entry:
    target, bits = folder / record["target"], record.get("bits")
    if record["guide"] is None and about["split"] != "train":
        raise ValueError("no guide, which only an entry to train on may lack")
    guide = None if record["guide"] is None else folder / record["guide"]
    row, column = record.get("guide_offset_px") or (0.0, 0.0)
    panchromatic = partial(_simulated, target, about["name"])
    return Scene(
        **about,
        task=record["task"],
        files=(target,) if guide is None else (target, guide),
        read_multispectral=partial(_raster, target),
        read_panchromatic=panchromatic if guide is None else partial(_raster, guide),
        sensor=record.get("sensor"),
        bits=None if bits is None else int(bits),
        guide_offset=(float(row), float(column)),
    )


def _scan(folder: Path, record: dict[str, Any], about: dict[str, Any]) -> Entry:
    files = {contrast: folder / file for contrast, file in record["contrasts"].items()}
    return Scan(
        **about,
        files=tuple(files.values()),
        read_contrasts={name: partial(_voxels, path) for name, path in files.items()},
    )


def _frame(folder: Path, record: dict[str, Any], about: dict[str, Any]) -> Entry:
    depth, colour = folder / record["target"], folder / record["guide"]
    return Frame(
        **about,
        files=(depth, colour),
        read_depth=partial(
            _depth, depth, float(record["invalid"]), float(record["scale"]), "sky" in record
        ),
        read_colour=partial(_colour, colour),
        unit=_UNITS.get(record.get("kind", ""), ""),
    )


_MAKERS: dict[TaskName, Callable[[Path, dict[str, Any], dict[str, Any]], Entry]] = {
    "pansharpening": _scene,
    "multiband": _scene,
    "mri": _scan,
    "depth": _frame,
}


def _about(dataset: str, record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that all entries have."""
    if record["split"] not in get_args(Split):
        raise ValueError(f"split {record['split']!r} is none of {', '.join(get_args(Split))}")
    if not isinstance(record["open"], bool):  # "no" would count as a licence to give weights away
        raise ValueError(f"open {record['open']!r} must be true or false, without quotes")
    return {
        "name": str(record["id"]),
        "dataset": dataset,
        "split": record["split"],
        "group": str(record.get("group", "")),
        "open": record["open"],
    }


# Functions and partials, no closures: processes that load data may get entries pickled.


def _raster(path: Path) -> Shaped[np.ndarray, "H W bands"]:
    return read_geotiff(path).pixels


def _simulated(path: Path, name: str) -> Float[np.ndarray, "H W 1"]:
    """Return a panchromatic band of a scene that has none: a mixture of its bands, with noise."""
    rng = np.random.default_rng(crc32(name.encode()))
    bands = _raster(path).astype(np.float32)
    weights = rng.dirichlet(np.full(bands.shape[2], 2.0)).astype(np.float32)
    mixed = bands @ weights
    noise = rng.normal(0, 0.005 * float(np.ptp(mixed)), mixed.shape)
    return (mixed + noise.astype(np.float32))[..., None]


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
