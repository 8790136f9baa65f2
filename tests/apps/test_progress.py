"""Progress for other programs: lines of JSON on stderr, few of them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.geotiffs import write_geotiff
from tests.warm import Warm

from gisr.apps.progress import ProgressBar, ProgressLines, shown_progress
from gisr.errors import InputError
from gisr.pipelines.execution import Execution
from gisr.weights.store import Weights, save_weights


def test_lines_begin_and_end_every_round_and_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLines("px") as progress:
        for total in (10_000, 500):
            for done in range(total + 1):
                progress(done, total)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line["unit"] for line in lines} == {"px"}
    rounds = [[each["done"] for each in lines if each["total"] == t] for t in (10_000, 500)]
    assert [(each[0], each[-1]) for each in rounds] == [(0, 10_000), (0, 500)]
    assert all(each == sorted(each) for each in rounds)
    assert len(lines) < 1000


def test_json_is_asked_for_and_quiet_hides_it() -> None:
    assert isinstance(shown_progress("px", Execution(progress="json")), ProgressLines)
    assert isinstance(shown_progress("px", Execution()), ProgressBar)
    quiet = shown_progress("px", Execution(progress="json", quiet=True))
    assert isinstance(quiet, ProgressBar)


@pytest.mark.parametrize("elsewhere", [{"workers": 2}, {"scheduler": "tcp://10.0.0.1:8786"}])
def test_progress_of_other_processes_is_refused(elsewhere: dict[str, object]) -> None:
    with pytest.raises(InputError, match="leave workers and scheduler out"):
        Execution(progress="json", **elsewhere)  # type: ignore[arg-type]


def test_a_run_ends_with_the_program_that_reads_it(
    warm: Warm, tmp_path: Path, weights: Callable[..., Weights]
) -> None:
    """Such as a QGIS that crashed: what nobody waits for any more is not computed to its end."""
    pytest.importorskip("rasterio")
    made = weights()
    save_weights(tmp_path / "tiny", made.network, made.descriptions, name="tiny")
    rng = np.random.default_rng(2)
    for name, side, bands, size in (("ms", 300, 4, 10.0), ("pan", 1200, 1, 2.5)):
        pixels = rng.integers(1, 2000, (side, side, bands)).astype(np.uint16)
        write_geotiff(tmp_path / f"{name}.tif", pixels, size)
    before = sorted(tmp_path.iterdir())
    words = ["upscale", "ms.tif", "pan.tif", "-o", "out.tif", "--align", "off", "--model", "tiny"]
    words += ["--device", "cpu", "--threads", "1", "--progress", "json"]
    with warm.start("-m", "gisr", *words, folder=tmp_path) as child:
        first = json.loads(child.err.readline())
        child.err.close()
        assert child.wait() != 0
    assert first["unit"] == "px" and first["done"] < first["total"]
    assert sorted(tmp_path.iterdir()) == before
