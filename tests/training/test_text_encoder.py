"""Recipes that choose their text encoder: CLIP as in the paper, and weights that keep their own."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_clip import tiny_clip_folder
from tests.trainees import table_of

from gisr.apps.cli import main
from gisr.errors import RecipeError, WeightsError
from gisr.magnet import PRESETS, MAGNet
from gisr.tasks import built_in_descriptions
from gisr.tasks.text import DescriptionTable, built_in_table, load_text_encoder
from gisr.training.checkpoint import latest_checkpoint
from gisr.training.loop import train
from gisr.training.recipe import Recipe
from gisr.training.run import Run
from gisr.weights.store import load_weights, save_weights

Build = Callable[..., Recipe]
CPU = torch.device("cpu")
GENERATED = (
    "[{task: depth, ratio: 4, dataset: generated}, "
    "{task: pansharpening, ratio: 4, dataset: generated}]"
)
SMALL = {"width": "4", "blocks": "[1, 1]", "heads": "[1, 2]", "text_width": "12"}
NOT_SIZES = ("ratio_as_number", "routing_residual", "residual_scale", "hidden_multiple")


def with_clip(recipe: Build, source: Path, **changes: object) -> Recipe:
    network = replace(recipe().network, text_width=12)
    return recipe(text_encoder="clip", text_source=str(source), network=network, **changes)


def test_the_papers_recipe_trains_with_clip(clip: Path, tmp_path: Path) -> None:
    """``gisr train magnet-paper``, small: its switches, its encoder, twenty steps."""
    words = ["train", "magnet-paper", "--folder", str(tmp_path), "--text_source", str(clip)]
    words += ["--data", "[]", "--sets", GENERATED, "--patch", "16", "--workers", "0", "--quiet"]
    words += ["--steps", "20", "--validate_every", "0", "--checkpoint_every", "20"]
    words += [word for name, value in SMALL.items() for word in (f"--network.{name}", value)]
    assert main(words) == 0
    latest = latest_checkpoint(tmp_path / "checkpoints")
    assert latest is not None and latest.name == "step-00000020"
    weights = load_weights(tmp_path / "weights")
    paper, found = asdict(PRESETS["magnet-paper"]), asdict(weights.network.config)
    assert {name: found[name] for name in NOT_SIZES} == {name: paper[name] for name in NOT_SIZES}
    assert weights.descriptions.encoder == "clip"
    assert weights.descriptions.sentences == built_in_descriptions()
    assert weights.descriptions.is_of(load_text_encoder("clip", clip))
    assert weights.network.head.weight.abs().sum() > 0  # it has learnt


def test_a_resumed_run_reads_the_same_numbers(recipe: Build, clip: Path, tmp_path: Path) -> None:
    plan = with_clip(recipe, clip, steps=4, checkpoint_every=1)
    for folder, stops in (("straight", (None,)), ("resumed", (2, None))):
        for stop in stops:
            train(plan, tmp_path / folder, stop_at=stop, quiet=True)
    files = [tmp_path / name / "weights" / "model.safetensors" for name in ("straight", "resumed")]
    assert files[0].read_bytes() == files[1].read_bytes()
    other = replace(plan, text_source=None, text_encoder="minilm")
    with pytest.raises(RecipeError, match=r"network\.text_width .*; text_encoder .*; text_source"):
        train(replace(other, network=recipe().network), tmp_path / "resumed", quiet=True)


@pytest.mark.parametrize("width", [512, 384])
def test_the_networks_text_width_must_fit(recipe: Build, clip: Path, width: int) -> None:
    plan = with_clip(recipe, clip)
    wrong = replace(plan, network=replace(plan.network, text_width=width))
    with pytest.raises(RecipeError, match=f"text_width {width}: .*set network\\.text_width to 12"):
        Run.start(wrong, CPU)
    minilm = replace(recipe().network, text_width=12)
    with pytest.raises(RecipeError, match=r"set network\.text_width to 384"):
        Run.start(recipe(network=minilm), CPU)


def test_a_folder_without_an_encoder_is_named(recipe: Build, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(WeightsError, match=str(tmp_path)):
        Run.start(with_clip(recipe, tmp_path), CPU)


def saved(folder: Path, recipe: Recipe, table: DescriptionTable) -> str:
    """Write weights for a recipe with a table of their own."""
    save_weights(folder, MAGNet(recipe.network), table, name="first")
    return str(folder)


def test_initial_weights_keep_their_own_descriptions(recipe: Build, tmp_path: Path) -> None:
    table = built_in_table()
    own = replace(table, embeddings=np.ascontiguousarray(table.embeddings[::-1]))
    plan = recipe(initial_weights=saved(tmp_path / "first", recipe(), own))
    np.testing.assert_array_equal(table_of(Run.start(plan, CPU)).embeddings, own.embeddings)
    weights = load_weights(train(plan, tmp_path / "second", stop_at=1, quiet=True))
    np.testing.assert_array_equal(weights.descriptions.embeddings, own.embeddings)


def test_another_encoder_than_the_initial_weights_is_refused(
    recipe: Build, clip: Path, tmp_path: Path
) -> None:
    first = with_clip(recipe, clip)
    start = saved(tmp_path / "first", first, table_of(Run.start(first, CPU)))
    kept = replace(first, initial_weights=start, text_source=None)
    assert table_of(Run.start(kept, CPU)).encoder == "clip"
    assert table_of(Run.start(replace(first, initial_weights=start), CPU)).encoder == "clip"
    with pytest.raises(RecipeError, match=r"initial_weights .*: set text_encoder to clip, or"):
        Run.start(replace(kept, text_encoder="minilm"), CPU)
    (tmp_path / "other").mkdir()
    other = replace(first, text_source=str(tiny_clip_folder(tmp_path / "other", seed=1)))
    with pytest.raises(RecipeError, match=r"another clip than text_source .*leave text_source out"):
        Run.start(replace(other, initial_weights=start), CPU)


def test_descriptions_that_initial_weights_lack_are_added(recipe: Build, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    table = built_in_table()
    fewer = replace(table, sentences=table.sentences[:-1], embeddings=table.embeddings[:-1].copy())
    plan = recipe(initial_weights=saved(tmp_path / "first", recipe(), fewer))
    found = table_of(Run.start(plan, CPU))
    assert found.sentences == table.sentences
    np.testing.assert_array_equal(found.embeddings[:-1], table.embeddings[:-1])
    np.testing.assert_allclose(found.embeddings[-1], table.embeddings[-1], atol=2e-5)


def test_initial_weights_for_fewer_channels_of_guides_are_widened(
    recipe: Build, tmp_path: Path
) -> None:
    narrow = recipe(network=replace(recipe().network, guide_channels=3))
    start = saved(tmp_path / "first", narrow, built_in_table())
    run = Run.start(recipe(initial_weights=start), CPU)
    found, before = run.trainee.network, load_weights(start).network
    assert isinstance(found, MAGNet) and found.config.guide_channels == 4
    inputs = (torch.rand(1, 4, 8, 8), torch.rand(1, 3, 8, 8), torch.randn(1, 384), torch.ones(1))
    with torch.inference_mode():
        assert torch.equal(found.eval()(*inputs).image, before(*inputs).image)
    with pytest.raises(RecipeError, match="which is not the recipe's"):
        Run.start(
            replace(narrow, initial_weights=saved(tmp_path / "wide", recipe(), built_in_table())),
            CPU,
        )
