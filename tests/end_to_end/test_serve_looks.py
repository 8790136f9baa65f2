"""``gisr serve`` as it looks in a browser: on a phone and a screen, its messages and colours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.end_to_end.browser import NEEDS_BROWSER, Page, opened, wait_for
from tests.end_to_end.page_files import motorcycle
from tests.end_to_end.page_looks import check_width
from tests.end_to_end.page_server import Server

pytestmark = NEEDS_BROWSER


@pytest.fixture
def page(driver: Any, server: Server, tmp_path: Path) -> Iterator[Page]:
    """Give the page, loaded anew; whoever opened it is gone afterwards."""
    page = opened(driver, server, tmp_path)
    page.find("#go")
    yield page
    driver.get("about:blank")


def test_an_empty_page_and_its_messages(page: Page, tmp_path: Path) -> None:
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
    target, guide, _ = motorcycle(tmp_path)
    (tmp_path / "broken.npy").write_bytes(target.read_bytes()[:100])
    page.give("target", tmp_path / "broken.npy")
    page.give("guide", guide)
    page.wait_for_text("#look", "broken.npy:")
    assert "gisr-serve" not in page.text("#look") and "Traceback" not in page.text("body")
    check_width(page)


def test_a_depth_map_has_a_bar_with_near_and_far(
    page: Page, server: Server, tmp_path: Path
) -> None:
    target, guide, _ = motorcycle(tmp_path)
    named = tmp_path / "a_depth_map_whose_name_is_long_and_has_no_space_0001.npy"
    page.click("#options button")
    page.give("target", target.rename(named))
    page.give("guide", guide)
    page.wait_for_text("#look", "Depth map")
    check_width(page)
    page.click("#go")
    page.wait_to_see("#slider img")
    page.wait_for_text("#caption", "Rows 0 to")
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
