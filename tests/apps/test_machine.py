"""What is found out of the machine, and said of it."""

import gc
from pathlib import Path

import pytest

from gisr.apps.cli import main
from gisr.apps.machine import collector_paused


def test_the_collector_goes_on_after_a_pause() -> None:
    gc.enable()  # whatever a library that an earlier test used has left
    with pytest.raises(KeyError), collector_paused():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


@pytest.mark.parametrize(("precision", "warned"), [("bfloat16", True), ("float32", False)])
def test_a_slow_precision_is_told_before_a_run(
    precision: str,
    warned: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(
        "name: tiny\ndata: []\nnetwork: {width: 8, unshuffle: 2, blocks: [1, 1], heads: [1, 2]}\n"
        "sets: [{task: depth, ratio: 4, dataset: generated}]\nsteps: 1\npatch: 32\nbatch: 1\n"
        f"validate_every: 0\nprecision: {precision}\n",
        encoding="utf-8",
    )
    assert main(["train", str(recipe), "--folder", str(tmp_path / "run"), "--threads", "1"]) == 0
    said = capsys.readouterr().err
    assert ("--precision float32" in said) is warned
