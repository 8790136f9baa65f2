"""A further task: its record, and entries that a reader returns; training and scoring follow."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pytest
from numpy.random import default_rng
from tests.trainees import new_upscaler

from gisr.baselines.classical import Bicubic, load_baseline
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair
from gisr.datasets.entry import Entry, Frame, Images, PairEntry, Pixels
from gisr.experiments.benchmarks import _own
from gisr.experiments.evaluation import _scores, measure
from gisr.experiments.system_variants import SystemVariant
from gisr.experiments.validation import make_validation
from gisr.tasks import TASKS, Task, TaskName
from gisr.tasks.depth import DEPTH
from gisr.training import sets
from gisr.training.recipe import Recipe
from gisr.training.samples.frames import FrameSet
from gisr.training.samples.pairs import PairSet
from gisr.training.set_recipe import SetRecipe
from gisr.windows import Window

NAME: Any = "thermal"
ABOUT: dict[str, Any] = {"dataset": "thermal-set", "split": "train", "open": True, "task": NAME}
VALUES = (280 + 20 * np.sin(np.arange(64) / 5)[:, None] * np.cos(np.arange(72) / 7)).astype("f4")
COLOUR = np.stack([VALUES, VALUES[::-1], VALUES[:, ::-1]], axis=-1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Thermogram(PairEntry):
    """An entry class of its own, as the reader of a further task may bring it."""

    @property
    def kind(self) -> str:
        return "kelvin"

    def images(self) -> dict[str, Pixels]:
        return {"heat": VALUES, "colour": COLOUR}

    def target_shape(self, ratio: int) -> tuple[int, ...]:
        return tuple(side // ratio for side in VALUES.shape)

    def pair(self, ratio: int, window: Window | None = None) -> Pair:
        rows, columns = window or tuple(slice(0, side) for side in self.target_shape(ratio))
        part = np.s_[rows.start * ratio : rows.stop * ratio]
        across = np.s_[columns.start * ratio : columns.stop * ratio]
        return depth_pair(
            VALUES[part, across], COLOUR[part, across], ratio, name=self.name, task=self.task
        )

    def checked_images(self) -> Images:
        raise NotImplementedError

    @classmethod
    def of_images(cls, reads: Any, about: Any) -> Any:
        raise NotImplementedError


def frame(**about: Any) -> Frame:
    """Return an entry of a class that there is already, of the further task."""
    return Frame(
        **{**ABOUT, "name": "frame", **about},
        read_depth=lambda: (VALUES, np.ones(VALUES.shape, bool)),
        read_colour=lambda: COLOUR,
    )


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Task:
    record = replace(DEPTH, name=NAME, title="Thermal", metrics=("psnr", "ssim_wang"), border=3)
    monkeypatch.setitem(TASKS, NAME, record)
    # As they are when record and name are there first.
    monkeypatch.setattr(Bicubic, "tasks", tuple(TASKS))
    monkeypatch.setitem(SetRecipe.__annotations__, "task", Literal[(*get_args(TaskName), NAME)])
    return record


@pytest.mark.parametrize(
    ("entry", "kind"), [(frame(), FrameSet), (Thermogram(**ABOUT, name="one"), PairSet)]
)
def test_the_class_of_its_entries_chooses_the_training_set(
    task: Task,
    entry: Entry,
    kind: type,
    recipe: Callable[..., Recipe],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sets, "read_entries", lambda folder: [entry])
    (chosen,) = sets.training_sets(recipe(sets=(SetRecipe(NAME, 4),)))
    assert type(chosen) is kind
    for seed in range(4):
        sample = chosen.sample(0, default_rng(seed), 32)
        assert (sample.task, sample.ratio) == (NAME, 4)
        assert sample.truth.shape == (4, 32, 32)
        assert np.abs(sample.target - sample.truth).mean() < 0.1


def test_it_is_scored_by_its_record(task: Task) -> None:
    (benchmark,) = [_own(task, "own-thermal", "", "", (4,))]
    entry = frame(dataset="pairs", split="test")
    assert benchmark.contains(entry)
    assert not benchmark.contains(replace(entry, task=DEPTH.name))
    system = load_baseline(task.interpolation)
    (score,) = _scores(benchmark, 4, {"bicubic": SystemVariant(system)}, [entry])
    assert tuple(score.values) == ("psnr", "ssim_wang")
    assert benchmark.border == 3


def test_it_is_validated_by_its_record(
    task: Task, recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out = Thermogram(**{**ABOUT, "split": "val"}, name="held")
    monkeypatch.setattr("gisr.experiments.validation.recipe_entries", lambda plan: [held_out])
    validate = make_validation(plan := recipe(sets=(SetRecipe(NAME, 4),)))
    assert validate is not None
    (pair,) = held_out.pairs(4)
    expected = measure([task.metric], Bicubic().answer(pair).image, pair, task.border)
    scores = validate(new_upscaler(plan))  # a new one changes nothing
    assert scores == {"psnr_thermal_x4": pytest.approx(expected["psnr"], rel=1e-3)}
