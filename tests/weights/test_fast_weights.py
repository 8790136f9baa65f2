"""``magnet-xs``: a little behind ``magnet-s``, and above the best classical method."""

from pathlib import Path

import pytest

from gisr.experiments.evaluation import evaluate
from gisr.experiments.named_systems import load_systems
from gisr.weights.folder import TENSORS_FILE, embedded_folder
from gisr.weights.store import load_weights

pytestmark = pytest.mark.skipif(
    not (embedded_folder("magnet-xs") / TENSORS_FILE).is_file(),
    reason="needs the embedded weights magnet-xs, which are not in this checkout",
)


def test_it_has_one_block_a_level_and_less_than_half_the_parameters() -> None:
    fast, full = (load_weights(name).network for name in ("magnet-xs", "magnet-s"))
    assert fast.config.blocks == (1, 1, 1, 1)
    counts = [sum(each.numel() for each in network.parameters()) for network in (fast, full)]
    assert counts[0] < counts[1] / 2


def test_quickbird_is_as_its_card_says(data_folder: Path) -> None:
    """A sensor that it never saw; the classical methods' best is 41.17 dB."""
    (score,) = evaluate(load_systems(["magnet-xs"], "cpu"), data_folder, benchmarks=["quickbird"])
    card = (embedded_folder("magnet-xs") / "README.md").read_text("utf-8")
    (row,) = [line for line in card.splitlines() if line.startswith("| QuickBird x4")]
    written = float(row.split("|")[4])
    assert score.values["psnr"] == pytest.approx(written, abs=0.02)
    assert written > 41.17
