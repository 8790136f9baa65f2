"""Pictures of a result for the page: two to compare, spread, filled holes and an overview."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from gisr.array_types import Values
from gisr.pipelines.layers import LayerName, Layers, Plane
from gisr.rendering.colours import Colours, coloured_depth, red_green_blue
from gisr.rendering.display import Display
from gisr.rendering.stretch import (
    Stretch,
    finite_percentile,
    magnitude_colours,
    percentile_or_one,
    photograph_bands,
)
from gisr.tasks import TaskName, find_task
from gisr.windows import Window

Comparison = Literal["interpolated", "guide", "truth", "errors"]
"""What the sharpened image is compared with; ``errors`` are those of both, against the truth."""

LARGEST_VIEW = 768
"""Images up to this side are shown whole; of larger ones a window of it is shown."""
_OVERVIEW = 240
_SHOWN = 720
"""Small images are enlarged to about this side, their pixels as squares."""
_STRETCH = (0.5, 99.5)
"""Percentiles that become black and white."""
_BAND_STRETCH = (2, 98)
"""Of each band of a satellite image, as viewers of such images have it: clouds and shores are few
and bright."""
_MARK = (255, 196, 0)
_STOPS = 17
"""Colours of a bar, between which a browser interpolates."""


@dataclass(frozen=True)
class ColourBar:
    """What the colours of a map stand for, from left to right."""

    low: float
    high: float
    first: str
    """Said before the value at the left end: ``near: ``."""
    last: str
    stops: tuple[str, ...]
    """Colours of CSS, evenly spaced."""


@dataclass(frozen=True)
class View:
    """The part of a result that is shown, and how."""

    plane: Plane = field(default_factory=Plane)
    centre: tuple[float, float] = (0.5, 0.5)
    """Middle of the window: shares of the height and of the width."""
    bands: tuple[int, ...] = (0, 1, 2)
    """Indices of the bands shown as red, green and blue; one band is shown grey."""
    comparison: Comparison = "interpolated"
    disparity: bool = False
    """Whether large values of a depth map are near, and not far."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """Two pictures of one place."""

    left: Colours
    right: Colours
    left_name: str
    right_name: str
    caption: str
    """Rows and columns of the part that is shown, and the scale of the colours."""
    bar: ColourBar | None = None
    """Of an image in the colours of a map."""


def natural_bands(names: Sequence[str]) -> tuple[int, int, int]:
    """Return the indices of red, green and blue: by name, else as sensors order their bands."""
    lower = [name.lower() for name in names]
    found = [
        next((index for index, name in enumerate(lower) if colour in name.split()), None)
        for colour in ("red", "green", "blue")
    ]
    if None not in found:
        red, green, blue = (int(index or 0) for index in found)
        return red, green, blue
    return (0, 0, 0) if len(names) < 3 else red_green_blue(len(names))


def window_of(layers: Layers, view: View) -> Window:
    """Return the part of a plane that is shown."""
    parts = []
    for size, share in zip(layers.size(view.plane), view.centre, strict=True):
        side = min(size, LARGEST_VIEW)
        start = min(max(0, round(share * size) - side // 2), size - side)
        parts.append(slice(start, start + side))
    return parts[0], parts[1]


def draw_view(layers: Layers, task: TaskName, view: View) -> Drawing:
    """Draw the sharpened image and what it is compared with.

    Images of the target share one stretch, of its own for every band; both error maps share one
    scale; the guide has its own.

    Args:
        layers: Of a result.
        task: What they are.
        view: The part to draw; ``truth`` and ``errors`` need a truth.
    """
    window, bar = window_of(layers, view), None

    def read(name: LayerName) -> Float[np.ndarray, "h w channels"]:
        return layers.read(name, view.plane, window)

    sharpened, interpolated = read("sharpened"), read("interpolated")
    if view.comparison == "errors":
        truth = read("truth")
        before, after = (np.abs(x - truth).mean(axis=2) for x in (interpolated, sharpened))
        top = percentile_or_one(before, _STRETCH[1])
        left, right = (magnitude_colours(error, top) for error in (before, after))
        names = "error of interpolated", "error of sharpened"
        scale = f"Black: no error, white: {top:.3g} or more"
    else:
        bands = view.bands if sharpened.shape[2] > 1 else (0,)
        stretch = _shared_stretch(interpolated, bands, find_task(task).display)
        right = stretch.colours(sharpened)
        names = view.comparison, "sharpened"
        bar = _colour_bar(stretch, task, view)
        scale = _limits_text(stretch)
        if view.comparison == "guide":
            left = _guide_colours(read("guide"))
        else:
            left = stretch.colours(read(view.comparison))
    factor = _factor(left)
    left, right = _enlarged(left), _enlarged(right)
    rows, columns = (f"{part.start} to {part.stop - 1}" for part in window)
    enlarged = f", enlarged {factor} times" if factor > 1 else ""
    caption = f"Rows {rows}, columns {columns}{enlarged}. {scale}."
    return Drawing(left, right, *names, caption, bar)


def _shared_stretch(image: Values, bands: tuple[int, ...], display: Display) -> Stretch:
    """Return a stretch with limits for each band that is shown, from its known pixels."""
    percentiles = _BAND_STRETCH if display == "bands" else _STRETCH
    limits = np.array([_limits(image[..., [band]], percentiles) for band in bands])
    if len(bands) == 1:
        return Stretch.between(display, bands, float(limits[0, 0]), float(limits[0, 1]))
    return Stretch.between(display, bands, limits[:, 0], limits[:, 1])


def _limits_text(stretch: Stretch) -> str:
    """Return what is black and what is white, band by band."""
    if stretch.display == "coloured":
        return "The bar has the values of the file; grey is unknown"
    if not isinstance(stretch.low, np.ndarray) or not isinstance(stretch.high, np.ndarray):
        return f"Black: {stretch.low:.4g} or less, white: {stretch.high:.4g} or more"
    named = zip(("red", "green", "blue"), stretch.low, stretch.high, strict=True)
    bands = ", ".join(f"{name} {low:.4g} to {high:.4g}" for name, low, high in named)
    return f"From black to full colour: {bands}"


def _colour_bar(stretch: Stretch, task: TaskName, view: View) -> ColourBar | None:
    """Return the bar of an image in the colours of a map; None of another."""
    if stretch.display != "coloured":
        return None
    rows = coloured_depth(np.linspace(0, 1, _STOPS)[None])[0]
    stops = tuple("#" + "".join(f"{part:02x}" for part in colour) for colour in rows.tolist())
    ends = "", ""
    if find_task(task).surfaces:
        ends = ("far: ", "near: ") if view.disparity else ("near: ", "far: ")
    return ColourBar(float(stretch.low), float(stretch.high), *ends, stops)


def draw_spread(layers: Layers, view: View) -> tuple[Colours, float] | None:
    """Draw the spread of the estimates in the window in view, the mean over all bands.

    Returns:
        The picture, black where all estimates were equal, and the spread that is white; None where
        no uncertainty was requested.
    """
    if "spread" not in layers.names:
        return None
    spread = layers.read("spread", view.plane, window_of(layers, view)).mean(axis=2)
    top = percentile_or_one(spread, _STRETCH[1])
    return _enlarged(magnitude_colours(spread, top)), top


def draw_filled(layers: Layers, view: View) -> Colours | None:
    """Draw filled holes in white; None where filling was not requested."""
    if "filled" not in layers.names:
        return None
    filled = layers.read("filled", view.plane, window_of(layers, view))
    return _enlarged(Stretch("grey", (0,), 0.0, 1.0).colours(filled))


def draw_overview(layers: Layers, view: View) -> Colours | None:
    """Draw the whole guide, small, with a frame around the window; None where all is shown."""
    height, width = layers.size(view.plane)
    window = window_of(layers, view)
    if all(
        part.stop - part.start == size for part, size in zip(window, (height, width), strict=True)
    ):
        return None
    picture = Image.fromarray(
        np.ascontiguousarray(_guide_colours(layers.thinned("guide", view.plane, _OVERVIEW)))
    )
    scale = picture.height / height, picture.width / width
    (top, bottom), (left, right) = (
        (part.start * factor, part.stop * factor)
        for part, factor in zip(window, scale, strict=True)
    )
    frame = [left, top, min(right, picture.width - 1), min(bottom, picture.height - 1)]
    ImageDraw.Draw(picture).rectangle(frame, outline=_MARK, width=2)
    return np.asarray(picture)


def overview_scale(layers: Layers) -> int:
    """Return how many pixels of the grid a pixel of the overview stands for."""
    return -(-max(layers.size(Plane())) // _OVERVIEW)


def _factor(image: Colours) -> int:
    """Return how many times a small image is enlarged."""
    longest: int = max(image.shape[:2])
    return max(1, _SHOWN // longest)


def _enlarged(image: Colours) -> Colours:
    factor = _factor(image)
    return image.repeat(factor, 0).repeat(factor, 1)


def _guide_colours(guide: Float[np.ndarray, "h w channels"]) -> Colours:
    bands = photograph_bands(guide.shape[2])
    return Stretch.between("bands", bands, *_limits(guide[..., list(bands)])).colours(guide)


def _limits(
    values: Float[np.ndarray, "h w bands"], percentiles: tuple[float, float] = _STRETCH
) -> tuple[float, float]:
    """Return the values that become black and white, of all bands given together."""
    low, high = percentiles
    return finite_percentile(values, low), finite_percentile(values, high)
