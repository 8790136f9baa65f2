"""``gisr align``: the shift of two files, without sharpening anything."""

import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

from gisr.apps.machine import set_threads
from gisr.notes import note_lines
from gisr.pipelines.options import Options

if TYPE_CHECKING:
    from gisr.pipelines.scene_shift import SceneShift


def align(
    target: str,
    guide: str,
    *,
    sensor: str | None = None,
    mtf: float | None = None,
    bits: int | None = None,
    json: bool = False,
    threads: int | None = None,
    verbose: bool = False,
) -> None:
    """Estimate how far a panchromatic GeoTIFF is off from a multispectral one.

    This is the estimate that upscale makes before it sharpens. Nothing is written: the shift is
    printed in pixels and in the units of the map, and how far it can be believed.

    Args:
        target: The multispectral GeoTIFF.
        guide: The panchromatic GeoTIFF.
        sensor: Satellite sensor, for example QuickBird (see `gisr tasks`).
        mtf: Response of the multispectral bands at their Nyquist frequency, between 0 and 1; the
            sensor's when left out.
        bits: Significant bits per sample, for example 11.
        json: Print one line of JSON for other programs.
        threads: CPU threads.
        verbose: Print all that was assumed.
    """
    # Options are checked before the second that the rest takes to load.
    options = Options(sensor=sensor, mtf=mtf, bits=bits)
    from gisr.pipelines.scene_shift import scene_shift

    set_threads(threads)
    found = scene_shift(target, guide, options)
    for line in note_lines(found.notes, verbose=verbose):
        print(f"gisr: {line}", file=sys.stderr)
    sentence = f"{Path(guide).name}: {_words(found, target)}"
    print(dumps(_as_json(found) | {"text": sentence}) if json else sentence)


def _words(found: "SceneShift", target: str) -> str:
    """Return the shift in a sentence, and what speaks for it."""
    seen, name = found.alignment, Path(target).name
    down, right = seen.offset
    off = f"({down:+.2f}, {right:+.2f}) pixels (down, right)"
    if found.offset_map is not None:
        x, y = found.offset_map
        off += f", ({x:+.6g}, {y:+.6g}) {found.map_unit} (x, y)"
    said = {
        "shifted": f"off from {name} by {off}",
        "aligned": f"lies on {name}, to a tenth of a pixel",
        "unclear": f"no shift against {name} can be seen, nor that there is none",
        "too far": f"seems off from {name} by {off}: too far to be real, check the georeference",
    }[seen.found]
    cells, agreement = seen.votes
    if not cells:
        return f"{said} (no part of the images can be compared)"
    moved = f" to {seen.after:.3f} when moved" if seen.after != seen.before else ""
    agree = f"{agreement:.0%} of {cells} parts of the images agree"
    apart = f", but {seen.apart}" if seen.apart else ""
    return f"{said} ({agree}, correlation {seen.before:.3f}{moved}){apart}"


def _as_json(found: "SceneShift") -> dict[str, object]:
    """Return the shift by name; null where none can be seen."""
    seen = found.alignment
    known = seen.found != "unclear"
    return {
        "found": seen.found,
        "reliable": seen.found in ("shifted", "aligned") and not seen.apart,
        "guide_offset_px": list(seen.offset) if known else None,
        "guide_offset_map": list(found.offset_map) if known and found.offset_map else None,
        "map_unit": found.map_unit,
        "cells": seen.votes[0],
        "agreement": seen.votes[1],
        "correlation_before": round(seen.before, 4),
        "correlation_after": round(seen.after, 4),
    }
