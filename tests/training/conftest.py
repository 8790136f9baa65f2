"""A folder of small pairs in the layout of the project's data, and a recipe that trains on it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.geotiffs import write_geotiff
from tests.tiny_clip import tiny_clip_folder

from gisr.magnet import MAGNetConfig
from gisr.training.recipe import Recipe
from gisr.training.set_recipe import SetRecipe

SIDE = 64


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write two scenes, bands guided by bands, one subject and two frames of 64 x 64 pixels."""
    pytest.importorskip("rasterio")
    pytest.importorskip("nibabel")
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    records = [_scene(folder, rng, number) for number in range(2)]
    records += [
        _bands(folder),
        _subject(folder, rng),
        *(_frame(folder, rng, number) for number in range(2)),
    ]
    (folder / "index.json").write_text(json.dumps(records), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny CLIP with random weights; its embeddings have 12 values."""
    pytest.importorskip("transformers")
    return tiny_clip_folder(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def recipe(pairs: Path) -> Callable[..., Recipe]:
    """Build a recipe of eight quick steps over all three tasks; an epoch is three batches."""

    def build(**changes: Any) -> Recipe:
        base = Recipe(
            name="tiny",
            data=str(pairs),
            sets=(
                SetRecipe("pansharpening", 2),
                SetRecipe("mri", 2),
                SetRecipe("depth", 4),
            ),
            steps=8,
            network=MAGNetConfig(width=4, blocks=(1, 1), heads=(1, 2), unshuffle=2),
            patch=16,
            batch=2,
            learning_rate=1e-3,
            warmup=2,
            average=0.5,
            validate_every=0,
            checkpoint_every=3,
        )
        return replace(base, **changes)

    return build


def waves(rng: np.random.Generator, side: int, bands: int) -> np.ndarray:
    rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    steps = rng.uniform(side / 20, side / 6, (bands, 2))
    image = [np.sin(rows / step[0]) * np.cos(columns / step[1]) for step in steps]
    return (120 + 100 * np.stack(image, -1)).astype(np.uint8)


def _scene(folder: Path, rng: np.random.Generator, number: int) -> dict[str, Any]:
    names = {}
    for kind, side, bands in (("target", SIDE, 4), ("guide", 2 * SIDE, 1)):
        names[kind] = f"scene{number}_{kind}.tif"
        write_geotiff(folder / names[kind], waves(rng, side, bands), 30.0 * SIDE / side)
    return _record(f"scene{number}", "pansharpening", sensor="Landsat-7 ETM+", bits=8, **names)


def _bands(folder: Path) -> dict[str, Any]:
    rng, names = np.random.default_rng(1), {}
    for kind, bands in (("target", 2), ("guide", 4)):
        names[kind] = f"bands_{kind}.tif"
        write_geotiff(folder / names[kind], waves(rng, SIDE, bands), 30.0)
    return _record("bands", "multiband", sensor="Landsat-7 ETM+", bits=8, **names)


def _subject(folder: Path, rng: np.random.Generator) -> dict[str, Any]:
    import nibabel

    names = {}
    for contrast in ("T1", "T2"):
        names[contrast] = f"subject_{contrast}.nii.gz"
        voxels = waves(rng, SIDE, 4).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), folder / names[contrast])
    return _record("subject", "mri", contrasts=names)


def _frame(folder: Path, rng: np.random.Generator, number: int) -> dict[str, Any]:
    depth = waves(rng, SIDE, 1)[..., 0]
    depth[10:20, 30:40] = 0
    target, guide = f"frame{number}_depth.png", f"frame{number}_rgb.png"
    Image.fromarray(depth).save(folder / target)
    Image.fromarray(waves(rng, SIDE, 3)).save(folder / guide)
    return _record(f"frame{number}", "depth", target=target, guide=guide, invalid=0, scale=4)


def _record(name: str, task: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "task": task, "split": "train", "open": True, **fields}
