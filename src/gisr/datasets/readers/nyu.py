"""NYU v2 in the two layouts of the depth literature (Silberman et al., 2012; 1449 frames).

* ``nyu-dkn``: the stacks that DKN published (Kim, Ponce, Ham 2021) and SGNet, DORNet and the paper
  use. Every depth map is stretched to [0, 1]; only the test set states by how much.
* ``nyu-jiif``: one picture and one array a frame, in metres (JIIF, Tang et al. 2021; GeoDSR).

Both have the same 1000 frames for training and 449 for testing. The protocol reduces depth with
Pillow's bicubic and scores the RMSE in centimetres with a border of 6 pixels cut.
"""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from gisr.datasets.entry import Entry, Frame, Split
from gisr.datasets.readers.depth_files import check_partner, files_in, frame_of_files, names_in
from gisr.datasets.readers.folders import check_found
from gisr.datasets.readers.layout import DatasetLayout, other_names
from gisr.errors import FileFormatError
from gisr.io.arrays.npy_stack import Stack, open_stack

_COUNTS: dict[Split, int] = {"train": 1000, "test": 449}
_CENTIMETRES = 100.0
"""A metre's: both layouts store metres, tables speak of centimetres."""

_STACKS: dict[Split, tuple[str, ...]] = {
    "train": ("train_depth_split.npy", "train_images_split.npy"),
    "test": ("test_depth.npy", "test_images_v2.npy", "test_minmax.npy"),
}
_DKN_EXPECTS = """\
train_depth_split.npy   (1000, 480, 640), [0, 1]
train_images_split.npy  (1000, 480, 640, 3)
test_depth.npy          (449, 480, 640), [0, 1]
test_images_v2.npy      (449, 480, 640, 3)
test_minmax.npy         (2, 449), metres: row 0 the maximum of each frame, row 1 the minimum
"""
_JIIF_EXPECTS = """\
RGB/N.jpg    480 x 640
Depth/N.npy  480 x 640, metres; N = 0 to 999 train, 1000 to 1448 test
or both in one folder
"""


def _recognises_dkn(folder: Path) -> bool:
    names = {name.lower() for name in names_in(folder)}
    return any(names.issuperset(files) for files in _STACKS.values())


def _read_dkn(folder: Path) -> list[Entry]:
    found = files_in(folder)
    frames: list[Frame] = []
    for split, files in _STACKS.items():
        missing = [file for file in files if file not in found]
        if len(missing) < len(files):
            if missing:
                raise FileFormatError(
                    f"{folder}: {' and '.join(missing)} of the {split} set is missing: "
                    "download it again, or take the set's other files away"
                )
            frames += _dkn_frames(split, *(open_stack(found[file]) for file in files))
    check_found(frames, folder, "nyu-dkn", _DKN_EXPECTS)
    return list(frames)


def _dkn_frames(
    split: Split, depth: Stack, images: Stack, extremes: Stack | None = None
) -> list[Frame]:
    if len(depth.shape) != 3 or images.shape != (*depth.shape, 3):
        raise FileFormatError(
            f"{images.path}: {images.shape} does not go with {depth.path.name} {depth.shape}: "
            "expected (N, H, W, 3) and (N, H, W)"
        )
    bounds = [(1.0, 0.0)] * len(depth) if extremes is None else _bounds(extremes, len(depth))
    return [
        Frame(
            name=f"{split}-{index:04d}",
            dataset="nyu-dkn",
            split=split,
            files=tuple(stack.path for stack in (depth, images, extremes) if stack is not None),
            read_depth=partial(_stretched, depth, index, *bounds[index]),
            read_colour=partial(images.read, index),
            unit="[0, 1]" if extremes is None else "cm",
        )
        for index in range(len(depth))
    ]


def _bounds(extremes: Stack, count: int) -> list[tuple[float, float]]:
    """Return maximum and minimum of every frame in centimetres."""
    if extremes.shape != (2, count):
        raise FileFormatError(
            f"{extremes.path}: {extremes.shape} numbers for {count} frames: expected (2, {count})"
        )
    maxima, minima = (extremes.read(row).astype(np.float64) * _CENTIMETRES for row in (0, 1))
    wrong = np.flatnonzero(~(maxima >= minima))
    if wrong.size:
        raise FileFormatError(
            f"{extremes.path}: frame {wrong[0]} has its maximum {maxima[wrong[0]]:g} cm below its "
            f"minimum {minima[wrong[0]]:g} cm: row 0 must hold the maxima"
        )
    return list(zip(maxima.tolist(), minima.tolist(), strict=True))


def _stretched(
    depth: Stack, index: int, maximum: float, minimum: float
) -> tuple[Float[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    """Return a frame of [0, 1] between its own extremes, as the metrics of DKN and SGNet do."""
    stored = depth.read(index).astype(np.float64)
    values = stored * (maximum - minimum) + minimum
    return values.astype(np.float32), np.isfinite(stored)


def _jiif_folders(folder: Path) -> tuple[Path, Path]:
    """Return where pictures and depths are: apart as published, or side by side."""
    apart = folder / "RGB", folder / "Depth"
    return apart if all(part.is_dir() for part in apart) else (folder, folder)


def _numbers(folder: Path, suffix: str) -> set[str]:
    """Return the names of the files that a number is all the name of, before a suffix."""
    paths = [Path(name) for name in names_in(folder)]
    return {p.stem for p in paths if p.suffix.lower() == suffix and p.stem.isdecimal()}


def _recognises_jiif(folder: Path) -> bool:
    pictures, depths = _jiif_folders(folder)
    return bool(_numbers(pictures, ".jpg") & _numbers(depths, ".npy"))


def _read_jiif(folder: Path) -> list[Entry]:
    places = _jiif_folders(folder)
    pictures, depths = map(files_in, places)
    frames = []
    for name in sorted(_numbers(places[0], ".jpg") | _numbers(places[1], ".npy"), key=int):
        picture = pictures.get(f"{name}.jpg", places[0] / f"{name}.jpg")
        depth = depths.get(f"{name}.npy", places[1] / f"{name}.npy")
        check_partner(picture, depth)
        check_partner(depth, picture)
        if int(name) >= sum(_COUNTS.values()):
            raise FileFormatError(f"{depth}: NYU v2 has frames 0 to 1448: take it away")
        frames.append(
            frame_of_files(
                depth,
                picture,
                name=name,
                dataset="nyu-jiif",
                split="train" if int(name) < _COUNTS["train"] else "test",
                unit="cm",
                factor=_CENTIMETRES,
            )
        )
    check_found(frames, folder, "nyu-jiif", _JIIF_EXPECTS)
    return list(frames)


NYU_DKN = DatasetLayout(
    name="nyu-dkn",
    title="NYU v2, stacks of DKN",
    task="depth",
    recognises=_recognises_dkn,
    read=_read_dkn,
    expects=_DKN_EXPECTS,
    strays=(other_names(r".*\.npy"),),
    counts=_COUNTS,
)
NYU_JIIF = DatasetLayout(
    name="nyu-jiif",
    title="NYU v2, files of JIIF and GeoDSR",
    task="depth",
    recognises=_recognises_jiif,
    read=_read_jiif,
    expects=_JIIF_EXPECTS,
    strays=(other_names(r".*\.(npy|jpg)"),),
    counts=_COUNTS,
)
