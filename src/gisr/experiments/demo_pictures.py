"""Before, after and error side by side, drawn with Pillow alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw
from scipy.ndimage import uniform_filter

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.windowed_pair import nearest_pixels
from gisr.rendering.colours import INK, PAPER, QUIET, Colours, cubehelix, letters, paint_unknown
from gisr.rendering.stretch import Stretch, magnitude_colours, percentile_or_one
from gisr.tasks import find_task
from gisr.windows import Window

_PANEL = 360
"""Side of a panel on the sheet, in pixels."""
_MARGIN, _CAPTION, _TITLE = 14, 30, 64
_STRETCH = (0.5, 99.5)
"""Percentiles that become black and white."""


@dataclass(frozen=True)
class Sheet:
    """What stands on one picture besides the images themselves."""

    title: str
    subtitle: str
    guide: str
    """Caption of the guide."""
    unit: str
    """Unit of the error scale."""
    lines: tuple[str, ...]
    """The table beside the error maps."""


def draw_comparison(
    path: Path,
    sheet: Sheet,
    pair: Pair,
    estimates: Sequence[tuple[str, Float[np.ndarray, "H W bands"]]],
    window_side: int = 180,
) -> None:
    """Draw guide, input, two estimates, truth and both error maps.

    Shows the square with the largest mean error of the first estimate. Both error
    maps share one scale, and all images of the target one stretch.

    Args:
        path: PNG to write.
        sheet: Titles and table.
        pair: With a truth.
        estimates: Name and image of the two compared systems, the baseline first.
        window_side: Side of the square in guide pixels.

    Raises:
        InputError: The pair has no truth.
    """
    if pair.truth is None:
        raise InputError(f"{pair.name or 'pair'} has no truth to draw")
    errors = [mean_error(image, pair) for _, image in estimates]
    window = worst_window(errors[0], window_side)
    top = percentile_or_one(errors[0][window], 99.5)
    truth_known = None if pair.truth_valid is None else pair.truth_valid[window]
    display, truth = find_task(pair.task).display, pair.truth[window]
    stretch = Stretch.of_target(display, truth, _STRETCH, truth_known, per_band=False)
    sides = pair.truth.shape[:2]
    before = stretch.colours(nearest_pixels(pair.target, sides, pair.placement)[window])
    holes = ""
    if pair.valid is not None:
        known = nearest_pixels(pair.valid, sides, pair.placement)[window]
        before, holes = paint_unknown(before, known), " (grey: unknown)"
    upper = [
        (f"guide: {sheet.guide}", _guide_colours(pair, window)),
        (f"target, 1/{pair.ratio:g} of the size{holes}", before),
        *((name, stretch.colours(image[window])) for name, image in estimates),
    ]
    lower = [
        (
            "truth" if truth_known is None else "truth (grey: unknown)",
            stretch.colours(truth, truth_known),
        ),
        None,
        *(
            (f"error of {name}", magnitude_colours(error[window], top, truth_known))
            for (name, _), error in zip(estimates, errors, strict=True)
        ),
    ]
    image = _lay_out(sheet, [upper, lower])
    _draw_table(image, sheet, top)
    image.save(path)


def worst_window(error: Float[np.ndarray, "H W"], side: int) -> Window:
    """Return the square of the image with the largest mean error."""
    rows, columns = (min(side, size) for size in error.shape)
    mean = uniform_filter(error.astype(np.float64), (rows, columns), mode="constant")
    # The filter's output is the mean around a pixel: keep those whose square lies inside.
    inside = mean[
        rows // 2 : error.shape[0] - rows + rows // 2 + 1,
        columns // 2 : error.shape[1] - columns + columns // 2 + 1,
    ]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return slice(int(top), int(top) + rows), slice(int(left), int(left) + columns)


def _guide_colours(pair: Pair, window: Window) -> Colours:
    return Stretch.of_guide(pair.guide, _STRETCH).colours(pair.guide[window].astype(np.float64))


def mean_error(image: Float[np.ndarray, "H W bands"], pair: Pair) -> Float[np.ndarray, "H W"]:
    """Return the mean absolute error over bands, 0 where the truth is unknown."""
    error = np.abs(image - pair.truth).mean(axis=2)
    return error if pair.truth_valid is None else np.where(pair.truth_valid, error, 0)


def _lay_out(sheet: Sheet, rows: Sequence[Sequence[tuple[str, Colours] | None]]) -> Image.Image:
    """Paste captioned panels onto white paper; None leaves a gap."""
    width = _MARGIN + len(rows[0]) * (_PANEL + _MARGIN)
    height = _TITLE + len(rows) * (_PANEL + _CAPTION + _MARGIN)
    paper = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(paper)
    draw.text((_MARGIN, 8), sheet.title, INK, letters(20))
    draw.text((_MARGIN, 36), sheet.subtitle, QUIET, letters(14))
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels):
            if panel is None:
                continue
            caption, pixels = panel
            left, top = _corner(row, column)
            draw.text((left, top), caption, INK, letters(16))
            shown = Image.fromarray(np.ascontiguousarray(pixels))
            shown = shown.resize((_PANEL, _PANEL), Image.Resampling.NEAREST)
            paper.paste(shown, (left, top + _CAPTION - 6))
    return paper


def _draw_table(paper: Image.Image, sheet: Sheet, top: float) -> None:
    """Write the table and the common scale of the errors into the gap of the second row."""
    draw = ImageDraw.Draw(paper)
    left, upper = _corner(1, 1)
    for number, line in enumerate(sheet.lines):
        draw.text((left, upper + _CAPTION + 24 * number), line, INK, letters(15))
    lower = upper + _CAPTION + _PANEL - 6
    ramp = cubehelix(np.tile(np.linspace(0, 1, _PANEL), (18, 1)))
    paper.paste(Image.fromarray(ramp), (left, lower - 44))
    draw.text((left, lower - 68), f"absolute error in {sheet.unit}", INK, letters(15))
    draw.text((left, lower - 22), "0", INK, letters(15))
    label = f"{top:.3g} and more"
    room = draw.textlength(label, letters(15))
    draw.text((left + _PANEL - room, lower - 22), label, INK, letters(15))


def _corner(row: int, column: int) -> tuple[int, int]:
    return (
        _MARGIN + column * (_PANEL + _MARGIN),
        _TITLE + row * (_PANEL + _CAPTION + _MARGIN),
    )
