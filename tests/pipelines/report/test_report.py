"""The report: what it measures, its pictures, and that names in it are text."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.errors import InputError
from gisr.inference.answers import Settings
from gisr.inference.upscaler import Upscaler
from gisr.notes import Note
from gisr.pipelines.options import Options
from gisr.pipelines.report import ArrayResult, write_report
from gisr.pipelines.report.figures import Painter, picture, with_line
from gisr.pipelines.report.measurements import (
    CROP,
    most_changed,
    overview_of,
    profile_of,
    quality_of,
    residual_on,
    sample_windows,
    spectrum_of,
)
from gisr.pipelines.report.windowed_result import ResultWindow
from gisr.pipelines.request import FileResult
from gisr.pipelines.run import read_request
from gisr.rendering.colours import UNKNOWN
from gisr.weights.store import Weights

RNG = np.random.default_rng(3)


def textured(rows: int, columns: int, bands: int) -> np.ndarray:
    image = RNG.uniform(400, 600, (rows, columns, bands)).astype(np.float32)
    image[:, columns // 3 :] += 800  # the strongest edge
    return image


def satellite_result(rows: int = 640, columns: int = 480) -> ArrayResult:
    truth = textured(rows, columns, 4)
    pair = wald_pair(truth, truth.mean(axis=2, keepdims=True), 4)
    return ArrayResult(pair, truth, 0.1 * truth)


def whole_window(result: ArrayResult) -> ResultWindow:
    part = result.read((slice(0, result.shape[0]), slice(0, result.shape[1])))
    assert part is not None
    return part


def test_an_overview_holds_means_of_squares() -> None:
    result = satellite_result(1500, 480)  # more than two overviews long
    overview = overview_of(result)
    assert overview.step == 3
    assert overview.after.shape == (500, 160, 4)
    expected = result.image.reshape(500, 3, 160, 3, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(overview.after, expected, rtol=1e-5)
    change = np.abs(result.image - result.pair.on_guide_grid()).mean(axis=2)
    expected = change.reshape(500, 3, 160, 3).mean(axis=(1, 3))
    # Windows are interpolated with a margin: borders differ by rounding alone.
    np.testing.assert_allclose(overview.change, expected, rtol=1e-3)
    assert overview.spread is not None
    assert overview.known.all()


def test_the_regions_are_where_the_result_differs_most() -> None:
    result = satellite_result()
    result.image[...] = result.pair.on_guide_grid()
    result.image[500:520, 300:320] += 500
    windows = most_changed(overview_of(result), result.shape)
    rows, columns = windows[0]
    assert rows.stop - rows.start == columns.stop - columns.start == CROP
    assert rows.start <= 500 and rows.stop >= 520
    assert columns.start <= 300 and columns.stop >= 320


def test_a_small_or_unchanged_image_is_shown_too() -> None:
    result = satellite_result(40, 32)
    result.image[...] = result.pair.on_guide_grid()
    windows = most_changed(overview_of(result), result.shape)
    assert windows == [(slice(0, 40), slice(0, 32))]
    profile_of(whole_window(result))


def test_unknown_pixels_are_nowhere() -> None:
    result = satellite_result()
    result.image[:, :100] = np.nan
    overview = overview_of(result)
    assert not overview.known[:, :100].any()
    assert overview.known[:, 100:].all()
    part = whole_window(result)
    assert np.isfinite(part.after).all()
    result.image[...] = np.nan
    with pytest.raises(InputError, match="no pixel of the result is known"):
        overview_of(result)


def test_the_spectrum_finds_a_wave_and_what_interpolation_lost() -> None:
    result = satellite_result(256, 256)
    rows = np.arange(256)[:, None, None]
    result.image[...] += 300 * np.sin(2 * np.pi * 0.375 * rows).astype(np.float32)
    spectrum = spectrum_of([whole_window(result)], 4)
    assert spectrum.nyquist == 0.125
    peak = spectrum.frequency[np.argmax(spectrum.power["after"] * (spectrum.frequency > 0.2))]
    assert peak == pytest.approx(0.375, abs=0.015)
    high = spectrum.frequency > 0.2
    assert spectrum.power["before"][high].mean() < 0.01 * spectrum.power["after"][high].mean()


def test_the_profile_crosses_the_strongest_edge() -> None:
    result = satellite_result(96, 96)
    result.image[...] = np.where(np.arange(96)[None, :, None] < 32, 500, 1300)
    profile = profile_of(whole_window(result))
    after = profile.values["after"]
    assert after[0] == pytest.approx(500, abs=5)
    assert after[-1] == pytest.approx(1300, abs=5)
    assert abs(profile.distance[np.argmin(np.abs(after - 900))]) <= 1
    assert profile.spread is not None
    (_, left), (_, right) = profile.ends
    assert left < 32 < right


def test_quality_is_for_satellites_alone() -> None:
    result = satellite_result(256, 256)
    found = quality_of([whole_window(result)])
    assert set(found) == {"before", "after"}
    assert found["after"].d_lambda_k < 0.01  # the truth, degraded, is the target
    depth = depth_pair(textured(96, 96, 1)[..., 0], textured(96, 96, 1), 4)
    assert depth.truth is not None
    assert quality_of([whole_window(ArrayResult(depth, depth.truth, None))]) == {}


def test_the_residual_of_a_truth_is_rounding() -> None:
    slices = [textured(64, 48, 1)[..., 0] for _ in range(2)]
    pairs = [
        kspace_pair(slices[0], slices[1], 4),
        depth_pair(slices[0], slices[1][..., None], 4),
        wald_pair(textured(64, 48, 3), textured(64, 48, 1), 4),
    ]
    for pair in pairs:
        assert pair.truth is not None
        result = ArrayResult(pair, pair.truth, None)
        parts = [result.read(window) for window in sample_windows(result)]
        found = residual_on(result, [part for part in parts if part is not None])
        assert found.before < 0.01
        shifted = ArrayResult(pair, pair.truth + 10, None)
        assert residual_on(shifted, [whole_window(shifted)]).before == pytest.approx(10, rel=0.05)


def test_slices_are_turned_with_their_line_and_others_are_not() -> None:
    pair = kspace_pair(textured(64, 48, 1)[..., 0], textured(64, 48, 1)[..., 0], 4)
    assert pair.truth is not None
    result = ArrayResult(pair, pair.truth, None)
    part, overview = whole_window(result), overview_of(result)
    painter = Painter.of("mri", overview, [part])
    colours = painter.target_picture(part.after, part.known)
    assert colours.shape == painter.guide_picture(part.pair.guide).shape == (48, 64, 3)
    drawn = with_line(colours, part, profile_of(part), upright=painter.turned)
    yellow = np.argwhere((drawn == (255, 220, 0)).all(axis=2))
    # The edge lies at column 16 of 48: after the turn, 31 rows from the top.
    assert abs(np.median(yellow[:, 0]) - 31) <= 2
    plain = Painter.of("depth", overview, [part])
    assert plain.target_picture(part.after, part.known).shape == (64, 48, 3)


def test_pictures_share_scales_and_unknown_pixels_have_one_colour() -> None:
    result = satellite_result(64, 48)
    result.image[:, :10] = np.nan
    part, overview = whole_window(result), overview_of(result)
    painter = Painter.of("pansharpening", overview, [part])
    change = part.after - part.before
    assert painter.full_change == pytest.approx(
        np.percentile(np.abs(change).mean(axis=2)[part.known], 99)
    )
    full = np.full_like(change, painter.full_change)
    pictures = [
        painter.target_picture(part.after, part.known),
        painter.target_picture(part.before, part.known),
        painter.change_picture(full, part.known),
        painter.change_picture(-full, part.known),
        painter.magnitude_picture(full[..., 0], part.known, painter.full_change),
    ]
    for colours in pictures:
        assert (colours[:, :10] == UNKNOWN).all()
    red, blue, white = (colours[0, -1].astype(int) for colours in pictures[2:])
    assert red[0] > red[2] + 50 and blue[2] > blue[0] + 50 and white.min() == 255
    np.testing.assert_array_equal(
        painter.target_picture(part.after + 1, part.known)[:, 10:].max(), pictures[0].max()
    )
    assert Painter.of("pansharpening", overview, [part]).full_spread == pytest.approx(
        np.percentile(0.1 * part.after.mean(axis=2)[part.known], 99), rel=1e-5
    )


def test_pictures_hold_themselves() -> None:
    address = picture(np.zeros((4, 5, 3), np.uint8), exact=True)
    assert re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", address)


def test_experts_of_a_window(weights: Callable[..., Weights]) -> None:
    result = satellite_result(96, 80)
    upscaler = Upscaler(weights(), "cpu")
    result.largest = 64
    window = result.routed((slice(0, 96), slice(0, 80)))
    assert window == (slice(16, 80), slice(8, 72))
    levels = upscaler.route(result.source, window)
    whole = upscaler.routing(result.pair, Settings(align="off"))
    assert [level.position for level in levels] == [level.position for level in whole]
    assert levels[0].weights.shape[-2:] == (32, 32)  # behind a pixel-unshuffle of 2


HOSTILE = "<script>alert('1')<&script> \" onload=\"x \u202egpj.npy"


def test_hostile_names_are_text_on_the_page(
    tmp_path: Path, weights: Callable[..., Weights]
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra report")
    target, guide = tmp_path / HOSTILE, tmp_path / "colour & 'more'.png"
    np.save(target, textured(16, 12, 1)[..., 0])
    Image.fromarray((textured(64, 48, 3) / 8).astype(np.uint8)).save(guide)
    report = tmp_path / "report.html"
    options, command = Options(report=report), f"gisr upscale {target}"
    request = read_request(target, guide, tmp_path / "out.npy", options, command=command)
    pair = depth_pair(textured(64, 48, 1)[..., 0], textured(64, 48, 3), 4)
    assert pair.truth is not None
    result = FileResult(
        tmp_path / "out.npy", "depth", (64, 48), "float32", 4.0, "centre", notes=(Note(HOSTILE),)
    )
    upscaler = Upscaler(weights(), "cpu")
    write_report(upscaler, request, result, ArrayResult(pair, pair.truth, None, HOSTILE), report)
    page = report.read_text(encoding="utf-8")
    reader = Reader(page)
    assert reader.tags.count("script") == 1 and reader.open == []
    shown = HOSTILE.replace("\u202e", "[U+202E]")
    # Title, heading, part, target, note, command.
    assert "".join(reader.words).count(shown) == 6
    assert str(guide) in "".join(reader.words) and "\u202e" not in page
    assert "{{" not in page and "{%" not in page


class Reader(HTMLParser):
    """Reads text and tags as a browser does; no attribute may be an event or an outside address."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "src" or str(value).startswith("data:image/")
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
