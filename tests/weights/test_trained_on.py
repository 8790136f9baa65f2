"""Weights that say which tasks they were trained on, and what happens with any other."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.geotiffs import write_geotiff

from gisr.errors import WeightsError
from gisr.inference.loading import load_model
from gisr.pipelines.run import upscale_files
from gisr.weights.folder import EMBEDDED, find_weights
from gisr.weights.store import Weights, load_weights, save_weights

GUIDE = np.random.default_rng(3).integers(0, 4000, (32, 32, 1)).astype(np.uint16)
TARGET = GUIDE.reshape(16, 2, 16, 2).mean(axis=(1, 3))[..., None].astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path, weights: Callable[..., Weights]) -> Path:
    """Weights that have seen depth maps and MR images."""
    made = weights()
    place = tmp_path / "some"
    save_weights(place, made.network, made.descriptions, name="some", tasks=("mri", "depth"))
    return place


def test_they_are_kept(folder: Path, tmp_path: Path) -> None:
    assert load_weights(folder).tasks == ("mri", "depth")
    load_model(folder, "cpu").save_pretrained(tmp_path / "again")
    assert load_weights(tmp_path / "again").tasks == ("mri", "depth")


def test_a_call_for_another_task_warns(folder: Path) -> None:
    upscaler = load_model(folder, "cpu")
    expected = (
        "the weights some were trained on depth, mri, not on pansharpening: the result may be no "
        r"better than interpolation; choose others \(--model\)"
    )
    with pytest.warns(UserWarning, match=expected):
        upscaler(TARGET, GUIDE, "pansharpening", sensor="WorldView-3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        upscaler(TARGET, GUIDE, "mri", contrast="T2", guide_contrast="T1")


def test_a_run_for_another_task_warns(folder: Path, tmp_path: Path) -> None:
    files = [
        write_geotiff(tmp_path / f"{size}m.tif", image, size)
        for size, image in ((20, TARGET), (10, GUIDE))
    ]
    result = upscale_files(load_model(folder, "cpu"), files[0], files[1], tmp_path / "out.tif")
    said = [note for note in result.notes if "were trained on" in note.text]
    assert [note.level for note in said] == ["warning"]


def test_weights_that_do_not_say_are_not_doubted(
    folder: Path, weights: Callable[..., Weights]
) -> None:
    made = weights()
    save_weights(folder, made.network, made.descriptions, name="older")
    upscaler = load_model(folder, "cpu")
    assert upscaler.trained_on is None and upscaler.untrained_note("multiband") is None


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_weights_answer_for_every_task(name: str) -> None:
    assert find_weights(name).tasks
    upscaler = load_model(name, "cpu")
    assert all(
        upscaler.untrained_note(task) is None
        for task in ("pansharpening", "multiband", "mri", "depth")
    )


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ("depth", "'tasks' must be a list of names of tasks"),
        ([1], "'tasks' must be a list of names of tasks"),
        (["depth", "faces"], "trained on tasks that this version does not know: faces"),
    ],
)
def test_what_is_no_list_of_tasks_is_refused(folder: Path, tasks: object, message: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tasks": tasks}))
    with pytest.raises(WeightsError, match=message):
        find_weights(folder)
