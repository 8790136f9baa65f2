"""PanCollection (Deng et al., 2022): HDF5 files of many pairs, one file a sensor and split.

``gt``, ``ms``, ``lms`` (ms enlarged, not read) and ``pan`` are (N, bands, H, W) in digital numbers:
11 bits, from GaoFen-2 10. Files called ``OrigScale`` are of full resolution and have no truth. One
pair is read at a time, never a whole file. Which pairs come from one scene is not published, so
a file is one group.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Num

from gisr.datasets.entry import Entry, PublishedPair, Split
from gisr.datasets.readers.folders import SPLIT_FOLDERS, check_found, sensor_in_name, walk
from gisr.datasets.readers.layout import DatasetLayout, other_names
from gisr.errors import FileFormatError
from gisr.io.arrays.hdf5 import hdf5_shapes, read_hdf5
from gisr.tasks.sensors import find_sensor

_RATIO = 4
_FULL_RESOLUTION = "origscale"
_SPLIT = re.compile(r"(train|valid|val|test)(?![a-z])", re.IGNORECASE)
_EXPECTS = """\
train_SENSOR.h5, valid_SENSOR.h5, test_SENSOR_multiExm1.h5   gt, ms, lms, pan: (N, bands, H, W)
test_SENSOR_OrigScale_multiExm1.h5                            ms, lms, pan: full resolution
SENSOR is wv2, wv3, qb or gf2; the files may lie in folders
"""


def _files(folder: Path) -> Iterator[tuple[Path, Split, str]]:
    """Give the files of the set with their split and sensor, by their names."""
    for found, _, names in walk(folder):
        for name in names:
            split, sensor = _SPLIT.match(name), sensor_in_name(Path(name).stem)
            if name.lower().endswith(".h5") and split and sensor:
                yield found / name, SPLIT_FOLDERS[split[1].lower()], sensor


def _read(folder: Path) -> list[Entry]:
    entries = [
        _pair(path, index, split, sensor, has_truth)
        for path, split, sensor in _files(folder)
        for has_truth in [_FULL_RESOLUTION not in path.name.lower()]
        for index in range(_count(path, has_truth))
    ]
    check_found(entries, folder, "pancollection", _EXPECTS)
    return list(entries)


def _count(path: Path, has_truth: bool) -> int:
    """Return how many pairs a file holds.

    Raises:
        FileFormatError: Arrays are missing or do not fit together.
    """
    shapes = hdf5_shapes(path)
    names = ("ms", "pan", "gt") if has_truth else ("ms", "pan")
    missing = [name for name in names if name not in shapes]
    if missing:
        raise FileFormatError(
            f"{path}: no array {' and '.join(missing)}, it holds {', '.join(shapes) or 'none'}; "
            "the name of a file without truth must have OrigScale"
        )
    count, bands, rows, columns = (*shapes["ms"], 0, 0, 0, 0)[:4]
    high = rows * _RATIO, columns * _RATIO
    wanted = {"pan": (count, 1, *high), "gt": (count, bands, *high)}
    for name in names[1:]:
        if len(shapes["ms"]) != 4 or shapes[name] != wanted[name]:
            raise FileFormatError(
                f"{path}: {name} {shapes[name]} does not fit ms {shapes['ms']}: {wanted[name]} "
                "expected"
            )
    return count


def _pair(path: Path, index: int, split: Split, sensor: str, has_truth: bool) -> PublishedPair:
    return PublishedPair(
        name=f"{path.stem}-{index:05d}",
        dataset="pancollection",
        split=split,
        group=path.stem,
        files=(path,),
        task="pansharpening",
        ratio=_RATIO,
        read_target=partial(_image, path, "ms", index),
        read_guide=partial(_image, path, "pan", index),
        read_truth=partial(_image, path, "gt", index) if has_truth else None,
        sensor=sensor,
        bits=find_sensor(sensor).bits,
    )


def _image(path: Path, name: str, index: int) -> Num[np.ndarray, "H W bands"]:
    return np.moveaxis(read_hdf5(path, name, index), 0, -1)


PANCOLLECTION = DatasetLayout(
    name="pancollection",
    title="PanCollection",
    task="pansharpening",
    recognises=lambda folder: any(True for _ in _files(folder)),
    read=_read,
    expects=_EXPECTS,
    strays=(other_names(r".*\.h5"),),
)
