"""BraTS and IXI, on volumes named as published, and on real ones where they are at hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gisr.datasets.entry import Entry, Scan
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.readers.brats import read_brats
from gisr.datasets.readers.ixi import read_ixi
from gisr.datasets.readers.subjects import drawn_splits
from gisr.datasets.sources import left_out, read_entries
from gisr.errors import FileFormatError

nibabel = pytest.importorskip("nibabel")

BRATS, IXI = LAYOUTS["brats"], LAYOUTS["ixi"]
OLD, NEW = ("t1", "t1ce", "t2", "flair"), ("t1n", "t1c", "t2w", "t2f")
CONTRASTS = ("T1", "T1ce", "T2", "FLAIR")


def save(
    path: Path, depth: int = 155, affine: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """Write a volume with the slices of a published one; across, it is small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.random.default_rng(seed).integers(1, 3000, (4, 3, depth)).astype(np.int16)
    placed = np.diag([-1.0, -1, 1, 1]) if affine is None else affine
    nibabel.save(nibabel.Nifti1Image(voxels, placed), path)
    return voxels


def save_subject(folder: Path, name: str, contrasts: tuple[str, ...] = OLD, **options: Any) -> None:
    join = "-" if contrasts[0] in NEW else "_"
    for seed, contrast in enumerate(contrasts):
        save(folder / name / f"{name}{join}{contrast}.nii.gz", seed=seed, **options)


def scans(entries: list[Entry]) -> list[Scan]:
    found = [entry for entry in entries if isinstance(entry, Scan)]
    assert len(found) == len(entries)
    return found


