"""The whole network: any input, every switch, and what its outputs promise."""

import itertools
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gisr.magnet import PRESETS, MAGNet, MAGNetConfig, Preset, balance_loss
from gisr.magnet import network as network_module

PAPER: dict[str, Any] = {
    "guide_channels": 3,
    "hidden_multiple": 1,
    "ratio_as_number": False,
    "routing_residual": False,
    "residual_scale": 1.0,
}
Build = Callable[..., MAGNet]
Draw = Callable[..., tuple[Tensor, Tensor, Tensor, Tensor]]


@pytest.mark.parametrize("preset", get_args(Preset))
def test_a_new_network_is_the_identity(preset: Preset, pair: Draw) -> None:
    torch.manual_seed(0)
    config = PRESETS[preset]
    target, guide, _, ratio = pair(height=16, width=16)
    with torch.inference_mode():
        output = MAGNet(config).eval()(target, guide, torch.randn(1, config.text_width), ratio)
    assert torch.equal(output.image, target)
    assert [level.position for level in output.routing] == [f"encoder {i}" for i in range(1, 5)]


@pytest.mark.parametrize("unshuffle", [1, 2])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (33, 50)])
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 5, 9])
def test_any_size_and_any_number_of_bands(
    tiny: Build, pair: Draw, bands: int, size: tuple[int, int], unshuffle: int
) -> None:
    channels = 1 + bands % 4
    target, guide, text, ratio = pair(bands, *size, channels=channels, batch=2)
    with torch.inference_mode():
        network = tiny(unshuffle=unshuffle, blocks=(1, 1), heads=(1, 2))
        image = network(target, guide, text, ratio).image
    assert image.shape == target.shape
    assert image.isfinite().all()
    assert not torch.equal(image, target)


def test_bands_stay_in_their_place(tiny: Build, pair: Draw) -> None:
    """Groups of bands are sharpened alone: a change in one group reaches no other."""
    target, guide, text, ratio = pair(bands=8)
    network = tiny(prompt_modality="text")
    changed = target.clone()
    changed[:, 5] += 0.5
    with torch.inference_mode():
        one, other = (network(x, guide, text, ratio).image for x in (target, changed))
    assert torch.equal(one[:, :4], other[:, :4])
    assert not torch.equal(one[:, 5], other[:, 5])


def test_padding_is_by_reflection_and_cropped(tiny: Build, pair: Draw) -> None:
    target, guide, text, ratio = pair(height=21, width=30)
    reflected = [torch.nn.functional.pad(x, (0, 2, 0, 3), mode="reflect") for x in (target, guide)]
    network = tiny()
    with torch.inference_mode():
        cropped = network(*reflected, text, ratio).image[..., :21, :30]
        torch.testing.assert_close(network(target, guide, text, ratio).image, cropped)


