"""Every class and every type alias of the package has a name of its own."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gisr

PACKAGE = Path(gisr.__file__).parent
CAMEL_CASE = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
"""Names of types: constants are in capitals, functions and variables in small letters."""


def classes(tree: ast.Module) -> Iterator[str]:
    """Give the names of all classes, private and inner ones too."""
    return (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def aliases(tree: ast.Module) -> Iterator[str]:
    """Give the names of types that a module defines by assignment."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                pass
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case _:
                continue
        if CAMEL_CASE.fullmatch(name):
            yield name


def repeated(folder: Path) -> list[str]:
    """Return the names that stand for more than one type."""
    found: Counter[str] = Counter()
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found.update([*classes(tree), *aliases(tree)])
    return sorted(name for name, count in found.items() if count > 1)


def test_every_class_and_every_alias_has_a_name_of_its_own() -> None:
    assert repeated(PACKAGE) == []


def test_repeated_names_are_seen(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("class Same: ...\nAlias = int\nLIMIT = 3\nOnce = str\n")
    (tmp_path / "other.py").write_text("class Same: ...\nAlias: type = str\nLIMIT = 3\n")
    assert repeated(tmp_path) == ["Alias", "Same"]
