"""File names and metadata of BIDS data sets."""

import json
from pathlib import Path

import pytest

from gisr.errors import FileFormatError, InputError
from gisr.io.bids.dataset import BidsDataset
from gisr.io.bids.derivative import check_derivative, describe_derivative
from gisr.io.bids.names import parse_name


def test_a_name_is_taken_apart_and_put_together() -> None:
    text = "sub-01_ses-2_acq-tse_run-03_T2w.nii.gz"
    name = parse_name(text)
    assert name is not None and str(name) == text
    assert dict(name.entities) == {"sub": "01", "ses": "2", "acq": "tse", "run": "03"}
    assert (name.suffix, name.extension) == ("T2w", ".nii.gz")
    assert str(name.derived("gisr")) == "sub-01_ses-2_acq-tse_run-03_desc-gisr_T2w.nii.gz"
    assert name.has("T2w") and name.has("acq-tse")
    assert not name.has("T1w") and not name.has("acq-ts") and not name.has("tse")


@pytest.mark.parametrize(
    "text",
    [
        "T2w.nii.gz",
        "sub-01_T2w_sharp.nii.gz",
        "sub-01_sub-02_T2w.nii.gz",
        "sub-0.1_T2w.nii",
        "sub-01_.nii",
        ".sub-01_T2w.nii",
        "sub-_T2w.nii",
    ],
)
def test_other_names_are_none(text: str) -> None:
    assert parse_name(text) is None


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for folder in ("sub-01/ses-1", "sub-01/ses-2", "sub-02/ses-1", "sub-03", "derivatives/x/sub-9"):
        (tmp_path / "data" / folder / "anat").mkdir(parents=True)
    root = tmp_path / "data"
    for name in ("T2w", "acq-tse_T2w", "part-phase_T2w", "T2starw", "T1map"):
        (root / f"sub-01/ses-1/anat/sub-01_ses-1_{name}.nii.gz").touch()
    (root / "sub-01/ses-1/anat/notes.txt").touch()
    return root


def test_participants_and_sessions(dataset: Path) -> None:
    found = BidsDataset(dataset)
    assert found.subjects == ["01", "02", "03"]
    everything = [str(each) for each in found.sessions()]
    assert everything == [
        *("sub-01", "sub-01/ses-1", "sub-01/ses-2", "sub-02", "sub-02/ses-1", "sub-03")
    ]
    chosen = [str(each) for each in found.sessions(["sub-02", "01"], ["1"])]
    assert chosen == ["sub-02/ses-1", "sub-01/ses-1"]
    with pytest.raises(InputError, match=r"participant-label 7: .*: there are 01, 02, 03"):
        list(found.sessions(["7"]))
    with pytest.raises(InputError, match=r"session-label 3: is not in .*: there are 1, 2"):
        list(found.sessions(None, ["ses-3"]))
    with pytest.raises(InputError, match=r"session-label 1: is not in .*: there are none"):
        list(found.sessions(["03"], ["1"]))


def test_images_of_other_kinds_are_left_out(dataset: Path) -> None:
    _, session, *_ = BidsDataset(dataset).sessions()
    assert [str(each) for each in session.images] == [
        *("sub-01_ses-1_T2w.nii.gz", "sub-01_ses-1_acq-tse_T2w.nii.gz")
    ]
    assert [path.name.split("_")[-1] for path in session.left_out] == [
        *("T1map.nii.gz", "T2starw.nii.gz", "T2w.nii.gz")
    ]


def test_metadata_is_inherited(dataset: Path) -> None:
    def write(name: str, **content: object) -> None:
        (dataset / name).write_text(json.dumps(content), encoding="utf-8")

    write("T2w.json", SliceThickness=5, MagneticFieldStrength=3)
    write("acq-tse_T2w.json", SliceThickness=4)
    write("acq-other_T2w.json", SliceThickness=9)
    write("T1w.json", SliceThickness=1)
    write("sub-01/ses-1/anat/sub-01_ses-1_T2w.json", EchoTime=0.1)
    (dataset / "sub-01" / "sub-01_T2w.json").write_text("{no JSON", encoding="utf-8")
    found = BidsDataset(dataset)
    _, session, *_ = found.sessions()
    plain, tse = (found.metadata(image) for image in session.images)
    assert plain == {"SliceThickness": 5, "MagneticFieldStrength": 3, "EchoTime": 0.1}
    assert tse == {"SliceThickness": 4, "MagneticFieldStrength": 3, "EchoTime": 0.1}


def test_what_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="has no folder sub-"):
        BidsDataset(tmp_path)
    with pytest.raises(FileFormatError, match="no such folder"):
        BidsDataset(tmp_path / "nothing")


def test_a_derivative_has_a_folder_of_its_own(dataset: Path) -> None:
    found = BidsDataset(dataset)
    for place in (dataset, dataset / "sub-01", dataset / "sub-01" / "ses-1" / "out"):
        with pytest.raises(InputError, match="among the images of the data set"):
            check_derivative(found, place)
    other = dataset / "derivatives" / "x"
    (other / "dataset_description.json").write_text('{"Name": "x"}', encoding="utf-8")
    with pytest.raises(InputError, match="that gisr did not make"):
        check_derivative(found, other)


def test_the_source_is_linked_from_inside_and_outside(dataset: Path, tmp_path: Path) -> None:
    found = BidsDataset(dataset)
    links = {dataset / "derivatives" / "gisr": "../..", tmp_path / "out": dataset.as_uri()}
    for place, link in links.items():
        describe_derivative(found, place)
        path = place / "dataset_description.json"
        said = json.loads(path.read_text(encoding="utf-8"))
        assert said["DatasetLinks"] == {"raw": link}
        assert said["GeneratedBy"][0]["Name"] == "gisr"
        path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
        before = path.read_bytes()
        assert check_derivative(found, place) == ()
        describe_derivative(found, place)
        assert path.read_bytes() == before
    dataset.rename(tmp_path / "moved")
    (note,) = check_derivative(BidsDataset(tmp_path / "moved"), tmp_path / "out")
    assert note.level == "warning" and "names another data set than file:" in note.text
