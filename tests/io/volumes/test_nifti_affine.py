"""What headers say of the place of their voxels: forms that disagree, units, no codes, no sizes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gisr.errors import FileFormatError, PairError
from gisr.io.limits import DEFAULT_LIMITS
from gisr.io.volumes.nifti import read_nifti_header
from gisr.io.volumes.pair import read_volume_pair

nibabel = pytest.importorskip("nibabel")
AFFINE = np.diag([-1.0, 1.0, 2.0, 1.0])
AFFINE[:3, 3] = [20, -30, 5]


def save(
    path: Path,
    shape: tuple[int, int, int] = (8, 6, 4),
    sform: NDArray[np.float64] | None = AFFINE,
    qform: NDArray[np.float64] | None = AFFINE,
    unit: str = "mm",
    zooms: tuple[float, float, float] = (1, 1, 2),
) -> Path:
    """Write a header just so: an image of nibabel would bring its forms into agreement."""
    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.float32)
    header.set_zooms(zooms)
    header.set_xyzt_units(unit)
    if qform is not None:
        header.set_qform(qform, code=1)
    if sform is not None:
        header.set_sform(sform, code=2)
    header["vox_offset"] = 352
    with path.open("wb") as stream:
        header.write_to(stream)
        stream.write(np.arange(np.prod(shape), dtype=np.float32).tobytes())
    return path


def moved(*shift: float) -> NDArray[np.float64]:
    affine = AFFINE.copy()
    affine[:3, 3] += shift
    return affine


def test_forms_that_disagree_are_told_with_their_distance(tmp_path: Path) -> None:
    agreeing = read_nifti_header(save(tmp_path / "a.nii"))
    assert agreeing.notes == () and agreeing.stated
    path = save(tmp_path / "moved.nii", sform=moved(10, -5, 3))
    found = read_nifti_header(path)
    assert found.affine[:3, 3].tolist() == [30, -35, 8]
    (note,) = found.notes
    assert note.level == "warning"
    assert "moved.nii: its sform and its qform lie up to 11.6 mm apart" in note.text


def test_a_form_that_is_not_set_says_nothing(tmp_path: Path) -> None:
    assert read_nifti_header(save(tmp_path / "a.nii", qform=None)).notes == ()
    assert read_nifti_header(save(tmp_path / "b.nii", sform=None)).notes == ()


@pytest.mark.parametrize(("unit", "factor"), [("micron", 1e3), ("meter", 1e-3), ("mm", 1)])
def test_affines_are_millimetres_whatever_the_unit(
    tmp_path: Path, unit: str, factor: float
) -> None:
    scaled = np.diag([factor, factor, factor, 1.0]) @ AFFINE
    path = save(tmp_path / "a.nii", sform=scaled, qform=scaled, unit=unit)
    found = read_nifti_header(path)
    np.testing.assert_allclose(found.affine, AFFINE, rtol=1e-5)
    assert found.zooms == pytest.approx((1, 1, 2))
    assert len(found.notes) == (factor != 1)


def test_one_volume_in_the_space_of_a_template_is_told(tmp_path: Path) -> None:
    coarse = AFFINE @ np.diag([2.0, 2, 1, 1])
    low = save(tmp_path / "low.nii", (4, 3, 4), sform=coarse, qform=None, zooms=(2, 2, 2))
    high = save(tmp_path / "high.nii")
    assert read_volume_pair(low, high, DEFAULT_LIMITS).notes == ()
    stored = bytearray(high.read_bytes())
    stored[254:256] = (4).to_bytes(2, "little")
    high.write_bytes(stored)
    (note,) = read_volume_pair(low, high, DEFAULT_LIMITS).notes
    assert note.text == (
        "by their headers low.nii lies in the space of a scan and high.nii lies in MNI space "
        "(codes 2 and 4): taken for one space, check that they are registered"
    )


def test_a_voxel_size_of_0_is_named(tmp_path: Path) -> None:
    flat = AFFINE @ np.diag([1.0, 1.0, 0.0, 1.0])
    path = save(tmp_path / "flat.nii", sform=flat, qform=None)
    with pytest.raises(FileFormatError, match=r"flat\.nii: voxel size 0 along its third axis"):
        read_nifti_header(path)


def rewritten(path: Path, **fields: float) -> Path:
    """Change fields on disk that nibabel would repair before it writes them."""
    content = bytearray(path.read_bytes())
    header = nibabel.Nifti1Header(bytes(content[:348]), check=False)
    for name, value in fields.items():
        if name.startswith("pixdim"):
            header["pixdim"][int(name[-1])] = value
        else:
            header[name] = value
    content[:348] = header.binaryblock
    path.write_bytes(content)
    return path


def test_a_voxel_size_of_0_is_not_taken_for_1(tmp_path: Path) -> None:
    path = rewritten(save(tmp_path / "lost.nii", sform=None), pixdim3=0)
    with pytest.raises(FileFormatError, match=r"lost\.nii: voxel size 0 along its third axis"):
        read_nifti_header(path)
    path = rewritten(save(tmp_path / "no_codes.nii", sform=None, qform=None), pixdim1=0)
    with pytest.raises(FileFormatError, match=r"no_codes\.nii: voxel size 0 along its first axis"):
        read_nifti_header(path)
    stated = rewritten(save(tmp_path / "sform.nii", qform=None), pixdim3=0)
    assert read_nifti_header(stated).zooms == pytest.approx((1, 1, 2))
    flat = rewritten(save(tmp_path / "one_slice.nii", (8, 6, 1), sform=None), pixdim3=0)
    assert read_nifti_header(flat).zooms == pytest.approx((1, 1, 1))


def test_voxel_sizes_that_are_not_those_of_the_sform_are_told(tmp_path: Path) -> None:
    path = rewritten(save(tmp_path / "x.nii", qform=None), pixdim3=5)
    found = read_nifti_header(path)
    assert found.zooms == pytest.approx((1, 1, 2))
    (note,) = found.notes
    assert note.level == "warning"
    assert "x.nii: its sform says voxels of 1 x 1 x 2, its pixdim 1 x 1 x 5" in note.text
    sheared = AFFINE @ np.array([[1, 0, 0.1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert read_nifti_header(save(tmp_path / "sheared.nii", sform=sheared, qform=None)).notes == ()


def test_the_axis_of_slices_is_that_of_the_affine(tmp_path: Path) -> None:
    turned = np.diag([4.0, 1.0, 1.0, 1.0])
    path = rewritten(save(tmp_path / "x.nii", sform=turned, qform=None), pixdim1=0, pixdim3=0)
    header = read_nifti_header(path)
    assert (header.slice_axis, header.slice_distance) == (0, 4)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("meter", 1), ("micron", 1), ("unknown", 1e3), ("mm", 1e-3), ("mm", 10)],
)
def test_volumes_that_do_not_fit_may_have_other_units(
    tmp_path: Path, unit: str, factor: float
) -> None:
    scaled = np.diag([factor, factor, factor, 1.0]) @ AFFINE
    target = save(tmp_path / "low.nii", (4, 3, 4), np.diag([2.0, 2, 1, 1]) @ AFFINE, None)
    guide = save(tmp_path / "high.nii", sform=scaled, qform=None, unit=unit)
    with pytest.raises(PairError) as caught:
        read_volume_pair(target, guide, DEFAULT_LIMITS)
    taken = {"meter": "metres", "micron": "micrometres"}.get(unit, "millimetres")
    wide = 8 * factor * {"meter": 1e3, "micron": 1e-3}.get(unit, 1)
    assert str(caught.value).startswith(
        f"low.nii is taken to be in millimetres and 8 mm wide and high.nii is taken to be in "
        f"{taken} and {wide:.3g} mm wide, which does not fit together: if the unit of one is not"
    )
    assert "set_xyzt_units('mm', 'meter' or 'micron')" in str(caught.value)
    assert "; else: " in str(caught.value)
    same = save(tmp_path / "same.nii", (4, 3, 4))
    with pytest.raises(PairError) as caught:
        read_volume_pair(same, save(tmp_path / "high.nii"), DEFAULT_LIMITS)
    assert "unit" not in str(caught.value)


@pytest.mark.parametrize(
    ("forms", "guide_forms", "named"),
    [
        ((np.eye(4), None), (np.eye(4), np.eye(4)), "low.nii and high.nii have"),
        ((np.eye(4), None), (np.diag([-1.0, 1, 1, 1]), None), "low.nii has"),
        ((None, None), (np.diag([-1.0, 1, 1, 1]), None), "low.nii has"),
        ((np.diag([-1.0, 1, 1, 1]), None), (np.diag([-1.0, 1, 1, 1]), None), None),
    ],
)
def test_arrays_saved_without_an_affine_are_named_where_volumes_do_not_fit(
    tmp_path: Path,
    forms: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None],
    guide_forms: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None],
    named: str | None,
) -> None:
    ones = (1, 1, 1)
    target = save(tmp_path / "low.nii", (4, 3, 4), *forms, zooms=ones)
    guide = save(tmp_path / "high.nii", (8, 6, 4), *guide_forms, zooms=ones)
    with pytest.raises(PairError) as caught:
        read_volume_pair(target, guide, DEFAULT_LIMITS)
    words = " the affine of an array that was saved without one"
    assert (words in str(caught.value)) == (named is not None)
    assert str(caught.value).startswith(named or "low.nii and high.nii: both are on")
    same = save(tmp_path / "same.nii", (8, 6, 4), *guide_forms, zooms=ones)
    with pytest.raises(PairError, match=r"^same.nii and high.nii: both are on one grid already"):
        read_volume_pair(same, guide, DEFAULT_LIMITS)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_sound_qform_is_the_way_out_of_a_broken_sform(tmp_path: Path, value: float) -> None:
    def broken(name: str, qform: NDArray[np.float64] | None) -> Path:
        path = save(tmp_path / name, qform=qform)
        content = bytearray(path.read_bytes())
        content[280:328] = np.full(12, value, np.float32).tobytes()  # srow_x, srow_y, srow_z
        path.write_bytes(content)
        return path

    with pytest.raises(FileFormatError, match=r"or restore|unknown: restore") as caught:
        read_nifti_header(broken("alone.nii", None))
    assert "copyqform2sform" not in str(caught.value)
    path = broken("both.nii", AFFINE)
    with pytest.raises(FileFormatError, match=r"copy its sound qform .*fslorient -copyqform2sform"):
        read_nifti_header(path)
    image = nibabel.load(path)
    image.set_sform(image.get_qform(), code=1)  # as fslorient does
    nibabel.save(image, tmp_path / "mended.nii")
    np.testing.assert_allclose(read_nifti_header(tmp_path / "mended.nii").affine, AFFINE, atol=1e-5)


def test_a_qform_that_is_no_rotation_is_named_with_its_numbers(tmp_path: Path) -> None:
    path = rewritten(save(tmp_path / "x.nii", sform=None), quatern_b=3)
    words = r"x\.nii: its qform is no rotation \(quaternion 3, 1, 0\).*restore it"
    with pytest.raises(FileFormatError, match=words):
        read_nifti_header(path)


def test_files_without_codes_are_taken_to_cover_each_other(tmp_path: Path) -> None:
    target = save(tmp_path / "low.nii", (4, 3, 4), sform=None, qform=None, zooms=(2, 2, 2))
    guide = save(tmp_path / "high.nii")
    assert not read_nifti_header(target).stated
    files = read_volume_pair(target, guide, DEFAULT_LIMITS)
    assert files.placement.coarse == (0, 1)
    assert files.placement.covered().all()
    (note,) = files.notes
    assert note.level == "warning" and "low.nii does not say where it lies" in note.text
    target = save(tmp_path / "low.nii", (4, 3, 4), sform=None, qform=None, zooms=(1, 1, 1))
    sizeless = save(tmp_path / "high2.nii", sform=None, qform=None, zooms=(1, 1, 1))
    both = read_volume_pair(target, sizeless, DEFAULT_LIMITS)
    assert both.placement.ratios == pytest.approx((2, 2, 1))
    assert "low.nii and high2.nii do not say where they lie" in both.notes[0].text


def test_a_header_names_the_axis_of_slices(tmp_path: Path) -> None:
    assert read_nifti_header(save(tmp_path / "third.nii")).slice_axis == 2
    path = tmp_path / "stated.nii"
    image = nibabel.Nifti1Image(np.ones((4, 5, 6), np.int16), np.diag([5.0, 1.0, 1.0, 1.0]))
    image.header.set_dim_info(slice=1)
    nibabel.save(image, path)
    header = read_nifti_header(path)
    assert (header.slice_axis, header.slice_distance) == (1, 1)


@pytest.mark.parametrize(
    ("sides", "axis"),
    [
        ((4, 4, 2), 2),  # slices thinner than their pixels are wide
        ((5, 1, 1), 0),  # turned by a tool that says nothing of slices
        ((1, 0.5, 1.004), 1),
        ((1, 2, 3), 2),
        ((1, 1, 1), 2),
    ],
)
def test_the_odd_side_of_a_voxel_is_that_of_slices(
    tmp_path: Path, sides: tuple[float, ...], axis: int
) -> None:
    image = nibabel.Nifti1Image(np.ones((4, 5, 6), np.int16), np.diag([*sides, 1.0]))
    nibabel.save(image, tmp_path / "x.nii")
    header = read_nifti_header(tmp_path / "x.nii")
    assert (header.slice_axis, header.slice_distance) == (axis, pytest.approx(sides[axis]))


def test_a_sidecar_gives_the_thickness(tmp_path: Path) -> None:
    path = save(tmp_path / "sub-01_T2w.nii")
    assert read_nifti_header(path).thickness is None
    (tmp_path / "sub-01_T2w.json").write_text('{"SliceThickness": 1.5}', encoding="utf-8")
    assert read_nifti_header(path).thickness == 1.5
    for text in ("{", '{"SliceThickness": "thin"}', '{"SliceThickness": -1}'):
        (tmp_path / "sub-01_T2w.json").write_text(text, encoding="utf-8")
        found = read_nifti_header(path)
        assert found.thickness is None
        assert "sub-01_T2w.json" in found.notes[0].text and "ignored" in found.notes[0].text
