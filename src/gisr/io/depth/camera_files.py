"""Files of cameras as names and lists: JSON, YAML, OpenCV's XML and YAML, a NumPy array."""

import json
import re
import struct
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import yaml

from gisr.errors import InputError, LimitError
from gisr.io.depth.camera_text import camera_in_text

MOST_BYTES = 4 * 2**20
"""The poses of a few thousand pictures stand beside the camera in NeRF's files."""
_MOST_TEXT = 65536
"""A calibration takes a few hundred bytes."""
_MOST_BRACKETS = 64
"""A list a matrix, and few of them."""


def parsed_camera(content: bytes) -> object:
    """Return what a file says, not yet looked at for a camera.

    Raises:
        InputError: An archive.
        LimitError: A text that is too long for a calibration.
        ValueError: None of the formats.
        yaml.YAMLError: Likewise.
    """
    if content.startswith(b"\x93NUMPY"):
        return _array(content)
    if content.startswith(b"PK\3\4"):
        raise InputError("is an archive of arrays or files: save its 3x3 matrix alone (numpy.save)")
    if _is_colmap_binary(content):
        raise InputError(
            "is COLMAP's binary file: make cameras.txt of it (colmap model_converter --input_path "
            "FOLDER --output_path FOLDER --output_type TXT)"
        )
    text = content.decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            pass  # YAML and what librealsense prints begin so, too
    if len(content) > _MOST_TEXT:
        raise LimitError("is too long for a camera (64 KiB, of JSON 4 MiB)")
    if text.count("{") + text.count("[") > _MOST_BRACKETS:
        raise ValueError("no calibration; brackets within brackets take the parser a second")
    if "<opencv_storage" in text:
        return _opencv_xml(text)
    return assignments(text) or camera_in_text(text) or _yaml(text)


def _is_colmap_binary(content: bytes) -> bool:
    """Return whether bytes are a ``cameras.bin``: counts and sizes of 64 bits, parameters after.

    8 bytes have the number of cameras; of the first, 4 bytes its name, 4 its model, 8 its width and
    8 its height (https://colmap.github.io/format.html).
    """
    if len(content) < _COLMAP_START:
        return False
    count, _, model, width, height = map(int, struct.unpack("<QiiQQ", content[:_COLMAP_START]))
    sides = width, height
    return 0 < count < _MOST_CAMERAS and 0 <= model < 32 and 0 < min(sides) <= max(sides) < 2**17


_COLMAP_START, _MOST_CAMERAS = 32, 2**20


def assignments(text: str) -> dict[str, str]:
    """Return ``name=value`` pairs, one a line or between commas; nothing where there are none.

    Raises:
        InputError: Lines of several cameras.
    """
    found = re.findall(r"(?:^|[\n,])\s*(\w+)\s*=\s*([^\n,]+)", text)
    named = dict(found)
    if "fx" in named and len({value for name, value in found if name == "fx"}) > 1:
        raise InputError("has fx several times: keep the lines of the one camera that you mean")
    return named


def _yaml(text: str) -> object:
    """Return the first document of YAML; OpenCV writes it in a dialect of its own."""
    plain = re.sub(r"\A%YAML:[^\n]*\n", "", text).replace("!!opencv-matrix", "")
    return next(yaml.safe_load_all(plain.expandtabs(1)), None)


def _opencv_xml(text: str) -> object:
    """Return the names of OpenCV's FileStorage; a document type, which has entities, is refused."""
    if re.search(r"<!(?!--)", text):
        raise ValueError("no calibration has a document type")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    return {
        each.tag: {inner.tag: inner.text for inner in each} if len(each) else each.text
        for each in root
    }


def _array(content: bytes) -> object:
    """Return the numbers of a ``.npy`` file in lists; pickled objects are refused."""
    stream = BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("numpy.save writes version 1.0 of the format")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    # The header may claim any size: what is claimed is allocated.
    if dtype.kind not in "iuf" or np.prod(shape, dtype=np.float64) > len(content):
        raise ValueError("no array of numbers")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False).tolist()
