"""``gisr bids`` on a data set of real volumes, its derivative judged by the BIDS validator."""

import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.bids_files import coarser, put, start_dataset

from gisr.apps.cli import main
from gisr.version import __version__

PARTS = slice(44, 68), slice(54, 78), slice(43, 55)
"""Of the volumes: enough to sharpen, and quick."""
ONE = (1.0, 1.0, 1.0)


def voxels(path: Path) -> NDArray[Any]:
    image: Any = nibabel.load(path)
    return np.asanyarray(image.dataobj)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Path:
    """Write three participants of real volumes, two sessions of one, and one that is damaged."""

    def real(scan: str, contrast: str) -> NDArray[Any]:
        return voxels(data_folder / "mri" / scan / f"{contrast}.nii.gz")[PARTS].astype(np.int16)

    root = start_dataset(tmp_path_factory.mktemp("bids") / "data")
    field = {"MagneticFieldStrength": 3, "SkullStripped": True}
    first, second = "lesjak_mni_patient07", "lesjak_mni_patient26"
    put(root, "sub-01_T1w", real(first, "T1"), ONE)
    put(root, "sub-01_T2w", coarser(real(first, "T2"), (1, 1, 3)), (1.0, 1.0, 3.0), **field)
    flair = coarser(real(first, "FLAIR"), (2, 2, 1))
    put(root, "sub-01_acq-fast_FLAIR", flair, (2.0, 2.0, 1.0))
    for session in ("a", "b"):
        put(root, f"sub-02_ses-{session}_T1w", real(second, "T1"), ONE)
        low = coarser(real(second, "T2"), (2, 2, 2))
        put(root, f"sub-02_ses-{session}_T2w", low, (2.0, 2.0, 2.0))
    put(root, "sub-03_T1w", real(second, "T1"), ONE)
    broken = put(root, "sub-03_T2w", low, (2.0, 2.0, 2.0))
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    return root


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["bids", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def grid(path: Path) -> tuple[tuple[int, ...], NDArray[Any], np.dtype]:
    image: Any = nibabel.load(path)
    return image.shape, image.affine, image.get_data_dtype()


@dataclass(frozen=True)
class Ran:
    """What the app did with the whole data set."""

    code: int
    out: str
    err: str
    folder: Path


@pytest.fixture(scope="module")
def derivative(dataset: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("derivative") / "out"
    words = ["bids", dataset, folder, "participant", "--model", tiny_weights, "--device", "cpu"]
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(map(str, words)))
    return Ran(code, out.getvalue(), err.getvalue(), folder)


RESULTS = {
    "sub-01/anat/sub-01_desc-gisr_T2w": "sub-01/anat/sub-01_T1w",
    "sub-01/anat/sub-01_acq-fast_desc-gisr_FLAIR": "sub-01/anat/sub-01_T1w",
    "sub-02/ses-a/anat/sub-02_ses-a_desc-gisr_T2w": "sub-02/ses-a/anat/sub-02_ses-a_T1w",
    "sub-02/ses-b/anat/sub-02_ses-b_desc-gisr_T2w": "sub-02/ses-b/anat/sub-02_ses-b_T1w",
}
"""Results with their guides."""


def test_a_damaged_image_stops_no_other(derivative: Ran) -> None:
    assert derivative.code == 1
    summary, failure = derivative.out.splitlines()[-2:]
    assert summary.startswith("4 done, 1 failed, ")
    assert failure.startswith("failed: ") and "sub-03_T2w.nii.gz" in failure
    assert failure in derivative.err


def test_results_lie_on_the_grids_of_their_guides(dataset: Path, derivative: Ran) -> None:
    out = derivative.folder
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    images = {f"{name}.{ending}" for name in RESULTS for ending in ("nii.gz", "json")}
    assert written == images | {"dataset_description.json", "README"}
    for name, guide in RESULTS.items():
        shape, affine, dtype = grid(out / f"{name}.nii.gz")
        full, place, _ = grid(dataset / f"{guide}.nii.gz")
        assert (shape, dtype) == (full, np.int16)
        np.testing.assert_allclose(affine, place, atol=1e-4)


def test_a_sidecar_says_where_its_image_is_from(derivative: Ran) -> None:
    path = derivative.folder / "sub-01" / "anat" / "sub-01_desc-gisr_T2w.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    assert said["Sources"] == [f"bids:raw:sub-01/anat/sub-01_{each}.nii.gz" for each in _PAIR]
    assert said["SkullStripped"] is True
    own = said["Gisr"]
    assert (own["Version"], own["Weights"]["Name"], own["Ratio"]) == (__version__, "tiny", 3.0)
    assert len(own["Weights"]["SHA256"]) == 64
    assert (own["Contrast"], own["GuideContrast"]) == ("T2", "T1")
    assert own["Settings"] == {"Resolution": "guide", "Align": "auto"}


_PAIR = ("T2w", "T1w")
_ADVICE = {"TOO_FEW_AUTHORS", "JSON_KEY_RECOMMENDED", "NO_AUTHORS", "SIDECAR_KEY_RECOMMENDED"}
"""What the validator recommends and no program can follow: nobody named the authors of results."""


@pytest.mark.parametrize("place", ["data", "derivative"])
def test_the_validator_finds_no_error(dataset: Path, derivative: Ran, place: str) -> None:
    beside = Path(sys.executable).with_name("bids-validator-deno")
    program = shutil.which("bids-validator-deno", path=str(beside.parent))
    if program is None:
        pytest.skip("the BIDS validator is not installed: pip install bids-validator-deno")
    folder = derivative.folder
    if place == "data":  # without the file that is damaged on purpose
        folder = derivative.folder.parent / "sound"
        shutil.copytree(dataset, folder, ignore=shutil.ignore_patterns("sub-03"))
    done = subprocess.run(
        [program, str(folder), "--format", "json"], capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)["issues"]["issues"]
    errors = [issue for issue in found if issue["severity"] == "error"]
    assert (done.returncode, errors) == (0, [])
    if place == "derivative":
        assert {issue["code"] for issue in found} <= _ADVICE


def test_participants_sessions_and_results_that_exist(
    dataset: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (dataset, tmp_path / "out", "participant", "--model", tiny_weights, "--device", "cpu")
    some = ("--participant_label", "sub-02", "--session-label", "b")
    code, said, _ = run(capsys, *words, *some)
    assert (code, said.splitlines()[-1][:16]) == (0, "1 done, 0 failed")
    (image,) = (tmp_path / "out").rglob("*.nii.gz")
    before = image.read_bytes(), image.stat().st_mtime_ns
    code, _, error = run(capsys, *words, *some)
    assert code == 2 and "1 of 1 outputs exist already" in error
    both = ("--participant-label", "02", "--skip-existing")
    code, said, _ = run(capsys, *words, *both)
    assert (code, said.splitlines()[-1][:27]) == (0, "1 done, 0 failed, 1 skipped")
    assert (image.read_bytes(), image.stat().st_mtime_ns) == before
    code, said, _ = run(capsys, *words, *some, "--overwrite")
    assert code == 0 and image.stat().st_mtime_ns > before[1]


def test_the_result_is_that_of_the_pair(
    dataset: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ("--model", str(tiny_weights), "--device", "cpu", "--quiet")
    out, other = tmp_path / "out", tmp_path / "other.nii.gz"
    words = ("participant", "--participant-label", "01", "--targets", "T2w", *model)
    code, said, error = run(capsys, dataset, out, *words)
    assert (code, said, error) == (0, "", "")
    files = [str(dataset / "sub-01" / "anat" / f"sub-01_{each}.nii.gz") for each in _PAIR]
    assert main(["upscale", *files, "-o", str(other), *model]) == 0
    result = out / "sub-01" / "anat" / "sub-01_desc-gisr_T2w.nii.gz"
    np.testing.assert_array_equal(voxels(result), voxels(other))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("group",), "analysis level 'group': is none of gisr"),
        (("participant", "--participant-label", "77"), "participant-label 77: is not in"),
        (("participant", "--align", "report"), "align report: is for one pair"),
        (("participant", "--resolution", "best"), "resolution 'best' must be"),
        (("participant", "--overwrite", "--skip-existing"), "exclude each other"),
    ],
)
def test_calls_that_cannot_be_are_one_line(
    dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    code, out, error = run(capsys, dataset, tmp_path / "out", *words)
    assert (code, out, len(error.splitlines())) == (2, "", 1)
    assert said in error
    assert not (tmp_path / "out").exists()
