"""From a recipe to its training sets."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image

from gisr.datasets.entry import PublishedPair, Scene
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError, InputError, RecipeError
from gisr.training import sets
from gisr.training.loop import train
from gisr.training.recipe import Recipe, Stage
from gisr.training.samples.frames import FrameSet
from gisr.training.samples.pairs import PairSet
from gisr.training.samples.scans import ScanSet
from gisr.training.samples.scenes import SceneSet
from gisr.training.samples.training_set import JoinedSet
from gisr.training.set_recipe import SetRecipe
from gisr.training.sets import training_entries, training_sets

Build = Callable[..., Recipe]


def made(**changes: Any) -> PublishedPair:
    images: dict[str, Any] = {
        "read_target": lambda: np.ones((8, 8, 4)),
        "read_guide": lambda: np.ones((32, 32, 1)),
        "read_truth": lambda: np.ones((32, 32, 4)),
    }
    about = {"name": "pair", "dataset": "nbu-reduced", "split": "train", "open": True}
    satellite = {"task": "pansharpening", "ratio": 4, "sensor": "GaoFen-1"}
    return PublishedPair(**{**about, **satellite, **images, **changes})


def test_excluded_entries_are_left_out(recipe: Build) -> None:
    plan = recipe(exclude=("frame0",), sets=(SetRecipe("depth", 4),))
    (frames,) = training_sets(plan)
    assert len(frames) == 1


def test_a_patch_of_a_later_stage_that_an_image_lacks_is_refused_at_once(
    recipe: Build, tmp_path: Path
) -> None:
    plan = recipe(sets=(SetRecipe("depth", 4),), stages=(Stage(0.9, 512, 1),), steps=10)
    with pytest.raises(RecipeError, match="patch 512 is larger than frame"):
        train(plan, tmp_path / "run", stop_at=1, quiet=True)


def _own_frame(folder: Path, pairs: Path) -> Path:
    """Return a folder of its owner's with a depth map and its picture, not listed yet."""
    own = folder / "own"
    own.mkdir()
    shutil.copy(pairs / "frame0_depth.png", own / "depth.png")
    shutil.copy(pairs / "frame0_rgb.png", own / "colour.png")
    return own


def _own_pairs(folder: Path, pairs: Path, split: str = "train") -> Path:
    """Return such a folder with the list of its one pair."""
    own = _own_frame(folder, pairs)
    (own / "pairs.csv").write_text(
        f"name,task,guide,truth,split\nmine,depth,colour.png,depth.png,{split}\n", encoding="utf-8"
    )
    return own


def test_sets_are_of_the_recipes_kinds_in_its_order(recipe: Build) -> None:
    wanted = (SetRecipe("depth", 8), SetRecipe("mri", 2), SetRecipe("pansharpening", 3))
    found = training_sets(recipe(sets=wanted, misregistration=0.1))
    assert [type(one) for one in found] == [FrameSet, ScanSet, SceneSet]
    assert [(one.task, one.ratio) for one in found] == [
        ("depth", 8),
        ("mri", 2),
        (wanted[2].task, 3),
    ]
    assert isinstance(found[2], SceneSet) and found[2].misregistration == 0.1


def test_several_folders_are_one_data_set_or_told_apart(
    recipe: Build, pairs: Path, tmp_path: Path
) -> None:
    """The second holds another frame, listed by its owner."""
    own = _own_pairs(tmp_path, pairs)
    both = (str(pairs), str(own))
    wanted = tuple(SetRecipe("depth", 4, dataset=name) for name in (None, "pairs", "open-pairs"))
    plan = recipe(data=both, sets=wanted, open_only=False)
    assert [len(one) for one in training_sets(plan)] == [3, 1, 2]


def test_own_pairs_are_trained_on_by_the_sets_that_the_message_names(
    recipe: Build, pairs: Path, tmp_path: Path
) -> None:
    own = _own_pairs(tmp_path, pairs)
    wanted = (
        SetRecipe("mri", 4),
        *(SetRecipe("depth", ratio, "open-pairs") for ratio in (4, 8, 4)),
    )
    with pytest.raises(RecipeError) as caught:
        training_sets(recipe(data=str(own), sets=wanted, open_only=False))
    option = "--sets '[{task: depth, ratio: 4}, {task: depth, ratio: 8}]'"
    assert str(caught.value) == (
        f"sets: mri x4 is empty: no training entry of {own} belongs to it; there are depth of "
        f"pairs: {option} trains on those"
    )
    again = recipe(
        data=str(own), sets=(SetRecipe("depth", 4), SetRecipe("depth", 8)), open_only=False
    )
    assert [len(one) for one in training_sets(again)] == [1, 1]


def test_pairs_that_came_with_targets_name_their_ratio(
    recipe: Build, pairs: Path, tmp_path: Path
) -> None:
    """They were said to be of depth, and no set that they fill was named."""
    own = _own_pairs(tmp_path, pairs)
    Image.new("L", (8, 8), 7).save(own / "low.png")
    head, row = (own / "pairs.csv").read_text().split()
    (own / "pairs.csv").write_text(f"{head},target,ratio\n{row},low.png,8\n")
    with pytest.raises(RecipeError) as caught:
        training_sets(recipe(data=str(own), sets=(SetRecipe("depth", 4),), open_only=False))
    assert "there are depth of pairs at x8: --sets '[{task: depth, ratio: 8}]'" in str(caught.value)


