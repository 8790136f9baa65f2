"""Small NIfTI files, and what a run on them tells."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gisr.baselines.classical.interpolation import Bicubic
from gisr.pipelines.options import Options
from gisr.pipelines.run import upscale_files

nibabel = pytest.importorskip("nibabel")
RNG = np.random.default_rng(0)


def save(path: Path, voxels: NDArray[Any], affine: NDArray[Any]) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return path


def smooth(shape: tuple[int, ...]) -> NDArray[np.float32]:
    from scipy import ndimage

    image = ndimage.gaussian_filter(RNG.uniform(0, 1000, shape), (2, 2, 1))
    return (20 + 800 * (image - image.min()) / np.ptp(image)).astype(np.float32)


def told(target: Path, guide: Path, **options: Any) -> dict[str, str]:
    """Return the notes of a run by their levels, joined; an interpolation does its work."""
    result = upscale_files(
        Bicubic(), target, guide, target.with_name("out.nii"), Options(overwrite=True, **options)
    )
    levels = ("warning", "note", "detail")
    return {
        level: "\n".join(note.text for note in result.notes if note.level == level)
        for level in levels
    }
