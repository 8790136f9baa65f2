"""What lies in the place of a file: pointers of stores, and pages of failed downloads."""

import re

LOOKED_AT = 64
"""Bytes at the beginning that show what lies there: of a link as text its first folders."""
_POINTERS = {
    b"version https://git-lfs.github.com/": "Git LFS: fetch the file first with git lfs pull",
    b"/annex/objects/": "git-annex: fetch the file first with datalad get or git annex get",
}
"""How text begins that stands for a file which was not fetched, and how it is."""
_LINK_AS_TEXT = re.compile(rb"(\.\.?/)*\.git/annex/objects/")
"""How a link of git-annex begins where the file system has no links: they are text there."""
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html)\b", re.IGNORECASE)
"""How a web page begins."""


def stand_in(start: bytes) -> str | None:
    """Return what lies in the place of a file by its first bytes, and the way out, if anything."""
    for begin, kind in _POINTERS.items():
        if start.startswith(begin):
            return f"only the pointer of {kind}"
    if _LINK_AS_TEXT.match(start):
        return f"only the pointer of {_POINTERS[b'/annex/objects/']}"
    if _PAGE.match(start):
        return (
            "a web page under this name, as a download leaves that failed or asks to sign in: "
            "download the file again"
        )
    return None
