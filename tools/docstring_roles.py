"""Docstrings of the package as Markdown: roles of reStructuredText become code.

An extension of griffe, which mkdocstrings reads the package with; ``mkdocs.yml`` names this file.
"""

import re

import griffe

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`")
_CODE_FOLLOWS = re.compile(r"^[ \t]*::[ \t]*\n", re.MULTILINE)


def as_markdown(docstring: str) -> str:
    """Return a docstring without roles and without the marks before blocks of code."""
    return _CODE_FOLLOWS.sub("", _ROLE.sub(r"`\1`", docstring))


class Roles(griffe.Extension):
    """Changes the docstrings of a package when all of it is read."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: object) -> None:
        """Change every docstring of a package."""
        _change(pkg)


def _change(found: griffe.Object) -> None:
    if found.docstring is not None:
        found.docstring.value = as_markdown(found.docstring.value)
    for member in found.members.values():
        if isinstance(member, griffe.Object):  # an alias is changed where it is defined
            _change(member)
