"""MPGM: Eq. (1) to (5), literally."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from gisr.magnet import MAGNetConfig, PromptModality
from gisr.magnet.prompt import PromptGenerator


def generator(modality: PromptModality = "both", **changes: Any) -> PromptGenerator:
    torch.manual_seed(2)
    settings = {"width": 8, "atoms": 5, "atom_width": 3, "text_width": 4, **changes}
    return PromptGenerator(MAGNetConfig(prompt_modality=modality, **settings), 4, 3)


def draw(height: int = 6, width: int = 8) -> tuple[torch.Tensor, ...]:
    rng = torch.Generator().manual_seed(9)
    return (
        torch.rand(2, 4, height, width, generator=rng),
        torch.rand(2, 3, height, width, generator=rng),
        torch.randn(2, 4, generator=rng),
        torch.tensor([2.0, 8.0]),
    )


def prompt_of(module: PromptGenerator, *inputs: torch.Tensor) -> torch.Tensor:
    """Return P_mm, which is that of the two steps that inference takes apart."""
    prompt: torch.Tensor = module(*inputs)
    torch.testing.assert_close(prompt, module.compose(module.pool(*inputs)))
    return prompt


def at_a_pixel(convolution: nn.Module, values: torch.Tensor) -> torch.Tensor:
    """Return what a 1x1 convolution, which is a matrix, makes of a pixel."""
    weight, bias = (convolution.get_parameter(name) for name in ("weight", "bias"))
    return weight[:, :, 0, 0] @ values + bias


def test_equation_5_by_hand() -> None:
    module = generator(width=4, atoms=3, atom_width=2, text_width=2)
    half = math.log(2)
    for name, values in {
        "fuse": [half / 2, 0, 0],  # F_I at every pixel
        "text_scale": [0.5, 3, 7],  # FC_1
        "text_shift": [half / 4, 0, 0],  # FC_2
    }.items():
        layer = getattr(module, name)
        torch.nn.init.zeros_(layer.weight)
        layer.bias.data = torch.tensor(values)
    module.dictionary.data = torch.tensor([[4.0, 0.0], [0.0, 8.0], [8.0, -4.0]])
    target, guide, _, ratio = draw()
    # Eq. (4): ln 2 / 2 + (ln 2 / 2 * 0.5 + ln 2 / 4) = ln 2, so the weights are 1/2, 1/4, 1/4.
    prompt = prompt_of(module, target, guide, torch.ones(2, 2), ratio)
    torch.testing.assert_close(prompt, torch.tensor([[4.0, 1.0]] * 2))


def test_equations_1_to_5_pixel_by_pixel() -> None:
    module = generator()
    target, guide, text, ratio = draw()
    high, low = module.guide_encoder(guide), module.target_encoder(target)
    description = torch.cat([text, torch.log2(ratio)[:, None] / 4], dim=1)
    for image in range(2):
        total = torch.zeros(5)
        for row in range(6):
            for column in range(8):
                both = torch.cat([high[image, :, row, column], low[image, :, row, column]])
                f_h = at_a_pixel(module.guide_branch[0], both).relu()
                f_l = at_a_pixel(module.target_branch[0], both).relu()
                f_i = at_a_pixel(module.fuse, torch.cat([f_h, f_l]))
                scale = module.text_scale(description[image])
                shift = module.text_shift(description[image])
                total = total + f_i + (f_i * scale + shift)
        weights = (total / 48).softmax(0)
        expected = sum(weights[i] * module.dictionary[i] for i in range(5))
        torch.testing.assert_close(prompt_of(module, target, guide, text, ratio)[image], expected)


def test_the_feature_before_pooling_is_local() -> None:
    """A half gives the whole's feature but for 3 pixels at the cut: the reach of E_H and E_L."""
    module = generator()
    target, guide, _, _ = draw(8, 24)
    whole = module._fused_image(target, guide)
    left = module._fused_image(target[..., :12], guide[..., :12])
    right = module._fused_image(target[..., 12:], guide[..., 12:])
    torch.testing.assert_close(left[..., :9], whole[..., :9])
    torch.testing.assert_close(right[..., 3:], whole[..., 15:])
    assert not torch.allclose(left[..., 9:], whole[..., 9:12])


def test_pooled_halves_average_to_the_whole_without_a_border() -> None:
    module = generator()
    for encoder in (module.guide_encoder, module.target_encoder):
        for layer in encoder:
            if isinstance(layer, torch.nn.Conv2d):  # centre tap only: no pixel sees its neighbours
                mask = torch.zeros(3, 3)
                mask[1, 1] = 1
                layer.weight.data *= mask
    target, guide, text, ratio = draw(8, 24)
    whole = module.pool(target, guide, text, ratio)
    halves = [
        module.pool(target[..., part], guide[..., part], text, ratio)
        for part in (slice(12), slice(12, 24))
    ]
    torch.testing.assert_close(torch.stack(halves).mean(0), whole)


def test_groups_of_bands_share_the_mean_of_their_features() -> None:
    module = generator("visual")
    target, guide, text, ratio = draw()
    together = module.pool(target, guide, text[:1], ratio[:1])
    alone = module.pool(target, guide, text, ratio)
    torch.testing.assert_close(together, alone.mean(dim=0, keepdim=True))


@pytest.mark.parametrize(
    ("modality", "images_matter", "text_matters"),
    [
        ("both", True, True),
        ("visual", True, False),
        ("text", False, True),
        ("neither", False, False),
    ],
)
def test_modalities(modality: PromptModality, images_matter: bool, text_matters: bool) -> None:
    module = generator(modality)
    target, guide, text, ratio = draw()
    prompt = prompt_of(module, target, guide, text, ratio)
    assert (
        not torch.equal(prompt, prompt_of(module, target + 1, guide, text, ratio))
    ) == images_matter
    assert (
        not torch.equal(prompt, prompt_of(module, target, guide + 1, text, ratio))
    ) == images_matter
    assert (
        not torch.equal(prompt, prompt_of(module, target, guide, text + 1, ratio))
    ) == text_matters
    assert (
        not torch.equal(prompt, prompt_of(module, target, guide, text, ratio * 2))
    ) == text_matters
    names = {name.split(".")[0] for name, _ in module.named_parameters()}
    assert ("fuse" in names) == images_matter
    assert ("text_shift" in names) == text_matters
    assert ("text_scale" in names) == (images_matter and text_matters)


def test_the_ratio_as_a_number_is_a_switch() -> None:
    module = generator(ratio_as_number=False)
    target, guide, text, ratio = draw()
    assert module.text_scale.in_features == module.text_shift.in_features == 4
    one, other = (prompt_of(module, target, guide, text, r) for r in (ratio, 2 * ratio))
    assert torch.equal(one, other)
    pooled = module._fused_image(target, guide).mean(dim=(2, 3))
    expected = pooled + (pooled * module.text_scale(text) + module.text_shift(text))  # Eq. (4)
    torch.testing.assert_close(module.pool(target, guide, text, ratio), expected)


def test_a_prompt_of_nothing_is_the_mean_atom() -> None:
    module = generator("neither")
    expected = module.dictionary.mean(dim=0).expand(2, -1)
    torch.testing.assert_close(prompt_of(module, *draw()), expected)
