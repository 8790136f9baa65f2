"""What can be built and what is refused."""

from dataclasses import fields
from typing import Any

import pytest
import torch

from gisr.magnet import PRESETS, MAGNet, MAGNetConfig, Preset

SMALLEST_PEER = 24_366_307


def parameters(config: MAGNetConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in MAGNet(config).parameters())


def test_the_papers_size_is_smaller_than_the_smallest_peer() -> None:
    assert parameters(PRESETS["magnet-paper"]) == 19_814_416
    assert parameters(PRESETS["magnet"]) == 19_837_626
    assert parameters(PRESETS["magnet-paper"]) < parameters(PRESETS["magnet"]) < SMALLEST_PEER


def test_the_small_size_keeps_its_number_of_parameters() -> None:
    assert parameters(PRESETS["magnet-s"]) == 9_136_462


@pytest.mark.parametrize("preset", ["magnet", "magnet-paper"])
def test_the_papers_constants(preset: Preset) -> None:
    config = PRESETS[preset]
    assert (config.width, config.blocks, config.heads) == (48, (3, 4, 4, 5), (1, 2, 4, 8))
    assert (config.experts, config.active_experts, config.atoms) == (4, 2, 32)


def unchecked(**changes: Any) -> None:
    """Check a configuration as users do, without the tests' own check of annotated types first."""
    config = object.__new__(MAGNetConfig)
    for field in fields(MAGNetConfig):
        object.__setattr__(config, field.name, changes.get(field.name, field.default))
    config.__post_init__()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"blocks": (1, 1), "heads": (1, 2, 4)}, "same length"),
        ({"blocks": (1,), "heads": (1,)}, "two levels"),
        ({"blocks": (1, -1), "heads": (1, 2)}, "blocks"),
        ({"blocks": (1, 10**9), "heads": (1, 2)}, "blocks"),
        ({"width": 7}, "width 7"),
        ({"width": 2}, "width 2"),
        ({"width": 10**7}, "width"),
        ({"heads": (5, 2, 4, 8)}, "heads"),
        ({"heads": (0, 2, 4, 8)}, "heads"),
        ({"unshuffle": 3}, "unshuffle 3"),
        ({"expansion": 0.0}, "expansion"),
        ({"residual_scale": 0.0}, "residual_scale 0.0"),
        ({"residual_scale": float("nan")}, "residual_scale nan"),
        ({"hidden_multiple": 0}, "hidden_multiple 0"),
        ({"experts": 0}, "experts"),
        ({"active_experts": 5}, "active_experts 5"),
        ({"active_experts": 0}, "active_experts 0"),
        ({"atoms": 0}, "atoms"),
        ({"text_width": 0}, "text_width"),
        ({"expert_portion": "rows"}, "expert_portion 'rows'"),
        ({"prompt_modality": "audio"}, "prompt_modality 'audio'"),
        ({"routing": "everywhere"}, "routing 'everywhere'"),
        ({"expert_portion": "channels", "experts": 5}, "5 experts"),
    ],
)
def test_impossible_configurations_are_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        unchecked(**change)


def test_size_multiple_counts_levels_and_unshuffle() -> None:
    assert PRESETS["magnet"].size_multiple == 8
    assert PRESETS["magnet-s"].size_multiple == 16
