"""Files sharpened by several threads: the bytes of one thread, and ends that leave none."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.geotiffs import write_geotiff
from tests.small_network import tiny_weights

from gisr.array_types import ImageArray
from gisr.inference.tile_runner import TileJob
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import Cut
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files

nibabel = pytest.importorskip("nibabel")
pytest.importorskip("rasterio")


@pytest.fixture(autouse=True)
def torch_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def upscaler() -> Upscaler:
    return Upscaler(tiny_weights(), "cpu", tile=64, overlap=16)


@pytest.fixture
def scene(tmp_path: Path) -> tuple[Path, Path]:
    """Write a pair at ratio 2, a corner of the target without data, in small blocks."""
    y, x = np.mgrid[:200, :240]
    fine = 900 + 300 * np.sin(x / 9) * np.cos(y / 7)
    coarse = fine.reshape(100, 2, 120, 2).mean((1, 3))
    target = np.stack([coarse, 1.3 * coarse], axis=-1).round().astype(np.uint16)
    target[:45, :50] = 0
    guide = fine[..., None].round().astype(np.uint16)
    blocks: dict[str, Any] = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    return (
        write_geotiff(tmp_path / "ms.tif", target, 10.0, nodata=0, **blocks),
        write_geotiff(tmp_path / "pan.tif", guide, 5.0, **blocks),
    )


@pytest.fixture(params=[(2, 2, 1), (1, 1, 4)], ids=["in plane", "thick"])
def volumes(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Write an MR volume that is coarse in its slices or across them, and its guide."""
    rng, steps = np.random.default_rng(3), np.array(request.param)
    x, y, z = np.mgrid[:32, :36, :24] / 4.0
    fine = 200 + 90 * np.sin(x) * np.cos(y) + 40 * np.sin(z + x) + rng.uniform(0, 9, x.shape)
    coarse = fine.reshape(*np.stack([fine.shape // steps, steps], 1).ravel()).mean((1, 3, 5))
    paths = tmp_path / "t2.nii.gz", tmp_path / "t1.nii.gz"
    for path, voxels, size in zip(paths, (coarse, 300 - fine), (steps, steps / steps), strict=True):
        affine = np.diag([*size, 1.0])
        affine[:3, 3] = (size - 1) / 2
        nibabel.save(nibabel.Nifti1Image(voxels.astype(np.float32), affine), path)
    return paths


def written(pair: tuple[Path, Path], threads: int, options: Options) -> bytes:
    torch.set_num_threads(threads)
    output = pair[0].with_name("out.nii" if pair[0].suffix == ".gz" else "out.tif")
    upscale_files(upscaler(), *pair, output, options)
    found = output.read_bytes()
    output.unlink()
    return found


def test_a_scene_has_the_bytes_of_one_thread(scene: tuple[Path, Path]) -> None:
    options = Options()
    assert written(scene, 1, options) == written(scene, 2, options) == written(scene, 5, options)


def test_a_volume_has_the_bytes_of_one_thread(volumes: tuple[Path, Path]) -> None:
    options = Options(contrast="T2", guide_contrast="T1")
    assert written(volumes, 1, options) == written(volumes, 3, options)


class _StoppedError(Exception):
    pass


def test_a_run_that_is_stopped_leaves_no_thread_and_no_output(scene: tuple[Path, Path]) -> None:
    lock, calls = threading.Lock(), [0]

    def check() -> None:
        with lock:
            calls[0] += 1
            if calls[0] > 8:
                raise _StoppedError

    torch.set_num_threads(3)
    with pytest.raises(_StoppedError):
        upscale_files(upscaler(), *scene, scene[0].with_name("out.tif"), check=check)
    assert not [each for each in threading.enumerate() if each.name.startswith("gisr")]
    assert torch.get_num_threads() == 3
    assert sorted(path.name for path in scene[0].parent.iterdir()) == ["ms.tif", "pan.tif"]


def test_tiles_are_one_after_the_other_within_a_budget_of_memory(
    scene: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    sharpen = TileJob.sharpen

    def noted(self: TileJob, cut: Cut) -> ImageArray:
        threads.add(threading.current_thread().name)
        return sharpen(self, cut)

    monkeypatch.setattr(TileJob, "sharpen", noted)
    written(scene, 3, Options())
    assert all(name.startswith("gisr") for name in threads)
    threads.clear()
    written(scene, 3, Options(max_memory="20GB"))
    assert threads == {threading.current_thread().name}
