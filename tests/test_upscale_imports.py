"""What `gisr upscale` imports: what a pair of its kind needs, because it is waited for."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.geotiffs import write_geotiff
from tests.small_network import tiny_weights
from tests.warm import Warm, warmed

from gisr.weights.store import save_weights

UNNEEDED = (
    *("gisr.datasets", "gisr.experiments", "gisr.training", "gisr.baselines", "gisr.apps.web"),
    *("torch._dynamo", "torch._inductor", "torch.onnx", "torch.utils.tensorboard", "sympy"),
    "scipy.signal",
    *("matplotlib", "pandas", "sklearn", "skimage", "transformers", "huggingface_hub"),
    *("dask", "distributed", "xarray", "rioxarray", "gradio", "onnx", "h5py"),
)
"""Of no pair at all; each takes a tenth of a second to seconds."""
PROGRAM = """
import json, sys
from gisr.apps.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]))
"""
"""Runs one command, and prints its exit code and the modules that it imported."""


def pixels(side: int, bands: int, dtype: str) -> np.ndarray:
    return np.random.default_rng(side).integers(1, 250, (side, side, bands)).astype(dtype)


def geotiffs(folder: Path) -> tuple[Path, Path, Path]:
    pytest.importorskip("rasterio")
    target = write_geotiff(folder / "ms.tif", pixels(16, 4, "uint16"), 10.0)
    guide = write_geotiff(folder / "pan.tif", pixels(64, 1, "uint16"), 2.5)
    return target, guide, folder / "sharp.tif"


def volumes(folder: Path) -> tuple[Path, Path, Path]:
    nibabel = pytest.importorskip("nibabel")
    paths = folder / "t2.nii", folder / "t1.nii", folder / "sharp.nii"
    for path, side in zip(paths, (16, 64), strict=False):
        voxels = pixels(side, 2, "int16")
        affine = np.diag([64 / side, 64 / side, 5.0, 1.0])
        nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return paths


def pictures(folder: Path) -> tuple[Path, Path, Path]:
    paths = folder / "depth.png", folder / "colour.png", folder / "sharp.png"
    Image.fromarray(pixels(16, 1, "uint16")[..., 0]).save(paths[0])
    Image.fromarray(pixels(64, 3, "uint8")).save(paths[1])
    return paths


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights, folder = tiny_weights(), tmp_path_factory.mktemp("weights")
    save_weights(folder, weights.network, weights.descriptions, name="tiny")
    return folder


@pytest.fixture(scope="module")
def programs() -> Iterator[Warm]:
    """Start programs where torch is imported, which every pair needs, and nothing else."""
    with warmed("torch") as warm:
        yield warm


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (geotiffs, ("cv2", "nibabel", "pydicom", "scipy.stats")),
        (volumes, ("cv2", "rasterio")),
        (pictures, ("scipy.optimize", "scipy.stats", "rasterio", "nibabel", "pydicom")),
    ],
)
def test_upscale_imports_what_a_pair_needs(
    tmp_path: Path,
    programs: Warm,
    model: Path,
    make: Callable[[Path], tuple[Path, Path, Path]],
    other: tuple[str, ...],
) -> None:
    target, guide, output = make(tmp_path)
    words = ["upscale", target, guide, "-o", output, "--model", model, "--device", "cpu", "--quiet"]
    done = programs.run("-c", PROGRAM, *map(str, words))
    assert done.stdout, done.stderr
    code, modules = json.loads(done.stdout)
    assert (code, output.is_file()) == (0, True), done.stderr
    assert "gisr.inference.upscaler" in modules
    unneeded = {*UNNEEDED, *other}
    assert [name for name in modules if not unneeded.isdisjoint(_packages(name))] == []


def _packages(module: str) -> set[str]:
    """Return a module and the packages that it is in."""
    words = module.split(".")
    return {".".join(words[: count + 1]) for count in range(len(words))}
