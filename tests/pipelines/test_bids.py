"""Which image of a BIDS data set is sharpened with which."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.bids_files import put, start_dataset

from gisr.errors import FileFormatError, InputError
from gisr.io.bids.dataset import BidsDataset
from gisr.pipelines.bids import BidsPlan, Selection, plan_bids
from gisr.pipelines.options import Options

OPTIONS = Options(task="mri")
FINE, THICK, FLAT = (1.0, 1.0, 1.0), (0.5, 0.5, 3.0), (2.0, 2.0, 1.0)
VOXELS = np.arange(8 * 8 * 4, dtype=np.int16).reshape(8, 8, 4)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return start_dataset(tmp_path / "data")


def plan(root: Path, options: Options = OPTIONS, **chosen: Any) -> BidsPlan:
    skip = chosen.pop("skip_existing", False)
    place = root.parent / "out"
    return plan_bids(BidsDataset(root), place, options, Selection(**chosen), skip_existing=skip)


def pairs(found: BidsPlan) -> dict[str, str]:
    """Return targets and guides without participant and ending."""

    def short(name: object) -> str:
        return str(name).removesuffix(".nii.gz").removeprefix("sub-01_")

    return {short(each.target): short(each.guide) for each in found.pairs.values()}


def notes(found: BidsPlan, level: str) -> list[str]:
    return [note.text for note in found.batch.notes if note.level == level]


def test_the_coarser_image_is_the_target_by_its_longest_side(root: Path) -> None:
    put(root, "sub-01_T1w", VOXELS, FINE)
    put(root, "sub-01_FLAIR", VOXELS, THICK)  # of three quarters of the volume
    put(root, "sub-01_PDw", VOXELS, FLAT)
    found = plan(root)
    assert pairs(found) == {"FLAIR": "T1w", "PDw": "T1w"}
    (flair, _) = found.batch.items
    assert flair.output == root.parent / "out/sub-01/anat/sub-01_desc-gisr_FLAIR.nii.gz"
    assert (flair.options.contrast, flair.options.guide_contrast) == ("FLAIR", "T1")
    assert notes(found, "warning") == []


def test_slices_of_one_thickness_are_compared_within_them(root: Path) -> None:
    put(root, "sub-01_T1w", VOXELS, (1.0, 1.0, 4.0))
    put(root, "sub-01_T2w", VOXELS, (0.5, 0.5, 4.0))
    assert pairs(plan(root)) == {"T1w": "T2w"}


def test_images_without_a_name_or_place_of_bids_are_left_out_and_said(root: Path) -> None:
    put(root, "sub-01_T1w", VOXELS, FINE)
    put(root, "sub-01_T2w", VOXELS, FLAT)
    anat = root / "sub-01" / "anat"
    for stray in (anat / "T2.nii.gz", anat / "sub-01_FLAIR.NII", anat.parent / "sub-01_PDw.nii"):
        stray.write_bytes(b"")
    (anat / "._T2.nii.gz").write_bytes(b"")
    (anat / "T2.json").write_text("{}")
    found = plan(root)
    assert pairs(found) == {"T2w": "T1w"}
    assert notes(found, "warning") == [
        "3 images left out, not called sub-LABEL/anat/sub-LABEL_..._T2w.nii.gz: T2.nii.gz, "
        "sub-01_FLAIR.NII, sub-01_PDw.nii"
    ]


def test_equal_voxels_and_images_alone_are_left_out_and_said(root: Path) -> None:
    put(root, "sub-01_T1w", VOXELS, FINE)
    put(root, "sub-01_T2w", VOXELS, (1.0, 1.0, 1.05))
    put(root, "sub-02_T2w", VOXELS, FINE)
    put(root, "sub-02_run-2_T2w", VOXELS, FLAT)  # of the same contrast as the other
    put(root, "sub-03_T2starw", VOXELS, FINE)
    found = plan(root)
    assert found.batch.items == ()
    nothing, equal, alone = notes(found, "warning")
    assert nothing.endswith("nothing is sharpened")
    assert equal == (
        "2 images left out, with voxels as large as those of the other contrast: "
        "sub-01_T1w.nii.gz, sub-01_T2w.nii.gz"
    )
    assert alone.startswith("2 images left out, without an image of another contrast in the same")
    assert notes(found, "note") == ["1 image of another kind left out: sub-03_T2starw.nii.gz"]


def test_entities_decide_between_guides(root: Path) -> None:
    for name in ("T1w", "ce-gadolinium_T1w"):
        put(root, f"sub-01_{name}", VOXELS, FINE)
    for name in ("T2w", "ce-gadolinium_FLAIR"):
        put(root, f"sub-01_{name}", VOXELS, FLAT)
    found = plan(root)
    assert pairs(found) == {"T2w": "T1w", "ce-gadolinium_FLAIR": "ce-gadolinium_T1w"}
    contrasts = {item.target.name: item.options.guide_contrast for item in found.batch.items}
    assert contrasts["sub-01_ce-gadolinium_FLAIR.nii.gz"] == "T1ce"
    assert notes(found, "note") == []


def test_runs_and_sessions_stay_together(root: Path) -> None:
    for run in (1, 2):
        put(root, f"sub-01_ses-a_run-{run}_T1w", VOXELS, FINE)
        put(root, f"sub-01_ses-a_run-{run}_T2w", VOXELS, FLAT)
    put(root, "sub-01_ses-b_T2w", VOXELS, FLAT)
    found = plan(root)
    assert pairs(found) == {f"ses-a_run-{n}_T2w": f"ses-a_run-{n}_T1w" for n in (1, 2)}
    assert "sub-01_ses-b_T2w.nii.gz" in notes(found, "warning")[0]
    assert plan(root, sessions=["b"]).pairs == {}


def test_several_guides_are_said_and_can_be_chosen_from(root: Path) -> None:
    for name in ("run-1_T1w", "run-2_T1w", "run-1_PDw"):
        put(root, f"sub-01_{name}", VOXELS, FINE)
    put(root, "sub-01_FLAIR", VOXELS, FLAT)
    found = plan(root)
    assert pairs(found) == {"FLAIR": "run-1_T1w"}
    (note,) = notes(found, "note")
    assert note.startswith("sub-01_FLAIR.nii.gz: several guides fit") and "--guides" in note
    (choice,) = notes(found, "detail")
    assert choice == (
        "sub-01_FLAIR.nii.gz: guided by sub-01_run-1_T1w.nii.gz "
        "(or sub-01_run-2_T1w.nii.gz, sub-01_run-1_PDw.nii.gz)"
    )
    assert pairs(plan(root, guides=["run-2"])) == {"FLAIR": "run-2_T1w"}
    assert pairs(plan(root, guides=["PDw"])) == {"FLAIR": "run-1_PDw"}
    assert pairs(plan(root, targets=["T1w"])) == {}
    with pytest.raises(InputError, match="guide run-9: no image has it"):
        plan(root, guides=["run-9"])


def test_the_finest_of_several_guides_is_taken(root: Path) -> None:
    put(root, "sub-01_T2w", VOXELS, (0.8, 0.8, 0.8))
    put(root, "sub-01_T1w", VOXELS, FINE)
    put(root, "sub-01_FLAIR", VOXELS, FLAT)
    assert pairs(plan(root)) == {"FLAIR": "T2w", "T1w": "T2w"}


def test_what_a_name_says_besides_is_no_contrast(root: Path) -> None:
    put(root, "sub-01_acq-T1_T2w", VOXELS, FLAT)
    put(root, "sub-01_acq-flair_T1w", VOXELS, FINE)
    (item,) = plan(root).batch.items
    assert (item.options.contrast, item.options.guide_contrast) == ("T2", "T1")


def test_an_image_that_cannot_be_read_stops_no_other(root: Path) -> None:
    put(root, "sub-01_T1w", VOXELS, FINE)
    put(root, "sub-01_T2w", VOXELS, FLAT)
    broken = put(root, "sub-02_T1w", VOXELS, FINE)
    broken.write_bytes(b"no NIfTI")
    put(root, "sub-02_T2w", VOXELS, FLAT)
    found = plan(root)
    assert pairs(found) == {"T2w": "T1w"}
    (failure,) = found.batch.failures
    assert failure.startswith(f"failed: {broken}")


def test_slices_are_as_thick_as_inherited_metadata_says(root: Path) -> None:
    put(root, "sub-01_T1w", VOXELS, FINE)
    put(root, "sub-01_T2w", VOXELS, (1.0, 1.0, 4.0))
    (root / "T2w.json").write_text(json.dumps({"SliceThickness": 3.0}), encoding="utf-8")
    (item,) = plan(root).batch.items
    assert item.options.thickness == 3.0
    (item,) = plan(root, Options(task="mri", thickness=2.0)).batch.items
    assert item.options.thickness == 2.0
    for nothing in (True, "3", -3.0, 0):
        (root / "T2w.json").write_text(json.dumps({"SliceThickness": nothing}), encoding="utf-8")
        (item,) = plan(root).batch.items
        assert item.options.thickness is None


def test_a_thickness_of_metadata_is_no_option_where_it_does_not_count(root: Path) -> None:
    put(root, "sub-01_T1w", VOXELS, FINE)
    put(root, "sub-01_T2w", VOXELS, FLAT)
    (root / "T2w.json").write_text(json.dumps({"SliceThickness": 1.0}), encoding="utf-8")
    (item,) = plan(root).batch.items
    assert item.options.thickness is None
    (item,) = plan(root, Options(task="mri", thickness=2.0)).batch.items
    assert item.options.thickness == 2.0, "the user is told that it is ignored"


def test_results_that_exist_stay(root: Path) -> None:
    put(root, "sub-01_T1w", VOXELS, FINE)
    put(root, "sub-01_T2w", VOXELS, FLAT)
    (path,) = plan(root).pairs
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(FileFormatError, match="1 of 1 outputs exist already"):
        plan(root)
    skipped = plan(root, skip_existing=True).batch
    assert (len(skipped.items), len(skipped.skipped)) == (0, 1)
    assert len(plan(root, Options(task="mri", overwrite=True)).batch.items) == 1
