"""The page of a server in headless Chromium."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.page_server import WAIT, Server

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NEEDS_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER and find_spec("gradio") and find_spec("selenium")),
        reason="needs the extras web and dev, and Chromium: apt-get install chromium "
        "chromium-driver",
    ),
]
_OFFLINE = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1400",
)


class Page:
    """The page in a browser."""

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver, self.downloads = driver, downloads

    def find(self, selector: str) -> Any:
        found: list[Any] = []

        def there() -> bool:
            found[:] = self.driver.find_elements("css selector", selector)
            return bool(found)

        wait_for(there, selector)
        return found[0]

    def text(self, selector: str) -> str:
        """Return what can be read there now; nothing where there is nothing."""
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.driver.execute_script(script, selector))

    def give(self, box: str, *paths: Path) -> None:
        self.find(f"#{box} input[type=file]").send_keys("\n".join(map(str, paths)))

    def click(self, selector: str) -> None:
        self.driver.execute_script("arguments[0].click()", self.find(selector))

    def wait_to_see(self, selector: str) -> None:
        wait_for(lambda: self.sees(selector), selector)

    def wait_for_text(self, selector: str, words: str) -> None:
        wait_for(lambda: words in self.text(selector), f"{words!r} in {selector}")

    def narrow(self, width: int, height: int = 1400) -> None:
        """Give the page the size of another window, or of a phone."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def choose(self, box: str, value: str) -> None:
        """Choose one of several."""
        self.click(f"#{box} input[value={value}]")

    def sees(self, selector: str) -> bool:
        """Return whether something is there and shown."""
        script = "return document.querySelector(arguments[0])?.checkVisibility() ?? false"
        return bool(self.driver.execute_script(script, selector))

    def download(self, button: str = "download") -> Path:
        """Download the result, or what was made beside it, and return it once it is whole."""
        before = set(self.downloads.iterdir())
        self.click(f"#{button}")
        wait_for(lambda: len(self.downloaded() - before) == 1, "the download")
        (path,) = self.downloaded() - before
        return path

    def downloaded(self) -> set[Path]:
        """Return what came down whole: Chromium begins a file under a hidden or another name."""
        return {
            path
            for path in self.downloads.iterdir()
            if not path.name.startswith(".")
            and path.suffix != ".crdownload"
            and path.stat().st_size
        }

    def hosts(self) -> set[str]:
        """Return the hosts of all requests, by the browser's own record."""
        hosts = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith(("data:", "blob:", "chrome:", "about:")):
                    hosts.add(url.split("/")[2])
        return hosts


@contextmanager
def browsing(place: Path) -> Iterator[Any]:
    """Give a driver of a browser of its own, which takes seconds to start.

    Args:
        place: Folder for what the browser keeps.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for word in (*_OFFLINE, f"--user-data-dir={place / 'chromium'}"):
        options.add_argument(word)
    # Several downloads by a script.
    preferences = {"profile.default_content_setting_values.automatic_downloads": 1}
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(WAIT)
    try:
        yield driver
    finally:
        driver.quit()


def opened(driver: Any, server: Server, place: Path) -> Page:
    """Load the page anew, as somebody else would, with the browser's own size.

    Args:
        driver: Of the browser; what it requested before is forgotten.
        server: Serves the page.
        place: Folder for downloads.
    """
    downloads = place / "downloads"
    downloads.mkdir()
    driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
    )
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.get("about:blank")
    driver.get_log("performance")
    driver.get(server.address)
    return Page(driver, downloads)


def wait_for(ready: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT
    while not ready():
        assert time.monotonic() < end, f"waited {WAIT} s in vain for {what}"
        time.sleep(0.2)
