"""NBU as the authors' laboratory cuts it: pairs of 32 x 32 and 128 x 128, divided into [0, 1].

* ``nbu-reduced``: reduced by the ratio of 4, with the original as truth; the paper's sizes.
* ``nbu-full``: of full resolution, without a truth; for QNR and HQNR.

Values were divided by the highest that the sensor gives, so PSNR refers to a range of 1. The
laboratory publishes no validation set; a folder ``val`` beside ``train`` and ``test`` is read.
"""

from functools import partial
from pathlib import Path

from gisr.datasets.entry import Entry, PublishedPair, Split
from gisr.datasets.readers.folders import (
    SPLIT_FOLDERS,
    check_found,
    folders_with,
    partners,
    sensor_of_folder,
)
from gisr.datasets.readers.layout import DatasetLayout, LayoutName, other_names
from gisr.datasets.readers.mat_images import read_share
from gisr.errors import FileFormatError

_RATIO = 4
_REDUCED = ("MS_32", "PAN_128", "GT_128")
_FULL = ("MS_32", "PAN_128", "MS_128")
_TARGET, _GUIDE, _TRUTH = ("ms0",), ("pan0",), ("gt0",)

_REDUCED_EXPECTS = """\
SENSOR/{train,test}/MS_32/N.mat     ms0, 32 x 32 x 4, values from 0 to 1
SENSOR/{train,test}/PAN_128/N.mat   pan0, 128 x 128
SENSOR/{train,test}/GT_128/N.mat    gt0, 128 x 128 x 4
SENSOR is GF1, QB, WV2, WV4 or another known one
"""
_FULL_EXPECTS = """\
SENSOR/MS_32/N.mat     ms0, 32 x 32 x 4, values from 0 to 1
SENSOR/PAN_128/N.mat   pan0, 128 x 128
SENSOR/MS_128/N.mat    usms0, 128 x 128 x 4: ms0 enlarged, not read
"""


def _read_reduced(folder: Path) -> list[Entry]:
    entries: list[Entry] = []
    for found in folders_with(folder, *_REDUCED):
        split = SPLIT_FOLDERS.get(found.resolve().name.lower())
        if split is None:
            raise FileFormatError(f"{found}: must be called train or test, which decides the split")
        sensor = sensor_of_folder(found.resolve().parent)
        for name, files in partners(found, _REDUCED, ".mat").items():
            entries.append(_pair("nbu-reduced", sensor, split, name, files))
    check_found(entries, folder, "nbu-reduced", _REDUCED_EXPECTS)
    return entries


def _read_full(folder: Path) -> list[Entry]:
    entries: list[Entry] = []
    for found in folders_with(folder, *_FULL):
        # Some copies have SENSOR/test/MS_32; there is nothing but tests either way.
        is_split = found.resolve().name.lower() in SPLIT_FOLDERS
        sensor = sensor_of_folder(found.resolve().parent if is_split else found)
        for name, files in partners(found, _FULL, ".mat").items():
            entries.append(_pair("nbu-full", sensor, "test", name, files))
    check_found(entries, folder, "nbu-full", _FULL_EXPECTS)
    return entries


def _pair(
    layout: LayoutName, sensor: str, split: Split, number: str, files: tuple[Path, ...]
) -> PublishedPair:
    name = f"{sensor}-{split}-{number}"
    reduced = layout == "nbu-reduced"
    return PublishedPair(
        name=name,
        dataset=layout,
        split=split,
        group=name,
        files=files if reduced else files[:2],
        task="pansharpening",
        ratio=_RATIO,
        read_target=partial(read_share, files[0], _TARGET),
        read_guide=partial(read_share, files[1], _GUIDE),
        read_truth=partial(read_share, files[2], _TRUTH) if reduced else None,
        sensor=sensor,
        peak=1.0,
    )


NBU_REDUCED = DatasetLayout(
    name="nbu-reduced",
    title="NBU, pairs of reduced resolution",
    task="pansharpening",
    recognises=lambda folder: bool(folders_with(folder, *_REDUCED)),
    read=_read_reduced,
    expects=_REDUCED_EXPECTS,
    strays=(other_names(r".*\.mat"),),
)
NBU_FULL = DatasetLayout(
    name="nbu-full",
    title="NBU, pairs of full resolution",
    task="pansharpening",
    recognises=lambda folder: bool(folders_with(folder, *_FULL)),
    read=_read_full,
    expects=_FULL_EXPECTS,
    strays=(other_names(r"(?!.*MS_128/).*\.mat"),),
)
