"""Middlebury (30 frames) and Lu (6 frames): pictures called ``..._color`` and ``..._depth``.

The package of DCTNet (Zhao et al., 2022) that the depth literature tests on. Depth is 8-bit levels:
disparity for Middlebury (Scharstein et al., 2003 to 2014), scaled depth for Lu (Lu, Ren, Liu 2014).
Test only. DCTNet reduces the levels as floating point and cuts no border; SGNet rounds the reduced
map to whole levels, which makes Lu's bicubic RMSE 0.01 larger, and cuts 6 pixels.
"""

import re
from functools import partial
from pathlib import Path

from gisr.datasets.entry import Entry, Frame
from gisr.datasets.readers.depth_files import check_partner, files_in, frame_of_files, names_in
from gisr.datasets.readers.folders import check_found
from gisr.datasets.readers.layout import DatasetLayout, LayoutName, other_names
from gisr.errors import FileFormatError

_DEPTH = re.compile(r"(?P<name>.+)_output_depth\.png", re.IGNORECASE)
_EITHER = re.compile(r"(?P<name>.+)_(output_depth|ou(t)?put_color)\.png", re.IGNORECASE)
_COLOUR_ENDS = ("_output_color.png", "_ouput_color.png")
"""Lu's pictures are published with the second spelling."""
_LU = "rgbd_"
"""What the names of Lu's frames begin with; the names of Middlebury's begin otherwise."""

_EXPECTS: dict[LayoutName, str] = {
    "middlebury30": "Middlebury_NN_output_color.png and Middlebury_NN_output_depth.png, 8 bits\n",
    "lu": "RGBD_NN_ouput_color.png (or _output_) and RGBD_NN_output_depth.png, 8 bits\n",
}


def _names(layout: LayoutName, folder: Path, part: re.Pattern[str]) -> list[str]:
    """Return the names of the frames that have a file of a kind, each once."""
    found = [match["name"] for match in map(part.fullmatch, names_in(folder)) if match]
    own = [name for name in found if name.lower().startswith(_LU) == (layout == "lu")]
    return list({name.lower(): name for name in reversed(own)}.values())[::-1]


def _recognises(layout: LayoutName, folder: Path) -> bool:
    return bool(_names(layout, folder, _DEPTH))


def _read(layout: LayoutName, folder: Path) -> list[Entry]:
    files = files_in(folder)
    frames = [_frame(layout, folder, name, files) for name in _names(layout, folder, _EITHER)]
    check_found(frames, folder, layout, _EXPECTS[layout])
    return list(frames)


def _frame(layout: LayoutName, folder: Path, name: str, files: dict[str, Path]) -> Frame:
    depth, *pictures = (
        files.get(f"{name}{end}".lower(), folder / f"{name}{end}")
        for end in ("_output_depth.png", *_COLOUR_ENDS)
    )
    found = [picture for picture in pictures if picture.is_file()]
    if len(found) > 1:
        raise FileFormatError(f"{found[0]}: {found[1].name} is there too: take one of them away")
    picture = found[0] if found else pictures[0]
    check_partner(picture, depth)
    check_partner(depth, picture)
    return frame_of_files(
        depth, picture, name=name, dataset=layout, split="test", unit="8-bit levels"
    )


MIDDLEBURY30 = DatasetLayout(
    name="middlebury30",
    title="Middlebury, the 30 test frames of the depth literature",
    task="depth",
    recognises=partial(_recognises, "middlebury30"),
    read=partial(_read, "middlebury30"),
    expects=_EXPECTS["middlebury30"],
    strays=(other_names(r".*\.png"),),
    counts={"test": 30},
)
LU = DatasetLayout(
    name="lu",
    title="Lu, 6 test frames",
    task="depth",
    recognises=partial(_recognises, "lu"),
    read=partial(_read, "lu"),
    expects=_EXPECTS["lu"],
    strays=(other_names(r".*\.png"),),
    counts={"test": 6},
)
