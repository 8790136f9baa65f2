"""Depth maps in OpenEXR: one depth channel, placed within the display window of its header."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gisr.errors import FileFormatError
from gisr.io.depth.formats import Fits, StoredDepth, same_samples
from gisr.io.limits import Limits, check_block, check_picture
from gisr.notes import Note
from gisr.optional_imports import load_extra, without_chatter
from gisr.sizes import picture_size

_DEPTHS = ("z", "depth")
"""What a channel of depth is called, or its layer (Blender's Depth.V), in lower case."""


def _openexr() -> ModuleType:
    return load_extra("OpenEXR", "depth")


def read_exr(path: Path, limits: Limits, fits: Fits) -> StoredDepth:
    """Return the depth channel of an OpenEXR file: the only one, or Z, or equal R, G and B.

    A picture shows the display window (https://openexr.com/en/latest/TechnicalIntroduction.html):
    of a data window that is a part of it, the pixels around are unknown, and what reaches beyond it
    is cut off.
    """
    openexr = _openexr()
    with (
        without_chatter(),
        openexr.File(str(path), separate_channels=True, header_only=True) as file,
    ):
        headers = [part.header for part in file.parts]
        if not headers:
            raise FileFormatError(f"{path}: damaged: it has no header: copy it again")
        _check_sizes(path, headers, limits)
        part, named = _depth_part(path, headers)
        windows = _Windows.of(headers[part])
    fits(windows.shown)
    with without_chatter(), openexr.File(str(path), separate_channels=True) as file:
        if not file.parts:  # pixels that it cannot decode
            raise FileFormatError(f"{path}: damaged: its pixels cannot be decoded: copy it again")
        channels = {name: np.array(found.pixels) for name, found in file.channels(part).items()}
    chosen, told = _depth_channel(path, channels)
    if chosen.shape != windows.stored:
        raise FileFormatError(f"{path}: a channel of {chosen.shape} for {windows.stored} pixels")
    return StoredDepth(windows.place(path, chosen), notes=(*named, *told, *windows.notes(path)))


def _check_sizes(path: Path, headers: Sequence[Mapping[str, Any]], limits: Limits) -> None:
    """Check what the parts of a file claim, all of which are read."""
    windows = [_Windows.of(header) for header in headers]
    bands = sum(len(header["channels"]) for header in headers)
    stored = [max(window.stored[axis] for window in windows) for axis in (0, 1)]
    shown = [max(window.shown[axis] for window in windows) for axis in (0, 1)]
    for (height, width), count in ((stored, bands), (shown, 1)):
        check_picture(path, limits, height=height, width=width, bands=count, itemsize=4)
    for header in headers:
        if (tiles := header.get("tiles")) is not None:
            size = tiles.xSize * tiles.ySize * len(header["channels"]) * 4
            check_block(path, limits, size, "one tile")


def _depth_part(path: Path, headers: Sequence[Mapping[str, Any]]) -> tuple[int, tuple[Note, ...]]:
    """Return which part of a file has the depth, and what to say where there are others."""
    if len(headers) == 1:
        return 0, ()
    titles = [str(header.get("name", index)) for index, header in enumerate(headers)]
    found = []
    for index, (title, header) in enumerate(zip(titles, headers, strict=True)):
        names = [channel.name for channel in header["channels"]]
        called = title.rpartition(".")[2].lower() in _DEPTHS
        if called or any(_is_depth(name, names) for name in names):
            found.append(index)
    if len(found) != 1:
        raise FileFormatError(
            f"{path}: {len(headers)} parts ({', '.join(titles[:_SHOWN])}), of which {len(found)} "
            "have a channel Z or the name depth: save the depth alone"
        )
    text = f"of its {len(headers)} parts, {titles[found[0]]!r} is taken for the depth"
    return found[0], (Note(f"{path.name}: {text}"),)


_SHOWN = 6
"""Names of parts in a message."""


@dataclass(frozen=True)
class _Windows:
    """How the data window of a file lies on its display window, in rows and columns."""

    stored: tuple[int, int]
    shown: tuple[int, int]
    offset: tuple[int, int]
    """First row and column of the data, from those of the display window."""

    @classmethod
    def of(cls, header: Mapping[str, Any]) -> "_Windows":
        sides, firsts = [], []
        for name in ("dataWindow", "displayWindow"):
            low, high = ([int(corner[axis]) for axis in (1, 0)] for corner in header[name])
            sides.append((high[0] - low[0] + 1, high[1] - low[1] + 1))
            firsts.append(low)
        offset = firsts[0][0] - firsts[1][0], firsts[0][1] - firsts[1][1]
        return cls(sides[0], sides[1], offset)

    @property
    def common(self) -> tuple[slice, slice]:
        """Rows and columns of the display window for which there are data."""
        rows, columns = (
            slice(max(0, start), max(0, min(shown, start + stored)))
            for start, stored, shown in zip(self.offset, self.stored, self.shown, strict=True)
        )
        return rows, columns

    @property
    def covered(self) -> int:
        """Pixels of the display window for which there are data."""
        rows, columns = (len(range(each.start, each.stop)) for each in self.common)
        return rows * columns

    def place(self, path: Path, samples: Shaped[np.ndarray, "h w"]) -> Shaped[np.ndarray, "H W"]:
        """Return the samples of the display window, NaN where there are none.

        Raises:
            FileFormatError: There are none, or they are whole numbers, which have no NaN.
        """
        if not self.covered:
            raise FileFormatError(
                f"{path}: its data window lies outside its display window: nothing of it is in the "
                "picture: render it anew"
            )
        rows, columns = self.common
        part = samples[
            rows.start - self.offset[0] : rows.stop - self.offset[0],
            columns.start - self.offset[1] : columns.stop - self.offset[1],
        ]
        if part.shape == self.shown:
            return np.ascontiguousarray(part)
        if samples.dtype.kind != "f":
            raise FileFormatError(
                f"{path}: its data window is a part of its display window, and {samples.dtype} has "
                "no value for what is unknown around it: save the depth as float"
            )
        placed = np.full(self.shown, np.nan, samples.dtype)
        placed[rows, columns] = part
        return placed

    def notes(self, path: Path) -> tuple[Note, ...]:
        """Say what of the display window is unknown, and what was cut off."""
        notes = []
        stored, shown = picture_size(self.stored), picture_size(self.shown)
        if (missing := 1 - self.covered / (self.shown[0] * self.shown[1])) > 0:
            text = (
                f"{path.name}: its data window, {stored} at ({self.offset[1]}, {self.offset[0]}), "
                f"leaves {missing:.1%} of its display window, {shown}, without data: unknown there"
            )
            notes.append(Note(text))
        if self.covered < self.stored[0] * self.stored[1]:
            text = (
                f"{path.name}: its data window, {stored}, reaches beyond its display window, "
                f"{shown}: cut to that"
            )
            notes.append(Note(text))
        return tuple(notes)


def _depth_channel(
    path: Path, channels: dict[str, Shaped[np.ndarray, "H W"]]
) -> tuple[Shaped[np.ndarray, "H W"], tuple[Note, ...]]:
    """Return the one channel of depth, and what to say where there are others."""
    solid = [name for name in channels if name.rsplit(".", 1)[-1] != "A"]
    if len(channels) == 1 or len(solid) == 1:
        return channels[(solid or list(channels))[0]], ()
    depths = [name for name in channels if _is_depth(name, channels)]
    if len(depths) == 1:
        notes: tuple[Note, ...] = ()
        if depths[0].lower() == "z" and _is_vector("", channels):
            text = "X and Y stand beside its channel Z, which is taken for the depth: if they are"
            notes = (Note(f"{path.name}: {text} normals, it is none"),)
        return channels[depths[0]], notes
    if depths:
        # A layer's name comes before a dot: the channel without one is that of the whole picture.
        plain = [name for name in depths if "." not in name]
        if len(plain) != 1:
            raise FileFormatError(
                f"{path}: channels {sorted(channels)}: {len(depths)} of them may be the "
                "depth: save the one you mean alone, or as the only channel Z outside of layers"
            )
        text = f"its channel {plain[0]} is taken for the depth, {len(depths) - 1} more, in layers"
        return channels[plain[0]], (Note(f"{path.name}: {text}, left out"),)
    colours = [channels[name] for name in channels if name.rsplit(".", 1)[-1] in "RGB"]
    rest = [name for name in channels if name.rsplit(".", 1)[-1] not in ("R", "G", "B", "A")]
    # Renderers save depth as three equal colours, with an alpha that says nothing of it.
    if len(colours) == 3 and not rest and all(same_samples(colours[0], each) for each in colours):
        return colours[0], ()
    vectors = sorted(name for name in channels if name.lower().endswith(".z"))
    others = f" ({vectors[0]} is one of a vector: normals, positions)" if vectors else ""
    raise FileFormatError(
        f"{path}: channels {sorted(channels)}{others}: call the depth channel Z, or make R, G and "
        "B equal"
    )


def _is_depth(name: str, channels: Collection[str]) -> bool:
    """Return whether a channel is called depth, or is the only one of a layer that is."""
    layer, _, last = name.rpartition(".")
    if last.lower() in _DEPTHS:
        # Layers of normals and positions have a Z, too.
        return not (layer and last.lower() == "z" and _is_vector(layer, channels))
    inside = [each for each in channels if _layer(each) == layer]
    return len(inside) == 1 and layer.rpartition(".")[2].lower() in _DEPTHS


def _is_vector(layer: str, channels: Collection[str]) -> bool:
    """Return whether a layer has X and Y, too; the name of what is outside of layers is empty."""
    inside = {name.rpartition(".")[2].lower() for name in channels if _layer(name) == layer}
    return {"x", "y"} <= inside


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def write_exr(path: Path, stored: Shaped[np.ndarray, "H W"]) -> None:
    """Write float16 or float32 samples as an OpenEXR file with the channel Z."""
    openexr = _openexr()
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    with (
        without_chatter(),
        openexr.File(header, {"Z": np.ascontiguousarray(stored)}) as file,
    ):
        file.write(str(path))
    # OpenEXR raises nothing when the disk is full: read it back.
    with without_chatter(), openexr.File(str(path), separate_channels=True) as file:
        if not np.array_equal(file.channels()["Z"].pixels, stored, equal_nan=True):
            raise OSError("what was written does not read back: check that the disk is not full")
