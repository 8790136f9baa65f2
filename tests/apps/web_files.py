"""Pairs of each task as files, and a run of the page with them."""

from pathlib import Path
from threading import Event

import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.geotiffs import BGRN, write_geotiff

from gisr.apps.web.cancellation import Watch
from gisr.apps.web.form import Chosen, Uploads
from gisr.apps.web.job import PageOutcome, sharpen
from gisr.apps.web.limits import PageLimits
from gisr.inference.upscaler import Upscaler

RNG = np.random.default_rng(0)
LIMITS = PageLimits()


def watch(seconds: float = 60, stopped: Event | None = None) -> Watch:
    return Watch(seconds, stopped or Event())


def depth_files(folder: Path) -> Uploads:
    truth = RNG.uniform(500, 900, (48, 64)).astype(np.float32)
    target = truth.reshape(12, 4, 16, 4).mean(axis=(1, 3))
    target[2:4, 5:8] = np.nan
    np.save(folder / "depth.npy", target)
    Image.fromarray(RNG.integers(0, 256, (48, 64, 3)).astype(np.uint8)).save(folder / "colour.png")
    np.save(folder / "truth.npy", truth)
    return Uploads(folder / "depth.npy", folder / "colour.png", folder / "truth.npy")


def satellite_files(folder: Path) -> Uploads:
    truth = RNG.integers(200, 1800, (64, 64, 4))
    target = np.rint(truth.reshape(16, 4, 16, 4, 4).mean(axis=(1, 3)))
    pan = truth.mean(axis=2, keepdims=True)
    return Uploads(
        write_geotiff(folder / "ms.tif", target.astype(np.uint16), 8.0, names=BGRN),
        write_geotiff(folder / "pan.tif", pan.astype(np.uint16), 2.0),
        write_geotiff(folder / "truth.tif", truth.astype(np.uint16), 2.0, names=BGRN),
    )


def mr_files(folder: Path) -> Uploads:
    shapes = {"low_T2w": (12, 16, 3), "high_T1w": (48, 64, 3), "truth_T2w": (48, 64, 3)}
    paths = []
    for name, shape in shapes.items():
        affine = np.diag((48 / shape[0], 64 / shape[1], 5.0, 1.0))
        voxels = RNG.uniform(10, 900, shape).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(voxels, affine), folder / f"{name}.nii.gz")
        paths.append(folder / f"{name}.nii.gz")
    return Uploads(*paths)


def run(upscaler: Upscaler, uploads: Uploads, chosen: Chosen | None = None) -> PageOutcome:
    folder = uploads.target.parent / "out"
    folder.mkdir()
    return sharpen(upscaler, uploads, chosen or {}, LIMITS, folder, watch())


def dicom_series(folder: Path) -> list[Path]:
    """Write three slices of 12 x 16, each in a folder of its own as uploads are."""
    pydicom = pytest.importorskip("pydicom", reason="needs the extra mri")
    uids = pydicom.uid
    voxels, paths = RNG.integers(10, 900, (3, 12, 16)).astype(np.uint16), []
    for number, pixels in enumerate(voxels):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = uids.MRImageStorage
        meta.MediaStorageSOPInstanceUID = uids.generate_uid()
        image = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        image.SeriesInstanceUID, image.SeriesDescription = uids.UID("1.2.3"), "t2 tse"
        image.ImagePositionPatient = [0.0, 0.0, 5.0 * number]
        image.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        image.PixelSpacing, image.SliceThickness = [4.0, 4.0], 5.0
        image.Rows, image.Columns = pixels.shape
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.PixelRepresentation, image.PixelData = 0, pixels.tobytes()
        place = folder / str(number)
        place.mkdir()
        paths.append(place / "image.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths
