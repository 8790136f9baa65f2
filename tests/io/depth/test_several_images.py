"""Files that hold more than the depth map: parts, layers and vectors; PFM of the other order."""

from pathlib import Path

import numpy as np
import pytest

from gisr.errors import FileFormatError
from gisr.io.depth.maps import read_depth

ONE, TWO = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)


def write_parts(path: Path, parts: dict[str, dict[str, np.ndarray]]) -> Path:
    exr = pytest.importorskip("OpenEXR")
    header = {"type": exr.scanlineimage}
    with exr.File([exr.Part({**header, "name": name}, parts[name]) for name in parts]) as file:
        file.write(str(path))
    return path


@pytest.mark.parametrize(
    "depth", [("depth", {"Z": TWO}), ("ViewLayer.Depth", {"V": TWO}), ("beauty", {"Z": TWO})]
)
def test_the_part_of_an_exr_with_the_depth_is_taken(
    tmp_path: Path, depth: tuple[str, dict[str, np.ndarray]]
) -> None:
    name, channels = depth
    colours = {"R": ONE, "G": ONE, "B": ONE}
    found = read_depth(write_parts(tmp_path / "a.exr", {"rgba": colours, name: channels}))
    assert (found.values == 2).all()
    assert [note.text for note in found.notes] == [
        f"a.exr: of its 2 parts, {name!r} is taken for the depth"
    ]


@pytest.mark.parametrize(
    "others", [{"N": {"X": ONE, "Y": ONE}}, {"a": {"Z": ONE}, "b": {"Z": TWO}}]
)
def test_parts_of_which_none_or_several_have_depth_are_named(
    tmp_path: Path, others: dict[str, dict[str, np.ndarray]]
) -> None:
    path = write_parts(tmp_path / "a.exr", {"rgba": {"R": ONE}, **others})
    with pytest.raises(FileFormatError, match=r"parts \(rgba, .* of which [02] have a channel Z"):
        read_depth(path)


def write_exr(path: Path, channels: dict[str, np.ndarray]) -> Path:
    exr = pytest.importorskip("OpenEXR")
    with exr.File({"type": exr.scanlineimage}, channels) as file:
        file.write(str(path))
    return path


def test_the_z_of_a_vector_is_no_depth(tmp_path: Path) -> None:
    colours = {"Combined.R": ONE, "Combined.G": TWO, "Combined.B": ONE}
    normals = {"Normal.X": ONE, "Normal.Y": ONE, "Normal.Z": ONE}
    with pytest.raises(FileFormatError, match=r"Normal\.Z is one of a vector: normals, positions"):
        read_depth(write_exr(tmp_path / "a.exr", {**colours, **normals}))
    both = {**colours, **normals, "Depth.Z": TWO}
    found = read_depth(write_exr(tmp_path / "b.exr", both))
    assert (found.values == 2).all()
    assert found.notes == ()
    found = read_depth(write_exr(tmp_path / "c.exr", {"X": ONE, "Y": ONE, "Z": TWO}))
    assert (found.values == 2).all()
    assert "X and Y stand beside its channel Z" in found.notes[0].text


@pytest.mark.parametrize(("sign", "other"), [("1.0", "<f4"), ("-1.0", ">f4")])
def test_a_pfm_of_the_other_byte_order_is_refused(tmp_path: Path, sign: str, other: str) -> None:
    values = np.linspace(0.5, 80, 600).reshape(20, 30).astype(np.float32)
    values[3:6, 4:9] = np.inf
    path, head = tmp_path / "a.pfm", f"Pf\n30 20\n{sign}\n".encode()
    path.write_bytes(head + np.flipud(values).astype(other).tobytes())
    with pytest.raises(
        FileFormatError, match=rf"the other byte order.*write {-float(sign):g} there"
    ):
        read_depth(path)
    right = ">f4" if other == "<f4" else "<f4"
    for factor in (1, 1e-3, 1e6):  # kilometres to micrometres
        expected = (factor * values).astype(np.float32)
        path.write_bytes(head + np.flipud(expected).astype(right).tobytes())
        np.testing.assert_array_equal(read_depth(path).stored, expected)
