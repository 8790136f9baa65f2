"""A contact sheet: entries of a data set side by side, to see at a glance what is in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw

from gisr.datasets.entry import Entry, Frame, Pixels, Scan
from gisr.datasets.overview import sizes_of
from gisr.errors import GisrError, MissingExtraError
from gisr.io.files import atomic_output
from gisr.rendering.colours import INK, PAPER, QUIET, Colours, letters
from gisr.rendering.stretch import Stretch
from gisr.sizes import picture_size
from gisr.tasks import find_task

_HEIGHT, _WIDEST = 200, 240
"""Of a panel, in pixels."""
_SHEET, _NARROWEST = 1600, 400
"""Width that a sheet fills with as many cards as fit, and that a card leaves its words."""
_MARGIN, _GAP, _CAPTION, _TITLE = 16, 6, 62, 46
_FAULT = (176, 32, 32)
_STRETCH = (1.0, 98.5)
"""Percentiles of an image that become black and white."""


@dataclass(frozen=True)
class _Card:
    """An entry as it stands on the sheet."""

    title: str
    about: str
    panels: tuple[tuple[str, Image.Image], ...]
    fault: str = ""

    @property
    def width(self) -> int:
        return max(_NARROWEST, sum(panel.width + _GAP for _, panel in self.panels) - _GAP)


def draw_contact_sheet(path: Path, entries: Sequence[Entry], title: str, *, count: int) -> None:
    """Draw entries, spread evenly over those given, as a PNG.

    Targets and truths stand beside their guides, all on the same height, each stretched between
    percentiles of its own; unknown pixels are grey. An entry that cannot be read is shown
    with the reason. Volumes show their middle slice that counts, turned so that up is up.

    Args:
        path: PNG to write; an existing one is replaced.
        entries: At least one.
        title: Stands above.
        count: How many to draw at most.

    Raises:
        FileFormatError: The picture cannot be written.
        MissingExtraError: A package that reads the files is not installed.
    """
    chosen = np.unique(np.linspace(0, len(entries) - 1, min(count, len(entries))).astype(int))
    cards = [_card(entries[index]) for index in chosen]
    shown = (
        f"{len(cards)} of {len(entries)} entries" if len(cards) < len(entries) else "all entries"
    )
    sheet = _lay_out(cards, f"{title}: {shown}")
    with atomic_output(path, overwrite=True) as temporary:
        sheet.save(temporary, format="PNG")


def _card(entry: Entry) -> _Card:
    about = " · ".join(filter(None, (entry.task, entry.split, entry.kind)))
    try:
        panels = tuple((caption, _panel(pixels)) for caption, pixels in _pictures(entry))
        if isinstance(entry, Scan):  # one size, and captions too narrow for it
            about += f" · {sizes_of(entry)}"
        return _Card(entry.name, about, panels)
    except MissingExtraError:
        raise
    except GisrError as error:
        blank = Image.new("RGB", (2 * _HEIGHT, _HEIGHT), (240, 240, 240))
        return _Card(entry.name, about, (("cannot be read", blank),), str(error))


def _pictures(entry: Entry) -> Iterator[tuple[str, Colours]]:
    """Yield the images of an entry as colours, with captions."""
    for name, image in entry.images().items():
        size = picture_size(image.shape)
        if isinstance(entry, Scan):
            indices = entry.slices or range(image.shape[2])
            index = indices[len(indices) // 2]
            plane = np.rot90(_thinned(image, index)[..., 0])
            yield f"{name}, slice {index}", _target(entry, plane[..., None])
        elif isinstance(entry, Frame) and name == "depth":
            known = _thinned(entry.stored_depth[1])[..., 0] > 0
            yield f"depth, {size}", _target(entry, _thinned(image), known)
        elif name in ("guide", "colour"):
            yield f"{name}, {size}", _guide(_thinned(image))
        else:
            yield f"{name}, {size}", _target(entry, _thinned(image))


def _target(
    entry: Entry,
    pixels: Float[np.ndarray, "h w bands"],
    known: Bool[np.ndarray, "h w"] | None = None,
) -> Colours:
    stretch = Stretch.of_target(find_task(entry.task).display, pixels, _STRETCH, known)
    return stretch.colours(pixels, known)


def _guide(pixels: Float[np.ndarray, "h w bands"]) -> Colours:
    return Stretch.of_guide(pixels, _STRETCH).colours(pixels.astype(np.float64))


def _thinned(image: Pixels, index: int | None = None) -> Float[np.ndarray, "h w bands"]:
    """Read every n-th pixel, so that a whole scene is neither read nor converted for a panel."""
    step = max(1, image.shape[0] // (2 * _HEIGHT))
    window = (slice(None, None, step), slice(None, None, step))
    pixels = image[window] if index is None else image[(*window, index)]
    return np.atleast_3d(pixels.astype(np.float32))


def _panel(pixels: Colours) -> Image.Image:
    """Bring a picture to the height of a panel; pixels that are enlarged stay squares."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    scale = min(_HEIGHT / picture.height, _WIDEST / picture.width)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return picture.resize(size, method)


def _lay_out(cards: Sequence[_Card], title: str) -> Image.Image:
    """Place cards side by side and begin a new row where one does not fit any more."""
    corners = []
    left, top = _MARGIN, _TITLE
    for card in cards:
        if left > _MARGIN and left + card.width + _MARGIN > _SHEET:
            left, top = _MARGIN, top + _CAPTION + _HEIGHT + _MARGIN
        corners.append((left, top))
        left += card.width + 2 * _MARGIN
    ends = [x + card.width + _MARGIN for (x, _), card in zip(corners, cards, strict=True)]
    height = corners[-1][1] + _CAPTION + _HEIGHT + _MARGIN
    sheet = Image.new("RGB", (max(ends), height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, 12), _cut(draw, title, max(ends) - 2 * _MARGIN, 20), INK, letters(20))
    for card, corner in zip(cards, corners, strict=True):
        _draw_card(sheet, card, corner)
    return sheet


def _draw_card(sheet: Image.Image, card: _Card, corner: tuple[int, int]) -> None:
    draw = ImageDraw.Draw(sheet)
    left, top = corner
    draw.text((left, top), _cut(draw, card.title, card.width, 16), INK, letters(16))
    draw.text((left, top + 21), _cut(draw, card.about, card.width, 13), QUIET, letters(13))
    x = left
    for caption, panel in card.panels:
        draw.text((x, top + 41), _cut(draw, caption, panel.width, 13), INK, letters(13))
        sheet.paste(panel, (x, top + _CAPTION))
        x += panel.width + _GAP
    for number, line in enumerate(_wrapped(draw, card.fault, 2 * _HEIGHT - 2 * _GAP)):
        draw.text((left + _GAP, top + _CAPTION + _GAP + 17 * number), line, _FAULT, letters(13))


def _cut(draw: ImageDraw.ImageDraw, text: str, room: int, size: int) -> str:
    """Shorten a text to what fits."""
    if draw.textlength(text, letters(size)) <= room:
        return text
    while text and draw.textlength(f"{text}…", letters(size)) > room:
        text = text[:-1]
    return f"{text}…"


def _wrapped(draw: ImageDraw.ImageDraw, text: str, room: int) -> list[str]:
    lines = [""]
    for letter in text:  # paths have no spaces to break at
        if draw.textlength(lines[-1] + letter, letters(13)) > room:
            lines.append("")
        lines[-1] += letter
    return lines[: (_HEIGHT - 2 * _GAP) // 17]
