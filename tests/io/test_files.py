import errno
import os
import stat
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from gisr.errors import FileFormatError, LimitError
from gisr.io.files import (
    atomic_output,
    atomic_outputs,
    check_not_input,
    check_readable,
    disk_errors,
    file_suffix,
    typed_errors,
)


def test_output_appears_whole_under_its_name(tmp_path: Path) -> None:
    output = tmp_path / "with space é 影像.nii.gz"
    with atomic_output(output, overwrite=False) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".nii.gz")
        assert not output.exists()
        temporary.write_bytes(b"whole")
    assert output.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == [output.name]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_nothing_and_keeps_the_old_file(
    tmp_path: Path, error: type[BaseException]
) -> None:
    output = tmp_path / "out.tif"
    output.write_bytes(b"old")
    with pytest.raises(error), atomic_output(output, overwrite=True) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert output.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out.tif"]


def test_existing_output_needs_overwrite(tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    output.write_bytes(b"old")
    with pytest.raises(FileFormatError, match="--overwrite"), atomic_output(output, False):
        pytest.fail("the block must not run")
    with atomic_output(output, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert output.read_bytes() == b"new"


def test_a_dangling_link_counts_as_existing(tmp_path: Path) -> None:
    link = tmp_path / "out.tif"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileFormatError, match="exists"), atomic_output(link, False):
        pytest.fail("the block must not run")


def test_impossible_outputs_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    for output, reason in (
        (tmp_path / "missing" / "out.tif", "does not exist"),
        (file / "out.tif", "does not exist|cannot be written"),
        (tmp_path, "is a folder"),
        (tmp_path / ("n" * 300), "cannot be written"),
        (tmp_path / "nul\0.tif", "cannot be written"),
    ):
        with pytest.raises(FileFormatError, match=reason), atomic_output(output, True):
            pytest.fail("the block must not run")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        output = tmp_path / "out.tif"
        with pytest.raises(FileFormatError, match="written"), atomic_output(output, False):
            pytest.fail("the block must not run")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_output_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    with atomic_output(tmp_path / "out", False) as temporary:
        temporary.write_bytes(b"x")
    assert (tmp_path / "out").stat().st_mode == plain.stat().st_mode


def test_input_and_output_may_not_be_one_file(tmp_path: Path) -> None:
    source = tmp_path / "in.tif"
    source.write_bytes(b"x")
    hard, soft = tmp_path / "hard.tif", tmp_path / "soft.tif"
    os.link(source, hard)
    soft.symlink_to(source)
    for output in (source, hard, soft, tmp_path / "." / "in.tif"):
        with pytest.raises(FileFormatError, match="also an input"):
            check_not_input(output, tmp_path / "other.tif", source)
    check_not_input(tmp_path / "out.tif", source)


def test_unreadable_inputs_are_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.tif"
    empty.write_bytes(b"")
    for path, reason in (
        (tmp_path / "missing.tif", "no such file"),
        (tmp_path, "is a folder"),
        (empty, "empty: copy or download it again"),
        (Path("nul\0.tif"), "cannot be read|no such file"),
    ):
        with pytest.raises(FileFormatError, match=reason):
            check_readable(path)


def test_what_was_not_fetched_is_told(tmp_path: Path) -> None:
    link, lfs, annex, text, page = (
        tmp_path / name for name in ("a.nii.gz", "b.png", "c.dcm", "d.nii.gz", "e.tif")
    )
    link.symlink_to("../.git/annex/objects/MD5E-s12--ab.nii.gz")
    lfs.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    annex.write_text("/annex/objects/MD5E-s12--ab.dcm\n")
    text.write_text("../../.git/annex/objects/xX/9z/MD5E-s12--ab.nii.gz/MD5E-s12--ab.nii.gz")
    page.write_text("\n<!DOCTYPE html>\n<html><body>Sign in</body></html>")
    for path, reason in (
        (link, r"a\.nii\.gz: a link to a file that is not here \(.*ab\.nii\.gz\): .*datalad get"),
        (lfs, r"b\.png: only the pointer of Git LFS: fetch the file first with git lfs pull"),
        (annex, r"c\.dcm: only the pointer of git-annex: .*git annex get"),
        (text, r"d\.nii\.gz: only the pointer of git-annex: .*git annex get"),
        (page, r"e\.tif: a web page under this name, .*: download the file again$"),
    ):
        with pytest.raises(FileFormatError, match=reason):
            check_readable(path)


def test_a_link_into_a_store_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "4d7a21").write_bytes(b"x")
    link = tmp_path / "depth.png"
    link.symlink_to(Path("blobs") / "4d7a21")
    assert check_readable(link) == link
    folder = tmp_path / "linked"
    folder.symlink_to(tmp_path / "blobs")
    assert check_readable(folder / "4d7a21") == (tmp_path / "blobs" / "4d7a21").resolve()


