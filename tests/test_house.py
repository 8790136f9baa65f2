"""The house is as docs/architecture.md draws it: a task's name, an option, a room in one place."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from jsonargparse import ArgumentParser

from gisr.apps.cli import build_parser
from gisr.apps.option_arguments import add_options, take_options
from gisr.pipelines.batch import COLUMNS
from gisr.pipelines.execution import Execution
from gisr.pipelines.option import command_words, option, options_of
from gisr.pipelines.options import Options
from gisr.pipelines.table import PIPELINES
from gisr.tasks import TASKS

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "gisr"
MODULES = sorted(PACKAGE.rglob("*.py"))
OWNERS = ("tasks", "datasets", "baselines", "pipelines")
"""Rooms in which a task may be named: its record, readers, compared systems and pipeline."""
MOST_NAMING = 8
MOST_LINES = 350
MOST_SHARE = 0.15


def room(module: Path) -> str:
    parts = module.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def strings(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_few_modules_name_a_task() -> None:
    naming = [
        str(module.relative_to(PACKAGE))
        for module in MODULES
        if room(module) not in OWNERS and set(TASKS) & set(strings(module))
    ]
    assert len(naming) <= MOST_NAMING, naming


def test_every_task_has_a_pipeline() -> None:
    assert set(PIPELINES) == set(TASKS)
    assert all(pipeline.task is TASKS[name] for name, pipeline in PIPELINES.items())


def test_files_are_short_and_no_room_is_large() -> None:
    lines = {module: len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {str(m): n for m, n in lines.items() if n > MOST_LINES} == {}
    shares: dict[str, float] = defaultdict(float)
    for module, count in lines.items():
        shares[_share(module)] += count / sum(lines.values())
    assert {name: share for name, share in shares.items() if name and share > MOST_SHARE} == {}


def _share(module: Path) -> str:
    """Return the room of a module; a task's compared systems are one, and so is a kind of file."""
    own = room(module)
    inner = module.relative_to(PACKAGE).parts[1:-1]
    return f"{own}/{inner[0]}" if own in ("baselines", "io") and inner else own


def test_the_network_is_read_in_one_sitting() -> None:
    files = sorted((PACKAGE / "magnet").glob("*.py"))
    assert len(files) <= 5
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 750


@dataclass(frozen=True)
class MoreOptions(Options):
    """The options, and one more: its field is all that is written."""

    sharpness: float | None = option(None, "How sharp.", column=True, page="Sharpness", least=0.0)


def test_an_option_is_one_field() -> None:
    parser = ArgumentParser(exit_on_error=False)
    add_options(parser, MoreOptions)
    words = ["--sharpness", "0.5", "--band", "1", "2", "--no-consistent"]
    values = parser.parse_args(words).as_dict()
    chosen = take_options(MoreOptions, values)
    assert (chosen.sharpness, chosen.bands, chosen.consistent) == (0.5, (1, 2), False)
    assert values == {}
    assert command_words(chosen) == [
        *("--band", "1", "--band", "2", "--no-consistent", "--sharpness", "0.5")
    ]
    more = set(options_of(MoreOptions)) - set(options_of(Options))
    assert more == {"sharpness"}


def test_the_command_line_has_the_options_and_nothing_else() -> None:
    helped = build_parser().format_help()
    assert "upscale" in helped
    parser = build_parser()._subcommands_action.choices["upscale"]  # type: ignore[union-attr]
    flags = {
        spelling
        for action in parser._actions
        for spelling in action.option_strings
        if spelling not in ("-h", "--help", "-o", "--output", "--target", "--guide")
    }
    derived = set[str]()
    for kind in (Options, Execution):
        for each in options_of(kind).values():
            derived |= {each.flag, *each.info.spellings}
            derived |= set() if each.negative is None else {each.negative}
    assert flags == derived


def test_the_columns_of_a_list_are_the_options_that_may_differ_by_pair() -> None:
    own = {name for name, each in options_of(Options).items() if each.info.column}
    assert set(COLUMNS) == {"target", "guide", "output"} | own


@pytest.mark.parametrize("kind", [Options, Execution])
def test_options_explain_themselves(kind: type) -> None:
    for name, each in options_of(kind).items():
        assert each.info.help.endswith("."), name
        assert re.fullmatch(r"--[a-z-]+", each.flag), name
        assert set(each.info.tasks) <= set(TASKS)