def test_images_of_a_batch_do_not_meet(tiny: Build, pair: Draw) -> None:
    inputs = pair(bands=5, batch=3)
    network = tiny()
    with torch.inference_mode():
        together = network(*inputs).image
        alone = torch.cat([network(*(x[i : i + 1] for x in inputs)).image for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bands", [3, 7])
def test_the_prompt_may_be_given(tiny: Build, pair: Draw, bands: int) -> None:
    inputs = pair(bands=bands, batch=2)
    network = tiny(unshuffle=2)
    with torch.inference_mode():
        pooled = network.pool_prompt(*inputs)
        assert pooled is not None and network.prompt_generator is not None
        prompt = network.prompt_generator.compose(pooled)
        own, given_one = network(*inputs), network(*inputs, prompt)
        other = network(*inputs, prompt + 5)
    torch.testing.assert_close(given_one.image, own.image)
    assert not torch.equal(other.image, own.image)


def test_without_prompts_there_is_none(tiny: Build, pair: Draw) -> None:
    assert tiny(prompt_module=False).pool_prompt(*pair()) is None


def test_the_record_tells_the_weights_of_every_level(tiny: Build, pair: Draw) -> None:
    with torch.inference_mode():
        routing = tiny(routing="both")(*pair(bands=5, height=16, width=24)).routing
    positions = [f"encoder {i}" for i in (1, 2, 3, 4)] + [f"decoder {i}" for i in (3, 2, 1)]
    assert [level.position for level in routing] == positions
    sizes = [tuple(level.weights.shape) for level in routing]
    scales = (1, 2, 4, 8, 4, 2, 1)
    assert sizes == [(2, 4, 16 // scale, 24 // scale) for scale in scales]
    for level in routing:
        torch.testing.assert_close(level.load, (level.weights > 0).float().sum(dim=(0, 2, 3)))


def test_steps_between_levels_halve_and_double(tiny: Build) -> None:
    network, x = tiny(), torch.randn(1, 8, 6, 10)
    down = torch.nn.functional.pixel_unshuffle(network.down[0](x), 2)
    assert down.shape == (1, 16, 3, 5)
    assert torch.nn.functional.pixel_shuffle(network.up[0](down), 2).shape == x.shape


def test_the_heads_answer_counts_as_the_switch_says(tiny: Build, pair: Draw) -> None:
    inputs = pair()
    with torch.inference_mode():
        ours, papers = (
            tiny(**change)(*inputs).image - inputs[0] for change in ({}, {"residual_scale": 1.0})
        )
    torch.testing.assert_close(papers, 5 * ours, atol=1e-5, rtol=1e-4)


def test_what_differs_from_the_paper_is_listed_first() -> None:
    """Every field in which the preset of the paper differs from ours opens network.py."""
    ours, papers = asdict(PRESETS["magnet"]), asdict(PRESETS["magnet-paper"])
    changed = {name for name in ours if ours[name] != papers[name]}
    assert changed == {*PAPER, "text_width"}
    listed = re.findall(r"^\* ``(\w+)``", str(network_module.__doc__), re.MULTILINE)
    assert set(listed) == {*changed, "unshuffle"}


def test_inference_is_deterministic_and_training_is_noisy(tiny: Build, pair: Draw) -> None:
    network, inputs = tiny(), pair()
    with torch.no_grad():
        assert torch.equal(network(*inputs).image, network(*inputs).image)
        network.train()
        assert not torch.equal(network(*inputs).image, network(*inputs).image)


COMBINATIONS = [
    *itertools.product(
        ("both", "visual", "text", "neither"),
        ("encoder", "decoder", "both"),
        ("pixels", "channels"),
        (True,),
        ({},),
    ),
    # What is left where one of the modules is off.
    *itertools.product(
        ("both",), ("encoder", "decoder", "both"), ("pixels", "channels"), (False,), ({},)
    ),
    ("both", "none", "pixels", True, {}),
    ("both", "none", "pixels", False, {}),
    ("both", "both", "pixels", True, PAPER),
]


@pytest.mark.parametrize(("modality", "routing", "portion", "module", "switches"), COMBINATIONS)
def test_gradients_reach_every_parameter(
    tiny: Build,
    pair: Draw,
    modality: str,
    routing: str,
    portion: str,
    module: bool,
    switches: dict[str, Any],
) -> None:
    network = tiny(
        blocks=(1, 1),
        heads=(1, 2),
        prompt_modality=modality,
        routing=routing,
        expert_portion=portion,
        prompt_module=module,
        **switches,
    ).train()
    inputs = pair(height=8, width=8, batch=2)
    output = network(*inputs)
    (output.image.square().mean() + balance_loss(output.routing)).backward()
    idle = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert idle == []


def test_switches_remove_modules(tiny: Build) -> None:
    def parts(**changes: object) -> set[str]:
        return {name.split(".")[0] for name, _ in tiny(**changes).named_parameters()}

    backbone = {"embed", "encoder", "down", "up", "merge", "decoder", "head"}
    encoder = backbone | {"prompt_generator", "guidance_encoder", "encoder_routing"}
    assert parts() == encoder
    assert parts(prompt_module=False) == encoder - {"prompt_generator"}
    assert parts(routing="none") == backbone | {"prompt_generator", "prompt_shift"}
    assert parts(routing="none", prompt_module=False) == backbone
    assert parts(routing="decoder") == encoder - {"encoder_routing"} | {"decoder_routing"}
    assert parts(routing="both") == encoder | {"decoder_routing"}


def test_bfloat16_autocast_stays_close(tiny: Build, pair: Draw) -> None:
    network, inputs = tiny(), pair(batch=2)
    with torch.inference_mode():
        exact = network(*inputs).image
        with torch.autocast("cpu", torch.bfloat16):
            rough = network(*inputs).image.float()
    residual = (exact - inputs[0]).std()
    assert (rough - exact).std() < 0.05 * residual


@settings(max_examples=8)
@given(height=st.integers(1, 40), width=st.integers(1, 40), bands=st.integers(1, 9))
def test_shapes_of_random_inputs(height: int, width: int, bands: int) -> None:
    torch.manual_seed(0)
    config = MAGNetConfig(width=4, blocks=(1, 1), heads=(1, 2), text_width=2, unshuffle=2)
    network, target = MAGNet(config).eval(), torch.rand(1, bands, height, width)
    with torch.inference_mode():
        image = network(target, target[:, :1], torch.zeros(1, 2), torch.ones(1)).image
    torch.testing.assert_close(image, target)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"guide": torch.rand(1, 3, 24, 31)}, "bring the target to the guide's grid"),
        ({"guide": torch.rand(2, 3, 24, 32)}, "agree in batch"),
        ({"text": torch.rand(1, 5)}, "must be"),
        ({"ratio": torch.ones(2)}, "must be"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    tiny: Build, pair: Draw, change: dict[str, Tensor], message: str
) -> None:
    names = ("target", "guide", "text", "ratio")
    inputs = dict(zip(names, pair(), strict=True)) | change
    # Not through forward: the tests' own check of annotated shapes would come first.
    with pytest.raises(ValueError, match=message):
        tiny()._prepare(*inputs.values())