def test_input_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("GTIFF_DIR:1:x.tif").write_bytes(b"x")
    assert check_readable("GTIFF_DIR:1:x.tif") == tmp_path.resolve() / "GTIFF_DIR:1:x.tif"


def test_library_errors_are_typed_and_keep_their_cause() -> None:
    with (
        pytest.raises(FileFormatError, match=r"a\.tif: cannot be read as X: 'key'") as caught,
        typed_errors("a.tif", "cannot be read as X"),
    ):
        raise KeyError("key")
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(LimitError, match="memory"), typed_errors("a.tif", "cannot be read"):
        raise MemoryError
    with pytest.raises(KeyboardInterrupt), typed_errors("a.tif", "cannot be read"):
        raise KeyboardInterrupt


def test_suffix_of_compressed_nifti_is_one() -> None:
    assert file_suffix("A.NII.GZ") == ".nii.gz"
    assert file_suffix("a.b.TIF") == ".tif"
    assert file_suffix("a") == ""


def test_outputs_are_moved_together_or_stay_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = [tmp_path / name for name in ("replaced", "new", "fails")]
    outputs[0].write_bytes(b"old")
    stale = tmp_path / "replaced.msk"
    stale.write_bytes(b"mask")
    replace = os.replace

    def fail_at_the_last(source: Path, place: Path) -> None:
        if place.name == "fails":
            raise OSError("refused")
        replace(source, place)

    monkeypatch.setattr("os.replace", fail_at_the_last)
    with (
        pytest.raises(FileFormatError, match="refused"),
        atomic_outputs(outputs, True, stale=[stale]) as places,
    ):
        for place in places:
            place.write_bytes(b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "replaced": b"old",
        "replaced.msk": b"mask",
    }


def test_what_another_program_made_at_the_last_moment_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, link = tmp_path / "out", os.link

    def just_before(source: Path, place: Path, **more: bool) -> None:
        if place == output:
            output.write_bytes(b"other")
        link(source, place, **more)

    monkeypatch.setattr(os, "link", just_before)
    with (
        pytest.raises(FileFormatError, match="out: was made by another program while"),
        atomic_output(output, overwrite=False) as place,
    ):
        place.write_bytes(b"mine")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert output.read_bytes() == b"other"


@pytest.mark.parametrize("links", [True, False])
def test_what_another_program_made_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refused(*paths: object, **keywords: object) -> None:
            raise OSError(errno.EOPNOTSUPP, "no links")

        monkeypatch.setattr("os.link", refused)
    with atomic_output(tmp_path / "mine", overwrite=False) as place:
        place.write_bytes(b"mine")
    output = tmp_path / "out"
    for overwrite, kept in ((False, b"other"), (True, b"mine")):
        with (
            nullcontext()
            if overwrite
            else pytest.raises(FileFormatError, match="out: was made by another program while"),
            atomic_output(output, overwrite) as place,
        ):
            place.write_bytes(b"mine")
            output.write_bytes(b"other")
        assert output.read_bytes() == kept
        output.unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine").stat().st_nlink == 1


def test_a_full_disk_is_named_where_a_library_says_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, free = tmp_path / "out.tif", 999_999

    def usage(folder: Path) -> SimpleNamespace:
        assert folder == tmp_path
        return SimpleNamespace(free=free)

    monkeypatch.setattr("shutil.disk_usage", usage)
    with pytest.raises(FileFormatError) as full, disk_errors(output, "cannot be written as X"):
        raise RuntimeError("IReadBlock failed")
    assert str(full.value).startswith(f"{output}: cannot be written: the disk /")
    assert str(full.value).endswith(" is full: make room on it and run the same command again")
    free = 10**6
    with pytest.raises(FileFormatError) as other, disk_errors(output, "cannot be written as X"):
        raise RuntimeError("IReadBlock failed")
    assert str(other.value) == (
        f"{output}: cannot be written as X: check that the disk is not full: IReadBlock failed"
    )


def test_a_name_that_is_not_in_utf8_is_told_as_such(tmp_path: Path) -> None:
    name = tmp_path / "\udcff.tif"
    with pytest.raises(FileFormatError) as told, typed_errors(name, "cannot be read as GeoTIFF"):
        str(name).encode()
    line = "a name on its path is not in UTF-8: rename it, or set PYTHONUTF8=1 if it is"
    assert str(told.value) == f"{name}: cannot be read as GeoTIFF: {line}"
