"""Reader of the project's folder of real pairs (``index.json`` and the files it names)."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Float

from gisr.errors import FileFormatError, RecipeError
from gisr.io.colour import read_colour
from gisr.io.depthmap import read_depth
from gisr.io.geotiff import read_geotiff
from gisr.io.nifti import read_nifti
from gisr.tasks.task import TaskName

Split = Literal["train", "val", "test", "research"]
_NEEDED = ("id", "task", "split", "open")
_SKY = 1000.0
"""Depths above it, in metres, are sky and so unknown where an entry says it has sky."""


@dataclass(frozen=True)
class OpenPair:
    """One entry of the index: images are read when asked for, then kept."""

    folder: Path
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """Identifier of the entry."""
        return str(self.record["id"])

    @property
    def task(self) -> TaskName:
        """Task of the entry."""
        task: TaskName = self.record["task"]
        return task

    @property
    def split(self) -> Split:
        """Split of the entry; a scene family never stands in two."""
        split: Split = self.record["split"]
        return split

    @property
    def open(self) -> bool:
        """Whether the licence lets weights trained on it be given away."""
        return bool(self.record["open"])

    @property
    def sensor(self) -> str | None:
        """Satellite sensor, where it is one."""
        sensor = self.record.get("sensor")
        return None if sensor is None else str(sensor)

    @property
    def bits(self) -> int | None:
        """Significant bits per sample; None for floating point."""
        bits = self.record.get("bits")
        return None if bits is None else int(bits)

    @cached_property
    def multispectral(self) -> Float[np.ndarray, "H W bands"]:
        """Target of a pansharpening entry, float32."""
        return read_geotiff(self.folder / self.record["target"]).pixels.astype(np.float32)

    @cached_property
    def panchromatic(self) -> Float[np.ndarray, "H2 W2 1"]:
        """Guide of a pansharpening entry, float32."""
        return read_geotiff(self.folder / self.record["guide"]).pixels.astype(np.float32)

    @property
    def guide_offset(self) -> tuple[float, float]:
        """How far a panchromatic guide is off, in its pixels; (0, 0) where the index does not say.

        ``aligned[y, x] = guide[y + dy, x + dx]`` for an offset (dy, dx).
        """
        row, column = self.record.get("guide_offset_px", (0.0, 0.0))
        return float(row), float(column)

    @property
    def contrasts(self) -> tuple[str, ...]:
        """Contrasts of an MR entry, alphabetically."""
        return tuple(sorted(self.record["contrasts"]))

    def volume(self, contrast: str) -> Float[np.ndarray, "X Y Z"]:
        """Return a co-registered MR volume, float32."""
        if contrast not in self._volumes:
            path = self.folder / self.record["contrasts"][contrast]
            self._volumes[contrast] = read_nifti(path).voxels
        return self._volumes[contrast]

    @cached_property
    def _volumes(self) -> dict[str, Float[np.ndarray, "X Y Z"]]:
        return {}

    @cached_property
    def depth(self) -> tuple[Float[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
        """Depth (metres) or disparity (pixels) and where it is known."""
        depth = read_depth(self.folder / self.record["target"], invalid=self.record["invalid"])
        values = (depth.values / self.record["scale"]).astype(np.float32)
        return values, depth.valid & (values <= _SKY) if "sky" in self.record else depth.valid

    @cached_property
    def colour(self) -> Float[np.ndarray, "H W channels"]:
        """Colour image of a depth entry, float32 in the file's units."""
        colour = read_colour(self.folder / self.record["guide"]).astype(np.float32)
        return colour[..., None] if colour.ndim == 2 else colour


def read_open_pairs(
    folder: str | Path,
    *,
    task: TaskName | None = None,
    splits: tuple[Split, ...] | None = None,
    open_only: bool = False,
) -> list[OpenPair]:
    """Return the entries of a folder, in the order of its index.

    Args:
        folder: Holds ``index.json``.
        task: Keep only this task.
        splits: Keep only these splits.
        open_only: Keep only entries whose licence lets trained weights be given away.

    Raises:
        FileFormatError: No index, or one that cannot be read.
        RecipeError: Nothing is left.
    """
    index = Path(folder) / "index.json"
    try:
        records = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not JSON, not UTF-8
        raise FileFormatError(f"{index}: no readable index of pairs ({error})") from error
    if not isinstance(records, list) or not all(_is_entry(record) for record in records):
        raise FileFormatError(f"{index}: must be a list of entries, each with {_NEEDED}")
    pairs = [OpenPair(Path(folder), record) for record in records]
    kept = [
        pair
        for pair in pairs
        if (task is None or pair.task == task)
        and (splits is None or pair.split in splits)
        and (pair.open or not open_only)
    ]
    if not kept:
        raise RecipeError(
            f"{index}: no entry for task {task or 'any'}, splits {splits or get_args(Split)}, "
            f"open only: {open_only}"
        )
    return kept


def _is_entry(record: object) -> bool:
    return isinstance(record, dict) and all(name in record for name in _NEEDED)
