"""Bad input is a part of the tool: every case of the corpus, one line of error, nothing left."""

import sys
from pathlib import Path

import pytest
from corpus import CASES
from corpus.case import Case
from corpus.command import faults, run_command, state, words_of

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
MEGABYTES = 200.0
MOST_TIMES = 5.0
"""Processor time of a refusal over that of a file that is not there: the machine may be busy."""
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
def least_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Return the processor time that refusing a file that is not there takes."""
    folder = tmp_path_factory.mktemp("missing")
    words = ["upscale", "missing.tif", "guide.tif", "-o", "out.tif"]
    case = Case(lambda folder: words, ("missing.tif",))
    return min(run_command(case, words, folder).seconds for _ in range(3))


@LINUX
@pytest.mark.parametrize("name", AS_COMMANDS)
def test_bad_input_costs_little(name: str, tmp_path: Path, least_seconds: float) -> None:
    case = CASES[name]
    words = words_of(case, tmp_path, tmp_path)
    before = state(tmp_path)
    for _ in range(3):  # the best of three: the machine may be busy
        outcome = run_command(case, words, tmp_path)
        assert faults(case, tmp_path, before, outcome.status, outcome.err) == []
        assert outcome.megabytes < MEGABYTES
        if outcome.seconds < MOST_TIMES * least_seconds:
            return
    pytest.fail(f"takes {outcome.seconds / least_seconds:.1f} times a plain refusal")


def test_the_corpus_has_every_format() -> None:
    kinds = {name.split("-")[0] for name in CASES}
    assert kinds >= {"geotiff", "nifti", "png", "tif", "npy", "npz", "exr", "pfm", "jpeg"}
    assert kinds >= {"matlab", "hdf5", "csv", "stack", "store", "weights", "recipe"}
    assert len(CASES) > 400
