"""``gisr serve`` in headless Chromium: upload a pair, wait for the result, check the download."""

import json
import re
import shlex
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.end_to_end.page_server import WAIT, Server, serving
from tests.geotiffs import write_geotiff

from gisr.apps.cli import main
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.datasets.entry import Scan, Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.experiments.demo import motorcycle_case

if find_spec("gradio") is None:
    pytest.skip("needs the extra web", allow_module_level=True)
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (the extra dev)")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="needs Chromium: apt-get install chromium chromium-driver",
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[Server]:
    """Give a running page with small limits; its end deletes everything."""
    with serving(tmp_path_factory.mktemp("server"), tiny_weights) as server:
        yield server


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


@pytest.fixture
def page(server: Server, tmp_path: Path) -> Iterator[Page]:
    """Give the page, loaded in a browser of its own."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in (*_OFFLINE, f"--user-data-dir={tmp_path / 'chromium'}"):
        options.add_argument(word)
    preferences = {
        "download.default_directory": str(downloads),
        "profile.default_content_setting_values.automatic_downloads": 1,  # several by a script
    }
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(WAIT)
    try:
        driver.get(server.address)
        yield Page(driver, downloads)
    finally:
        driver.quit()


def wait_for(ready: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WAIT
    while not ready():
        assert time.monotonic() < end, f"waited {WAIT} s in vain for {what}"
        time.sleep(0.2)


def motorcycle(folder: Path) -> tuple[Path, Path, Path]:
    """Write a part of the demo's real pair, at x4, with its truth."""
    case = motorcycle_case().pair
    assert case.truth is not None
    window = slice(120, 248), slice(200, 360)
    valid = None if case.truth_valid is None else case.truth_valid[window]
    pair = depth_pair(case.truth[window][..., 0], case.guide[window], 4, valid=valid)
    assert pair.truth is not None
    np.save(folder / "disparity.npy", pair.target[..., 0])
    Image.fromarray(pair.guide.astype(np.uint8)).save(folder / "left.png")
    truth = pair.truth[..., 0] if valid is None else np.where(valid, pair.truth[..., 0], np.nan)
    np.save(folder / "truth.npy", truth)
    return folder / "disparity.npy", folder / "left.png", folder / "truth.npy"


def landsat(folder: Path, data: Path) -> tuple[Path, Path, Path]:
    """Write a part of a Landsat-7 scene, reduced x2 by Wald's protocol."""
    entry = next(entry for entry in read_open_pairs(data) if entry.name == "l7_19")
    assert isinstance(entry, Scene)
    pair = wald_pair(entry.multispectral[:80, :80], entry.panchromatic[:160, :160], 2, bits=8)
    images = {"ms": pair.target, "pan": pair.guide, "truth": pair.truth}
    paths = []
    for name, image in images.items():
        assert image is not None
        size = 30.0 * pair.guide.shape[0] / image.shape[0]
        pixels = np.rint(image).astype(np.uint8)
        paths.append(write_geotiff(folder / f"{name}.tif", pixels, size, crs="EPSG:32655"))
    return paths[0], paths[1], paths[2]


