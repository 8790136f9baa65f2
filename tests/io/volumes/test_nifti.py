import gzip
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from gisr.errors import FileFormatError, InputError, LimitError, PairError
from gisr.io.files import atomic_output
from gisr.io.limits import Limits
from gisr.io.volumes.header import Volume, VolumeHeader
from gisr.io.volumes.nifti import read_nifti, read_nifti_grid, read_nifti_header
from gisr.io.volumes.nifti_writer import nifti_writer
from gisr.io.volumes.pair import read_volume_pair
from gisr.io.volumes.placement import place_volumes

nibabel = pytest.importorskip("nibabel")

Bound = Callable[[float], AbstractContextManager[None]]
OBLIQUE = np.array(
    [[-0.6, 0.01, -0.12, 86], [0, -0.6, -0.42, 96], [-0.02, -0.08, 3.27, -51], [0, 0, 0, 1.0]]
)


def save(
    path: Path,
    shape: tuple[int, ...] = (8, 6, 4),
    affine: np.ndarray = OBLIQUE,
    dtype: str = "int16",
    scaling: tuple[float, float] | None = None,
    version: int = 1,
    voxels: np.ndarray | None = None,
) -> Path:
    """Write a small volume of whole numbers with nibabel."""
    data = np.arange(np.prod(shape)).reshape(shape) % 100 if voxels is None else voxels
    image_class = nibabel.Nifti1Image if version == 1 else nibabel.Nifti2Image
    image = image_class(data.astype(dtype), affine, dtype=dtype)
    if scaling:
        image.header.set_slope_inter(*scaling)
    nibabel.save(image, path)
    return path


def scaled(affine: np.ndarray, *factors: float, grid: str = "kspace") -> np.ndarray:
    """Return the affine of a grid that is coarser by ``factors`` along its axes."""
    coarse = affine @ np.diag([*factors, 1.0])
    if grid == "centre":
        shift = [(factor - 1) / 2 for factor in factors]
        coarse[:3, 3] = (affine @ [*shift, 1.0])[:3]
    return coarse


def write_nifti(
    path: Path,
    *volumes: np.ndarray,
    target: VolumeHeader,
    guide: VolumeHeader,
    overwrite: bool = False,
) -> None:
    """Write volumes as a pipeline does."""
    with (
        atomic_output(path, overwrite) as temporary,
        nifti_writer(path, temporary, target=target, guide=guide) as output,
    ):
        for voxels in volumes:
            output.write(voxels)


