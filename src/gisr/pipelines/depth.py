"""The pipeline of depth: a depth map and a picture in, a depth map of the picture's size out."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float

from gisr.errors import FileFormatError, GisrError, InputError
from gisr.estimation.depth_bytes import byte_doubts
from gisr.estimation.depth_doubts import names_alone, single_points, zero_as_depth
from gisr.estimation.depth_fill import find_depth_fill, suspected_fill
from gisr.estimation.depth_levels import few_levels
from gisr.io.depth import maps
from gisr.io.depth.formats import NAMED_DEPTH
from gisr.io.depth.maps import DepthMap, check_storable, holding, read_depth
from gisr.io.depth.pair import DepthPair, read_depth_pair
from gisr.io.files import check_readable, file_suffix
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.quantise import holds
from gisr.notes import Note, warning
from gisr.pipelines.layers import DepthLayers, LayerName, Layers, Truth, check_truth
from gisr.pipelines.options import Options
from gisr.pipelines.pipeline import Pipeline, check_values
from gisr.pipelines.request import FileResult, Request
from gisr.sizes import picture_size
from gisr.tasks.depth import DEPTH
from gisr.tasks.task import Task

if TYPE_CHECKING:  # torch takes seconds to load
    from gisr.inference.answers import Check, Progress
    from gisr.inference.system import PairSystem

_LOSSY = (".jpg", ".jpeg")
DEPTH_ALONE = (".npy", ".npz", ".exr", ".pfm")
"""Formats of depth maps that are none of pictures."""
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Formats of the picture."""


class DepthPipeline(Pipeline[DepthPair]):
    """A depth map and a colour picture in, a depth map in the target's unit and type out."""

    task: ClassVar[Task] = DEPTH

    def recognises(self, target: Path, guide: Path) -> bool:
        """Return whether a file of a depth format comes with a picture; JPEG is none."""
        suffixes = [file_suffix(check_readable(path)) for path in (target, guide)]
        named = NAMED_DEPTH.search(target.stem) or suffixes[1] in DEPTH_ALONE
        if suffixes[0] in _LOSSY and named:
            raise FileFormatError(
                f"{target}: a JPEG is no depth map, its compression moves edges: save it as 16-bit "
                "PNG; if it is the colour picture, exchange the two: the depth map comes first"
            )
        return suffixes[0] in maps.READERS and suffixes[1] in PICTURES

    def read(self, target: Path, guide: Path, options: Options, limits: Limits) -> DepthPair:
        """Read both images."""
        files = read_depth_pair(target, guide, _codes(options), self.task.stretch, limits)
        files = files if options.invalid == "none" else _without_fill(files, options)
        sparse = () if options.fill_holes else _sparse(files.target)
        files = replace(files, notes=(*files.notes, *_doubts(files.target), *sparse))
        if options.cloud is not None:
            options.cloud.camera.on_grid((files.guide.shape[0], files.guide.shape[1]))
        return files

    def check(self, request: Request[DepthPair]) -> None:
        """Refuse a depth map without a known pixel, and values that cannot be used or stored."""
        target, guide = request.files.target, request.files.guide
        request.place(target.shape, (guide.shape[0], guide.shape[1]), None)
        check_storable(request.output, target.dtype)
        if request.options.mask is not None:
            _check_replaced(Path(request.options.mask), guide.shape[:2])
        known = target.values[target.valid]
        if not known.size:
            raise InputError(f"{target.path}: every pixel is unknown: there is nothing to sharpen")
        check_values(target.path, float(known.min()), float(known.max()))

    def run(
        self,
        system: "PairSystem",
        request: Request[DepthPair],
        check: "Check",
        progress: "Progress | None",
    ) -> FileResult:
        """Sharpen a depth map; holes stay holes unless they are to be filled."""
        from gisr.pipelines.depth_map import upscale_depth_map

        return upscale_depth_map(system, request, check, progress)

    def summary(self, request: Request[DepthPair]) -> str:
        """Return sizes, type, share of unknown pixels and ratio."""
        files = request.files
        return (
            f"{picture_size(files.target.shape)} ({files.target.dtype}, "
            f"{1 - files.target.valid.mean():.1%} unknown) to "
            f"{picture_size(files.guide.shape[:2])}: x{files.placement.ratio:.3g}"
        )

    def band_names(self, request: Request[DepthPair]) -> tuple[str, ...]:
        """Return nothing: a depth map has one band."""
        return ()

    def read_truth(self, path: Path, request: Request[DepthPair], limits: Limits) -> Truth:
        """Read a reference depth map."""
        codes = {*_codes(request.options), *request.files.target.others}
        depth = _depth_image(path, tuple(codes), limits)
        check_truth(path, depth.shape[:2], request.files.guide.shape[:2])
        return Truth(path, depth)

    def layers(
        self, request: Request[DepthPair], interpolated: Path, truth: Truth | None, limits: Limits
    ) -> Layers:
        """Return depth maps and a picture in memory."""
        unknown = request.files.target.codes
        images: dict[LayerName, Float[np.ndarray, "h w channels"]] = {
            "interpolated": _depth_image(interpolated, unknown),
            "sharpened": _depth_image(request.output, unknown),
        }
        if request.options.uncertainty is not None:
            images["spread"] = _depth_image(Path(request.options.uncertainty), ())
        images["guide"] = np.atleast_3d(request.files.guide.astype(np.float32))
        if request.options.mask is not None:
            mask = _depth_image(Path(request.options.mask), ())
            images["filled"] = mask / np.float32(255)
        if truth is not None:
            assert isinstance(truth.content, np.ndarray)
            images["truth"] = truth.content
        return DepthLayers(images)

    def bits(self, request: Request[DepthPair]) -> int | None:
        """Return None: depth has no range of its own."""
        return None


