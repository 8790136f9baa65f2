"""Writing a BIDS derivative: its description, and where each of its images comes from."""

import json
from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from gisr.errors import FileFormatError, InputError
from gisr.io.bids.dataset import DESCRIPTION_FILE, BidsDataset, BidsImage, read_json
from gisr.io.files import atomic_output
from gisr.notes import Note, warning
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


def check_derivative(dataset: BidsDataset, output: Path) -> tuple[Note, ...]:
    """Refuse a folder of outputs that holds something else.

    Returns:
        A warning where it holds the derivative of another data set, or of this one elsewhere.

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
    if not path.exists():
        return ()
    found = read_json(path) or {}
    if not _is_ours(found):
        raise InputError(
            f"{output}: is a data set that gisr did not make (see its {DESCRIPTION_FILE}): name "
            "another folder"
        )
    links, link = found.get("DatasetLinks"), _link(dataset, place)
    if isinstance(links, dict) and links.get(_SOURCE) == link:
        return ()
    text = f"{output}: its {DESCRIPTION_FILE} names another data set than {link} as the source: "
    return (warning(text + "correct it, or name another folder"),)


def describe_derivative(dataset: BidsDataset, output: Path) -> None:
    """Write ``dataset_description.json`` and ``README`` where there is no description yet.

    Raises:
        FileFormatError: It cannot be written.
    """
    place = output.resolve()
    path = place / DESCRIPTION_FILE
    if path.exists():
        return
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
        "DatasetLinks": {_SOURCE: _link(dataset, place)},
        "SourceDatasets": [{"URL": _link(dataset, place)}],
    }
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise FileFormatError(f"{output}: cannot be created: {reason}") from error
    _write_once(path, _as_text(content))
    _write_once(place / _README_FILE, _README.format(dataset.name))


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
        place.write_text(_as_text(content), encoding="utf-8")


def _as_text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def _write_once(path: Path, text: str) -> None:
    """Write a file that is not there; another participant may write it at the same time."""
    if path.exists():
        return
    try:
        with atomic_output(path, overwrite=False) as place:
            place.write_text(text, encoding="utf-8")
    except FileFormatError:
        if not path.exists():
            raise


def _link(dataset: BidsDataset, place: Path) -> str:
    """Return where the data set is: from a derivative inside it by a relative path."""
    if _inside(dataset.root, place):
        return Path(relpath(dataset.root, place)).as_posix()
    return dataset.root.as_uri()


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
