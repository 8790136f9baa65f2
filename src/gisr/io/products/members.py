"""Files that a product's metadata names: inside its folder, and of bounded size.

Metadata may be a stranger's. A name that leads out of the product, by ``..``, an absolute path or a
link, could have any file of the user read into an image.
"""

import os
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from gisr.errors import FileFormatError, shortened
from gisr.io.files import check_readable

MOST_METADATA = 16 * 2**20
"""Bytes of a metadata file: real ones have 50 to 200 kB."""
_FED = 2**16
"""Bytes that are parsed at a time: what is refused at the beginning is not read to the end."""


class _Builder(ElementTree.TreeBuilder):
    """Refuses a document type, and with it all entities: neither agency writes any."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Refuse it.

        Raises:
            FileFormatError: Always.
        """
        raise FileFormatError("has a document type, which could expand without end or name files")


def member(folder: Path, name: str, source: Path) -> Path:
    """Return a file of a product by the name that metadata gives it, in whatever case it is spelt.

    Args:
        folder: The product.
        name: Relative to the folder, with slashes.
        source: The metadata, for the message.

    Raises:
        FileFormatError: The name leads out of the folder.
    """
    pure = PurePosixPath(name)
    odd = not name or "\\" in name or "\0" in name or ":" in name
    if odd or pure.is_absolute() or ".." in pure.parts:
        raise FileFormatError(
            f"{source}: names {shortened(name)!r}, which does not lie in the product: get the "
            "product again from where it came"
        )
    found = _as_spelt(folder / pure)
    root = folder.resolve()
    if os.path.lexists(found) and root not in found.resolve().parents:
        raise FileFormatError(
            f"{found}: leads out of the product {folder.name}: put the file itself in its place"
        )
    return found


def _as_spelt(path: Path) -> Path:
    """Return a file as its folder spells it: copying and unpacking may change the case of names."""
    if os.path.lexists(path) or not path.parent.is_dir():
        return path
    name = path.name.casefold()
    alike = [each for each in path.parent.iterdir() if each.name.casefold() == name]
    return alike[0] if len(alike) == 1 else path


def needed(path: Path, what: str) -> Path:
    """Return a file that has to be there.

    Raises:
        FileFormatError: It is not.
    """
    if not path.is_file():
        raise FileFormatError(
            f"{path}: {what} is missing: get the product again, or name the files of both sides "
            "(--target ... --guide ...)"
        )
    return path


def read_metadata(path: Path) -> bytes:
    """Return the bytes of a metadata file.

    Raises:
        FileFormatError: It is missing, or larger than any.
    """
    found = check_readable(path)
    with found.open("rb") as stream:
        content = stream.read(MOST_METADATA + 1)
    if len(content) > MOST_METADATA:
        raise FileFormatError(
            f"{path}: has more than {MOST_METADATA >> 20} MiB, which no metadata has: get the "
            "product again from where it came"
        )
    return content


def read_xml(path: Path) -> ElementTree.Element:
    """Parse an XML metadata file; entities and document types are refused.

    Raises:
        FileFormatError: It is missing, too large, or no XML of this kind.
    """
    content = read_metadata(path)
    parser = ElementTree.XMLParser(target=_Builder())
    try:
        for start in range(0, len(content), _FED):
            parser.feed(content[start : start + _FED])
        root: ElementTree.Element = parser.close()
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}: get the product again") from error
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise FileFormatError(
            f"{path}: is no XML ({shortened(str(error))}): get the product again"
        ) from error
    return root
