"""What every compared network must do for images of any size, at a width that runs in no time."""

import pytest
import torch
from tests.baselines.parity.systems import SYSTEMS
from torch import Tensor, nn

from gisr.baselines.network import ComparedNetwork, NetworkInput


def small(name: str) -> ComparedNetwork:
    """Return a narrow network for the first ratio and numbers of channels."""
    system = SYSTEMS[name]
    torch.manual_seed(0)
    return system.small(*system.channels[0], system.kind.published.ratios[0])


def pair(
    channels: tuple[int, int], size: tuple[int, int], ratio: int, batch: int = 2
) -> NetworkInput:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(batch, channels[0], *size, generator=generator)
    height, width = (side * ratio for side in size)
    guide = torch.rand(batch, channels[1], height, width, generator=generator)
    enlarged = nn.functional.interpolate(target, (height, width), mode="bicubic")
    return NetworkInput(target, enlarged, guide, ratio)


def cases() -> list[tuple[str, tuple[int, int], int]]:
    """Return the first numbers of channels at every ratio, all others at one."""
    return [
        (name, channels, ratio)
        for name, system in SYSTEMS.items()
        for channels in system.channels
        for ratio in system.kind.published.ratios
        if channels == system.channels[0] or ratio == system.kind.published.ratios[-1]
    ]


@pytest.mark.parametrize(("name", "channels", "ratio"), cases())
def test_images_of_any_size_are_sharpened(name: str, channels: tuple[int, int], ratio: int) -> None:
    system = SYSTEMS[name]
    torch.manual_seed(0)
    network = system.small(*channels, ratio).eval()
    # Beyond ratio 4 the guide grows no further: the size is odd at every ratio all the same.
    size = system.target if ratio <= 4 else tuple(-(-side * 4 // ratio) for side in system.target)
    given = pair(channels, (size[0], size[1]), ratio)
    with torch.no_grad():
        sharpened = network.sharpen(given)
    assert sharpened.shape == given.enlarged.shape
    assert sharpened.isfinite().all()
    assert not torch.equal(sharpened[0], sharpened[1])


@pytest.mark.parametrize("name", SYSTEMS)
def test_training_lowers_the_error(name: str) -> None:
    system, network = SYSTEMS[name], small(name)
    given = pair(system.channels[0], system.target, network.published.ratios[0])
    truth = given.enlarged.roll(1, dims=3)
    known = torch.ones_like(truth[:, :1])
    optimiser = torch.optim.Adam(network.parameters(), lr=system.learning_rate)

    def error() -> Tensor:
        torch.manual_seed(1)
        errors = network.errors(given, truth, known)
        assert errors.shape == (2,)
        return errors.mean()

    before = error().item()
    for _ in range(3):
        optimiser.zero_grad()
        error().backward()
        optimiser.step()
    assert error().item() < before


@pytest.mark.parametrize("name", SYSTEMS)
def test_weights_are_all_that_is_kept(name: str) -> None:
    system, network, other = SYSTEMS[name], small(name).eval(), small(name).eval()
    given = pair(system.channels[0], system.target, network.published.ratios[0])
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(other.sharpen(given), network.sharpen(given))


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_cannot_be_built_is_refused_with_what_can(name: str) -> None:
    kind = SYSTEMS[name].kind
    with pytest.raises(ValueError, match=kind.published.title):
        kind.build(0, 0, kind.published.ratios[0])
