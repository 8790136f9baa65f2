"""Example pairs for the page: those of ``gisr demo``, written as files a visitor would bring."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from gisr.apps.web.form import Uploads
from gisr.data.pair import Pair
from gisr.data.phantoms import SCENE_BITS, head_phantom
from gisr.data.protocols import kspace_pair
from gisr.experiments.demo import motorcycle_case, satellite_case
from gisr.optional_imports import load_extra
from gisr.tasks import TaskName

_METRES = 2.0
"""Side of a pixel of the generated scene's guide, so that it has a georeference."""
_BANDS = ("blue", "green", "red", "near infrared")


def write_example(task: TaskName, folder: Path) -> Uploads:
    """Write a pair with its truth.

    Args:
        task: ``depth`` is real (Middlebury Motorcycle, not in the training of the embedded
            weights), the other two are generated.
        folder: Receives three files.

    Raises:
        FileFormatError: scikit-image is installed without its images.
        MissingExtraError: The package that writes the format is not installed.
    """
    if task == "depth":
        return _write_depth(motorcycle_case().pair, folder)
    if task == "mri":
        head = head_phantom()
        # Turned before the k-space is cropped: the first axis of a volume runs to the right.
        target, guide = (np.rot90(image, -1) for image in (head.t2, head.t1))
        return _write_volumes(kspace_pair(target, guide, 4), folder)
    return _write_scene(satellite_case().pair, folder)


def _write_depth(pair: Pair, folder: Path) -> Uploads:
    files = Uploads(
        folder / "motorcycle_disparity.npy", folder / "motorcycle.png", folder / "truth.npy"
    )
    truth = _truth(pair)[..., 0]
    np.save(files.target, pair.target[..., 0])
    Image.fromarray(pair.guide.astype(np.uint8)).save(files.guide)
    known = np.ones(truth.shape, bool) if pair.truth_valid is None else pair.truth_valid
    np.save(folder / "truth.npy", np.where(known, truth, np.nan))
    return files


def _write_volumes(pair: Pair, folder: Path) -> Uploads:
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


def _write_scene(pair: Pair, folder: Path) -> Uploads:
    files = Uploads(folder / "multispectral.tif", folder / "panchromatic.tif", folder / "truth.tif")
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
            if image.shape[2] == len(_BANDS):
                for number, name in enumerate(_BANDS, 1):
                    dataset.set_band_description(number, name)
    return files


def _truth(pair: Pair) -> Float[np.ndarray, "H W bands"]:
    assert pair.truth is not None  # pairs of the demo have one
    return pair.truth
