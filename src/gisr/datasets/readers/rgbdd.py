"""RGB-D-D (He et al., 2021): colour of a phone, depth of an industrial camera; 405 test frames.

The common protocol reduces the camera's depth with Pillow's bicubic and scores every pixel in
centimetres (files are in millimetres); SGNet cuts 6 pixels, DCTNet none. The phone's own depth
(``N_LR_fill_depth.png``, 192 x 144) is not read: 512 x 384 is no whole multiple of it.
"""

from pathlib import Path

from gisr.datasets.entry import Entry, Frame, Split
from gisr.datasets.readers.depth_files import check_partner, files_in, frame_of_files, names_in
from gisr.datasets.readers.folders import check_found
from gisr.datasets.readers.layout import DatasetLayout, other_names

_KINDS = ("models", "plants", "portraits")
_SPLITS: tuple[Split, ...] = ("train", "test")
_DEPTH, _COLOUR = "_HR_gt.png", "_RGB.jpg"
_CENTIMETRES = 0.1
"""A millimetre's."""
_EXPECTS = """\
{models,plants,portraits}/{kind}_{train,test}/N/N_RGB.jpg     512 x 384
{models,plants,portraits}/{kind}_{train,test}/N/N_HR_gt.png   512 x 384, millimetres, 16 bits
or test frames side by side: N_RGB.jpg, N_HR_gt.png
"""


def _parts(folder: Path) -> list[tuple[str, Split, Path]]:
    """Return the kind, split and folder of each part of the set that is there."""
    parts = [
        (kind, split, folder / kind / f"{kind}_{split}") for kind in _KINDS for split in _SPLITS
    ]
    return [part for part in parts if part[2].is_dir()]


def _stems(folder: Path, *ends: str) -> list[str]:
    """Return what stands before one of some ends of names, in any case, each once."""
    found = [
        name[: -len(end)]
        for name in names_in(folder)
        for end in ends
        if name.lower().endswith(end.lower())
    ]
    return list({stem.lower(): stem for stem in found}.values())


def _recognises(folder: Path) -> bool:
    return bool(_parts(folder) or _stems(folder, _DEPTH))


def _read(folder: Path) -> list[Entry]:
    files = files_in(folder)
    frames = [_frame(folder, files, name, name, "test") for name in _stems(folder, _DEPTH, _COLOUR)]
    for kind, split, part in _parts(folder):
        frames += [
            _frame(part / name, files_in(part / name), name, f"{kind}-{name}", split)
            for name in names_in(part)
            if (part / name).is_dir()
        ]
    check_found(frames, folder, "rgbdd", _EXPECTS)
    return list(frames)


def _frame(folder: Path, files: dict[str, Path], stem: str, name: str, split: Split) -> Frame:
    depth, colour = (
        files.get(f"{stem}{end}".lower(), folder / f"{stem}{end}") for end in (_DEPTH, _COLOUR)
    )
    check_partner(colour, depth)
    check_partner(depth, colour)
    return frame_of_files(
        depth, colour, name=name, dataset="rgbdd", split=split, unit="cm", factor=_CENTIMETRES
    )


RGBDD = DatasetLayout(
    name="rgbdd",
    title="RGB-D-D",
    task="depth",
    recognises=_recognises,
    read=_read,
    expects=_EXPECTS,
    strays=(other_names(r"(?!.*_LR_).*\.(png|jpg)"),),
    counts={"test": 405},
)
