"""Write the zip of the QGIS plugin, once its metadata holds what QGIS wants to know.

``python tools/qgis_plugin.py dist`` writes a zip for *Install from ZIP* in QGIS. plugins.qgis.org
also wants an address to write to and pages of the project, which a fork has of its own:
``--field email=... --field repository=https://... --field tracker=https://...``.
"""

import argparse
import re
import zipfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "plugins" / "qgis" / "gisr_processing"
NEEDED = ("name", "description", "about", "version", "author", "qgisMinimumVersion")
"""Without these QGIS does not load a plugin, or its list has nothing to show."""
PUBLISHED = ("email", "repository", "tracker")
"""Without these plugins.qgis.org refuses one."""
_KNOWN = {
    *NEEDED,
    *PUBLISHED,
    *("category", "changelog", "deprecated", "experimental", "hasProcessingProvider", "homepage"),
    *("icon", "license", "qgisMaximumVersion", "tags"),
}
_ADDRESSES = ("homepage", "repository", "tracker")
_PACKED = (".py", ".txt", ".svg", ".png")
_WHEN = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the zip: the same files give the same zip."""


def read_metadata(text: str) -> dict[str, str]:
    """Return the fields of a metadata.txt, as QGIS reads it."""
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return dict(parser["general"]) if parser.has_section("general") else {}


def faults(fields: dict[str, str], folder: Path = PLUGIN) -> list[str]:
    """Return what is wrong with the fields of a plugin; nothing where QGIS can use it."""
    found = [f"{name}: is missing" for name in NEEDED if not fields.get(name, "").strip()]
    found += [f"{name}: is no field that QGIS knows" for name in fields if name not in _KNOWN]
    for name in ("version", "qgisMinimumVersion", "qgisMaximumVersion"):
        if name in fields and not re.fullmatch(r"\d+(\.\d+){1,2}", fields[name]):
            found.append(f"{name}: {fields[name]} is no version such as 3.22")
    for name in ("deprecated", "experimental"):
        if fields.get(name, "False") not in ("True", "False"):
            found.append(f"{name}: {fields[name]} must be True or False")
    if fields.get("hasProcessingProvider") != "yes":
        found.append("hasProcessingProvider: must be yes, or qgis_process does not load it")
    for name in ("description", "about"):
        if "<" in fields.get(name, ""):
            found.append(f"{name}: holds HTML, which is shown as it is")
    if "\n" in fields.get("description", ""):
        found.append("description: must be one line")
    icon = fields.get("icon", "")
    if not (icon.endswith(".png") and (folder / icon).is_file()):
        found.append(f"icon: {icon or 'nothing'} must be a PNG of the plugin's folder")
    for name in _ADDRESSES:
        if name in fields and not re.fullmatch(r"https?://[\w.-]+\.\w+(/\S*)?", fields[name]):
            found.append(f"{name}: {fields[name]} is no address of a page")
    if "email" in fields and not re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", fields["email"]):
        found.append(f"email: {fields['email']} is no address")
    return found


def write_zip(target: Path, further: dict[str, str]) -> Path:
    """Write the plugin as QGIS installs it: one folder, the licence with it.

    Args:
        target: Folder of the zip, made where it is missing.
        further: Fields of the metadata besides those of the file.

    Returns:
        The zip.

    Raises:
        SystemExit: The metadata have a fault.
    """
    text = (PLUGIN / "metadata.txt").read_text("utf-8")
    text += "".join(f"{name}={value}\n" for name, value in further.items())
    fields = read_metadata(text)
    if wrong := faults(fields):
        raise SystemExit("metadata.txt: " + "; ".join(wrong))
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{PLUGIN.name}-{fields['version']}.zip"
    contents = {each.name: each.read_bytes() for each in sorted(PLUGIN.iterdir()) if _packed(each)}
    contents |= {"metadata.txt": text.encode(), "LICENSE": (ROOT / "LICENSE").read_bytes()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(f"{PLUGIN.name}/{name}", _WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return path


def _packed(path: Path) -> bool:
    return path.is_file() and path.suffix in _PACKED


def main() -> None:
    """Write the zip, and say what it can be used for."""
    parser = argparse.ArgumentParser(description="Write the zip of the QGIS plugin.")
    parser.add_argument("folder", type=Path, help="Folder of the zip.")
    parser.add_argument("--field", action="append", default=[], help="NAME=VALUE of the metadata.")
    arguments = parser.parse_args()
    further = dict(str(each).split("=", 1) for each in arguments.field)
    path = write_zip(arguments.folder, further)
    print(f"{path}: for Plugins > Manage and Install Plugins > Install from ZIP")
    if missing := [name for name in PUBLISHED if name not in further]:
        print(f"plugins.qgis.org needs {', '.join(missing)} too: --field NAME=VALUE")


if __name__ == "__main__":
    main()