@pytest.mark.parametrize(
    ("split", "way"),
    [("test", "name a folder with others"), ("research", "--splits '[research]' trains on those")],
)
def test_a_split_that_is_not_trained_on_is_told_with_a_way_that_works(
    recipe: Build, pairs: Path, tmp_path: Path, split: str, way: str
) -> None:
    own = _own_pairs(tmp_path, pairs, split)
    plan = recipe(data=str(own), sets=(SetRecipe("depth", 4),), open_only=False)
    with pytest.raises(RecipeError, match="all are of") as caught:
        training_sets(plan)
    assert f"all are of {split}: {way}" in str(caught.value)


def test_a_set_may_choose_sensor_and_contrasts(recipe: Build) -> None:
    wanted = (
        SetRecipe("pansharpening", 2, sensor="L7"),
        SetRecipe(
            "mri", 2, contrast="T2", guide_contrast="T1", middle_slices=2, foreground_share=0.0
        ),
    )
    scenes, slices = training_sets(recipe(sets=wanted))
    assert (len(scenes), len(slices)) == (2, 2)
    assert isinstance(slices, ScanSet)
    assert {contrast for _, contrast, _ in slices._slices} == {"T2"}
    for nothing in (
        SetRecipe("pansharpening", 2, sensor="QuickBird"),
        SetRecipe("mri", 2, contrast="PD"),
    ):
        with pytest.raises(
            RecipeError, match=r"x2 \((sensor QuickBird|contrast PD)\) is empty.*open"
        ):
            training_sets(recipe(sets=(nothing,)))


def test_made_pairs_train_at_their_own_ratio(
    recipe: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With scenes of the same recipe they are one set; without a truth they teach nothing."""
    others = [made(), made(name="full", read_truth=None), made(name="two", ratio=2)]
    monkeypatch.setattr(sets, "read_entries", lambda folder: [*read_entries(folder), *others])
    wanted = (
        SetRecipe("pansharpening", 4, dataset="nbu-reduced"),
        SetRecipe("pansharpening", 4),
        SetRecipe("pansharpening", 3),
        SetRecipe("pansharpening", 4, sensor="gf1"),
    )
    alone, joined, scenes, one = training_sets(recipe(sets=wanted))
    assert isinstance(alone, PairSet) and [entry.name for entry in alone.entries] == ["pair"]
    assert isinstance(joined, JoinedSet) and len(joined) == 3
    assert isinstance(scenes, SceneSet) and isinstance(scenes.entries[0], Scene)
    assert isinstance(one, PairSet)
    assert alone.sample(0, default_rng(0), 16).truth.shape == (4, 16, 16)


def test_what_cannot_be_trained_on_is_refused(recipe: Build, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="nowhere: there is no such folder"):
        training_sets(recipe(data=str(tmp_path / "nowhere")))
    files = {"target": "d.png", "guide": "c.png", "invalid": 0, "scale": 1}
    record = {"id": "one", "task": "depth", "split": "train", "open": False, **files}
    (tmp_path / "index.json").write_text(json.dumps([record]), encoding="utf-8")
    told = r"none of the 1 entries of .* in the splits .* is marked as open: --open_only false"
    with pytest.raises(RecipeError, match=told):
        training_sets(recipe(data=str(tmp_path)))
    with pytest.raises(
        RecipeError, match=r"splits research, all are of train: --splits '\[train\]' trains"
    ):
        training_sets(recipe(data=str(tmp_path), open_only=False, splits=("research",)))


def test_files_that_are_in_no_entry_are_told(recipe: Build, pairs: Path, tmp_path: Path) -> None:
    frames, lines = tmp_path / "nyu", list[str]()
    frames.mkdir()
    np.save(frames / "7.npy", np.ones((8, 8), np.float32))
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(frames / "7.jpg")
    (frames / "kitchen.npy").write_bytes(b"")
    plan = recipe(data=(str(pairs), str(frames)), open_only=False)
    assert "7" in [entry.name for entry in training_entries(plan, lines.append)]
    assert lines == [
        f"{frames}: kitchen.npy is left out: not named as this layout has it (see gisr data list)"
    ]


def test_a_pair_that_cannot_be_learnt_from_is_named(tmp_path: Path) -> None:
    image = np.ones((8, 8, 4), np.float32)
    image[2, 3, 1] = np.nan
    entry = made(files=(tmp_path / "a.mat",), read_target=lambda: image)
    with pytest.raises(InputError) as caught:
        PairSet((entry,), 4, "pansharpening").sample(0, default_rng(0), 16)
    assert str(caught.value) == (
        f"pair (a.mat in {tmp_path}): target holds 1 values that are NaN or infinite: write "
        "numbers in their place, or leave the file out"
    )


def test_pairs_that_are_not_trained_on_are_counted(
    recipe: Build, pairs: Path, tmp_path: Path
) -> None:
    own = _own_frame(tmp_path, pairs)
    (own / "pairs.csv").write_text(
        "name,task,guide,truth,split,open\n"
        "mine,depth,colour.png,depth.png,train,no\n"
        "yours,depth,colour.png,depth.png,train,yes\n",
        encoding="utf-8",
    )
    lines: list[str] = []
    chosen = SetRecipe("depth", 4, dataset="open-pairs")
    training_sets(recipe(data=(str(pairs), str(own)), sets=(chosen,)), lines.append)
    found = [entry for entry in read_entries(pairs) if entry.split == "train"]
    depth = [entry for entry in found if entry.task == "depth"]
    assert len(found) > len(depth)  # other tasks are not asked for
    assert lines == [
        f"1 of {len(found) + 2} pairs is left out, mine: not marked as open (--open_only false "
        "trains on all, such weights are not to be given away)",
        f"1 of {len(depth) + 1} pairs is left out, yours: of no set of the recipe (ratio, data "
        "set, sensor)",
    ]
