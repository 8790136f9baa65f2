"""Pansharpening networks take images of any size and say what they cannot be built for."""

from collections.abc import Callable

import pytest
import torch
from tests.baselines.parity.systems import SYSTEMS

from gisr.baselines.pansharpening import AWFLN, DifPAN, M3DNet
from gisr.baselines.pansharpening.weighted_convolution import PixelWeightedConvolution

NAMES = ("awfln", "difpan", "dispnet", "fusionmamba", "lagconv", "m3dnet")


@pytest.mark.parametrize("name", NAMES)
def test_other_ratios_and_numbers_of_channels_are_refused(name: str) -> None:
    kind = SYSTEMS[name].kind
    with pytest.raises(ValueError, match="for ratio 3: it can for 2, 4, 8, 16"):
        kind.build(4, 1, 3)
    with pytest.raises(ValueError, match="for 0 guide channels"):
        kind.build(4, 0, 4)


@pytest.mark.parametrize(
    ("build", "multiple"),
    [
        (lambda: AWFLN(4, 1, 4, width=10), 3),
        (lambda: M3DNet(4, width=5), 2),
        (lambda: DifPAN(4, width=12), 8),
    ],
)
def test_widths_that_layers_cannot_divide_are_refused(
    build: Callable[[], object], multiple: int
) -> None:
    with pytest.raises(ValueError, match=f"use a multiple of {multiple}"):
        build()


def test_images_smaller_than_the_attention_of_m3dnet_are_continued() -> None:
    torch.manual_seed(0)
    network = M3DNet(1, width=2, stages=1)
    with torch.no_grad():
        assert network(torch.rand(1, 1, 1, 3), torch.rand(1, 1, 2, 6)).shape == (1, 1, 2, 6)


def test_weights_of_one_give_the_plain_convolution() -> None:
    torch.manual_seed(0)
    layer, x = PixelWeightedConvolution(3, 5), torch.rand(2, 3, 6, 7)
    torch.testing.assert_close(layer(x, torch.ones(2, 9, 6, 7)), layer.kernel(x))
