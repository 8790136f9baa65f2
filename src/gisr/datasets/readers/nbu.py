"""NBU, raw files: scenes of six satellites, 256 x 256 with a panchromatic image of 1024 x 1024.

Published with Meng et al., A Large-Scale Benchmark Data Set for Evaluating Pansharpening
Performance (2021). Values are digital numbers: 10 bits from GaoFen-1, 11 bits from the others.
IKONOS, QuickBird, GaoFen-1 and WorldView-4 have four bands, WorldView-2 and 3 eight; all are kept.

The makers publish no split. This one has the shares of UniPAN (70 % train, 10 % val, 20 % test) and
goes by the number of the file, so that it does not change when files are added: numbers that end in
8 are val, in 9 and 0 test. Files are cut from large scenes side by side, so neighbours may stand in
different splits, as in all work on this set.
"""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Num

from gisr.datasets.entry import Entry, Scene, Split
from gisr.datasets.readers.folders import check_found, folders_with, partners, sensor_of_folder
from gisr.datasets.readers.layout import DatasetLayout, other_names
from gisr.datasets.readers.mat_images import read_image, read_panchromatic
from gisr.errors import FileFormatError
from gisr.tasks.sensors import find_sensor

FOUR_OF_EIGHT = (1, 2, 4, 6)
"""Blue, green, red and near infrared of WorldView-2 and 3, counted from 0."""

_FOLDERS = ("MS_256", "PAN_1024")
_MULTISPECTRAL = ("imgMS", "I_MS", "block")
_PANCHROMATIC = ("imgPAN", "I_PAN", "block")
_EXPECTS = """\
SENSOR/MS_256/N.mat     imgMS (or I_MS, block), 256 x 256 x bands
SENSOR/PAN_1024/N.mat   imgPAN (or I_PAN, block), 1024 x 1024
SENSOR is IKONOS, QuickBird, GaoFen-1, WorldView-2, -3 or -4 in any case, also as "3 Gaofen-1", GF1
"""


def read_nbu(folder: Path, *, four_bands: bool = False) -> list[Entry]:
    """Return the scenes of the raw NBU set.

    Args:
        folder: Holds the folders of the sensors, at any depth to five.
        four_bands: Keep only :data:`FOUR_OF_EIGHT` of images with eight bands, as UniPAN does.

    Raises:
        FileFormatError: Not in this layout, a file without its partner, or a sensor twice.
    """
    entries: list[Entry] = []
    seen: dict[str, Path] = {}
    for found in folders_with(folder, *_FOLDERS):
        sensor = sensor_of_folder(found)
        if sensor in seen:
            raise FileFormatError(
                f"{folder}: {sensor} is in {seen[sensor]} and in {found}: name the folder that "
                "holds one of them"
            )
        seen[sensor] = found
        entries += [
            _scene(sensor, number, files, four_bands)
            for number, files in partners(found, _FOLDERS, ".mat").items()
        ]
    check_found(entries, folder, "nbu", _EXPECTS)
    return entries


def _scene(sensor: str, number: str, files: tuple[Path, ...], four_bands: bool) -> Scene:
    if not number.isdecimal():
        raise FileFormatError(
            f"{files[0]}: its name is no number, which decides the split: take it away"
        )
    name, (multispectral, panchromatic) = f"{sensor}-{number}", files
    return Scene(
        name=name,
        dataset="nbu",
        split=_split(int(number)),
        group=name,
        files=files,
        read_multispectral=partial(_bands, multispectral, four_bands),
        read_panchromatic=partial(read_panchromatic, panchromatic, _PANCHROMATIC),
        sensor=sensor,
        bits=find_sensor(sensor).bits,
    )


def _split(number: int) -> Split:
    if number % 10 == 8:
        return "val"
    return "test" if number % 10 in (9, 0) else "train"


def _bands(path: Path, four_bands: bool) -> Num[np.ndarray, "H W bands"]:
    image = read_image(path, _MULTISPECTRAL)
    return image[..., FOUR_OF_EIGHT] if four_bands and image.shape[2] == 8 else image


NBU = DatasetLayout(
    name="nbu",
    title="NBU, raw scenes of six satellites",
    task="pansharpening",
    recognises=lambda folder: bool(folders_with(folder, *_FOLDERS)),
    read=read_nbu,
    expects=_EXPECTS,
    strays=(other_names(r".*\.mat"),),
)
