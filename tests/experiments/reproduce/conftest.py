"""A folder of small pairs with training and test entries of every task, and a recipe as a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gisr.magnet import MAGNetConfig
from gisr.training.recipe import Recipe
from gisr.training.set_recipe import SetRecipe

SIDE = 64
NETWORK = MAGNetConfig(width=4, blocks=(1, 1), heads=(1, 2), unshuffle=2, atoms=4, atom_width=8)
SETS = (
    *(SetRecipe("pansharpening", ratio) for ratio in (2, 4)),
    *(SetRecipe("mri", ratio) for ratio in (2, 4)),
    *(SetRecipe("depth", ratio) for ratio in (4, 8)),
)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a scene, a subject and a frame to train on, and as many to test on."""
    pytest.importorskip("rasterio")
    pytest.importorskip("nibabel")
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    records = []
    for split in ("train", "test"):
        records += [_scene(folder, rng, split), _subject(folder, rng, split)]
        records.append(_frame(folder, rng, split))
    (folder / "index.json").write_text(json.dumps(records), encoding="utf-8")
    return folder


@pytest.fixture
def base(data: Path) -> Recipe:
    """Return a recipe of two sets a task and a tiny network."""
    return Recipe(
        name="tiny",
        data=str(data),
        sets=SETS,
        steps=60,
        network=NETWORK,
        patch=16,
        batch=2,
        checkpoint_every=50,
    )


@pytest.fixture
def command(base: Recipe, data: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Build the words of a quick ``gisr reproduce``."""
    recipe = tmp_path / "tiny.json"
    recipe.write_text(json.dumps(base.record()), encoding="utf-8")

    def words(what: str, *more: str) -> list[str]:
        common = ["--data", str(data), "--out", str(tmp_path / what), "--recipe", str(recipe)]
        return ["reproduce", what, *common, "--images", "1", "--quiet", *more]

    return words


def _waves(rng: np.random.Generator, side: int, bands: int) -> np.ndarray:
    rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    steps = rng.uniform(side / 20, side / 6, (bands, 2))
    image = [np.sin(rows / step[0]) * np.cos(columns / step[1]) for step in steps]
    return (120 + 100 * np.stack(image, -1)).astype(np.uint8)


def _scene(folder: Path, rng: np.random.Generator, split: str) -> dict[str, Any]:
    import rasterio

    names = {}
    for kind, side, bands in (("target", SIDE, 4), ("guide", 2 * SIDE, 1)):
        names[kind], size = f"{split}_{kind}.tif", 30.0 * SIDE / side
        shape = {"height": side, "width": side, "count": bands, "dtype": "uint8"}
        place = {"crs": "EPSG:32610", "transform": rasterio.Affine(size, 0, 5e5, 0, -size, 4e6)}
        with rasterio.open(folder / names[kind], "w", driver="GTiff", **shape, **place) as file:
            file.write(np.moveaxis(_waves(rng, side, bands), -1, 0))
    more = {"sensor": "Landsat-7 ETM+", "bits": 8}
    return {"id": f"scene-{split}", "task": "pansharpening", **_about(split), **more, **names}


def _subject(folder: Path, rng: np.random.Generator, split: str) -> dict[str, Any]:
    import nibabel

    names = {}
    for contrast in ("T1", "T2"):
        names[contrast] = f"{split}_{contrast}.nii.gz"
        voxels = _waves(rng, SIDE, 6).astype(np.float32)
        image = nibabel.Nifti1Image(voxels, np.eye(4))
        nibabel.save(image, folder / names[contrast])
    return {"id": f"subject-{split}", "task": "mri", **_about(split), "contrasts": names}


def _frame(folder: Path, rng: np.random.Generator, split: str) -> dict[str, Any]:
    names = {"target": f"{split}_depth.png", "guide": f"{split}_colour.png"}
    Image.fromarray(_waves(rng, SIDE, 1)[..., 0]).save(folder / names["target"])
    Image.fromarray(_waves(rng, SIDE, 3)).save(folder / names["guide"])
    more = {"invalid": 0, "scale": 4}
    return {"id": f"mb05-{split}", "task": "depth", **_about(split), **more, **names}


def _about(split: str) -> dict[str, Any]:
    return {"split": split, "open": True}
