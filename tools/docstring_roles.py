"""The package as its reference shows it.

Docstrings become Markdown: roles of reStructuredText become code. Options, which are fields made by
:func:`gisr.pipelines.option.option`, get their help as docstring and their default as value. An
extension of griffe, which mkdocstrings reads the package with; ``mkdocs.yml`` names this file.
"""

import re
from importlib import import_module

import griffe

from gisr.pipelines.option import options_of

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`")
_CODE_FOLLOWS = re.compile(r"^[ \t]*::[ \t]*\n", re.MULTILINE)


def as_markdown(docstring: str) -> str:
    """Return a docstring without roles and without the marks before blocks of code."""
    return _CODE_FOLLOWS.sub("", _ROLE.sub(r"`\1`", docstring))


class Roles(griffe.Extension):
    """Changes options when they are read, and docstrings when all of a package is."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **kwargs: object) -> None:
        """Document a field that is an option."""
        call = attr.value
        if isinstance(call, griffe.ExprCall) and str(call.function) == "option":
            assert attr.parent is not None
            kind = getattr(import_module(attr.parent.module.path), attr.parent.name)
            text = options_of(kind)[attr.name].info.help
            attr.docstring = griffe.Docstring(text, parent=attr)
            attr.value = call.arguments[0]

    def on_package(self, *, pkg: griffe.Module, **kwargs: object) -> None:
        """Change every docstring of a package."""
        _change(pkg)


def _change(found: griffe.Object) -> None:
    if found.docstring is not None:
        found.docstring.value = as_markdown(found.docstring.value)
    for member in found.members.values():
        if isinstance(member, griffe.Object):  # an alias is changed where it is defined
            _change(member)
