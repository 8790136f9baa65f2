"""The report: what it finds, and that its page stands alone."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.errors import InputError
from gisr.inference.system import Settings
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.report import ArraySubject
from gisr.pipelines.report.figures import Painter, picture, with_line
from gisr.pipelines.report.measurements import (
    CROP,
    judged_windows,
    most_changed,
    overview_of,
    profile_of,
    quality_of,
    residual_on,
    spectrum_of,
)
from gisr.pipelines.report.views import Look
from gisr.weights.store import Weights

RNG = np.random.default_rng(3)


def textured(rows: int, columns: int, bands: int) -> np.ndarray:
    image = RNG.uniform(400, 600, (rows, columns, bands)).astype(np.float32)
    image[:, columns // 3 :] += 800  # the strongest edge
    return image


def satellite_subject(rows: int = 640, columns: int = 480) -> ArraySubject:
    truth = textured(rows, columns, 4)
    pair = wald_pair(truth, truth.mean(axis=2, keepdims=True), 4)
    return ArraySubject(pair, truth, 0.1 * truth)


def whole_look(subject: ArraySubject) -> Look:
    look = subject.look((slice(0, subject.shape[0]), slice(0, subject.shape[1])))
    assert look is not None
    return look


def test_an_overview_holds_means_of_squares() -> None:
    subject = satellite_subject(1500, 480)  # more than two overviews long
    overview = overview_of(subject)
    assert overview.step == 3
    assert overview.after.shape == (500, 160, 4)
    expected = subject.image.reshape(500, 3, 160, 3, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(overview.after, expected, rtol=1e-5)
    change = np.abs(subject.image - subject.pair.on_guide_grid()).mean(axis=2)
    expected = change.reshape(500, 3, 160, 3).mean(axis=(1, 3))
    # Windows are interpolated with a margin: borders differ by rounding alone.
    np.testing.assert_allclose(overview.change, expected, rtol=1e-3)
    assert overview.spread is not None
    assert overview.known.all()


def test_the_regions_are_where_the_result_differs_most() -> None:
    subject = satellite_subject()
    subject.image[...] = subject.pair.on_guide_grid()
    subject.image[500:520, 300:320] += 500
    windows = most_changed(overview_of(subject), subject.shape)
    rows, columns = windows[0]
    assert rows.stop - rows.start == columns.stop - columns.start == CROP
    assert rows.start <= 500 and rows.stop >= 520
    assert columns.start <= 300 and columns.stop >= 320


def test_a_small_or_unchanged_image_is_shown_too() -> None:
    subject = satellite_subject(40, 32)
    subject.image[...] = subject.pair.on_guide_grid()
    windows = most_changed(overview_of(subject), subject.shape)
    assert windows == [(slice(0, 40), slice(0, 32))]
    profile_of(whole_look(subject))


def test_unknown_pixels_are_nowhere() -> None:
    subject = satellite_subject()
    subject.image[:, :100] = np.nan
    overview = overview_of(subject)
    assert not overview.known[:, :100].any()
    assert overview.known[:, 100:].all()
    look = whole_look(subject)
    assert np.isfinite(look.after).all()
    subject.image[...] = np.nan
    with pytest.raises(InputError, match="no pixel of the result is known"):
        overview_of(subject)


def test_the_spectrum_finds_a_wave_and_what_interpolation_lost() -> None:
    subject = satellite_subject(256, 256)
    rows = np.arange(256)[:, None, None]
    subject.image[...] += 300 * np.sin(2 * np.pi * 0.375 * rows).astype(np.float32)
    spectrum = spectrum_of([whole_look(subject)], 4)
    assert spectrum.nyquist == 0.125
    peak = spectrum.frequency[np.argmax(spectrum.power["after"] * (spectrum.frequency > 0.2))]
    assert peak == pytest.approx(0.375, abs=0.015)
    high = spectrum.frequency > 0.2
    assert spectrum.power["before"][high].mean() < 0.01 * spectrum.power["after"][high].mean()


def test_the_profile_crosses_the_strongest_edge() -> None:
    subject = satellite_subject(96, 96)
    subject.image[...] = np.where(np.arange(96)[None, :, None] < 32, 500, 1300)
    profile = profile_of(whole_look(subject))
    after = profile.values["after"]
    assert after[0] == pytest.approx(500, abs=5)
    assert after[-1] == pytest.approx(1300, abs=5)
    assert abs(profile.place[np.argmin(np.abs(after - 900))]) <= 1
    assert profile.spread is not None
    (_, left), (_, right) = profile.ends
    assert left < 32 < right


def test_quality_is_for_satellites_alone() -> None:
    subject = satellite_subject(256, 256)
    found = quality_of([whole_look(subject)])
    assert set(found) == {"before", "after"}
    assert found["after"].d_lambda_k < 0.01  # the truth, degraded, is the target
    depth = depth_pair(textured(96, 96, 1)[..., 0], textured(96, 96, 1), 4)
    assert depth.truth is not None
    assert quality_of([whole_look(ArraySubject(depth, depth.truth, None))]) == {}


def test_the_residual_of_a_truth_is_rounding() -> None:
    slices = [textured(64, 48, 1)[..., 0] for _ in range(2)]
    pairs = [
        kspace_pair(slices[0], slices[1], 4),
        depth_pair(slices[0], slices[1][..., None], 4),
        wald_pair(textured(64, 48, 3), textured(64, 48, 1), 4),
    ]
    for pair in pairs:
        assert pair.truth is not None
        subject = ArraySubject(pair, pair.truth, None)
        looks = [subject.look(window) for window in judged_windows(subject)]
        found = residual_on(subject, [look for look in looks if look is not None])
        assert found.before < 0.01
        shifted = ArraySubject(pair, pair.truth + 10, None)
        assert residual_on(shifted, [whole_look(shifted)]).before == pytest.approx(10, rel=0.05)


def test_mri_pictures_are_turned_with_their_line() -> None:
    pair = kspace_pair(textured(64, 48, 1)[..., 0], textured(64, 48, 1)[..., 0], 4)
    assert pair.truth is not None
    subject = ArraySubject(pair, pair.truth, None)
    look = whole_look(subject)
    painter = Painter.of("mri", overview_of(subject), [look])
    colours = painter.image(look.after, look.known)
    assert colours.shape == (48, 64, 3)
    profile = profile_of(look)
    drawn = with_line(colours, look, profile, turned=True)
    yellow = np.argwhere((drawn == (255, 220, 0)).all(axis=2))
    # The edge lies at column 16 of 48: after the turn, 31 rows from the top.
    assert abs(np.median(yellow[:, 0]) - 31) <= 2


def test_pictures_hold_themselves() -> None:
    address = picture(np.zeros((4, 5, 3), np.uint8), exact=True)
    assert re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", address)


def test_experts_of_a_window(weights: Callable[..., Weights]) -> None:
    subject = satellite_subject(96, 80)
    upscaler = Upscaler(weights(), "cpu")
    subject.largest = 64
    window = subject.routed((slice(0, 96), slice(0, 80)))
    assert window == (slice(16, 80), slice(8, 72))
    levels = upscaler.route(subject.source, window)
    whole = upscaler.routing(subject.pair, Settings(align="off"))
    assert [level.position for level in levels] == [level.position for level in whole]
    assert levels[0].weights.shape[-2:] == (32, 32)  # behind a pixel-unshuffle of 2


def test_the_template_is_there() -> None:
    page = Path(__file__).parents[3] / "src" / "gisr" / "pipelines" / "report" / "page.html"
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"\$\w+", text) == ["$title", "$title", "$subtitle", "$sections"]