def _codes(options: Options) -> tuple[float, ...]:
    """Return the values of unknown pixels: 0, and what the user names; nothing for ``none``."""
    given = options.invalid
    if given == "none":
        return ()
    assert not isinstance(given, str)  # another word is refused by the options
    return (0.0,) if given is None or not given or math.isnan(given) else (given, 0.0)


def _check_replaced(mask: Path, shape: tuple[int, ...]) -> None:
    """Refuse to replace a file that no earlier run wrote as its mask, such as one of the sensor's.

    Raises:
        FileFormatError: It is there, and has not the picture's size and the two values of a mask.
    """
    if not mask.exists():
        return
    with suppress(GisrError):
        stored = read_depth(mask, invalid=()).stored
        if stored.shape == shape and np.isin(stored, maps.MASK_VALUES).all():
            return
    raise FileFormatError(
        f"{mask}: is there, and is no mask of {picture_size((shape[0], shape[1]))} pixels that was "
        "written before: --mask is written, not read: choose another name; if it says what is "
        "known, set the rest of the depth map to 0"
    )


def _unused(target: DepthMap, given: float | str | None) -> tuple[Note, ...]:
    """Say that no pixel holds the value that is to mean unknown."""
    if given is None or isinstance(given, str) or not math.isfinite(given) or not given:
        return ()
    if holding(target.stored, given).any():
        return ()
    why = "no pixel holds it"
    if not holds(target.dtype, given):
        why = f"no pixel of type {target.dtype} can hold it"
    return (Note(f"{target.path.name}: --invalid {given:.8g} changes nothing: {why}"),)


def _doubts(target: DepthMap) -> tuple[Note, ...]:
    """Warn of numbers that are no depths, and tell of those that were rounded."""
    if not target.valid.any():
        return ()
    if (text := byte_doubts(target.stored, target.valid)) is not None:
        return (warning(f"{target.path.name}: {text}"),)
    names = None if target.dtype.kind == "f" else names_alone(target.values[target.valid])
    if names is not None:
        return (warning(f"{target.path.name}: {names}"),)
    levels = few_levels(target.values, target.valid)
    return () if levels is None else (Note(f"{target.path.name}: {levels}"),)


def _sparse(target: DepthMap) -> tuple[Note, ...]:
    """Say what fills the gaps of a map of single points."""
    text = single_points(target.valid)
    return () if text is None else (Note(f"{target.path.name}: {text}"),)


def _without_fill(files: DepthPair, options: Options) -> DepthPair:
    """Take values for unknown that are certainly no depths, and say so."""
    target = files.target
    name = files.target.path.name
    notes = [*files.notes, *_unused(target, options.invalid)]
    zero = target.stored == 0
    if (text := zero_as_depth(target.values, zero, target.valid)) is not None:
        notes.append(warning(f"{name}: {text}"))
    for fill in find_depth_fill(target.values, target.valid):
        remedy = "--invalid none keeps it"
        if not fill.several:
            remedy = f"--invalid {fill.spelt} says so, --invalid none keeps them"
        notes.append(Note(f"{name}: {fill.text}: taken for unknown ({remedy})"))
        others = () if fill.several else (fill.value,)
        valid = target.valid & ~fill.unknown
        target = replace(target, valid=valid, others=(*target.others, *others))
    if target.valid.any() and (suspect := suspected_fill(target.values, target.valid)) is not None:
        text = f"{name}: {suspect.text}: if that stands for unknown, name it"
        notes.append(warning(f"{text} (--invalid {suspect.spelt})"))
    return replace(files, target=target, notes=tuple(notes))


def _depth_image(
    path: Path, unknown: Sequence[float], limits: Limits = DEFAULT_LIMITS
) -> Float[np.ndarray, "h w 1"]:
    found = read_depth(path, invalid=unknown, limits=limits)
    return np.where(found.valid, found.values, np.nan).astype(np.float32)[..., None]
