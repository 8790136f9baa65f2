"""Bad input is a part of the tool: every case of the corpus, one line of error, nothing left."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus import CASES
from corpus.command import faults, run_command, run_forked, state, words_of
from tests.warm import Warm, warmed

from gisr.apps.cli import main

AS_COMMANDS = [
    "geotiff-all-nodata",
    "geotiff-cut-in-pixels",
    "geotiff-transparent-bomb",
    "nifti-gz-guide-bomb",
    "nifti-affine-nan",
    "png-16-bit-colour-bomb",
    "npz-bomb",
    "exr-cut-in-half",
    "weights-tensors-nan",
    "recipe-laughs",
    "matlab-bomb",
    *(name for name, case in CASES.items() if case.without_rights or case.largest_file),
]
"""What is hostile to memory, and what needs a process of its own."""
ON_LINUX = sys.platform.startswith("linux")
IN_PROCESS = [
    name
    for name, case in CASES.items()
    if not (case.without_rights or case.largest_file or (ON_LINUX and name in AS_COMMANDS))
]
MEGABYTES = 100.0
"""Of a refusal; what is hostile asks for a hundred times as much."""
READERS = ("rasterio", "nibabel", "cv2", "h5py", "pydicom")
LINUX = pytest.mark.skipif(not ON_LINUX, reason="measures with /proc")


@pytest.mark.parametrize("name", IN_PROCESS)
def test_bad_input_gives_one_line_and_leaves_nothing(
    name: str,
    tmp_path: Path,
    small_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    case = CASES[name]
    folder = tmp_path / "here"
    folder.mkdir()
    words = words_of(case, folder, small_weights)
    monkeypatch.chdir(folder)
    before = state(folder)
    if case.says and not case.slow:  # the seconds that torch takes to load must not have begun
        monkeypatch.setitem(sys.modules, "gisr.inference.upscaler", None)
        monkeypatch.setitem(sys.modules, "gisr.training.loop", None)
    capfd.readouterr()
    status = main(words)
    assert faults(case, folder, before, status, capfd.readouterr().err) == []


@pytest.fixture(scope="module")
def loaded() -> Iterator[Warm]:
    """Start commands in a process that has what a refusal needs, and neither torch nor a thread."""
    with warmed("gisr.apps.cli", "gisr.pipelines.run", "scipy", *READERS) as programs:
        yield programs


@LINUX
@pytest.mark.parametrize("name", AS_COMMANDS)
def test_bad_input_costs_little(name: str, tmp_path: Path, loaded: Warm) -> None:
    case, folder = CASES[name], tmp_path / "here"
    folder.mkdir()
    words = words_of(case, folder, tmp_path)
    before = state(folder)
    if case.without_rights:
        outcome = run_command(case, words, folder)
    else:
        outcome = run_forked(case, words, folder, loaded, tmp_path / "about")
    assert faults(case, folder, before, outcome.status, outcome.err) == []
    assert 0 < outcome.megabytes < MEGABYTES


def test_the_corpus_has_every_format() -> None:
    kinds = {name.split("-")[0] for name in CASES}
    assert kinds >= {"geotiff", "nifti", "png", "tif", "npy", "npz", "exr", "pfm", "jpeg"}
    assert kinds >= {"matlab", "hdf5", "csv", "stack", "store", "weights", "recipe"}
    assert len(CASES) > 400
