"""What a stranger, a small machine or a full disk does to a run: one line, and nothing broken.

Everything happens on this machine, in processes of its own, with fixed seeds. The page has its own
attacks: ``tests/end_to_end/test_serve_attacks.py``.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from corpus import depths, rasters, volumes
from corpus.case import Make
from corpus.settings import tiny_weights
from tests.attacks.files import SPOILED, large, own_weights, with_camera
from tests.attacks.forks import Attack, Forks, Outcome, forking

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits and forks as Linux has them"
)
SEEDS = int(os.environ.get("GISR_ATTACKS", "25"))
"""How often a file of each format is spoiled."""
LARGE = large(384)
SMALLER = large(192)
"""For a full disk: larger than what is written at once, and quickly read and sharpened."""
FORMATS = [*SPOILED, "weights-config", "weights-tensors", "weights-descriptions"]
MOST_MEGABYTES = 600.0
"""Memory that a small file may take at most: the largest block that is decoded has 512 MiB."""
LONGEST = 800
"""Signs of a line."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Iterator[Forks]:
    warm = []
    for number, make in enumerate((LARGE["depth-report"], rasters.sound, volumes.sound)):
        folder = tmp_path_factory.mktemp(f"warm{number}")
        warm.append((words_of(make, folder, weights), folder))
    with forking(*warm) as started:
        yield started


def words_of(make: Make, folder: Path, weights: Path) -> list[str]:
    """Write the files of a command and return its words."""
    folder.mkdir(exist_ok=True)
    words = list(make(folder))
    if words[0] == "upscale" and "--model" not in words:
        words += ["--model", str(weights), "--device", "cpu"]
    return words


def check_refused(outcome: Outcome, *says: str, chatter: str = "") -> None:
    """Check that a run ended in one line, after notes at most, and left nothing."""
    assert (outcome.status, outcome.out, outcome.left) == (2, "", ()), outcome
    lines = [line for line in outcome.err.splitlines() if line != chatter]
    *notes, line = lines
    assert line.startswith("gisr: error: ") and len(line) < LONGEST, outcome
    assert all(note.startswith(("gisr: note: ", "gisr: warning: ")) for note in notes), outcome
    assert all(part in line for part in says), outcome


@pytest.mark.parametrize("name", FORMATS)
def test_a_spoilt_file_is_read_or_refused(
    name: str, forks: Forks, weights: Path, tmp_path: Path
) -> None:
    if name in SPOILED:
        make, spoiled = SPOILED[name]
    else:
        make = own_weights(weights)
        spoiled = next(
            path.name for path in weights.iterdir() if name.split("-")[1] in contents(path)
        )
    words = words_of(make, tmp_path, weights)
    attack = Attack(memory=2**32, spoiled=spoiled, seeds=SEEDS, interpolated=name in SPOILED)
    outcomes = forks.run_all(words, tmp_path, attack)
    refused = [outcome for outcome in outcomes if outcome.status]
    for outcome in refused:
        if words[0] == "data":  # tells of each entry before, and keeps what it has done
            assert outcome.status == 2 and outcome.left in ((), ("store",)), outcome
            lines = outcome.err.splitlines()
            assert all(line.startswith("gisr: ") and len(line) < LONGEST for line in lines), outcome
            assert lines[-1].startswith("gisr: error: "), outcome
        else:
            check_refused(outcome)
    for outcome in outcomes:
        assert outcome.megabytes < MOST_MEGABYTES, outcome
        assert all(line.startswith("gisr: ") for line in outcome.err.splitlines()), outcome
    assert len(outcomes) == SEEDS and refused


def contents(path: Path) -> str:
    """Return what a file of weights is for."""
    return {"config.json": "config", "model.safetensors": "tensors"}.get(path.name, "descriptions")


KINDS: dict[str, Make] = {
    "depth": with_camera,
    "geotiff": rasters.sound,
}
"""Commands that are interrupted."""
SIGNALS = {
    "kill": ((signal.SIGKILL,), -signal.SIGKILL),
    "term": ((signal.SIGTERM,), 128 + signal.SIGTERM),
    "hang-up": ((signal.SIGHUP,), 128 + signal.SIGHUP),
    "ctrl-c": ((signal.SIGINT,), 130),
    "ctrl-c-twice": ((signal.SIGINT, signal.SIGINT), 130),
}


