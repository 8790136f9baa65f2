"""Tasks: records, names and the built-in descriptions."""

from itertools import product
from typing import get_args

import pytest

from gisr.errors import InputError
from gisr.io.depth import maps
from gisr.io.volumes import nifti, picture
from gisr.tasks import (
    DESCRIBED_RATIOS,
    TASKS,
    Contrast,
    TaskName,
    built_in_descriptions,
    describe,
    find_task,
    nearest_described_ratio,
)
from gisr.tasks.sensors import SENSORS


def test_every_task_name_has_its_record() -> None:
    assert set(TASKS) == set(get_args(TaskName))
    for name, task in TASKS.items():
        assert task.name == name
        assert find_task(name) is task


def test_grids_follow_how_the_targets_are_made() -> None:
    assert {name: task.grid for name, task in TASKS.items()} == {
        "pansharpening": "centre",
        "multiband": "centre",
        "mri": "kspace",
        "depth": "centre",
    }


def test_the_papers_ratios_are_described() -> None:
    for task in TASKS.values():
        assert set(task.paper_ratios) <= set(DESCRIBED_RATIOS)
        for low, high in (task.target_percentiles, task.guide_percentiles):
            assert 0 <= low < high <= 100


def test_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'thermal'.*pansharpening, multiband, mri, depth"):
        find_task("thermal")


@pytest.mark.parametrize(
    ("ratio", "described"),
    # 2.5 is nearer to 3 than to 2 on a logarithmic scale (2.449...), 5.5 nearer to 4 (5.657...).
    [(1.0, 2), (2, 2), (2.4, 2), (2.5, 3), (3.9, 4), (5.5, 4), (5.7, 8), (12, 16), (100, 16)],
)
def test_nearest_described_ratio(ratio: float, described: int) -> None:
    assert nearest_described_ratio(ratio) == described


def test_descriptions_name_what_is_known() -> None:
    pan = describe("pansharpening", 4, sensor="wv3")
    assert "WorldView-3" in pan
    assert pan.endswith("ratio 4")
    mri = describe("mri", 2, contrast="t2", guide_contrast="T1")
    assert "T2 MR image guided by T1 MR image" in mri
    assert "another contrast" in describe("mri", 2, contrast="T2")
    # A contrast that guides itself, and spellings of files: sentences of the table.
    assert describe("mri", 2, contrast="T2w", guide_contrast="t2") == describe(
        "mri", 2, contrast="T2"
    )
    assert "of T1ce MR image" in describe("mri", 2, contrast="ce-gadolinium T1w")
    assert "depth map guided by a colour image at ratio 16" in describe("depth", 16)


@pytest.mark.parametrize("ratio", [0, -2, float("nan")])
def test_a_ratio_must_be_above_zero(ratio: float) -> None:
    with pytest.raises(InputError, match="scale factor"):
        describe("depth", ratio)


def test_a_new_sensor_gets_the_sentence_without_a_sensor() -> None:
    assert describe("pansharpening", 4, sensor="Sputnik") == describe("pansharpening", 4)


def test_unknown_contrast_and_task_are_refused() -> None:
    with pytest.raises(InputError, match=r"'T3'.*T1, T1ce"):
        describe("mri", 4, contrast="T3")
    with pytest.raises(InputError, match="unknown task"):
        describe("thermal", 4)  # type: ignore[arg-type]


def test_built_in_descriptions_are_all_and_unique() -> None:
    sentences = built_in_descriptions()
    assert len(set(sentences)) == len(sentences) == 255
    for ratio in DESCRIBED_RATIOS:
        assert describe("depth", ratio) in sentences
        for sensor in (None, *SENSORS):
            assert describe("pansharpening", ratio, sensor=sensor) in sentences
        for target, guide in product((None, *get_args(Contrast)), repeat=2):
            if target is None or target != guide:
                sentence = describe("mri", ratio, contrast=target, guide_contrast=guide)
                assert sentence in sentences


def test_files_of_a_task_are_those_its_formats_write() -> None:
    assert find_task("mri").output_suffixes == (*nifti.SUFFIXES, picture.WRITTEN)
    assert find_task("depth").output_suffixes == tuple(maps.READERS)
