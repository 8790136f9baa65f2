"""Adapting a network to a scene: it learns, is never worse, and comes out the same again."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import gisr
from gisr.adaptation import adapt as adapt_module
from gisr.adaptation import tuning
from gisr.adaptation.adapt import adapt
from gisr.adaptation.lesson import NoLessonsError
from gisr.adaptation.settings import AdaptSettings
from gisr.data.degradations import mtf_reduced, wald
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.errors import InputError, WeightsError
from gisr.estimation.sensor_model import SensorModel
from gisr.inference.answers import Settings
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource
from gisr.weights.store import Weights

SHORT = AdaptSettings(minutes=None, steps=60, learning_rate=1e-2, patch=32)
HARMFUL = replace(SHORT, steps=10, learning_rate=1.0, gradient_norm=1e6)
PLAIN = Settings(align="off", consistent="never")


def land(side: int, bands: int, seed: int = 0) -> np.ndarray:
    """Return bands whose fine detail is alike: fields with edges, and noise that bands share."""
    rng = np.random.default_rng(seed)
    fields = np.kron(rng.uniform(0, 1, (side // 8, side // 8)), np.ones((8, 8)))
    detail = fields + 0.2 * rng.normal(size=(side, side))
    weights = rng.uniform(0.5, 1.5, bands)
    return (500 + 300 * detail[..., None] * weights).astype(np.float32)


@pytest.fixture(scope="module")
def scene() -> Pair:
    """Give a scene of 96 x 96 pixels with a guide of 192 x 192, and its truth to look at after."""
    truth = land(192, 3)
    pair = wald_pair(truth, truth.mean(axis=2, keepdims=True), 2, bits=12, name="scene")
    return replace(pair, truth=None)


def error(upscaler: Upscaler, pair: Pair, truth: np.ndarray) -> float:
    image = upscaler.answer(pair, PLAIN).image
    return float(np.sqrt(np.square(image - truth).mean()))


def test_it_gains_on_the_scene_itself_and_leaves_the_network_alone(
    upscaler: Upscaler, scene: Pair
) -> None:
    before = {name: value.clone() for name, value in upscaler.network.state_dict().items()}
    found = adapt(upscaler, scene, SHORT, PLAIN)
    assert found.used and found.steps == 60
    assert found.after < 0.9 * found.before
    assert error(found.upscaler, scene, land(192, 3)) < 0.95 * error(upscaler, scene, land(192, 3))
    for name, value in upscaler.network.state_dict().items():
        assert torch.equal(value, before[name])
    assert f"by {found.gain:.2f} dB" in found.note.text and "60 steps" in found.note.text


def test_what_was_adapted_works_as_before_in_all_else(
    weights: Callable[..., Weights], scene: Pair
) -> None:
    chosen = Upscaler(weights(), "cpu", tile=64, overlap=8, precision="float32", batch=3)
    found = adapt(chosen, scene, replace(SHORT, steps=20, learning_rate=3e-3), PLAIN)
    assert found.used
    for name in ("tile", "overlap", "precision", "batch", "device", "descriptions"):
        assert getattr(found.upscaler, name) == getattr(chosen, name), name


def test_windows_of_a_source_and_the_pair_itself_teach_the_same(
    upscaler: Upscaler, scene: Pair
) -> None:
    few = replace(SHORT, steps=3)
    source = ArraySource(scene)
    source.align()
    one, other = adapt(upscaler, source, few), adapt(upscaler, scene, few)
    assert (one.before, one.after) == (other.before, other.after)


def test_a_truth_that_is_there_is_not_looked_at(upscaler: Upscaler, scene: Pair) -> None:
    few = replace(SHORT, steps=3)
    wrong = replace(scene, truth=np.zeros((192, 192, 3), np.float32))
    assert adapt(upscaler, wrong, few).after == adapt(upscaler, scene, few).after


def test_harmful_steps_leave_the_weights_as_they_are(trained: Upscaler, scene: Pair) -> None:
    found = adapt(trained, scene, HARMFUL)
    assert not found.used and found.upscaler is trained
    assert found.after > found.before
    assert "the weights are used as they are" in found.note.text


@pytest.fixture(scope="module")
def trained(weights: Callable[..., Weights], scene: Pair) -> Upscaler:
    """Give a network that knows the scene; nothing changes it."""
    return adapt(Upscaler(weights(), "cpu", precision="float32"), scene, SHORT, PLAIN).upscaler


def test_steps_that_are_not_finite_are_told(trained: Upscaler, scene: Pair) -> None:
    found = adapt(trained, scene, replace(HARMFUL, learning_rate=1e30, gradient_norm=1e30))
    assert not found.used and found.after == float("inf")
    assert "diverged" in found.note.text


def test_the_same_steps_give_the_same_weights_and_another_seed_others(
    upscaler: Upscaler, scene: Pair
) -> None:
    few = replace(SHORT, steps=5)
    one, same, other = (
        adapt(upscaler, scene, settings).upscaler.network.state_dict()
        for settings in (few, few, replace(few, seed=1))
    )
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert any(not torch.equal(value, other[name]) for name, value in one.items())


def test_minutes_end_it_and_progress_counts_seconds(
    upscaler: Upscaler, scene: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count()
    clock = SimpleNamespace(monotonic=lambda: next(ticks))
    monkeypatch.setattr(adapt_module, "time", clock)
    monkeypatch.setattr(tuning, "time", clock)
    seen: list[tuple[int, int]] = []
    found = adapt(
        upscaler,
        scene,
        AdaptSettings(minutes=0.5, patch=32),
        progress=lambda done, total: seen.append((done, total)),
    )
    # A second passes at every look at the clock: two for a step, and one for scoring beforehand.
    assert 10 <= found.steps == len(seen) <= 15
    assert seen == sorted(seen) and {total for _, total in seen} == {27}
    assert found.seconds <= 31


def test_no_time_is_told(upscaler: Upscaler, scene: Pair) -> None:
    found = adapt(upscaler, scene, AdaptSettings(minutes=1e-9))
    assert not found.used and found.steps == 0
    assert "no time" in found.note.text


def test_a_check_ends_it(upscaler: Upscaler, scene: Pair) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(upscaler, scene, SHORT, check=stop)


def test_mr_slices_are_refused(upscaler: Upscaler) -> None:
    pair = kspace_pair(land(96, 1)[..., 0], land(96, 1, 1)[..., 0], 2)
    with pytest.raises(InputError, match=r"coarse in their plane.*thick slices as files"):
        adapt(upscaler, pair, SHORT)


def test_depth_is_refused(upscaler: Upscaler) -> None:
    pair = depth_pair(land(128, 1)[..., 0], land(128, 3), 2)
    with pytest.raises(InputError, match=r"adapt: a depth map cannot be its own truth.*leave"):
        adapt(upscaler, pair, SHORT)


@pytest.mark.parametrize("side", [24, 48])
def test_a_scene_that_is_too_small_is_told_what_it_needs(upscaler: Upscaler, side: int) -> None:
    truth = land(side, 3)
    pair = wald_pair(truth, truth[..., :1], 2)
    with pytest.raises(NoLessonsError, match=r"32 x 32 are needed"):
        adapt(upscaler, pair, SHORT)


def test_a_target_that_is_less_sharp_than_its_sensor_makes_it_teaches_nothing(
    upscaler: Upscaler, scene: Pair
) -> None:
    soft = mtf_reduced(land(192, 3), scene.target.shape, scene.placement, 0.12)
    with pytest.raises(NoLessonsError, match=r"less sharp .*a gain of 0\.12 .*not 0\.30"):
        adapt(upscaler, replace(scene, target=soft), SHORT)


def test_a_ratio_at_which_a_scene_misleads_is_told(upscaler: Upscaler) -> None:
    truth = land(160, 3)
    pair = wald_pair(truth, truth.mean(axis=2, keepdims=True), 4)
    with pytest.raises(NoLessonsError, match=r"at ratio 4 what a scene tells .* 2 and 3\).*leave"):
        adapt(upscaler, pair, SHORT)


def test_a_scene_of_which_little_is_known_is_told_what_it_needs(
    upscaler: Upscaler, scene: Pair
) -> None:
    valid = np.zeros((96, 96), bool)
    valid[:20, :20] = True
    with pytest.raises(NoLessonsError, match=r"too little of the images is known"):
        adapt(upscaler, replace(scene, valid=valid), SHORT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": None}, "minutes or steps"),
        ({"minutes": 0.0}, "above 0"),
        ({"minutes": float("nan")}, "above 0"),
        ({"steps": 0}, "at least 1"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"batch": 0}, "at least 1"),
    ],
)
def test_settings_that_cannot_be_followed(changes: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        AdaptSettings(**changes)  # type: ignore[arg-type]


def test_the_call_is_public() -> None:
    assert gisr.adapt is adapt
    assert gisr.AdaptSettings is AdaptSettings


def test_a_cache_finds_the_same_content_and_no_other(
    upscaler: Upscaler, scene: Pair, tmp_path: Path
) -> None:
    few = replace(SHORT, steps=5)
    first = adapt(upscaler, scene, few, cache=tmp_path)
    again = adapt(upscaler, replace(scene, name="copy"), few, cache=tmp_path)
    assert not first.cached and again.cached and again.used == first.used
    assert (again.before, again.after, again.steps) == (first.before, first.after, 5)
    assert "earlier run" in again.note.text
    one, other = (each.upscaler.network.state_dict() for each in (first, again))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    changed = scene.target.copy()
    changed[40, 40] += 1
    weights = Upscaler(
        Weights("other", adapt(upscaler, scene, few).upscaler.network, upscaler.descriptions), "cpu"
    )
    assert not adapt(upscaler, replace(scene, target=changed), few, cache=tmp_path).cached
    assert not adapt(upscaler, scene, replace(few, seed=1), cache=tmp_path).cached
    assert not adapt(weights, scene, few, cache=tmp_path).cached
    assert len(list(tmp_path.iterdir())) == 4


def test_what_the_cache_keeps_are_weights_with_a_card(
    upscaler: Upscaler, scene: Pair, tmp_path: Path
) -> None:
    found = adapt(upscaler, scene, replace(SHORT, steps=5), cache=tmp_path)
    (folder,) = tmp_path.iterdir()
    loaded = gisr.load_model(folder)
    assert loaded.name == "tiny, adapted"
    image = loaded.answer(scene).image
    np.testing.assert_array_equal(image, found.upscaler.answer(scene).image)
    card = (folder / "README.md").read_text("utf-8")
    assert "one satellite image (scene)" in card and "5 steps" in card


def test_a_cache_remembers_that_it_was_no_gain(
    trained: Upscaler, scene: Pair, tmp_path: Path
) -> None:
    adapt(trained, scene, HARMFUL, cache=tmp_path)
    again = adapt(trained, scene, HARMFUL, cache=tmp_path)
    assert again.cached and not again.used and again.upscaler is trained


def test_a_damaged_cache_is_named(
    upscaler: Upscaler, scene: Pair, tmp_path: Path, few: AdaptSettings
) -> None:
    adapt(upscaler, scene, few, cache=tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "adaptation.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"adaptation\.json.*delete the folder"):
        adapt(upscaler, scene, few, cache=tmp_path)


def test_damaged_weights_in_a_cache_are_named(
    upscaler: Upscaler, scene: Pair, tmp_path: Path
) -> None:
    few = replace(SHORT, steps=5)
    assert adapt(upscaler, scene, few, cache=tmp_path).used
    (folder,) = tmp_path.iterdir()
    (folder / "model.safetensors").write_bytes(b"cut off")
    told = rf"model\.safetensors.*delete the folder.*{folder.name}"
    with pytest.raises(WeightsError, match=told):
        adapt(upscaler, scene, few, cache=tmp_path)


@pytest.fixture
def few() -> AdaptSettings:
    return replace(SHORT, steps=2)


def test_of_many_windows_whole_ones_are_kept_back(
    weights: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gisr.adaptation import reduced_scene

    monkeypatch.setattr(reduced_scene, "_SIDE", 32)
    truth = land(320, 2)
    pair = replace(wald_pair(truth, truth.mean(axis=2, keepdims=True), 2), truth=None)
    lessons = reduced_scene.scene_lessons(ArraySource(pair))
    assert len(lessons) == 25
    assert sum(not each.learnt.any() for each in lessons) == 5
    for each in lessons:
        assert not (each.learnt & each.kept).any()
        assert each.pair.target.shape == (16, 16, 2)
        assert each.pair.guide.shape == (32, 32, 1)


def test_blocks_that_are_kept_back_are_never_learnt(scene: Pair) -> None:
    from gisr.adaptation.reduced_scene import scene_lessons

    (lesson,) = scene_lessons(ArraySource(scene))
    assert not (lesson.learnt & lesson.kept).any()
    assert 0.15 < lesson.kept.mean() < 0.25
    assert lesson.learnt.mean() > 0.4
    np.testing.assert_array_equal(lesson.truth, scene.target)


def test_lessons_are_reduced_with_the_least_blur_that_the_target_can_have(scene: Pair) -> None:
    from gisr.adaptation.reduced_scene import scene_lessons

    source = ArraySource(scene)
    source.sensor_model = SensorModel((0.24, 0.3), np.zeros(3), True)
    (lesson,) = scene_lessons(source)
    np.testing.assert_allclose(lesson.pair.target, wald(scene.target, 2, 0.3), rtol=1e-4)
    np.testing.assert_allclose(lesson.pair.guide, wald(scene.guide, 2, 0.3), rtol=1e-4)
