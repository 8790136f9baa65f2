"""``gisr serve`` as it looks in a browser: on a phone and a screen, its messages and colours."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.end_to_end.browser import NEEDS_BROWSER, Page, browsing, opened, wait_for
from tests.end_to_end.page_files import head, landsat, motorcycle
from tests.end_to_end.page_server import Server, serving

pytestmark = NEEDS_BROWSER
WIDTHS = (420, 1280)
_TOO_WIDE = """
    const width = document.documentElement.clientWidth;
    return [...document.querySelectorAll("body *")]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > width + 1)
        .map(e => e.tagName + "#" + e.id + "." + e.className);
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[Server]:
    """Give a running page with small limits; its end deletes everything."""
    with serving(tmp_path_factory.mktemp("server"), tiny_weights) as server:
        yield server


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a browser for all tests here."""
    with browsing(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture
def page(driver: Any, server: Server, tmp_path: Path) -> Iterator[Page]:
    """Give the page, loaded anew; whoever opened it is gone afterwards."""
    page = opened(driver, server, tmp_path)
    page.find("#go")
    yield page
    driver.get("about:blank")


def check_width(page: Page) -> None:
    """Check that nothing has to be scrolled sideways, on a phone nor on a screen."""
    for width in WIDTHS:
        page.narrow(width)
        sides = "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
        time.sleep(1)  # for what moves into its place
        scrolled, client = page.driver.execute_script(sides)
        assert page.driver.execute_script(_TOO_WIDE) == []
        assert width - 20 <= client <= width and scrolled <= client


def sharpen(page: Page, files: tuple[Path, ...], taken_for: str) -> None:
    page.click("#options button")
    page.give("target", files[0])
    page.give("guide", files[1])
    page.wait_for_text("#look", taken_for)
    if len(files) > 2:
        page.give("truth", files[2])
        page.wait_for_text("#truth", files[2].stem)
    check_width(page)
    page.click("#go")
    page.wait_to_see("#slider img")
    page.wait_for_text("#caption", "Rows 0 to")


def shown(page: Page, side: str, place: Path) -> np.ndarray:
    """Return a picture that the server shows: ``left`` or ``right``."""
    found = sorted(place.rglob(f"{side}.png"), key=lambda path: path.stat().st_mtime)
    return np.asarray(Image.open(found[-1]))


def test_an_empty_page_and_its_messages(page: Page) -> None:
    check_width(page)
    assert "Examples:" in page.text("#examples")
    assert page.find("#examples").size["width"] > 50
    page.click("#go")
    page.wait_for_text(".toast-body", "give a target and a guide first")
    assert page.text(".toast-message-text").startswith("This does not work\n")
    hidden = "return getComputedStyle(document.querySelector('.toast-title')).visibility"
    assert page.driver.execute_script(hidden) == "hidden"
    assert not page.sees("#status .error")
    check_width(page)


def test_a_depth_map_has_a_bar_with_near_and_far(
    page: Page, server: Server, tmp_path: Path
) -> None:
    target, guide, _ = motorcycle(tmp_path)
    named = tmp_path / "a_depth_map_whose_name_is_long_and_has_no_space_0001.npy"
    sharpen(page, (target.rename(named), guide), "Depth map")
    check_width(page)
    labels = "return [...document.querySelectorAll('.gisr-bar span')].map(e => e.innerText)"
    near, far = page.driver.execute_script(labels)
    assert near.startswith("near: ") and far.startswith("far: ")
    values = np.load(named)
    low, high = float(near.split()[1]), float(far.split()[1])
    assert np.nanmin(values) <= low < high <= np.nanmax(values) * 1.01
    page.choose("values", "'near (disparity)'")
    page.wait_for_text(".gisr-bar", "far: ")
    wait_for(
        lambda: page.driver.execute_script(labels)[0].startswith("far: "), "far on the left side"
    )
    assert page.driver.execute_script(labels)[1].startswith("near: ")
    # The bar is drawn, in more than one colour.
    bar = page.find(".gisr-bar div")
    assert bar.size["height"] > 8 and bar.size["width"] > 200
    assert bar.value_of_css_property("background-image").count("rgb(") > 10
    page.click("#experts button")
    page.click("#route")
    page.wait_to_see("#routing img")
    check_width(page)
    # What is empty was left by nobody.
    kept = [path for path in server.folder.rglob("*") if path.is_file()]
    assert kept and all(path.stat().st_size for path in kept)


def test_a_disparity_map_is_near_where_it_is_large(page: Page, tmp_path: Path) -> None:
    target, guide, _ = motorcycle(tmp_path)
    sharpen(page, (target, guide), "Depth map")
    page.wait_for_text(".gisr-bar", "near: ")
    assert page.text(".gisr-bar").strip().startswith("far: ")


def test_bands_of_a_satellite_image_are_stretched_alike_on_both_sides(
    page: Page, server: Server, tmp_path: Path, data_folder: Path
) -> None:
    files = landsat(tmp_path, data_folder)
    sharpen(page, files, "Satellite image")
    page.wait_for_text("#caption", "From black to full colour: red ")
    page.wait_for_text("#scores", "ERGAS")
    check_width(page)
    left, right = (shown(page, side, server.folder) for side in ("left", "right"))
    for side in (left, right):
        for band in range(3):
            values = side[..., band]
            assert (values == 0).mean() < 0.1 and (values == 255).mean() < 0.1
            assert np.ptp(np.percentile(values, (5, 95))) > 120
    # Both sides have the same limits: they differ by what was sharpened alone.
    assert abs(left.mean(axis=(0, 1)) - right.mean(axis=(0, 1))).max() < 12


def test_an_mr_volume_fits_a_phone(page: Page, tmp_path: Path, data_folder: Path) -> None:
    sharpen(page, head(tmp_path, data_folder)[:2], "MR volume")
    page.wait_to_see("#slice")
    check_width(page)
    assert not page.sees("#values") and not page.sees(".gisr-bar")
