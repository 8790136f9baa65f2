"""Bad input is a part of the tool: every case of the corpus, one line of error, nothing left."""

import sys
from pathlib import Path

import pytest
from corpus import CASES
from corpus.command import faults, run_command, state, words_of

from gisr.apps.cli import main

IN_PROCESS = [
    name for name, case in CASES.items() if not (case.without_rights or case.largest_file)
]
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
SECONDS, MEGABYTES = 1.0, 200.0
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures with /proc")


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
        monkeypatch.setitem(sys.modules, "gisr.pipelines.run", None)
        monkeypatch.setitem(sys.modules, "gisr.training.loop", None)
    capfd.readouterr()
    status = main(words)
    assert faults(case, folder, before, status, capfd.readouterr().err) == []


@LINUX
@pytest.mark.parametrize("name", AS_COMMANDS)
def test_bad_input_costs_little(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    words = words_of(case, tmp_path, tmp_path)
    before = state(tmp_path)
    for _ in range(3):  # the best of three: the machine may be busy
        outcome = run_command(case, words, tmp_path)
        assert faults(case, tmp_path, before, outcome.status, outcome.err) == []
        assert outcome.megabytes < MEGABYTES
        if outcome.seconds < SECONDS:
            return
    pytest.fail(f"takes {outcome.seconds:.2f} s of processor time")


def test_the_corpus_has_every_format() -> None:
    kinds = {name.split("-")[0] for name in CASES}
    assert kinds >= {"geotiff", "nifti", "png", "tif", "npy", "npz", "exr", "pfm", "jpeg"}
    assert kinds >= {"matlab", "hdf5", "csv", "stack", "store", "weights", "recipe"}
    assert len(CASES) > 400
