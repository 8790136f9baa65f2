"""One MATLAB file a scene, as the toolboxes of the pansharpening literature read them.

The names are those of Vivone et al. (2015, 2021) and DLPan (Deng et al., 2022). ``I_MS_LR`` is the
multispectral image; where it stands, ``I_MS`` is the same enlarged to the panchromatic grid and is
not read. Files without it have the multispectral image in ``I_MS``. With ``I_GT``, the file is a
pair that is reduced already; without, a scene of full resolution, which evaluation can reduce.

Every file is test, except in a folder called train or val.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gisr.datasets.entry import Entry, PublishedPair, Scene, Split
from gisr.datasets.readers.folders import (
    SPLIT_FOLDERS,
    check_found,
    hidden,
    natural,
    sensor_in_name,
)
from gisr.datasets.readers.layout import DatasetLayout, other_names
from gisr.datasets.readers.mat_images import read_image, read_panchromatic
from gisr.errors import FileFormatError
from gisr.io.arrays.matlab import matlab_shapes, read_matlab
from gisr.tasks.sensors import find_sensor

_PAN, _LOW, _EITHER, _TRUTH = "I_PAN", "I_MS_LR", "I_MS", "I_GT"
_MOST_BITS = 16
_EXPECTS = """\
NAME.mat, or {train,val,test}/NAME.mat
    I_PAN     H x W
    I_MS      h x w x bands, or enlarged to H x W where I_MS_LR holds the h x w one
    I_GT      H x W x bands, where the pair was made by reducing it
    ratio, L  H / h and significant bits, where they are there
A name with WV3, QB, GF2, ... names the sensor
"""


def _files(folder: Path) -> list[tuple[Path, Split]]:
    try:
        inside = sorted(folder.iterdir(), key=lambda path: natural(path.name))
        places = [(folder, SPLIT_FOLDERS.get(folder.resolve().name.lower(), "test"))]
        places += [
            (path, SPLIT_FOLDERS[path.name.lower()])
            for path in inside
            if path.name.lower() in SPLIT_FOLDERS and path.is_dir()
        ]
        return [
            (path, split)
            for place, split in places
            for path in sorted(place.iterdir(), key=lambda path: natural(path.name))
            if path.suffix.lower() == ".mat" and not hidden(path.name)
        ]
    except OSError:
        return []


def _read(folder: Path) -> list[Entry]:
    entries = [_entry(path, split) for path, split in _files(folder)]
    check_found(entries, folder, "pansharpening-mat", _EXPECTS)
    return entries


def _entry(path: Path, split: Split) -> Entry:
    shapes = matlab_shapes(path)
    low = _LOW if _LOW in shapes else _EITHER
    missing = [name for name in (_PAN, low) if name not in shapes]
    if missing:
        raise FileFormatError(
            f"{path}: no array {' and '.join(missing)}: it holds {', '.join(shapes) or 'none'}"
        )
    ratio = _ratio(path, shapes, low)
    name = f"{split}-{path.stem}"
    sensor = sensor_in_name(path.stem)
    bits = _bits(path) if "L" in shapes else find_sensor(sensor).bits
    read_low = partial(read_image, path, (low,))
    read_guide = partial(read_panchromatic, path, (_PAN,))
    if _TRUTH in shapes:
        return PublishedPair(
            name=name,
            dataset="pansharpening-mat",
            split=split,
            group=name,
            files=(path,),
            task="pansharpening",
            ratio=ratio,
            read_target=read_low,
            read_guide=read_guide,
            read_truth=partial(read_image, path, (_TRUTH,)),
            sensor=sensor,
            bits=bits,
        )
    return Scene(
        name=name,
        dataset="pansharpening-mat",
        split=split,
        group=name,
        files=(path,),
        read_multispectral=read_low,
        read_panchromatic=read_guide,
        sensor=sensor,
        bits=bits,
    )


def _ratio(path: Path, shapes: Mapping[str, tuple[int, ...]], low: str) -> int:
    """Return how many times finer the panchromatic image is, and check the ratio in the file."""
    small, large = shapes[low][:2], shapes[_PAN][:2]
    ratio = large[0] // max(small[0], 1)
    if ratio < 2 or large != (small[0] * ratio, small[1] * ratio):
        raise FileFormatError(
            f"{path}: {_PAN} {large} is no whole multiple of {low} {small}, two or more; an "
            f"enlarged {_EITHER} is no target: put the one that was enlarged into {_LOW}"
        )
    stated = _number(path, "ratio") if "ratio" in shapes else ratio
    if stated != ratio:
        raise FileFormatError(f"{path}: ratio {stated:g}, but the images differ by {ratio}")
    if _TRUTH in shapes and shapes[_TRUTH][:2] != large:
        raise FileFormatError(f"{path}: {_TRUTH} {shapes[_TRUTH]} is not on the grid of {_PAN}")
    return ratio


def _bits(path: Path) -> int:
    bits = _number(path, "L")
    if not 1 <= bits <= _MOST_BITS or bits != int(bits):
        raise FileFormatError(
            f"{path}: L = {bits:g} is no number of bits: 11 for values to 2047, 10 for 1023"
        )
    return int(bits)


def _number(path: Path, name: str) -> float:
    values = read_matlab(path, (name,))
    if values.size != 1:
        raise FileFormatError(f"{path}: {name} {values.shape} must be one number")
    return float(values.item())


PANSHARPENING_MAT = DatasetLayout(
    name="pansharpening-mat",
    title="Pansharpening toolboxes, one MATLAB file a scene",
    task="pansharpening",
    recognises=lambda folder: bool(_files(folder)),
    read=_read,
    expects=_EXPECTS,
    strays=(other_names(r".*\.mat"),),
)
