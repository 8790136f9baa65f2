"""``gisr serve`` in headless Chromium: upload a pair, wait for the result, check the download."""

import re
import shlex
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.end_to_end.browser import NEEDS_BROWSER, Page, opened, wait_for
from tests.end_to_end.page_files import head, landsat, motorcycle
from tests.end_to_end.page_looks import check_stretched_alike, check_width
from tests.end_to_end.page_server import WAIT, Server

from gisr.apps.cli import main

pytestmark = NEEDS_BROWSER


@pytest.fixture
def page(driver: Any, server: Server, tmp_path: Path) -> Iterator[Page]:
    """Give the page, loaded anew; whoever opened it is gone afterwards."""
    page = opened(driver, server, tmp_path)
    yield page
    driver.get("about:blank")


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
    """Sharpen a pair on the page and by ``gisr upscale``: one result; the page fits a phone."""
    for box, path in zip(("target", "guide", "truth"), files, strict=True):
        if box == "truth":
            page.click("#options button")
        page.give(box, path)
    page.wait_for_text("#look", taken_for)
    page.wait_for_text("#truth", files[2].name.split(".")[0])
    check_width(page)
    page.click("#go")
    page.wait_to_see("#slider img")
    page.wait_for_text("#caption", "Rows 0 to")
    page.wait_for_text("#scores", measured)
    check_width(page)
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
    page.wait_for_text(".gisr-bar", "near: ")
    assert page.text(".gisr-bar").strip().startswith("far: ")  # a disparity is large where near
    page.click("#experts button")
    page.click("#route")
    page.find("#routing img")
    assert page.hosts() == {server.address.split("/")[2]}
    assert server.kept()
    page.driver.get("about:blank")
    wait_for(lambda: not server.kept(), "the files of a closed page to be deleted")


def test_a_real_satellite_pair(
    page: Page, server: Server, tmp_path: Path, data_folder: Path, tiny_weights: Path
) -> None:
    check_pair(page, landsat(tmp_path, data_folder), tiny_weights, "Satellite image", "ERGAS")
    page.wait_for_text("#caption", "From black to full colour: red ")
    check_stretched_alike(server.folder)


def test_a_real_head(page: Page, tmp_path: Path, data_folder: Path, tiny_weights: Path) -> None:
    check_pair(page, head(tmp_path, data_folder), tiny_weights, "MR volume, 32 x 32 x 3", "SSIM")
    page.wait_to_see("#slice")
    assert not page.sees("#values") and not page.sees(".gisr-bar")


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
    assert "projection" not in page.text("#status")  # measurements are folded away
    page.click("#status summary")
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
