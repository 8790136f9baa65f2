"""The zip of the plugin: what it holds, its metadata, and what its code may use."""

import ast
import re
import zipfile
from pathlib import Path

import pytest
from qgis_plugin import NEEDED, PLUGIN, PUBLISHED, ROOT, faults, read_metadata, write_zip

from gisr import __version__

FIELDS = read_metadata((PLUGIN / "metadata.txt").read_text("utf-8"))
MODULES = sorted(PLUGIN.glob("*.py"))
QGIS_ALONE = {
    *("algorithm", "bands", "install", "pansharpen", "plugin", "provider", "satellite", "shift"),
    *("style", "upscale"),
}
"""Modules that QGIS alone can import."""


def test_the_metadata_are_what_qgis_wants() -> None:
    assert faults(FIELDS) == []
    assert FIELDS["version"] == __version__
    assert FIELDS["license"] == "Apache-2.0"
    assert set(NEEDED) <= set(FIELDS)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("about", " ", "about: is missing"),
        ("version", "one", "version: one is no version such as 3.22"),
        ("experimental", "yes", "must be True or False"),
        ("hasProcessingProvider", "no", "qgis_process does not load it"),
        ("icon", "none.png", "must be a PNG of the plugin's folder"),
        ("repository", "http://repo", "is no address of a page"),
        ("email", "me", "email: me is no address"),
        ("autor", "me", "autor: is no field that QGIS knows"),
        ("description", "<b>fine</b>", "holds HTML"),
    ],
)
def test_faults_of_the_metadata_are_told(name: str, value: str, message: str) -> None:
    (found,) = faults({**FIELDS, name: value})
    assert message in found


def test_the_zip_is_one_folder_with_everything_and_always_the_same(tmp_path: Path) -> None:
    first, second = (write_zip(tmp_path / name, {}) for name in ("one", "two"))
    assert first.name == f"gisr_processing-{__version__}.zip"
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = set(archive.namelist())
    files = {path.name for path in PLUGIN.iterdir() if path.is_file()} | {"LICENSE"}
    assert names == {f"gisr_processing/{name}" for name in files}


def test_fields_for_the_public_list_are_added(tmp_path: Path) -> None:
    further = {name: f"https://gisr.example.org/{name}" for name in PUBLISHED}
    further["email"] = "me@example.org"
    with zipfile.ZipFile(write_zip(tmp_path, further)) as archive:
        packed = read_metadata(archive.read("gisr_processing/metadata.txt").decode())
    assert packed == {**FIELDS, **further}
    with pytest.raises(SystemExit, match="tracker: nowhere is no address"):
        write_zip(tmp_path, {"tracker": "nowhere"})


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_code_runs_in_the_python_of_qgis(module: Path) -> None:
    """It compiles there, and needs nothing besides QGIS and the standard library."""
    tree = ast.parse(module.read_text("utf-8"), feature_version=(3, 9))
    compile(tree, str(module), "exec")
    imported = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported.add(str(node.module).split(".")[0])
    assert not imported & {"gisr", "numpy", "osgeo", "rasterio", "torch"}
    assert ("qgis" in imported) == (module.stem in QGIS_ALONE), imported


def test_the_page_quotes_messages_that_exist() -> None:
    said = "\n".join(
        node.value
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    page = (ROOT / "docs" / "qgis.md").read_text("utf-8").partition("## Trouble")[2]
    messages = re.findall(r"^\| `(.*?)` \|", page, re.MULTILINE)
    ours = [message for message in messages if not message.startswith("Command ")]  # QGIS's own
    assert len(ours) >= 5
    for message in ours:
        for part in message.split("..."):
            assert part.strip() in said, message
