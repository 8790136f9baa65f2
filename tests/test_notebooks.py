"""The notebooks of the docs run from an empty folder, and show what they print today."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from notebooks import rendered, run

from gisr.weights.folder import EMBEDDED, TENSORS_FILE, embedded_folder

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "docs" / "notebooks").glob("*.ipynb"))
LARGEST = 250_000
"""Bytes of a notebook with its outputs."""


def printed(notebook: Any) -> list[str]:
    """Return what the cells printed, without numbers: those differ a little between machines."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.text for output in outputs if output.output_type == "stream"]
    return [re.sub(r"\d+(\.\d+)?", "#", text) for text in texts]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_small_and_whole(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    text, pictures = rendered(path)
    assert text.startswith("# ")
    assert pictures
    assert all(f"]({name})" in text for name in pictures)
    assert "Traceback" not in text


@pytest.mark.slow
@pytest.mark.skipif(
    not (embedded_folder(EMBEDDED[0]) / TENSORS_FILE).is_file(),
    reason="needs the embedded weights, which are not in this checkout",
)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_and_show_what_they_print(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the kernel: another test has the other core
    stored = nbformat.read(path, as_version=4)
    assert printed(run(path)) == printed(stored), "run `make figures`"


def test_every_task_has_a_notebook() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["depth", "mri", "satellite"]
