"""Eq. (10) by hand."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from gisr.magnet import LevelRouting, MAGNetOutput
from gisr.tasks import TASKS, TaskName, describe
from gisr.tasks.text.table import built_in_table
from gisr.training.objective import SampleBatch, gradient_norms, objective, sample_errors
from gisr.training.recipe import Criterion
from gisr.training.samples.patches import Sample


def sample(
    task: TaskName,
    truth: float,
    known: np.ndarray | None = None,
    scale: np.ndarray | None = None,
) -> Sample:
    image = np.zeros((4, 2, 2), np.float32)
    mask = np.ones((1, 2, 2), np.float32) if known is None else known
    target = image + np.float32(2 * truth)
    return Sample(
        target=target,
        coarse=target[:, :1, :1],
        guide=image[:3],
        truth=image + np.float32(truth),
        known=mask,
        scale=np.ones(4, np.float32) if scale is None else scale,
        description=describe(task, 4),
        ratio=4.0,
        task=task,
        cropped=task == "mri",
    )


def batch(*samples: Sample) -> SampleBatch:
    return SampleBatch.of(list(samples), built_in_table())


ALIKE = torch.ones(len(TASKS))
"""In the order of TASKS."""


def test_samples_stand_side_by_side_with_their_descriptions() -> None:
    made = batch(sample("mri", 0.5), sample("depth", 1.0))
    assert made.target.shape == made.truth.shape == (2, 4, 2, 2)
    assert made.guide.shape == (2, 3, 2, 2)
    assert made.ratio.tolist() == [4.0, 4.0]
    assert [list(TASKS)[number] for number in made.task.tolist()] == ["mri", "depth"]
    table = built_in_table()
    tasks: tuple[TaskName, ...] = ("mri", "depth")
    for row, task in enumerate(tasks):
        np.testing.assert_array_equal(made.text[row].numpy(), table.lookup(describe(task, 4)))


def test_l1_over_known_pixels_weighted_by_task_plus_balance() -> None:
    one_known = np.zeros((1, 2, 2), np.float32)
    one_known[0, 0, 1] = 1
    made = batch(sample("mri", 0.5), sample("depth", 1.0, one_known))
    image = torch.zeros(2, 4, 2, 2)
    image[1, :, 0, 1] = 0.75  # off by 0.25 where it counts
    image[1, :, 1, 0] = 9.0  # and by 8 where nothing is known
    weights = torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1)
    routing = (LevelRouting("encoder 1", weights, torch.tensor([1.0, 0.0])),)
    loss = objective(MAGNetOutput(image, routing), made, torch.tensor([9.0, 9.0, 3.0, 1.0]), 0.1)
    assert loss.reconstruction.tolist() == pytest.approx([0.5, 0.25])
    # Importance (1, 0) and load (1, 0): both have variance 1/4 over a squared mean of 1/4.
    assert loss.balance.item() == pytest.approx(2.0)
    assert loss.total.item() == pytest.approx((3 * 0.5 + 0.25) / 2 + 0.1 * 2)


@pytest.mark.parametrize("ratio", [2, 4])
def test_what_a_scan_measured_need_not_be_learnt(ratio: int) -> None:
    """Slow waves are measured and do not count, fast ones do; off k-space grids, all counts."""
    side, place = 16, np.arange(16) + 0.5
    slow, fast = (
        np.outer(np.cos(np.pi * waves * place / side), np.ones(side)).astype(np.float32)
        for waves in (16 // ratio - 1, 16 // ratio)
    )
    empty = np.zeros((4, side, side), np.float32)
    made = replace(
        batch(sample("mri", 0), sample("depth", 0)),
        truth=torch.zeros(2, 4, side, side),
        known=torch.ones(2, 1, side, side),
        ratio=torch.tensor([float(ratio)] * 2),
    )

    def errors(wave: np.ndarray, measured: float) -> list[float]:
        image = torch.from_numpy(empty + wave).expand(2, -1, -1, -1)
        found: list[float] = sample_errors(image, made, "rms", measured).tolist()
        return found

    whole = float(np.sqrt(np.mean(np.square(slow))))
    assert errors(slow, 0.0) == pytest.approx([0, whole], abs=1e-5)
    assert errors(slow, 0.25) == pytest.approx([0.25 * whole, whole], abs=1e-5)
    assert errors(fast, 0.0) == pytest.approx(errors(fast, 1.0), abs=1e-5)
    assert errors(slow.T, 0.0) == pytest.approx([0, whole], abs=1e-5)


def test_a_sample_of_which_nothing_is_known_costs_nothing() -> None:
    made = batch(sample("depth", 1.0, np.zeros((1, 2, 2), np.float32)))
    output = MAGNetOutput(torch.zeros(1, 4, 2, 2), ())
    assert objective(output, made, ALIKE, 1.0).total.item() == 0


def test_root_mean_square_over_known_pixels() -> None:
    one_known = np.zeros((1, 2, 2), np.float32)
    one_known[0, 0, 1] = 1
    made = batch(sample("mri", 0.5), sample("depth", 1.0, one_known))
    image = torch.full((2, 4, 2, 2), 0.5)
    image[0, 0, 0, 0] = 1.5  # off by 1 in one of sixteen values, by 0 elsewhere
    image[1, :2, 0, 1] = 0.0  # off by 1 in two bands of the known pixel, by 0.5 in two
    loss = objective(MAGNetOutput(image, ()), made, ALIKE, 0.0, criterion="rms")
    expected = [0.25, (5 / 8) ** 0.5]
    assert loss.reconstruction.tolist() == pytest.approx(expected, rel=1e-5)
    assert loss.errors.means.tolist() == pytest.approx([0, 0, *expected], rel=1e-5)
    assert loss.total.item() == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_bands_count_by_what_a_step_means_in_their_units() -> None:
    scale = np.array([1.6, 1.2, 0.0, 0.0], np.float32)  # squares have a mean of 1
    made = batch(sample("pansharpening", 0.0, scale=scale))
    image = torch.tensor([1.0, 2.0, 5.0, 7.0]).reshape(1, 4, 1, 1).expand(1, 4, 2, 2)
    l1, rms = (sample_errors(image, made, criterion).item() for criterion in get_args(Criterion))
    assert l1 == pytest.approx((1.6 + 2.4) / 4)
    assert rms == pytest.approx(((1.6**2 + 2.4**2) / 4) ** 0.5)


def test_both_criteria_pull_equally_hard() -> None:
    made = batch(sample("mri", 0.5))
    norms = []
    for criterion in get_args(Criterion):
        image = torch.rand(1, 4, 2, 2, generator=torch.Generator().manual_seed(0))
        image.requires_grad_()
        sample_errors(image, made, criterion).sum().backward()
        assert image.grad is not None
        norms.append(float(image.grad.norm()))
    assert norms == pytest.approx([norms[0]] * 2, rel=1e-5)


def test_a_perfect_image_has_a_gradient() -> None:
    made = batch(sample("mri", 0.5))
    image = made.truth.clone().requires_grad_()
    sample_errors(image, made, "rms").sum().backward()
    assert image.grad is not None and not image.grad.any()


def test_errors_are_told_by_task_and_relative_to_the_target() -> None:
    made = batch(sample("mri", 0.5), sample("mri", 1.5), sample("depth", 1.0))
    image = torch.zeros(3, 4, 2, 2)
    image[2] = 0.5
    errors = objective(MAGNetOutput(image, ()), made, ALIKE, 0.0).errors
    assert errors.counts.tolist() == [0, 0, 2, 1]
    assert errors.means.tolist() == pytest.approx([0, 0, 1.0, 0.5])
    # The targets are off by as much as the zeros; the depth image is off by half of it.
    assert errors.relative.tolist() == pytest.approx([np.nan, np.nan, 1.0, 0.5], nan_ok=True)


def test_gradient_norms_by_task_by_hand() -> None:
    """An image of one value everywhere: its L1 has slope -1 or 1, whichever pixel is looked at."""
    made = batch(sample("mri", 0.5), sample("mri", 1.5), sample("depth", -1.0))
    layer = torch.tensor([0.0, 0.0], requires_grad=True)
    scales = torch.tensor([[1.0, 0.0], [3.0, 4.0], [0.0, 2.0]])
    image = (scales @ layer).reshape(3, 1, 1, 1).expand(3, 4, 2, 2)
    loss = objective(MAGNetOutput(image, ()), made, ALIKE, 0.0)
    # mri: the mean of -(1, 0) and -(3, 4); depth: (0, 2); nothing of the others.
    norms = gradient_norms(loss, made, layer)
    assert norms.tolist() == pytest.approx([0, 0, np.hypot(2, 2), 2])
    loss.total.backward()  # the graph is still there
    assert layer.grad is not None
    assert layer.grad.tolist() == pytest.approx([-4 / 3, -2 / 3])