class TestReading:
    @pytest.mark.parametrize("name", ["a.nii", "with space é 影像.nii.gz"])
    @pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
    @pytest.mark.parametrize("version", [1, 2])
    def test_voxels_and_affine(self, tmp_path: Path, name: str, dtype: str, version: int) -> None:
        volume = read_nifti(save(tmp_path / name, dtype=dtype, version=version))
        assert np.array_equal(volume.voxels, np.arange(192).reshape(8, 6, 4) % 100)
        assert volume.voxels.dtype == np.float32
        assert np.allclose(volume.affine, OBLIQUE, atol=1e-5)
        assert volume.dtype == dtype
        assert volume.zooms == pytest.approx((0.6003, 0.6054, 3.2990), abs=1e-3)
        assert volume.valid.all()

    def test_slope_and_intercept_are_applied(self, tmp_path: Path) -> None:
        volume = read_nifti(save(tmp_path / "a.nii", scaling=(0.5, -10)))
        assert np.array_equal(volume.voxels, np.arange(192).reshape(8, 6, 4) % 100 * 0.5 - 10)

    @pytest.mark.parametrize(
        ("slope", "told"), [(np.inf, "inf"), (-np.inf, "-inf"), (np.nan, None)]
    )
    def test_an_infinite_slope_is_left_out_and_told(
        self, tmp_path: Path, slope: float, told: str | None
    ) -> None:
        path = save(tmp_path / "a.nii", scaling=(0.5, 1))
        content = bytearray(path.read_bytes())
        content[112:116] = np.float32(slope).tobytes()
        path.write_bytes(content)
        volume = read_nifti(path)
        assert np.array_equal(volume.voxels, np.arange(192).reshape(8, 6, 4) % 100)
        notes = [note.text for note in volume.notes if "scl_slope" in note.text]
        assert bool(notes) == (told is not None)
        assert all(f"a.nii: scales its values by {told} (scl_slope)" in text for text in notes)

    @pytest.mark.parametrize("intercept", [np.nan, np.inf])
    def test_an_intercept_that_is_no_number_is_refused(
        self, tmp_path: Path, intercept: float
    ) -> None:
        path = save(tmp_path / "a.nii", scaling=(0.5, 1))
        content = bytearray(path.read_bytes())
        content[116:120] = np.float32(intercept).tobytes()
        path.write_bytes(content)
        told = rf"a.nii: scales its values by 0.5 and adds {intercept:g} \(scl_slope, scl_inter\)"
        with pytest.raises(FileFormatError, match=told):
            read_nifti_header(path)

    def test_big_endian(self, tmp_path: Path) -> None:
        image = nibabel.Nifti1Image(np.arange(8, dtype=">i2").reshape(2, 2, 2), np.eye(4))
        nibabel.save(image.__class__(image.dataobj, None, image.header.as_byteswapped(">")),
                     tmp_path / "a.nii")  # fmt: skip
        assert (tmp_path / "a.nii").read_bytes()[:4] == b"\0\0\x01\x5c"
        volume = read_nifti(tmp_path / "a.nii")
        assert np.array_equal(volume.voxels, np.arange(8).reshape(2, 2, 2))

    def test_images_and_single_volumes_are_volumes(self, tmp_path: Path) -> None:
        flat = read_nifti(save(tmp_path / "flat.nii", (8, 6), np.diag([2, 2, 5, 1.0])))
        assert flat.shape == (8, 6, 1)
        assert read_nifti(save(tmp_path / "one.nii", (8, 6, 4, 1))).shape == (8, 6, 4)

    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    def test_the_grid_is_read_without_the_voxels(self, tmp_path: Path, name: str) -> None:
        noise = np.random.default_rng(0).integers(0, 1000, (32, 32, 32))
        path = save(tmp_path / name, noise.shape, voxels=noise)
        path.write_bytes(path.read_bytes()[:1000])
        shape, affine = read_nifti_grid(path)
        assert shape == (32, 32, 32)
        assert np.allclose(affine, OBLIQUE, atol=1e-5)
        with pytest.raises(FileFormatError):
            read_nifti(path)

    def test_nan_voxels_are_not_valid(self, tmp_path: Path) -> None:
        voxels = np.ones((3, 3, 3))
        voxels[1, 1, 1] = np.nan
        volume = read_nifti(save(tmp_path / "a.nii", dtype="float32", voxels=voxels))
        assert np.argwhere(~volume.valid).tolist() == [[1, 1, 1]]


