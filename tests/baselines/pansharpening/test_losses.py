"""Losses of the pansharpening networks that are not the mean absolute error."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gisr.baselines.network import NetworkInput
from gisr.baselines.pansharpening import DISPNet, LAGConv
from gisr.baselines.pansharpening.dispnet import IntrinsicParts, UnfoldedStage, intrinsic_loss


def parts(bands: int, height: int, width: int) -> IntrinsicParts:
    return IntrinsicParts(torch.rand(1, bands, height, width), torch.rand(1, 1, height, width))


def published_smoothness(own: IntrinsicParts) -> Tensor:
    """The formula of the authors, with the filters that they write it with."""
    kernel = torch.tensor([[0.0, 0.0], [-1.0, 1.0]])
    surface = own.reflectance.mean(dim=1, keepdim=True)
    total = torch.zeros(())
    for each in (kernel, kernel.T):
        edge = F.conv2d(surface, each[None, None], padding=1).abs()
        light = F.conv2d(own.illumination, each[None, None], padding=1).abs()
        total = total + edge * (-10 * F.avg_pool2d(light, 3, 1, 1)).exp()
    return total.mean()


def test_intrinsic_loss_is_the_published_sum() -> None:
    torch.manual_seed(0)
    stage = UnfoldedStage(torch.rand(1, 4, 7, 9), parts(4, 7, 9), parts(4, 7, 9))
    truth, pan = torch.rand(1, 4, 7, 9), torch.rand(1, 1, 7, 9)
    ms, high = stage.target, stage.guide
    expected = (
        (ms.reflectance * ms.illumination - truth).abs().mean()
        + (high.reflectance * high.illumination - pan).abs().mean()
        + 0.001 * (high.reflectance * ms.illumination - pan).abs().mean()
        + 0.001 * (ms.reflectance * high.illumination - truth).abs().mean()
        + 0.1 * (published_smoothness(ms) + published_smoothness(high))
        + 0.01 * (ms.illumination - high.illumination).abs().mean()
    )
    loss = intrinsic_loss(stage, truth, pan, torch.ones(1, 1, 7, 9))
    torch.testing.assert_close(loss, expected[None])


def test_unknown_pixels_of_the_truth_do_not_count() -> None:
    torch.manual_seed(0)
    given = NetworkInput(
        torch.rand(2, 1, 4, 6), torch.rand(2, 1, 8, 12), torch.rand(2, 1, 8, 12), 2
    )
    truth, known = torch.rand(2, 1, 8, 12), torch.ones(2, 1, 8, 12)
    known[:, :, 3:, 5:] = 0
    other = torch.where(known > 0, truth, torch.full_like(truth, 5.0))
    for network in (DISPNet(1, 2, width=4, stages=1), LAGConv(1, width=4, blocks=1)):
        with torch.no_grad():
            errors = network.errors(given, truth, known)
            torch.testing.assert_close(network.errors(given, other, known), errors)
            changed = network.errors(given, truth + known, known)
        assert (changed - errors).abs().min() > 1e-3


def test_lagconv_squares_its_errors() -> None:
    torch.manual_seed(0)
    network = LAGConv(1, width=4, blocks=1)
    given = NetworkInput(
        torch.rand(1, 1, 4, 6), torch.rand(1, 1, 8, 12), torch.rand(1, 1, 8, 12), 2
    )
    with torch.no_grad():
        truth = network.sharpen(given) + 3
        errors = network.errors(given, truth, torch.ones(1, 1, 8, 12))
    torch.testing.assert_close(errors, torch.tensor([9.0]))