def head(folder: Path, data: Path) -> tuple[Path, Path, Path]:
    """Write a part of a real head, three slices whose k-space was cropped x2."""
    entry = next(e for e in read_open_pairs(data) if e.name == "lesjak_long_patient04_study1")
    assert isinstance(entry, Scan)
    volumes = {name: entry.volume(name) for name in ("T2", "T1")}
    rows, columns = (slice(side // 2 - 32, side // 2 + 32) for side in volumes["T2"].shape[:2])
    t2, t1 = (volumes[name][rows, columns] for name in ("T2", "T1"))
    pairs = [kspace_pair(t2[..., k], t1[..., k], 2) for k in (7, 8, 9)]
    parts: dict[str, list[np.ndarray | None]] = {
        "low_T2w": [pair.target for pair in pairs],
        "high_T1w": [pair.guide for pair in pairs],
        "truth_T2w": [pair.truth for pair in pairs],
    }
    for name, slices in parts.items():
        voxels = np.concatenate([part for part in slices if part is not None], axis=2)
        affine = np.diag((64 / voxels.shape[0], 64 / voxels.shape[1], 3.0, 1.0))
        nibabel.save(nibabel.Nifti1Image(voxels, affine), folder / f"{name}.nii.gz")
    return folder / "low_T2w.nii.gz", folder / "high_T1w.nii.gz", folder / "truth_T2w.nii.gz"


def dicom_series(folder: Path, volume: Path) -> Path:
    """Write the slices of a NIfTI volume with an upright affine as DICOM images."""
    pydicom = pytest.importorskip("pydicom", reason="needs the extra mri")
    folder.mkdir()
    image = nibabel.Nifti1Image.from_filename(volume)
    columns, rows, slices = (float(size) for size in image.header.get_zooms())
    voxels = np.rint(np.asanyarray(image.dataobj)).astype(np.int16)
    for index in range(voxels.shape[2]):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = pydicom.uid.MRImageStorage
        meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        part = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        part.SeriesInstanceUID, part.SeriesDescription = pydicom.uid.UID("1.2.3"), "t2 tse"
        part.ImagePositionPatient = [0.0, 0.0, slices * index]
        # NIfTI's axes run to the right and the front, DICOM's to the left and the back.
        part.ImageOrientationPatient = [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0]
        part.PixelSpacing, part.SliceThickness = [rows, columns], slices
        part.Columns, part.Rows = voxels.shape[:2]
        part.BitsAllocated, part.BitsStored, part.HighBit = 16, 16, 15
        part.SamplesPerPixel, part.PhotometricInterpretation = 1, "MONOCHROME2"
        part.PixelRepresentation = 1
        part.PixelData = np.ascontiguousarray(voxels[..., index].T).tobytes()
        part.save_as(folder / f"{index}.dcm", enforce_file_format=True)
    return folder


def check_pair(
    page: Page, files: tuple[Path, Path, Path], weights: Path, taken_for: str, measured: str
) -> None:
    """Sharpen a pair on the page and by ``gisr upscale``: one result."""
    for box, path in zip(("target", "guide", "truth"), files, strict=True):
        if box == "truth":
            page.click("#options button")
        page.give(box, path)
    page.wait_for_text("#look", taken_for)
    page.wait_for_text("#truth", files[2].name.split(".")[0])
    page.click("#go")
    page.find("#slider img")
    page.wait_for_text("#scores", measured)
    got = page.download()
    expected = files[0].with_name(f"expected{''.join(files[0].suffixes)}")
    words = ["upscale", *map(str, files[:2]), "-o", str(expected), "--model", str(weights)]
    assert main([*words, "--threads", "1", "--quiet"]) == 0
    assert got.name == f"{files[0].name.split('.')[0]}_sharpened{''.join(files[0].suffixes)}"
    if got.suffix == ".gz":  # a gzip file holds the time it was written
        image, as_expected = (nibabel.Nifti1Image.from_filename(path) for path in (got, expected))
        np.testing.assert_array_equal(image.dataobj, as_expected.dataobj)
        assert image.header == as_expected.header
    else:
        assert got.read_bytes() == expected.read_bytes()


def test_a_real_depth_map_goes_in_and_comes_out(
    page: Page, server: Server, tmp_path: Path, tiny_weights: Path
) -> None:
    files = motorcycle(tmp_path)
    check_pair(page, files, tiny_weights, "Depth map, 40 x 32", "RMSE")
    page.click("#experts button")
    page.click("#route")
    page.find("#routing img")
    assert page.hosts() == {server.address.split("/")[2]}
    assert server.kept()
    page.driver.get("about:blank")
    wait_for(lambda: not server.kept(), "the files of a closed page to be deleted")


def test_a_real_satellite_pair(
    page: Page, tmp_path: Path, data_folder: Path, tiny_weights: Path
) -> None:
    check_pair(page, landsat(tmp_path, data_folder), tiny_weights, "Satellite image", "ERGAS")


def test_a_real_head(page: Page, tmp_path: Path, data_folder: Path, tiny_weights: Path) -> None:
    check_pair(page, head(tmp_path, data_folder), tiny_weights, "MR volume, 32 x 32 x 3", "SSIM")


def test_doubt_agreement_and_a_report_of_a_real_pair(
    page: Page, tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, guide, _ = landsat(tmp_path, data_folder)
    page.click("#options button")
    page.give("target", target)
    page.give("guide", guide)
    page.wait_for_text("#look", "Satellite image")
    for box in ("aligned", "bands", "uncertainty"):
        page.wait_to_see(f"#{box}")
    assert not page.sees("#fill-holes")
    page.choose("consistent", "yes")
    for box in ("uncertainty", "report"):
        page.click(f"#{box} input")
    page.click("#go")
    page.find("#spread img")
    page.wait_for_text("#status", "after the projection")
    page.wait_to_see("#slider img")
    assert not page.sees("#filled")
    got = [page.download(b) for b in ("download", "download-uncertainty", "download-report")]
    assert [path.name for path in got] == ["ms_sharpened.tif", "ms_spread.tif", "ms_report.html"]
    # The command that the page shows writes the same bytes.
    words = shlex.split(page.text(".gisr-command code"))
    assert words[:4] == ["gisr", "upscale", "ms.tif", "pan.tif"]
    assert {"--consistent", "--uncertainty", "--report"} < set(words)
    monkeypatch.chdir(tmp_path)
    assert main([*words[1:], "--threads", "1", "--quiet"]) == 0
    for path in got[:2]:
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    assert "gisr-serve" not in got[2].read_text(encoding="utf-8")
    assert not page.sees("#download-mask")


def test_holes_of_a_real_depth_map_are_filled(
    page: Page, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, guide, _ = motorcycle(tmp_path)
    values = np.load(target)
    values[8:16, 10:26] = 0
    np.save(target, values)
    page.click("#options button")
    page.give("target", target)
    page.give("guide", guide)
    page.wait_for_text("#look", "10.0% unknown")
    page.wait_to_see("#fill-holes")
    assert not page.sees("#aligned") and not page.sees("#bands")
    page.click("#fill-holes input")
    page.click("#go")
    page.find("#filled img")
    page.wait_for_text("#status", "were holes and are filled")
    got = [page.download(button) for button in ("download", "download-mask")]
    words = shlex.split(page.text(".gisr-command code"))
    monkeypatch.chdir(tmp_path)
    assert main([*words[1:], "--threads", "1", "--quiet"]) == 0
    for path in got:
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    assert set(np.unique(np.asarray(Image.open(got[1])))) == {0, 255}
    page.driver.get("about:blank")
    wait_for(lambda: not server.kept(), "the pictures and the mask to be deleted, too")


def test_the_images_of_a_dicom_series_are_one_target(
    page: Page, tmp_path: Path, data_folder: Path, tiny_weights: Path
) -> None:
    low, guide, _ = head(tmp_path, data_folder)
    series = dicom_series(tmp_path / "t2", low)
    page.give("guide", guide)
    page.give("target", *sorted(series.iterdir()))
    page.wait_for_text("#look", "MR volume, 32 x 32 x 3")
    page.click("#go")
    page.find("#slider img")
    got, expected = page.download(), tmp_path / "expected.nii"
    words = ["upscale", str(series), str(guide), "-o", str(expected), "--model", str(tiny_weights)]
    assert main([*words, "--threads", "1", "--quiet"]) == 0
    assert got.name == "target_sharpened.nii"
    assert got.read_bytes() == expected.read_bytes()


def test_what_cannot_be_done_is_reported_in_a_line(page: Page, tmp_path: Path) -> None:
    target, guide, _ = motorcycle(tmp_path)
    page.click("#go")
    page.wait_for_text(".toast-body", "give a target and a guide first")
    (tmp_path / "broken.npy").write_bytes(target.read_bytes()[:100])
    page.give("target", tmp_path / "broken.npy")
    page.give("guide", guide)
    page.wait_for_text("#look", "broken.npy:")
    assert "gisr-serve" not in page.text("#look") and "Traceback" not in page.text("body")


def test_a_file_over_the_limit_is_refused_while_it_arrives(server: Server) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="big.npy"\r\n\r\n'
        + bytes(4_000_000)
        + b"\r\n--x--\r\n"
    )
    request = urllib.request.Request(
        server.address + "gradio_api/upload",
        data=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=WAIT)
    refused.value.close()
    assert refused.value.code == 413
    wait_for(lambda: not server.kept(), "what arrived of it to be deleted")


def test_the_server_serves_its_page_and_nothing_else(server: Server) -> None:
    def status(path: str, host: str | None = None) -> int:
        request = urllib.request.Request(server.address + path)
        if host:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert status("") == 200
    for path in ("/etc/passwd", "pyproject.toml", "http://127.0.0.1/", "../../etc/passwd"):
        assert status(f"gradio_api/file={path}") == 403
    assert status("gradio_api/proxy=http://127.0.0.1/") == 403
    assert status("", host="example.com") == 400
    with urllib.request.urlopen(server.address, timeout=WAIT) as answer:
        html = answer.read().decode()
    loaded = re.findall(r"""<(?:script|link|img|iframe)[^>]*?(?:src|href)=["']([^"']+)""", html)
    assert loaded and not [address for address in loaded if "//" in address]
