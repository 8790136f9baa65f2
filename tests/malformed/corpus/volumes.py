"""NIfTI volumes, as targets and guides of MR."""

import gzip
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from corpus.case import (
    Case,
    Change,
    Make,
    content,
    cut,
    half,
    put,
    refused,
    spoiled,
    then,
    works,
)

_RNG = np.random.default_rng(0)
_LOW = _RNG.integers(10, 900, (8, 8, 3)).astype(np.int16)
_HIGH = _RNG.integers(10, 900, (32, 32, 3)).astype(np.int16)
_NAN, _INFINITY = float("nan"), float("inf")
_NOT_FINITE = "no voxel is finite"


def write_volume(path: Path, voxels: NDArray[Any], affine: NDArray[Any] | None = None) -> None:
    grid = np.diag([4.0, 4.0, 5.0, 1.0]) if affine is None else affine
    image = nibabel.Nifti1Image(voxels, grid)
    image.header.set_data_dtype(voxels.dtype)
    nibabel.save(image, path)


def volumes(
    target: NDArray[Any] = _LOW,
    guide: NDArray[Any] = _HIGH,
    affine: NDArray[Any] | None = None,
    suffix: str = ".nii",
) -> Make:
    """Return what writes a pair; the affine is that of the target."""

    def write(folder: Path) -> Sequence[str]:
        write_volume(folder / f"t2{suffix}", target, affine)
        write_volume(folder / f"t1{suffix}", guide, np.diag([1.0, 1.0, 5.0, 1.0]))
        return "upscale", f"t2{suffix}", f"t1{suffix}", "-o", "out.nii"

    return write


sound, packed = volumes(), volumes(suffix=".nii.gz")


def header(offset: int, form: str, *values: float | bytes) -> Make:
    """Return what writes values over the header of the target."""
    return spoiled(sound, "t2.nii", put(offset, form, *values))


def shape(*sizes: int) -> Make:
    return header(40, "<8h", len(sizes), *sizes, *[1] * (7 - len(sizes)))


def affine_rows(*values: float) -> Make:
    """Return what writes the affine of the target: 12 numbers, row by row, valid by its code."""
    return spoiled(
        spoiled(sound, "t2.nii", put(252, "<2h", 0, 1)), "t2.nii", put(280, "<12f", *values)
    )


def zipped(change: Change) -> Change:
    """Return what changes what a gzip file holds."""
    return lambda data: gzip.compress(change(gzip.decompress(data)))


def bomb(path: Path) -> None:
    """Write 400 MB of zeros in a sound file of 400 kB, without taking their memory."""
    affine = np.diag([0.01, 0.01, 0.01, 1.0])  # fits no other grid
    start = bytearray(nibabel.Nifti1Image(np.zeros((1, 1, 1), np.uint8), affine).to_bytes()[:352])
    struct.pack_into("<8h", start, 40, 3, 1000, 1000, 400, 1, 1, 1, 1)
    zeros = gzip.compress(bytes(10**7))
    path.write_bytes(gzip.compress(bytes(start)) + zeros * 40)


def wrong_name(folder: Path) -> str:
    """Call the guide a picture."""
    sound(folder)
    (folder / "t1.nii").rename(folder / "t1.png")
    return "t1.png"


_TURNED = np.array([[0, 0, 4.0, 0], [4.0, 0, 0, 0], [0, 5.0, 0, 0], [0, 0, 0, 1]])
_TRAILING = zipped(lambda data: data + bytes(10**8))

