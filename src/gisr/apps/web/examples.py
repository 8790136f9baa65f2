"""Example pairs for the page: those of ``gisr demo``, written as files that users have."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from gisr.apps.web.form import Uploads
from gisr.data.pair import Pair
from gisr.data.phantoms import SCENE_BITS, head_phantom
from gisr.data.protocols import kspace_pair, wald_pair
from gisr.data.synthetic.band_scene import generated_band_scene
from gisr.experiments.demo import motorcycle_case, satellite_case
from gisr.optional_imports import load_extra
from gisr.tasks import TaskName
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.multiband import MULTIBAND
from gisr.tasks.pansharpening import PANSHARPENING

_METRES = 2.0
"""Side of a pixel of the generated scene's guide, so that it has a georeference."""
_BANDS = ("blue", "green", "red", "near infrared")
_BAND_SEED, _BAND_SIDE = 1, 192
"""Of the scene of coarse and fine bands: one with four of these, of 11 bits at most."""


@dataclass(frozen=True)
class Example:
    """A pair with its truth that the page offers."""

    real: bool
    """Whether it is a real pair, or a generated one."""
    write: Callable[[Path], Uploads]
    """Writes three files into a folder; raises FileFormatError where scikit-image is installed
    without its images, MissingExtraError without the package that writes the format."""


def _write_motorcycle(folder: Path) -> Uploads:
    pair = motorcycle_case().pair
    files = Uploads(
        folder / "motorcycle_disparity.npy", folder / "motorcycle.png", folder / "truth.npy"
    )
    truth = _truth(pair)[..., 0]
    np.save(files.target, pair.target[..., 0])
    Image.fromarray(pair.guide.astype(np.uint8)).save(files.guide)
    known = np.ones(truth.shape, bool) if pair.truth_valid is None else pair.truth_valid
    np.save(folder / "truth.npy", np.where(known, truth, np.nan))
    return files


def _write_head(folder: Path) -> Uploads:
    head = head_phantom()
    # Turned before the k-space is cropped: the first axis of a volume runs to the right.
    target, guide = (np.rot90(image, -1) for image in (head.t2, head.t1))
    pair = kspace_pair(target, guide, 4)
    nibabel = load_extra("nibabel", "mri")
    files = Uploads(
        folder / "phantom_T2w.nii.gz", folder / "phantom_T1w.nii.gz", folder / "truth_T2w.nii.gz"
    )
    images = (files.target, pair.target), (files.guide, pair.guide), (files.truth, _truth(pair))
    for path, image in images:
        rows, columns = (
            whole / side for whole, side in zip(pair.guide.shape, image.shape[:2], strict=False)
        )
        affine = np.diag((rows, columns, 4.0, 1.0))
        nibabel.save(nibabel.Nifti1Image(image.astype(np.float32), affine), path)
    return files


def _write_scene(folder: Path) -> Uploads:
    files = Uploads(folder / "multispectral.tif", folder / "panchromatic.tif", folder / "truth.tif")
    return _write_rasters(files, satellite_case().pair, _BANDS)


def _write_bands(folder: Path) -> Uploads:
    scene = generated_band_scene(np.random.default_rng(_BAND_SEED), _BAND_SIDE)
    pair = wald_pair(scene.coarse, scene.fine, 2, task=MULTIBAND.name)
    files = Uploads(folder / "bands_20m.tif", folder / "bands_10m.tif", folder / "truth.tif")
    return _write_rasters(files, pair, _BANDS)


def _write_rasters(files: Uploads, pair: Pair, names: tuple[str, ...]) -> Uploads:
    """Write a pair and its truth as GeoTIFFs; images of as many bands as names have them."""
    rasterio = load_extra("rasterio", "geo")
    affine = load_extra("affine", "geo").Affine
    images = (files.target, pair.target), (files.guide, pair.guide), (files.truth, _truth(pair))
    for path, image in images:
        pixel = _METRES * pair.guide.shape[0] / image.shape[0]
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=image.shape[0],
            width=image.shape[1],
            count=image.shape[2],
            dtype="uint16",
            crs="EPSG:32633",
            transform=affine(pixel, 0.0, 500_000.0, 0.0, -pixel, 4_000_000.0),
            nbits=SCENE_BITS,
            compress="deflate",
        ) as dataset:
            dataset.write(np.moveaxis(np.rint(image).astype(np.uint16), -1, 0))
            if image.shape[2] == len(names):
                for number, name in enumerate(names, 1):
                    dataset.set_band_description(number, name)
    return files


def _truth(pair: Pair) -> Float[np.ndarray, "H W bands"]:
    assert pair.truth is not None  # pairs of the demo have one
    return pair.truth


EXAMPLES: dict[TaskName, Example] = {
    DEPTH.name: Example(True, _write_motorcycle),
    PANSHARPENING.name: Example(False, _write_scene),
    MULTIBAND.name: Example(False, _write_bands),
    MRI.name: Example(False, _write_head),
}
"""By task; the real pair is not in the training of the embedded weights."""
