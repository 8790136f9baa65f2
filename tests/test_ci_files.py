"""The files that machines read: they parse, and they name what is there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
PRE_COMMIT = ROOT / ".pre-commit-config.yaml"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps() -> list[dict[str, Any]]:
    return [step for job in read(WORKFLOW)["jobs"].values() for step in job["steps"]]


def test_actions_are_pinned_by_commit() -> None:
    used = [step["uses"] for step in steps() if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action), action


def test_the_workflow_covers_three_systems_and_the_promised_versions() -> None:
    matrix = read(WORKFLOW)["jobs"]["tests"]["strategy"]["matrix"]
    assert [system.split("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]
    classifiers = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for version in matrix["python"]:
        assert f'"Programming Language :: Python :: {version}"' in classifiers


def test_the_workflow_runs_what_is_there() -> None:
    scripts = [step["run"] for step in steps() if str(step.get("run", "")).startswith(".")]
    assert scripts == [".ci/run"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert script.endswith("exec make --no-print-directory test </dev/null\n")


@pytest.mark.parametrize("tool", ["ruff check", "ruff format", "mypy", "lint-imports"])
def test_the_hooks_are_the_linters_of_the_makefile(tool: str) -> None:
    hooks = [hook["entry"] for repo in read(PRE_COMMIT)["repos"] for hook in repo["hooks"]]
    assert sum(hook.startswith(f".venv/bin/{tool}") for hook in hooks) == 1
    assert f"$(BIN)/{tool}" in (ROOT / "Makefile").read_text(encoding="utf-8")