TURNS = ("term", "hang-up", "ctrl-c", "ctrl-c-twice")


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_run_leaves_whole_outputs_or_none(
    kind: str, forks: Forks, weights: Path, tmp_path: Path
) -> None:
    """Stopped before each of its dealings with files in turn; the next run then does its work."""
    whole = tmp_path / "whole"
    words = words_of(KINDS[kind], whole, weights)
    expected = forks.run(words, whole, Attack(interpolated=True))
    assert expected.status == 0 and expected.moments > 8, expected
    content = {name: (whole / name).read_bytes() for name in expected.left}
    for moment in range(1, expected.moments + 1):
        late = 2 * moment > expected.moments  # outputs may have their names, and a kill hit between
        for name in ("kill", TURNS[moment % 4]) if late else (TURNS[moment % 4],):
            folder = tmp_path / f"{moment}-{name}"
            words = words_of(KINDS[kind], folder, weights)
            signals, status = SIGNALS[name]
            attack = Attack(signals=signals, moment=moment, interpolated=True)
            outcome = forks.run(words, folder, attack)
            assert (outcome.status, outcome.out) == (status, ""), (moment, outcome)
            assert outcome.err in ("", "gisr: interrupted\n"), (moment, outcome)
            found = {each for each in outcome.left if not each.startswith(".")}
            for each in found:
                assert (folder / each).read_bytes() == content[each], (moment, outcome)
            if name == "kill":  # between the moves of two outputs it is last that has the name
                assert words[4] not in found or found == set(content), (moment, outcome)
                again = forks.run([*words, "--overwrite"], folder, Attack(interpolated=True))
                assert again.status == 0, (moment, again)
                now = {path.name for path in folder.iterdir()}
                assert now == {path.name for path in whole.iterdir()}, (moment, now)
            else:
                assert set(outcome.left) == found, (moment, outcome)
                assert found in (set(), set(content)), (moment, outcome)


@pytest.mark.parametrize(
    "name", ["depth-png", "depth-exr", "depth-report", "depth-holes", "geotiff", "nifti-gz"]
)
def test_too_little_memory_is_said(name: str, forks: Forks, weights: Path, tmp_path: Path) -> None:
    refused = 0
    for megabytes in (1, 3, 6, 10):
        folder = tmp_path / str(megabytes)
        words = words_of(LARGE[name], folder, weights)
        outcome = forks.run(words, folder, Attack(memory=megabytes * 2**20))
        if outcome.status:
            check_refused(outcome, "memory", chatter="init_gelsd failed init")  # numpy's LAPACK
            refused += 1
        else:  # with more it works, too
            break
    assert refused >= 2


def test_a_pair_without_memory_does_not_end_the_others(
    forks: Forks, weights: Path, tmp_path: Path
) -> None:
    low, colour = np.ones((1000, 1000), np.float32), np.zeros((4000, 4000, 3), np.uint8)
    large = depths.depth("depth.npy", low, colour)
    for folder, make in (("a", large), ("b", depths.depth("depth.npy"))):
        words_of(make, tmp_path / folder, weights)
    lines = [f"{name}/depth.npy,{name}/colour.png,{name}.npy" for name in ("a", "b")]
    (tmp_path / "pairs.csv").write_text("\n".join(["target,guide,output", *lines]) + "\n")
    words = ["upscale", "pairs.csv", "-o", "out", "--model", str(weights), "--device", "cpu"]
    # Room for the libraries that are imported on use, and none for a map of 4000 x 4000.
    outcome = forks.run(words, tmp_path, Attack(memory=400 * 2**20))
    assert outcome.status == 1, outcome
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.npy"], outcome
    failed = [line for line in outcome.err.splitlines() if "failed: " in line]
    assert len(failed) == 1 and "memory" in failed[0] and "a/depth.npy" in failed[0], outcome


@pytest.mark.parametrize("name", SMALLER)
def test_a_full_disk_is_said(name: str, forks: Forks, weights: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    expected = forks.run(words_of(SMALLER[name], whole, weights), whole, Attack(interpolated=True))
    assert expected.status == 0, expected
    largest = max((whole / each).stat().st_size for each in expected.left)
    for size in (5000, largest - 1):
        folder = tmp_path / str(size)
        words = words_of(SMALLER[name], folder, weights)
        outcome = forks.run(words, folder, Attack(largest_file=size, interpolated=True))
        check_refused(outcome, "out", "cannot be written")
