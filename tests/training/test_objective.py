"""Eq. (10) by hand."""

import numpy as np
import pytest
import torch

from gisr.data.training_sets import Sample
from gisr.magnet import LevelRouting, MAGNetOutput
from gisr.tasks.task import TaskName, describe
from gisr.tasks.text.table import built_in_table
from gisr.training.objective import Batch, errors_by_task, objective
from gisr.training.recipe import TaskWeights


def sample(task: TaskName, truth: float, known: np.ndarray | None = None) -> Sample:
    image = np.zeros((4, 2, 2), np.float32)
    mask = np.ones((1, 2, 2), np.float32) if known is None else known
    target = image + np.float32(2 * truth)
    return Sample(target, image[:3], image + np.float32(truth), mask, describe(task, 4), 4.0, task)


def batch(*samples: Sample, **weights: float) -> Batch:
    return Batch.of(list(samples), built_in_table(), TaskWeights(**weights))


def test_samples_stand_side_by_side_with_their_descriptions() -> None:
    made = batch(sample("mri", 0.5), sample("depth", 1.0), mri=3.0)
    assert made.target.shape == made.truth.shape == (2, 4, 2, 2)
    assert made.guide.shape == (2, 3, 2, 2)
    assert made.ratio.tolist() == [4.0, 4.0]
    assert made.weight.tolist() == [3.0, 1.0]
    table = built_in_table()
    for row, task in enumerate(("mri", "depth")):
        np.testing.assert_array_equal(made.text[row].numpy(), table.lookup(describe(task, 4)))


def test_l1_over_known_pixels_weighted_by_task_plus_balance() -> None:
    one_known = np.zeros((1, 2, 2), np.float32)
    one_known[0, 0, 1] = 1
    made = batch(sample("mri", 0.5), sample("depth", 1.0, one_known), mri=3.0)
    image = torch.zeros(2, 4, 2, 2)
    image[1, :, 0, 1] = 0.75  # off by 0.25 where it counts
    image[1, :, 1, 0] = 9.0  # and by 8 where nothing is known
    weights = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1)
    routing = (LevelRouting("encoder 1", weights, torch.tensor([1.0, 0.0])),)
    loss = objective(MAGNetOutput(image, routing), made, 0.1)
    assert loss.reconstruction.tolist() == pytest.approx([0.5, 0.25])
    # Importance (1, 0) and load (1, 0): both have variance 1/4 over a squared mean of 1/4.
    assert loss.balance.item() == pytest.approx(2.0)
    assert loss.total.item() == pytest.approx((3 * 0.5 + 0.25) / 2 + 0.1 * 2)


def test_a_sample_of_which_nothing_is_known_costs_nothing() -> None:
    made = batch(sample("depth", 1.0, np.zeros((1, 2, 2), np.float32)))
    assert objective(MAGNetOutput(torch.zeros(1, 4, 2, 2), ()), made, 1.0).total.item() == 0


def test_errors_are_told_by_task_and_relative_to_the_target() -> None:
    made = batch(sample("mri", 0.5), sample("mri", 1.5), sample("depth", 1.0))
    image = torch.zeros(3, 4, 2, 2)
    image[2] = 0.5
    values = errors_by_task(objective(MAGNetOutput(image, ()), made, 0.0), made)
    assert values == pytest.approx(
        {
            "l1_mri": 1.0,
            "relative_l1_mri": 1.0,
            "l1_depth": 0.5,
            "relative_l1_depth": 0.5,
        }
    )