class TestBrats:
    @pytest.mark.parametrize(
        ("place", "name", "contrasts", "suffix"),
        [
            ("MICCAI_BraTS_2018_Data_Training/HGG", "Brats18_2013_2_1", OLD, ".nii.gz"),
            ("LGG", "BraTS19_TCIA09_141_1", OLD, ".nii.gz"),
            ("MICCAI_BraTS2020_TrainingData", "BraTS20_Training_001", OLD, ".nii"),
            (".", "BraTS2021_00000", OLD, ".nii.gz"),
            (".", "BraTS-GLI-00000-000", NEW, ".nii.gz"),
        ],
    )
    def test_names_of_every_year(
        self, tmp_path: Path, place: str, name: str, contrasts: tuple[str, ...], suffix: str
    ) -> None:
        join = "-" if contrasts == NEW else "_"
        folder = tmp_path / place / name
        stored = {
            contrast: save(folder / f"{name}{join}{spelt}{suffix}", seed=seed)
            for seed, (contrast, spelt) in enumerate(zip(CONTRASTS, contrasts, strict=True))
        }
        save(folder / f"{name}{join}seg{suffix}")  # labels are no contrast
        (scan,) = scans(read_entries(tmp_path))
        assert scan.name == name
        assert scan.contrasts == ("FLAIR", "T1", "T1ce", "T2")
        for contrast, voxels in stored.items():
            np.testing.assert_array_equal(scan.volume(contrast), voxels)
        assert scan.slices == tuple(range(37, 117))
        assert len(scan.files) == 4
        assert set(scan.checked_images()) == set(CONTRASTS)

    def test_how_many_slices_count_can_be_chosen(self, tmp_path: Path) -> None:
        save_subject(tmp_path, "BraTS2021_00000")
        (scan,) = scans(read_brats(tmp_path, slices=100))
        assert scan.slices == tuple(range(27, 127))

    def test_the_split_of_the_paper(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """285 volumes give 256 and 29, the paper's 20,480 and 2,320 slices of 80 a volume."""
        save(tmp_path / "one.nii.gz")
        for number in range(285):
            for contrast in ("t1", "t2"):
                name = f"Brats18_{number:03d}_{contrast}.nii.gz"
                (tmp_path / name).symlink_to(tmp_path / "one.nii.gz")
        found = scans(BRATS.read(tmp_path))
        slices = {
            split: sum(len(scan.slices or ()) for scan in found if scan.split == split)
            for split in ("train", "test")
        }
        assert slices == {"train": 20480, "test": 2320}
        assert [scan.name for scan in found] == sorted(scan.name for scan in found)
        assert [scan.split for scan in scans(BRATS.read(tmp_path))] == [s.split for s in found]

    def test_scans_of_one_patient_stay_together(self, tmp_path: Path) -> None:
        for name in ("BraTS-GLI-00005-000", "BraTS-GLI-00005-001", "BraTS-GLI-00006-000"):
            save_subject(tmp_path, name, NEW)
        assert [scan.group for scan in BRATS.read(tmp_path)] == [
            "BraTS-GLI-00005",
            "BraTS-GLI-00005",
            "BraTS-GLI-00006",
        ]

    def test_what_is_wrong_with_a_folder(self, tmp_path: Path) -> None:
        assert not BRATS.recognises(tmp_path)
        with pytest.raises(FileFormatError, match="no folder of the layout brats: it has SUBJECT"):
            BRATS.read(tmp_path)
        save_subject(tmp_path / "a", "BraTS2021_00000")
        save_subject(tmp_path / "a", "BraTS2021_00001", OLD[:3])
        with pytest.raises(FileFormatError, match="BraTS2021_00001 has no FLAIR, which other"):
            BRATS.read(tmp_path / "a")
        save_subject(tmp_path / "b", "BraTS2021_00000", ("t1",))
        with pytest.raises(FileFormatError, match="has only T1: a guide is missing"):
            BRATS.read(tmp_path / "b")
        save_subject(tmp_path / "c", "BraTS2021_00000", depth=79)
        with pytest.raises(FileFormatError, match="has 79 slices, 80 must count"):
            BRATS.read(tmp_path / "c")
        save_subject(tmp_path / "d", "BraTS2021_00000", ("t1", "t2"))
        save(tmp_path / "d" / "BraTS2021_00000" / "BraTS2021_00000_t2.nii.gz", affine=np.eye(4))
        with pytest.raises(FileFormatError, match=r"_t2\.nii\.gz: on another grid than"):
            BRATS.read(tmp_path / "d")
        save_subject(tmp_path / "e", "BraTS2021_00000")
        save(tmp_path / "e" / "unpacked" / "BraTS2021_00000_t1.nii")
        with pytest.raises(FileFormatError, match="the same volume as"):
            BRATS.read(tmp_path / "e")

    def test_real_subjects(self, tmp_path: Path, data_folder: Path) -> None:
        real = sorted((data_folder / "mri").glob("brats_*"))
        if not real:
            pytest.skip(f"needs real BraTS subjects: none in {data_folder / 'mri'}")
        spelt = {"T1": "t1n", "T2": "t2w", "FLAIR": "t2f"}
        for subject in real:
            kind, number, time = subject.name.removeprefix("brats_").split("_")
            name = f"BraTS-{kind.upper()}-{number}-{time}"
            (tmp_path / name).mkdir()
            for contrast, short in spelt.items():
                link = tmp_path / name / f"{name}-{short}.nii.gz"
                link.symlink_to(subject / f"{contrast}.nii.gz")
        found = scans(read_entries(tmp_path))
        assert len(found) == len(real)
        for scan in found:
            assert scan.contrasts == ("FLAIR", "T1", "T2")
            volume = scan.volume("T2")
            assert scan.slices is not None and len(scan.slices) == 80
            # Every slice that counts has brain in it: empty ones would raise every score.
            assert all((volume[..., index] > 0).mean() > 0.05 for index in scan.slices)
            assert set(scan.checked_images()) == {"FLAIR", "T1", "T2"}


class TestIxi:
    @pytest.fixture
    def write(self, tmp_path: Path) -> Callable[..., None]:
        """Write a subject as published: T2 and PD on one grid, T1 on another."""

        def write(number: int, contrasts: str = "T1 T2 PD", **options: Any) -> None:
            for seed, contrast in enumerate(contrasts.split()):
                name = f"IXI{number:03d}-Guys-0828-{contrast}.nii.gz"
                placed = {"depth": 150, "affine": np.eye(4)} if contrast == "T1" else {"depth": 130}
                save(tmp_path / f"IXI-{contrast}" / name, seed=seed, **{**placed, **options})

        return write

    def test_contrasts_on_one_grid(self, tmp_path: Path, write: Callable[..., None]) -> None:
        write(2)
        (scan,) = scans(read_entries(tmp_path))
        assert (scan.name, scan.group) == ("IXI002-Guys-0828", "IXI002")
        assert scan.contrasts == ("PD", "T2")
        assert scan.slices == tuple(range(10, 120))
        assert set(scan.checked_images()) == {"PD", "T2"}
        (wider,) = scans(read_ixi(tmp_path, skip=5))
        assert wider.slices == tuple(range(5, 125))

    def test_t1_that_was_resampled_is_kept(
        self, tmp_path: Path, write: Callable[..., None]
    ) -> None:
        write(2, depth=130, affine=np.eye(4))
        (scan,) = scans(IXI.read(tmp_path))
        assert scan.contrasts == ("PD", "T1", "T2")

    def test_subjects_without_two_such_contrasts_are_left_out(
        self, tmp_path: Path, write: Callable[..., None]
    ) -> None:
        write(2)
        write(3, "T1 T2")
        write(4, "PD")
        assert [scan.name for scan in IXI.read(tmp_path)] == ["IXI002-Guys-0828"]

    def test_what_is_left_out_is_told(self, tmp_path: Path, write: Callable[..., None]) -> None:
        write(2, "T2 PD")
        assert left_out(tmp_path, read_entries(tmp_path)) == []
        write(2, "T1")
        write(3, "T1 T2")
        (tmp_path / "IXI-T2" / "IXI004-T2.nii.gz").write_bytes(b"")
        assert left_out(tmp_path, read_entries(tmp_path)) == [
            f"{tmp_path}: 3 files are left out, IXI-T1/IXI002-Guys-0828-T1.nii.gz first: on the "
            "grid of no other contrast of the subject (resample them to it)",
            f"{tmp_path}: IXI-T2/IXI004-T2.nii.gz is left out: not named as this layout has it "
            "(see gisr data list)",
        ]

    def test_shares_of_the_split(self, tmp_path: Path, write: Callable[..., None]) -> None:
        for number in range(1, 31):
            write(number, "T2 PD")
        splits = [scan.split for scan in IXI.read(tmp_path)]
        assert [splits.count(split) for split in ("train", "val", "test")] == [24, 3, 3]

    def test_what_is_wrong_with_a_folder(self, tmp_path: Path, write: Callable[..., None]) -> None:
        assert not IXI.recognises(tmp_path)
        with pytest.raises(FileFormatError, match="no folder of the layout ixi: it has IXI-T2"):
            IXI.read(tmp_path)
        write(2, "T1 T2")
        with pytest.raises(FileFormatError, match="none of 1 subjects has two contrasts on one"):
            IXI.read(tmp_path)
        write(2, "T2 PD", depth=20)
        with pytest.raises(FileFormatError, match="none of its 20 slices is left when 10 at both"):
            IXI.read(tmp_path)


def test_drawn_splits_do_not_depend_on_order_or_repeats() -> None:
    groups = [f"subject{number}" for number in range(100)]
    drawn = drawn_splits(groups, {"val": 0.1, "test": 0.2}, seed=1)
    assert drawn == drawn_splits([*reversed(groups), *groups], {"val": 0.1, "test": 0.2}, seed=1)
    assert sorted(drawn.values()) == ["test"] * 20 + ["train"] * 70 + ["val"] * 10
    assert drawn != drawn_splits(groups, {"val": 0.1, "test": 0.2}, seed=2)


def test_the_split_never_changes() -> None:
    """Numbers of different versions can be compared only on the same split."""
    # As `for g in a b c d e; do printf 2018:$g | sha256sum; done | sort` has it.
    drawn = drawn_splits("abcde", {"test": 0.4}, seed=2018)
    assert {group for group, split in drawn.items() if split == "test"} == {"c", "d"}