CASES: dict[str, Case] = {
    "nifti-empty": refused(spoiled(sound, "t2.nii", content(b"")), "t2.nii: the file is empty"),
    "nifti-folder": refused(then(sound, "t1.nii", Path.mkdir), "t1.nii"),
    "nifti-cut-in-header": refused(spoiled(sound, "t2.nii", cut(100)), "t2.nii: not a NIfTI file"),
    "nifti-cut-at-header": refused(spoiled(sound, "t2.nii", cut(348)), "t2.nii: cut short"),
    "nifti-cut-in-voxels": refused(spoiled(sound, "t2.nii", half), "t2.nii: cut short"),
    "nifti-gz-cut-at-5": refused(spoiled(packed, "t2.nii.gz", cut(5)), "t2.nii.gz: cannot be read"),
    "nifti-gz-cut-in-header": refused(spoiled(packed, "t2.nii.gz", cut(60)), "t2.nii.gz: "),
    "nifti-gz-cut-in-voxels": refused(spoiled(packed, "t2.nii.gz", half), "t2.nii.gz: cannot be"),
    "nifti-gz-cut-in-checksum": refused(spoiled(packed, "t2.nii.gz", cut(-3)), "t2.nii.gz: "),
    "nifti-gz-wrong-checksum": refused(
        spoiled(packed, "t2.nii.gz", lambda data: data[:-8] + bytes(8)), "t2.nii.gz: cannot be read"
    ),
    "nifti-gz-inner-cut": refused(
        spoiled(packed, "t2.nii.gz", zipped(half)), "t2.nii.gz: cannot be read"
    ),
    "nifti-gz-inner-empty": refused(
        spoiled(packed, "t2.nii.gz", zipped(content(b""))), "t2.nii.gz: not a NIfTI file"
    ),
    "nifti-gz-is-plain": works(spoiled(packed, "t2.nii.gz", gzip.decompress)),
    "nifti-is-gzip": works(spoiled(sound, "t2.nii", gzip.compress)),
    "nifti-is-text": refused(spoiled(sound, "t2.nii", content(b"x" * 999)), "t2.nii: not a NIfTI"),
    "nifti-half-of-a-pair": refused(header(344, "4s", b"ni1\0"), "t2.nii: half of a .hdr/.img"),
    "nifti-called-png": refused(
        lambda folder: ("upscale", "t2.nii", wrong_name(folder), "-o", "o.nii", "--task", "mri"),
        "t1.png: cannot be read",
    ),
    "nifti-gz-trailing-bomb": refused(
        spoiled(packed, "t2.nii.gz", _TRAILING), "t2.nii.gz: decompresses to more than"
    ),
    "nifti-gz-bomb": refused(then(packed, "t2.nii.gz", bomb), "t2.nii.gz and t1.nii.gz: "),
    "nifti-gz-guide-bomb": refused(then(packed, "t1.nii.gz", bomb), "t2.nii.gz and t1.nii.gz: "),
    "nifti-claims-32767-cubed": refused(shape(32767, 32767, 32767), "t2.nii: claims 351811"),
    "nifti-claims-two-gigabytes": refused(shape(800, 800, 800), "t2.nii"),
    "nifti-no-axes": refused(header(40, "<h", 0), "t2.nii: "),
    "nifti-many-axes": refused(header(40, "<h", 99), "t2.nii: "),
    "nifti-negative-axes": refused(header(40, "<h", -3), "t2.nii: "),
    "nifti-size-zero": refused(shape(8, 0, 3), "t2.nii: empty, its header claims 8 x 0 x 3"),
    "nifti-negative-size": refused(shape(8, -8, 3), "t2.nii: "),
    "nifti-5d": refused(shape(8, 8, 1, 1, 3), "t2.nii: 8 x 8 x 1 x 1 x 3 has more than four axes"),
    "nifti-1d": refused(shape(192), "t2.nii: 1-dimensional"),
    "nifti-header-inside-voxels": refused(header(108, "<f", 0), "t2.nii: damaged: its voxels"),
    "nifti-offset-nan": refused(header(108, "<f", _NAN), "t2.nii: damaged: its voxels"),
    "nifti-offset-endless": refused(header(108, "<f", 1e30), "t2.nii: claims "),
    "nifti-complex": refused(volumes(_LOW.astype(np.complex64)), "t2.nii: voxels of type complex"),
    "nifti-colour": refused(header(70, "<2h", 128, 24), "t2.nii: voxels of type"),
    "nifti-float128": refused(header(70, "<2h", 1536, 128), "t2.nii: "),
    "nifti-unknown-type": refused(header(70, "<2h", 9999, 16), "t2.nii: cannot be read as NIfTI"),
    "nifti-intercept-nan": refused(header(112, "<2f", 2.0, _NAN), "t2.nii: "),
    "nifti-slope-too-large": refused(header(112, "<2f", 3e38, 0), "t2.nii: "),
    "nifti-affine-nan": refused(affine_rows(*[_NAN] * 12), "t2.nii: its affine is not finite"),
    "nifti-affine-zero": refused(affine_rows(*[0.0] * 12), "t2.nii: voxel size 0 along"),
    "nifti-affine-singular": refused(
        affine_rows(4, 4, 0, 0, 4, 4, 0, 0, 0, 0, 5, 0), "t2.nii: its affine has axes in one plane"
    ),
    "nifti-affine-endless": refused(
        affine_rows(1e38, 0, 0, 0, 0, 1e38, 0, 0, 0, 0, 1e38, 0), "t2.nii"
    ),
    "nifti-elsewhere": refused(
        affine_rows(4, 0, 0, 900, 0, 4, 0, 0, 0, 0, 5, 0), "t2.nii and t1.nii: the two do not ov"
    ),
    "nifti-one-grid": refused(
        volumes(_HIGH, affine=np.diag([1.0, 1.0, 5.0, 1.0])), "both are on one grid already"
    ),
    "nifti-guide-coarser": refused(
        volumes(_HIGH, affine=np.diag([0.1, 0.1, 5.0, 1.0])), "the guide is coarser"
    ),
    "nifti-all-nan": refused(volumes(_LOW * np.float32(np.nan)), "t2.nii: " + _NOT_FINITE),
    "nifti-all-infinite": refused(volumes(_LOW * np.float32(np.inf)), "t2.nii: " + _NOT_FINITE),
    "nifti-guide-all-nan": refused(
        volumes(guide=_HIGH * np.float32(np.nan)), "t1.nii: " + _NOT_FINITE
    ),
    "nifti-float64-too-large": refused(volumes(_LOW * 1e300), "t2.nii: holds ", "e+302"),
    "nifti-output-name": refused(
        lambda folder: (*sound(folder)[:4], "out.png"), "out.png: name the output of volumes .nii"
    ),
    "nifti-one-column": works(volumes(_LOW[:, :1], _HIGH[:, :4])),
    "nifti-one-slice": works(volumes(_LOW[..., :1], _HIGH[..., :1])),
    "nifti-extension-of-gigabytes": works(header(348, "<4B2i", 1, 0, 0, 0, 2**31 - 16, 4)),
    "nifti-float64-that-fits": works(volumes(_LOW * 1e30)),
    "nifti-slope-that-is-none": works(header(112, "<2f", _INFINITY, 0)),
    "nifti-turned": works(volumes(affine=_TURNED)),
    "nifti-constant": works(volumes(_LOW * 0 + 7)),
}
