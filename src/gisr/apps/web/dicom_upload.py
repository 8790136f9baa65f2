"""DICOM series on the page: several uploads that are one volume."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from gisr.errors import InputError, LimitError
from gisr.io.volumes.dicom_files import is_dicom


def one_path(files: Sequence[Path], folder: Path, largest: int) -> Path:
    """Return what stands for the files that were given in one place.

    A single file stands for itself. The images of a DICOM series are put into a folder of their
    own, as links: nothing is unpacked or copied, and what reads the folder checks that they form
    one volume (:mod:`gisr.io.volumes.dicom`).

    Args:
        files: Uploads.
        folder: Where the series would go; it must not exist.
        largest: Bytes that one file, or all files of a series, may have.

    Raises:
        InputError: Several files that are no DICOM images.
        LimitError: A series is too large.
    """
    if len(files) == 1:
        return files[0]
    for file in files:
        if not is_dicom(file):
            raise InputError(
                f"{file.name}: is no DICOM image; give one file here, or all images of one DICOM "
                "series"
            )
    size = sum(file.stat().st_size for file in files)
    if size > largest:
        raise LimitError(
            f"{len(files)} DICOM images of {size / 1e6:.4g} MB in all: more than the "
            f"{largest / 1e6:.4g} MB that a file or series may have here: use `gisr upscale`, or "
            "start the page with a larger --max-upload"
        )
    folder.mkdir(parents=True)
    distinct = len({file.name for file in files}) == len(files)  # not so if from several folders
    for number, file in enumerate(files):
        place = folder / (file.name if distinct else f"{number:05d}_{file.name}")
        try:
            os.link(file, place)
        except OSError:  # a disk without links
            shutil.copyfile(file, place)
    return folder
