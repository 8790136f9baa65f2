"""BIDS data sets that tests write: volumes of any voxels under names with entities."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray


def start_dataset(root: Path) -> Path:
    """Write the files that every data set has, but for its images."""
    root.mkdir(parents=True)
    description = {
        "Name": "Generated",
        "BIDSVersion": "1.10.0",
        "License": "CC-BY-4.0",
        "Authors": ["One", "Another"],
    }
    (root / "dataset_description.json").write_text(json.dumps(description), encoding="utf-8")
    (root / "README").write_text("A data set that a test generated.\n" * 8, encoding="utf-8")
    return root


def put(root: Path, name: str, voxels: NDArray[Any], sides: Sequence[float], **said: Any) -> Path:
    """Write a volume into the folder that its name says, with a sidecar.

    Args:
        root: Of the data set.
        name: Without its extension.
        voxels: Values.
        sides: Of a voxel, mm; the corner of the first lies at the origin of the world.
        said: What the sidecar says.
    """
    entities = dict(word.split("-") for word in name.split("_")[:-1])
    folders = [f"{key}-{entities[key]}" for key in ("sub", "ses") if key in entities]
    folder = root.joinpath(*folders, "anat")
    folder.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*sides, 1.0])
    affine[:3, 3] = np.array(sides) / 2
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, folder / f"{name}.nii.gz")
    (folder / f"{name}.json").write_text(json.dumps(said), encoding="utf-8")
    return folder / f"{name}.nii.gz"


def coarser(voxels: NDArray[Any], factors: tuple[int, int, int]) -> NDArray[Any]:
    """Return a volume whose voxels are means over as many."""
    kept = voxels[tuple(slice(0, n // f * f) for n, f in zip(voxels.shape, factors, strict=True))]
    sizes = [part for n, f in zip(kept.shape, factors, strict=True) for part in (n // f, f)]
    means = kept.astype(np.float64).reshape(sizes).mean(axis=(1, 3, 5))
    return np.rint(means).astype(np.int16)
