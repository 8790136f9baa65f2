"""Thermal images: two arrays in, one out. ``tests/test_contributing.py`` adds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from gisr.errors import InputError
from gisr.io.depth.maps import DepthMap, read_depth, spread_like, stored_depth, write_stored
from gisr.io.files import file_suffix
from gisr.io.limits import Limits
from gisr.notes import Note
from gisr.pipelines.layers import DepthLayers, LayerName, Layers, Truth, check_truth
from gisr.pipelines.options import Options
from gisr.pipelines.pipeline import Pipeline, check_values
from gisr.pipelines.request import FileResult, Request
from gisr.sizes import picture_size
from gisr.tasks import Task
from gisr.tasks.thermal import THERMAL  # type: ignore[import-not-found]  # it is there in step 1

if TYPE_CHECKING:  # torch takes seconds to load
    from gisr.inference.answers import Answer, Check, Progress
    from gisr.inference.system import PairSystem

_ANY_VALUE = float("nan")
"""As ``invalid``: every finite value of a picture is one."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """What is read: temperatures, 0 where unknown, and a picture."""

    target: DepthMap
    guide: DepthMap


class ThermalPipeline(Pipeline[Arrays]):
    """A thermal image and a grey picture in, a thermal image of the picture's size out."""

    task: ClassVar[Task] = THERMAL

    def recognises(self, target: Path, guide: Path) -> bool:
        """Return whether both are arrays."""
        return {file_suffix(path) for path in (target, guide)} == {".npy"}

    def read(self, target: Path, guide: Path, options: Options, limits: Limits) -> Arrays:
        """Read both."""
        picture = read_depth(guide, invalid=_ANY_VALUE, limits=limits)
        return Arrays(read_depth(target, limits=limits), picture)

    def check(self, request: Request[Arrays]) -> None:
        """Refuse shapes that do not fit together, and images without a value."""
        files = request.files
        request.place(files.target.shape, files.guide.shape, None)
        known = files.target.values[files.target.valid]
        if not known.size:
            raise InputError(f"{files.target.path}: no temperature is known: nothing to sharpen")
        check_values(files.target.path, float(known.min()), float(known.max()))

    def run(
        self,
        system: "PairSystem",
        request: Request[Arrays],
        check: "Check",
        progress: "Progress | None",
    ) -> FileResult:
        """Sharpen, and write the result and what was requested besides."""
        from gisr.inference.windowed_pair import nearest_pixels
        from gisr.pipelines.report import ArrayResult, write_report

        target, options = request.files.target, request.options
        pair = request.pair(
            target.values.astype(np.float32)[..., None],
            request.files.guide.values.astype(np.float32)[..., None],
            None if target.valid.all() else target.valid,
            None,
        )
        answer = system.answer(pair, options.settings, check=check, progress=progress)
        shape = request.files.guide.shape
        result = FileResult(
            path=request.output,
            task=request.task,
            shape=shape,
            dtype=target.dtype.name,
            ratio=pair.ratio,
            grid=pair.grid,
            consistency=answer.consistency,
            further=tuple(options.further_files.values()),
            notes=() if answer.consistency is None else (Note(answer.consistency.note),),
        )
        with request.writing() as places:
            valid = nearest_pixels(target.valid, shape, pair.placement)
            _write(request, answer, valid, places)
            if options.report is not None:
                shown = ArrayResult(pair, answer.image, answer.spread)
                write_report(system, request, result, shown, places["report"])
        return result

    def summary(self, request: Request[Arrays]) -> str:
        """Return both sizes."""
        files = request.files
        return f"{picture_size(files.target.shape)} to {picture_size(files.guide.shape)}"

    def band_names(self, request: Request[Arrays]) -> tuple[str, ...]:
        """Return nothing: there is one band."""
        return ()

    def read_truth(self, path: Path, request: Request[Arrays], limits: Limits) -> Truth:
        """Read a reference."""
        image = _image(path)
        check_truth(path, image.shape[:2], request.files.guide.shape)
        return Truth(path, image)

    def layers(
        self, request: Request[Arrays], interpolated: Path, truth: Truth | None, limits: Limits
    ) -> Layers:
        """Return the images in memory."""
        images: dict[LayerName, Float[np.ndarray, "h w 1"]] = {
            "interpolated": _image(interpolated),
            "sharpened": _image(request.output),
            "guide": request.files.guide.values.astype(np.float32)[..., None],
        }
        if truth is not None:
            assert isinstance(truth.content, np.ndarray)
            images["truth"] = truth.content
        return DepthLayers(images)

    def bits(self, request: Request[Arrays]) -> int | None:
        """Return None: temperatures have no range of their own."""
        return None


def _write(
    request: Request[Arrays],
    answer: "Answer",
    valid: Bool[np.ndarray, "H W"],
    places: Mapping[str, Path],
) -> None:
    target, options = request.files.target, request.options
    samples = stored_depth(request.output, answer.image[..., 0], valid, like=target)
    write_stored(request.output, places["output"], samples)
    if options.uncertainty is not None and answer.spread is not None:
        path, like = Path(options.uncertainty), spread_like(target)
        spread = stored_depth(path, answer.spread[..., 0], valid, like=like)
        write_stored(path, places["uncertainty"], spread)


def _image(path: Path) -> Float[np.ndarray, "h w 1"]:
    found = read_depth(path)
    return np.where(found.valid, found.values, np.nan).astype(np.float32)[..., None]