class TestMalformed:
    def test_values_beyond_float32_are_told(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.nii", dtype="float64", voxels=np.full((2, 2, 2), 3e300))
        with pytest.raises(FileFormatError, match=r"a\.nii: holds 3e\+300, too large"):
            read_nifti(path)

    @pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
    def test_a_header_bomb_is_refused_at_once(
        self, tmp_path: Path, suffix: str, quick_and_small: Bound
    ) -> None:
        header = nibabel.Nifti1Header()
        header.set_data_shape((32767, 32767, 32767))
        header["magic"], header["vox_offset"] = b"n+1", 352
        path = tmp_path / f"bomb{suffix}"
        data = header.binaryblock + bytes(132)
        path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
        with quick_and_small(1), pytest.raises(LimitError, match="32767 x 32767 x 32767"):
            read_nifti(path)

    def test_a_stream_longer_than_its_header_is_not_decompressed(
        self, tmp_path: Path, quick_and_small: Bound
    ) -> None:
        whole = gzip.decompress(save(tmp_path / "a.nii.gz").read_bytes())
        path = tmp_path / "long.nii.gz"
        path.write_bytes(gzip.compress(whole + bytes(100)))
        assert read_nifti(path).shape == (8, 6, 4)  # some writers pad
        path.write_bytes(gzip.compress(whole + bytes(64 * 2**20), 1))
        with quick_and_small(8), pytest.raises(LimitError, match="decompresses to more"):
            read_nifti(path)

    @pytest.mark.parametrize("damage", ["cut", "flipped", "junk"])
    def test_damaged_compression_is_named(self, tmp_path: Path, damage: str) -> None:
        path = save(tmp_path / "a.nii.gz")
        packed = bytearray(path.read_bytes())
        if damage == "flipped":
            packed[-6] ^= 255  # of the checksum
        path.write_bytes({"cut": packed[:-40], "junk": packed + b"junk"}.get(damage, packed))
        with pytest.raises(FileFormatError, match=r"a\.nii\.gz: .* its compression .* again"):
            read_nifti(path)

    def test_far_offsets_and_huge_extensions_are_not_followed(self, tmp_path: Path) -> None:
        data = bytearray(save(tmp_path / "a.nii").read_bytes())
        data[108:112] = np.float32(1e12).tobytes()
        (tmp_path / "far.nii").write_bytes(data)
        with pytest.raises(LimitError, match="header and voxels"):
            read_nifti(tmp_path / "far.nii")
        data[108:112] = np.float32(352).tobytes()
        data[348:352] = b"\1\0\0\0"  # an extension follows, of 2 GiB or of no size
        (tmp_path / "extended.nii").write_bytes(data)
        assert read_nifti(tmp_path / "extended.nii").shape == (8, 6, 4)

    @pytest.mark.parametrize("version", [1, 2])
    def test_extensions_that_no_output_has_are_told(self, tmp_path: Path, version: int) -> None:
        plain = save(tmp_path / "plain.nii", (4, 3, 4), scaled(OBLIQUE, 2, 2, 1), version=version)
        image = nibabel.load(plain)
        for code in ("comment", "afni", "comment"):
            image.header.extensions.append(nibabel.nifti1.Nifti1Extension(code, b"of this grid"))
        nibabel.save(image, tmp_path / "low.nii.gz")
        guide = save(tmp_path / "high.nii")
        (note,) = read_volume_pair(tmp_path / "low.nii.gz", guide, Limits()).notes
        assert note.text.startswith("low.nii.gz: its header extensions (comment, afni) are not in")
        assert "result.header.extensions.extend(target.header.extensions)" in note.text
        assert not read_volume_pair(plain, guide, Limits()).notes

    @pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
    def test_truncated_anywhere_is_typed(self, tmp_path: Path, suffix: str) -> None:
        whole = save(tmp_path / f"whole{suffix}", (40, 40, 4)).read_bytes()
        broken = tmp_path / f"broken{suffix}"
        for length in (1, 3, 100, 347, 349, len(whole) // 2, len(whole) - 1):
            if length < len(whole):
                broken.write_bytes(whole[:length])
                with pytest.raises(FileFormatError, match="broken"):
                    read_nifti(broken)

    def test_a_damaged_checksum_is_noticed(self, tmp_path: Path) -> None:
        data = bytearray(save(tmp_path / "a.nii.gz").read_bytes())
        data[-8] ^= 1
        (tmp_path / "a.nii.gz").write_bytes(data)
        with pytest.raises(FileFormatError, match="CRC"):
            read_nifti(tmp_path / "a.nii.gz")

    def test_random_damage_is_typed_or_harmless(self, tmp_path: Path) -> None:
        whole = save(tmp_path / "whole.nii").read_bytes()
        broken, random = tmp_path / "broken.nii", np.random.default_rng(0)
        outcomes = set()
        for _ in range(300):
            data = bytearray(whole)
            for place in random.integers(0, 352, 3):
                data[place] = random.integers(0, 256)
            broken.write_bytes(data)
            try:
                read_nifti(broken, Limits(max_voxels=10**6, max_bytes=10**7))
                outcomes.add("read")
            except (FileFormatError, LimitError) as error:
                outcomes.add(type(error).__name__)
        assert outcomes == {"read", "FileFormatError", "LimitError"}

    def test_an_affine_that_is_not_usable(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.nii")
        for value, reason in ((np.nan, "not finite"), (0.0, "axes in one plane")):
            data = bytearray(path.read_bytes())
            data[280:292] = np.full(3, value, np.float32).tobytes()  # srow_x
            (tmp_path / "bad.nii").write_bytes(data)
            with pytest.raises(FileFormatError, match=reason):
                read_nifti(tmp_path / "bad.nii")

    def test_what_is_no_single_volume_of_magnitudes(self, tmp_path: Path) -> None:
        series = save(tmp_path / "series.nii", (4, 4, 4, 3))
        with pytest.raises(FileFormatError, match=r"4 x 4 x 4 x 3 holds several volumes.*four_to"):
            read_nifti(series)
        with pytest.raises(FileFormatError, match=r"complex \(complex64\): give magnitudes \(abs"):
            read_nifti(save(tmp_path / "complex.nii", dtype="complex64"))
        colours = np.zeros((4, 4, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
        nibabel.save(nibabel.Nifti1Image(colours, np.eye(4)), tmp_path / "rgb.nii")
        with pytest.raises(FileFormatError, match=r"colour \(R, G, B\): .*dataobj\)\['R'\]\)"):
            read_nifti(tmp_path / "rgb.nii")

    def test_other_files_are_refused(self, tmp_path: Path) -> None:
        nibabel.save(nibabel.Nifti1Pair(np.ones((4, 4, 4), "i2"), np.eye(4)), tmp_path / "p.img")
        (tmp_path / "p.nii").write_bytes((tmp_path / "p.hdr").read_bytes())
        (tmp_path / "text.nii").write_text("hello" * 100)
        (tmp_path / "text.nii.gz").write_text("hello" * 100)
        (tmp_path / "hdf.nii").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(400))
        for name in ("a.mgz", "a.mha", "a.dat"):
            (tmp_path / name).write_text("hello")
        for name, reason in (
            ("p.nii", r"\.hdr/\.img"), ("text.nii", "not a NIfTI.*dcm2niix"),
            ("text.nii.gz", "not a NIfTI.*again"), ("hdf.nii", "is HDF, which"),
            ("a.mgz", r"\(nib-convert .*a\.mgz a\.nii\.gz\)"), ("p.img", "nib-convert"),
            ("a.mha", "SimpleITK"), ("a.dat", "not a NIfTI name"),
            ("missing.nii", "no such file"),
        ):  # fmt: skip
            with pytest.raises(FileFormatError, match=reason):
                read_nifti(tmp_path / name)

    @pytest.mark.parametrize(("stored", "named"), [("a.nii", "a.nii.gz"), ("a.nii.gz", "a.nii")])
    def test_compressed_or_not_is_seen_from_the_content(
        self, tmp_path: Path, stored: str, named: str
    ) -> None:
        voxels = np.arange(8 * 6 * 4).reshape(8, 6, 4)
        save(tmp_path / stored, voxels=voxels).rename(tmp_path / named)
        np.testing.assert_array_equal(read_nifti(tmp_path / named).voxels, voxels)

    @pytest.mark.parametrize(
        ("slope", "intercept", "zero"), [(0.01, -20, 2000), (0.1, -300, 3000), (0.3, -3, 10)]
    )
    def test_air_below_an_intercept_is_0(
        self, tmp_path: Path, slope: float, intercept: float, zero: int
    ) -> None:
        # In float32, 2000 x 0.01 - 20 is -4e-7, which fills the air and would be taken for unknown.
        voxels = zero + np.arange(8 * 6 * 4).reshape(8, 6, 4)
        path = save(tmp_path / "a.nii", voxels=voxels, scaling=(slope, intercept))
        found = read_nifti(path).voxels
        assert found[0, 0, 0] == 0
        np.testing.assert_allclose(found, voxels * slope + intercept, atol=1e-4)


class TestSeries:
    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    def test_volumes_come_one_after_the_other(self, tmp_path: Path, name: str) -> None:
        voxels = np.arange(8 * 6 * 4 * 3).reshape(8, 6, 4, 3)
        header = read_nifti_header(save(tmp_path / name, voxels=voxels, scaling=(2, 1)))
        assert (header.shape, header.count) == ((8, 6, 4), 3)
        found = list(header.read())
        assert len(found) == 3
        for index, volume in enumerate(found):
            np.testing.assert_array_equal(volume, voxels[..., index] * 2 + 1)
        np.testing.assert_array_equal(header.load().voxels, found[0])

    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
    def test_a_series_cut_short_is_noticed(self, tmp_path: Path, name: str) -> None:
        noise = np.random.default_rng(0).integers(0, 9999, (32, 32, 32, 2))
        path = save(tmp_path / name, voxels=noise)
        path.write_bytes(path.read_bytes()[:-9000])
        with pytest.raises(FileFormatError, match=r"a\.nii"):
            list(read_nifti_header(path).read())

    def test_five_axes_are_refused(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.nii", (4, 4, 4, 1, 3))
        with pytest.raises(FileFormatError, match="4 x 4 x 4 x 1 x 3 has more than four") as error:
            read_nifti_header(path)
        code = re.search(r"\((nibabel\..*\)) is the first\)", str(error.value))
        assert code is not None
        image = nibabel.load(path)
        first = eval(code[1], {"nibabel": nibabel, "image": image})
        nibabel.save(first, tmp_path / "first.nii")
        np.testing.assert_array_equal(
            read_nifti(tmp_path / "first.nii").voxels, image.get_fdata()[..., 0, 0]
        )

    def test_times_of_the_target_and_grid_of_the_guide_are_written(self, tmp_path: Path) -> None:
        series = nibabel.Nifti1Image(np.ones((4, 3, 4, 3), "i2"), scaled(OBLIQUE, 2, 2, 1))
        series.header["pixdim"][4], series.header["toffset"] = 2.5, 7
        series.header.set_xyzt_units("mm", "sec")
        nibabel.save(series, tmp_path / "low.nii")
        target = read_nifti_header(tmp_path / "low.nii")
        guide = read_nifti(save(tmp_path / "high.nii", dtype="float32"))
        volumes = (np.full(guide.shape, value, np.float32) for value in (5.0, 6.0, 7.0))
        write_nifti(tmp_path / "out.nii.gz", *volumes, target=target, guide=guide)
        image = nibabel.load(tmp_path / "out.nii.gz")
        assert image.shape == (8, 6, 4, 3)
        assert image.header.get_zooms()[3] == 2.5
        assert (image.header["toffset"], image.header.get_xyzt_units()) == (7, ("unknown", "sec"))
        np.testing.assert_array_equal(image.affine, guide.affine)
        np.testing.assert_array_equal(np.asarray(image.dataobj)[0, 0, 0], [5, 6, 7])

    @pytest.mark.parametrize(("low", "high", "kept"), [(2 + 56, 2, 2 + 56), (2 + 8, 7, 7 + 8)])
    def test_codes_of_units_that_nibabel_has_no_name_for_are_kept(
        self, tmp_path: Path, low: int, high: int, kept: int
    ) -> None:
        series = nibabel.Nifti1Image(np.ones((4, 3, 4, 2), "i2"), scaled(OBLIQUE, 2, 2, 1))
        series.header["xyzt_units"] = low
        nibabel.save(series, tmp_path / "low.nii")
        guide_image = nibabel.load(save(tmp_path / "high.nii", dtype="float32"))
        guide_image.header["xyzt_units"] = high
        nibabel.save(guide_image, tmp_path / "guide.nii")
        target, guide = read_nifti_header(tmp_path / "low.nii"), read_nifti(tmp_path / "guide.nii")
        volumes = (np.full(guide.shape, value, np.float32) for value in (5.0, 6.0))
        write_nifti(tmp_path / "out.nii.gz", *volumes, target=target, guide=guide)
        assert int(nibabel.load(tmp_path / "out.nii.gz").header["xyzt_units"]) == kept


class TestWriting:
    def pair(self, folder: Path, **target: object) -> tuple[Volume, Volume]:
        low = save(folder / "low.nii.gz", (4, 3, 4), scaled(OBLIQUE, 2, 2, 1), **target)  # type: ignore[arg-type]
        high = save(folder / "high.nii.gz", (8, 6, 4), dtype="float32")
        return read_nifti(low), read_nifti(high)

    @pytest.mark.parametrize("name", ["out.nii", "with space é.nii.gz"])
    @pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
    @pytest.mark.parametrize("scaling", [None, (0.5, 10.0), (2.0, -5.0)], ids=str)
    def test_grid_of_the_guide_type_and_scale_of_the_target(
        self, tmp_path: Path, name: str, dtype: str, scaling: tuple[float, float] | None
    ) -> None:
        target, guide = self.pair(tmp_path, dtype=dtype, scaling=scaling)
        values = np.random.default_rng(0).uniform(20, 100, (8, 6, 4)).astype(np.float32)
        write_nifti(tmp_path / name, values, target=target, guide=guide)
        image = nibabel.load(tmp_path / name)
        assert image.shape == (8, 6, 4)
        assert image.get_data_dtype() == dtype
        assert np.array_equal(image.affine, guide.affine)
        assert image.header["sform_code"] == guide.header["sform_code"]
        assert image.header["qform_code"] == guide.header["qform_code"]
        assert image.header.get_xyzt_units() == guide.header.get_xyzt_units()
        assert (image.dataobj.slope, image.dataobj.inter) == (scaling or (1.0, 0.0))
        step = (scaling or (1.0, 0.0))[0] if dtype[0] in "iu" else 1e-4
        assert np.abs(image.get_fdata() - values).max() <= 0.5 * step + 1e-4
        assert np.allclose(read_nifti(tmp_path / name).voxels, image.get_fdata())

    def test_integers_are_clipped_not_wrapped(self, tmp_path: Path) -> None:
        target, guide = self.pair(tmp_path, dtype="uint8")
        values = np.full((8, 6, 4), 300.0, np.float32)
        values[0] = -40
        write_nifti(tmp_path / "out.nii", values, target=target, guide=guide)
        back = read_nifti(tmp_path / "out.nii").voxels
        assert (back[0] == 0).all()
        assert (back[1:] == 255).all()

    def test_nan_needs_a_float_file(self, tmp_path: Path) -> None:
        values = np.full((8, 6, 4), np.nan, np.float32)
        target, guide = self.pair(tmp_path, dtype="int16")
        with pytest.raises(InputError, match="192 of 192"):
            write_nifti(tmp_path / "out.nii", values, target=target, guide=guide)
        assert not (tmp_path / "out.nii").exists()
        target, guide = self.pair(tmp_path, dtype="float32")
        write_nifti(tmp_path / "out.nii", values, target=target, guide=guide)
        assert np.isnan(read_nifti(tmp_path / "out.nii").voxels).all()

    def test_meaning_of_values_comes_from_the_target(self, tmp_path: Path) -> None:
        low = nibabel.load(save(tmp_path / "low.nii", (4, 3, 4), scaled(OBLIQUE, 2, 2, 1)))
        low.header["descrip"], low.header["cal_max"] = b"T2 of a phantom", 99
        low.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"of this grid"))
        nibabel.save(low, tmp_path / "low2.nii")
        target = read_nifti(tmp_path / "low2.nii")
        guide = read_nifti(save(tmp_path / "high.nii"))
        write_nifti(tmp_path / "out.nii", guide.voxels, target=target, guide=guide)
        header = nibabel.load(tmp_path / "out.nii").header
        assert header["descrip"] == b"T2 of a phantom"
        assert header["cal_max"] == 99
        assert not header.extensions

    def test_images_stay_images(self, tmp_path: Path) -> None:
        guide = read_nifti(save(tmp_path / "flat.nii", (8, 6), np.diag([1, 1, 5, 1.0])))
        target = read_nifti(save(tmp_path / "low.nii", (4, 3), np.diag([2, 2, 5, 1.0])))
        assert place_volumes(target, guide).slice_axis == 2
        write_nifti(tmp_path / "out.nii", guide.voxels, target=target, guide=guide)
        assert nibabel.load(tmp_path / "out.nii").shape == (8, 6)

    @pytest.mark.parametrize("name", ["out.nii", "out.nii.gz"])
    @pytest.mark.parametrize("missing", [1, 100])
    def test_a_full_disk_is_an_error_not_a_broken_file(
        self, tmp_path: Path, name: str, missing: int, largest_file: Bound
    ) -> None:
        target, guide = self.pair(tmp_path)
        write_nifti(tmp_path / name, guide.voxels, target=target, guide=guide)
        size = (tmp_path / name).stat().st_size
        (tmp_path / name).unlink()
        with largest_file(size - missing), pytest.raises(FileFormatError, match="out"):
            write_nifti(tmp_path / name, guide.voxels, target=target, guide=guide)
        assert sorted(os.listdir(tmp_path)) == ["high.nii.gz", "low.nii.gz"]

    def test_impossible_outputs_are_refused(self, tmp_path: Path) -> None:
        target, guide = self.pair(tmp_path)
        with pytest.raises(InputError, match="a volume of 4 x 3 x 4, the guide has 8 x 6 x 4"):
            write_nifti(tmp_path / "out.nii", target.voxels, target=target, guide=guide)
        for name, reason in (("out.png", "name the output"), ("low.nii.gz", "also an input")):
            with pytest.raises(FileFormatError, match=reason):
                write_nifti(
                    tmp_path / name, guide.voxels, target=target, guide=guide, overwrite=True
                )


def test_a_real_volume_makes_the_round_trip(data_folder: Path, tmp_path: Path) -> None:
    folder = sorted((data_folder / "mri").iterdir())[0]
    target, guide = read_nifti(folder / "T2.nii.gz"), read_nifti(folder / "T1.nii.gz")
    small = tmp_path / "small.nii.gz"
    nibabel.save(
        nibabel.Nifti1Image(
            target.voxels[::4, ::4].astype(np.uint16), scaled(target.affine, 4, 4, 1)
        ),
        small,
    )
    low = read_nifti(small)
    found = place_volumes(low, guide)
    assert (found.slice_axis, found.coarse, found.angle) == (2, (0, 1), 0)
    assert [found.axis(axis).scale for axis in (0, 1)] == pytest.approx([0.25, 0.25])
    assert [found.axis(axis).offset for axis in (0, 1)] == pytest.approx([0, 0], abs=1e-4)
    write_nifti(tmp_path / "out.nii.gz", target.voxels, target=low, guide=guide)
    back = read_nifti(tmp_path / "out.nii.gz")
    assert np.array_equal(back.voxels, target.voxels)
    assert np.array_equal(back.affine, guide.affine)
    with pytest.raises(PairError, match="one grid already"):
        place_volumes(target, guide)
