"""What is found out of the machine, and said of it."""

from pathlib import Path

import pytest
import torch

from gisr.apps.cli import main
from gisr.apps.machine import multiplies_bfloat16


@pytest.mark.parametrize(
    ("found", "native"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_bf16": False}, False),
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": True}, True),
        ({"architecture": "x86_64", "amx_bf16": True}, True),
        ({"architecture": "aarch64", "neon": True}, False),
        ({"architecture": "aarch64", "neon": True, "bf16": True}, True),
    ],
)
def test_products_of_bfloat16_are_native_where_the_processor_says_so(
    found: dict[str, object], native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert multiplies_bfloat16("cpu") is native
    assert multiplies_bfloat16("cuda:0")


@pytest.mark.parametrize(("precision", "warned"), [("bfloat16", True), ("float32", False)])
def test_a_slow_precision_is_told_before_a_run(
    precision: str,
    warned: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
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
