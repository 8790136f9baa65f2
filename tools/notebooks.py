"""Run the notebooks of the documentation, and turn them into pages.

    python tools/notebooks.py docs/notebooks/*.ipynb

Runs each notebook in an empty folder and stores its outputs in the file, without what differs from
run to run (execution times, versions of the kernel). The site shows the stored outputs.
"""

import argparse
import base64
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

SECONDS = 300
"""Most that one cell may take."""
_SECONDS_TAKEN = re.compile(r", \d+\.\d s$", re.MULTILINE)
_CONTROL = re.compile(r"\x1b\[[0-9;]*m")
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def run(path: Path) -> NotebookNode:
    """Return a notebook that was run from its first cell to its last, in an empty folder.

    Raises:
        CellExecutionError: A cell raised an exception.
    """
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    with TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=SECONDS, resources=resources).execute()
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = _without_chance(cell.outputs)
    return notebook


def _without_chance(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return the outputs of a cell without what differs from run to run.

    Lines that were printed one after the other become one output, and the seconds that a command
    took are left out of what it printed.
    """
    kept: list[NotebookNode] = []
    for output in outputs:
        output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        if output.output_type == "stream":
            output.text = _SECONDS_TAKEN.sub("", output.text)
            if kept and kept[-1].get("name") == output.name:
                kept[-1].text += output.text
                continue
        kept.append(output)
    return kept


def rendered(path: Path) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as Markdown, and its pictures by file name."""
    notebook = nbformat.read(path, as_version=4)
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            picture = output.get("data", {}).get("image/jpeg")
            if picture is not None:
                name = f"{path.stem}_{len(pictures)}.jpg"
                pictures[name] = base64.b64decode(picture)
                parts.append(f"![Output of the cell above]({name})")
            else:
                parts.append(f"```text\n{_text(output)}\n```")
    parts.insert(1, f"The notebook itself: [{path.name}]({path.name}){{ download }}.")
    return "\n\n".join(parts) + "\n", pictures


def _text(output: NotebookNode) -> str:
    """Return what an output reads, without colours."""
    text: str = output.get("text") or output.get("data", {}).get("text/plain", "")
    return _CONTROL.sub("", text).rstrip()


def main() -> None:
    """Run notebooks and store their outputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="+", type=Path)
    for path in parser.parse_args().notebooks:
        nbformat.write(run(path), path)


if __name__ == "__main__":
    main()
