"""What the readers of depth data sets share: listing a folder, and a frame of two files."""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt

from gisr.datasets.entry import Frame, Split
from gisr.datasets.readers.folders import hidden
from gisr.datasets.readers.layout import LayoutName
from gisr.errors import FileFormatError
from gisr.io.colour import read_colour
from gisr.io.depth.maps import read_depth

_NONE_UNKNOWN = float("nan")
"""As ``invalid`` of :func:`gisr.io.depth.maps.read_depth`: only what is not finite, or what the
file declares, is unknown."""


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder that are not hidden, sorted; none where it cannot be listed."""
    try:
        return sorted(path.name for path in folder.iterdir() if not hidden(path.name))
    except OSError:
        return []


def files_in(folder: Path) -> dict[str, Path]:
    """Return what :func:`names_in` lists by its name in lower case: suffixes are of any case.

    Raises:
        FileFormatError: Two names differ in nothing but the case of letters.
    """
    found: dict[str, Path] = {}
    for name in names_in(folder):
        other = found.setdefault(name.lower(), folder / name)
        if other.name != name:
            raise FileFormatError(
                f"{folder / name}: {other.name} is there too: take one of them away"
            )
    return found


def check_partner(partner: Path, of: Path) -> None:
    """Refuse a frame with one of its two files.

    Raises:
        FileFormatError: ``partner`` is not there.
    """
    if not partner.is_file():
        raise FileFormatError(
            f"{of}: {partner} is missing: download the set again, or take {of.name} away"
        )


def frame_of_files(
    depth: Path,
    colour: Path,
    *,
    name: str,
    dataset: LayoutName,
    split: Split,
    unit: str,
    factor: float = 1.0,
) -> Frame:
    """Return a frame whose depth and colour are files of their own.

    Every finite value counts as known, zeros too, unless the file declares it as nodata: the
    published protocols score every pixel.

    Args:
        depth: A format of :func:`gisr.io.depth.maps.read_depth`.
        colour: A picture of the same size.
        name: Of the entry.
        dataset: DatasetLayout it belongs to.
        split: The published one.
        unit: Of the values once multiplied by ``factor``.
        factor: From the file's unit to ``unit``.
    """
    return Frame(
        name=name,
        dataset=dataset,
        split=split,
        files=(depth, colour),
        read_depth=partial(_read_values, depth, factor),
        read_colour=partial(_read_picture, colour),
        unit=unit,
    )


def with_channels(
    picture: Shaped[np.ndarray, "H W *channels"],
) -> Shaped[np.ndarray, "H W channels"]:
    """Return a picture with an axis of channels, one long for a grey picture."""
    return picture[..., None] if picture.ndim == 2 else picture


def _read_values(
    path: Path, factor: float
) -> tuple[Float[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    stored = read_depth(path, invalid=_NONE_UNKNOWN)
    return stored.values * factor, stored.valid


def _read_picture(path: Path) -> UInt[np.ndarray, "H W channels"]:
    return with_channels(read_colour(path))
