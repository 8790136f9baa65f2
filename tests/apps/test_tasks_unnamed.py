"""Applications take what differs between tasks from the tasks' records and pipelines."""

import ast
from pathlib import Path

import gisr.apps
from gisr.tasks import TASKS

FOLDER = Path(str(gisr.apps.__file__)).parent
EXTRAS = {("web/examples.py", "mri")}
"""The name of an extra of the package, which is that of a task too."""


def named_tasks(source: str) -> set[str]:
    """Return the tasks whose names are strings of a module."""
    nodes = ast.walk(ast.parse(source))
    return {str(n.value) for n in nodes if isinstance(n, ast.Constant) and n.value in TASKS}


def test_a_name_is_found() -> None:
    assert named_tasks('x = {"depth": 1}; y = "a depth map"') == {"depth"}


def test_no_module_of_the_applications_names_a_task() -> None:
    paths = sorted(FOLDER.rglob("*.py"))
    assert len(paths) > 20
    found = {
        (path.relative_to(FOLDER).as_posix(), name)
        for path in paths
        for name in named_tasks(path.read_text(encoding="utf-8"))
    }
    assert found == EXTRAS
