"""Thermograms: ``NAME_heat.npy`` with ``NAME_grey.npy``. ``tests/test_contributing.py`` adds it."""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from gisr.datasets.entry import Entry, Frame
from gisr.datasets.readers.layout import DatasetLayout
from gisr.errors import FileFormatError
from gisr.io.depth.maps import read_depth

_EXPECTS = "NAME_heat.npy  temperatures in kelvin\nNAME_grey.npy  a picture of the same size\n"


def _recognises(folder: Path) -> bool:
    return any(folder.glob("*_heat.npy"))


def _read(folder: Path) -> list[Entry]:
    return [_frame(heat) for heat in sorted(folder.glob("*_heat.npy"))]


def _frame(heat: Path) -> Frame:
    name = heat.name.removesuffix("_heat.npy")
    grey = heat.with_name(f"{name}_grey.npy")
    if not grey.is_file():
        raise FileFormatError(f"{heat}: {grey} is missing: download the set again")
    return Frame(
        name=name,
        dataset="thermograms",
        split="test",
        task="thermal",  # type: ignore[arg-type]  # TaskName gets it in step 1
        unit="K",
        files=(heat, grey),
        read_depth=partial(_temperatures, heat),
        read_colour=partial(_picture, grey),
    )


def _temperatures(path: Path) -> tuple[Float[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    stored = read_depth(path)
    return stored.values, stored.valid


def _picture(path: Path) -> Float[np.ndarray, "H W 1"]:
    return read_depth(path, invalid=float("nan")).values[..., None]


THERMOGRAMS = DatasetLayout(
    name="thermograms",  # type: ignore[arg-type]  # LayoutName gets it in step 2
    title="Thermograms",
    task="thermal",  # type: ignore[arg-type]  # TaskName gets it in step 1
    recognises=_recognises,
    read=_read,
    expects=_EXPECTS,
)
