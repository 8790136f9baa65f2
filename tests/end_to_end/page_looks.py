"""What a page has to look like in the browser: it fits its window, and its sides are alike."""

import time
from pathlib import Path

import numpy as np
from PIL import Image
from tests.end_to_end.browser import Page, wait_for

_WIDTHS = (420, 1280)
"""Of a phone, and of a screen."""
_TOO_WIDE = """
    const width = document.documentElement.clientWidth;
    return [...document.querySelectorAll("body *")]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > width + 1)
        .map(e => e.tagName + "#" + e.id + "." + e.className);
"""
_PLACES = """
    const moving = document.getAnimations().filter(e => e.playState == "running").length;
    return [moving, ...[...document.querySelectorAll("body *")].map(e => e.getBoundingClientRect())
        .flatMap(e => [e.left, e.top, e.width, e.height])];
"""


def check_width(page: Page) -> None:
    """Check that nothing has to be scrolled sideways, on a phone nor on a screen."""
    for width in _WIDTHS:
        page.narrow(width)
        sides = "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
        wait_for(lambda: _rests(page), "what moves into its place")
        scrolled, client = page.driver.execute_script(sides)
        assert page.driver.execute_script(_TOO_WIDE) == []
        assert width - 20 <= client <= width and scrolled <= client


def check_stretched_alike(folder: Path) -> None:
    """Check the pictures of a satellite image that a server shows.

    Args:
        folder: Of the server.
    """
    left, right = (_shown(side, folder) for side in ("left", "right"))
    for side in (left, right):
        for band in range(3):
            values = side[..., band]
            assert (values == 0).mean() < 0.1 and (values == 255).mean() < 0.1
            assert np.ptp(np.percentile(values, (5, 95))) > 120
    # Both sides have the same limits: they differ by what was sharpened alone.
    assert abs(left.mean(axis=(0, 1)) - right.mean(axis=(0, 1))).max() < 12


def _rests(page: Page) -> bool:
    """Return whether nothing on the page moves for some time."""
    before = page.driver.execute_script(_PLACES)
    for _ in range(3):
        time.sleep(0.1)
        if page.driver.execute_script(_PLACES) != before:
            return False
    return True


def _shown(side: str, folder: Path) -> np.ndarray:
    found = sorted(folder.rglob(f"{side}.png"), key=lambda path: path.stat().st_mtime)
    return np.asarray(Image.open(found[-1]))
