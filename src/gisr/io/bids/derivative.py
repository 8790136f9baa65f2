"""Writing a BIDS derivative: its description, and where each of its images comes from."""

import json
from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError, InputError
from gisr.io.bids.dataset import DESCRIPTION_FILE, BidsDataset, BidsImage, read_json
from gisr.io.files import atomic_output
from gisr.version import __version__

BIDS_VERSION = "1.10.0"
"""Of the specification that outputs follow."""
_README_FILE = "README"
_README = """MR images of {}, sharpened by gisr.

Every image desc-gisr is that of the same name without desc-gisr in the data set it is from,
sharpened with a finer image of another contrast of the same session. The JSON file beside it says
which one that is, and with which weights and settings it was made. For research, not for diagnosis.
"""
_SOURCE = "raw"
"""What addresses of images call the data set that they are from."""


def check_derivative(dataset: BidsDataset, output: Path) -> None:
    """Refuse a folder of outputs that holds something else.

    Raises:
        InputError: It is the data set itself, a part of a participant's, or the derivative of
            another program.
    """
    place = output.resolve()
    if place == dataset.root or any(
        part.startswith("sub-") for part in _inside(dataset.root, place)
    ):
        raise InputError(
            f"{output}: lies among the images of the data set: name a folder of its own, for "
            f"example {dataset.root / 'derivatives' / 'gisr'}"
        )
    path = place / DESCRIPTION_FILE
    if path.exists() and not _is_ours(read_json(path)):
        raise InputError(
            f"{output}: is a data set that gisr did not make (see its {DESCRIPTION_FILE}): name "
            "another folder"
        )


def describe_derivative(dataset: BidsDataset, output: Path) -> None:
    """Write ``dataset_description.json`` and ``README`` where there is no description yet.

    Raises:
        FileFormatError: It cannot be written.
    """
    place = output.resolve()
    path = place / DESCRIPTION_FILE
    if path.exists():
        return
    inside = bool(_inside(dataset.root, place))
    link = Path(relpath(dataset.root, place)).as_posix() if inside else dataset.root.as_uri()
    content = {
        "Name": f"{dataset.name}: MR images sharpened by gisr",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [
            {
                "Name": "gisr",
                "Version": __version__,
                "Description": "Guided image super-resolution: each image is sharpened with one of "
                "another contrast of the same session. For research, not for diagnosis.",
            }
        ],
        "DatasetLinks": {_SOURCE: link},
        "SourceDatasets": [{"URL": link}],
    }
    try:
        place.mkdir(parents=True, exist_ok=True)
        if not (place / _README_FILE).exists():
            with atomic_output(place / _README_FILE, overwrite=False) as text:
                text.write_text(_README.format(dataset.name), encoding="utf-8")
        write_json(path, content)
    except (OSError, FileFormatError) as error:
        if path.exists():  # of another participant, at the same time
            return
        raise FileFormatError(f"{path}: cannot be written: {error}") from error


def source_addresses(dataset: BidsDataset, images: Sequence[BidsImage]) -> list[str]:
    """Return the BIDS URIs of images."""
    return [f"bids:{_SOURCE}:{image.path.relative_to(dataset.root).as_posix()}" for image in images]


def sidecar_of(image: Path) -> Path:
    """Return the JSON file beside an image ``.nii.gz``."""
    return image.with_name(image.name.removesuffix(".nii.gz") + ".json")


def write_json(path: Path, content: Mapping[str, Any], *, overwrite: bool = False) -> None:
    """Write an object, whole or not at all.

    Raises:
        FileFormatError: The file exists and ``overwrite`` is false, or it cannot be written.
    """
    with atomic_output(path, overwrite) as place:
        place.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _inside(root: Path, place: Path) -> tuple[str, ...]:
    """Return the parts of a path below a folder; none where it is not below it."""
    return place.relative_to(root).parts if place.is_relative_to(root) else ()


def _is_ours(description: Mapping[str, Any] | None) -> bool:
    makers = (description or {}).get("GeneratedBy")
    return isinstance(makers, list) and any(
        isinstance(maker, dict) and maker.get("Name") == "gisr" for maker in makers
    )


__all__ = [
    "check_derivative",
    "describe_derivative",
    "sidecar_of",
    "source_addresses",
    "write_json",
]
