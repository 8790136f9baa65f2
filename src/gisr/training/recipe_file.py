"""Recipes as YAML files, which may come from strangers: data, and nothing else."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from jsonargparse import ArgumentError, ArgumentParser

from gisr.errors import RecipeError, listed, meant, shortened
from gisr.training.recipe import Recipe
from gisr.training.recipe_values import hint_of, wrong_kind

_SPECIAL = frozenset({"class_path", "init_args", "dict_kwargs"})
_MOST_BYTES = 2**20
_DEEPEST = 32
_GROUPS = ("network", "system", "task_weights", "uncertainty", "weight_average", "gradnorm")
"""Settings that are groups of settings."""
_LISTS = ("sets", "stages")
"""Settings that are lists of groups."""

_GROUP = re.compile(r"Group '([^']+)'")
_UNKNOWN = re.compile(r"Option '([^']+)' is not accepted|does not accept option '([^']+)'")
_LACKING = re.compile(r"the following arguments are required: (\w+)")
"""What jsonargparse says of a group's name, of an unknown setting in it, and of one not given."""


def read_recipe(path: str | Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe from a YAML file.

    Args:
        path: The file.
        overrides: Command-line style changes, for example ``["--steps", "100"]``.

    Raises:
        RecipeError: The file cannot be read, names something unknown, or cannot be followed.
    """
    if not Path(path).is_file():
        raise RecipeError(f"{path}: there is no such recipe file")
    changes = overrides or []
    try:
        return _parsed(Path(path), changes)
    except RecipeError as error:
        if not changes or str(error) == _fault(Path(path)):
            raise RecipeError(f"{path}: {error}") from error
        names = {word.partition("=")[0] for word in changes if word.startswith("--")}
        blamed = f"--{re.split('[: ]', str(error))[0]}" in names
        where = "--" if blamed else f"{path} with {shortened(' '.join(changes))}: "
        raise RecipeError(f"{where}{error}") from error


def check_overrides(overrides: list[str], options: list[str], command: str) -> None:
    """Refuse changes to a recipe that name no setting of it.

    Args:
        overrides: As of :func:`read_recipe`.
        options: The command's own options, one of which may be meant.
        command: For the message.

    Raises:
        RecipeError: One is unknown; the message has the spelling that is like it.
    """
    for word in overrides:
        name = word.partition("=")[0]
        known = _settings(name.removeprefix("--").split("."))
        if word.startswith("--") and known and name not in known:
            remedy = meant(name, [*known, *options], f"see {command} --help")
            raise RecipeError(f"{name}: is no option of {command}, and no setting: {remedy}")


def _settings(names: list[str]) -> list[str]:
    """Return the settings that a name may be, with those of its group; none where any name goes."""
    owner, kind = "", Recipe
    if len(names) > 1 and hint_of(Recipe, names[:1]) is not None:
        owner, kind = f"{names[0]}.", hint_of(Recipe, names[:1])
    if not is_dataclass(kind):
        return []
    known = [f"--{owner}{each.name}" for each in fields(kind)]
    return [*known, *(f"{each}+" for each in known)]


def _parsed(path: Path, overrides: list[str]) -> Recipe:
    """Return the recipe of a file with changes; errors do not say whose fault they are."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--recipe", action="config")
    parser.add_class_arguments(Recipe)
    try:
        text = _plain_text(path)
        _check_keys(yaml.compose(text, Loader=yaml.SafeLoader))
        _check_plain(yaml.safe_load(text))
        values = parser.parse_args(["--recipe", str(path), *overrides])
        values.pop("recipe")
        return Recipe(**parser.instantiate(values))
    except ArgumentError as error:
        raise RecipeError(_readable(str(error))) from error
    except yaml.MarkedYAMLError as error:
        raise RecipeError(_misspelt(error)) from error
    except (OSError, TypeError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise RecipeError(_one_line(str(error))) from error


def _fault(path: Path) -> str:
    """Return what is wrong with a file alone, if anything."""
    try:
        _parsed(path, [])
    except RecipeError as error:
        return str(error)
    return ""


def _misspelt(error: yaml.MarkedYAMLError) -> str:
    """Say where a file is no YAML, and what it would be."""
    mark = error.problem_mark or error.context_mark
    where = "" if mark is None else f"line {mark.line + 1}: "
    found = _one_line(str(error.problem or error.context))
    return (
        f"{where}{found}: settings are 'name: value', a line each, indented by spaces, and every "
        "bracket and quote is closed"
    )


def _readable(message: str) -> str:
    """Say in one line what jsonargparse says of a value of the wrong kind in several."""
    names = [
        name for key in re.findall(r'Parser key "([^"]+)"', message) for name in key.split(".")
    ]
    value = re.search(r"(?:Got|Given) value: (.*)", message)
    hint = hint_of(Recipe, names)
    group = _GROUP.search(message)
    about = names[0] if names else group[1] if group else ""
    where = f"{about}: " if about else ""
    if (word := _UNKNOWN.search(message)) and (known := _of_group(about)):
        unknown = word[1] or word[2]
        remedy = meant(unknown, known, f"it is one of {', '.join(known)}")
        return f"{where}{shortened(unknown)} is no setting there: {remedy}"
    if value is not None and hint is not None:
        return wrong_kind(".".join(names), value[1].strip(), hint)
    if lacking := _LACKING.search(message):
        return f"{where}{lacking[1]} is missing: give its value"
    return _one_line(message)


def _of_group(name: str) -> list[str]:
    """Return the settings of a group, or of each member of a list of groups; none of any other."""
    hint: Any = hint_of(Recipe, [name])
    kind = next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), None)
    return [] if kind is None else [each.name for each in fields(kind)]


def _one_line(message: str) -> str:
    return shortened(" ".join(message.split()), 400)


def _plain_text(path: Path) -> str:
    """Return the text of a recipe that is small, and stays so when its aliases are followed."""
    size, depth = path.stat().st_size, 0
    if size > _MOST_BYTES:
        raise RecipeError(f"{size} bytes are more than the {_MOST_BYTES} a recipe may have")
    text = path.read_text(encoding="utf-8")
    for token in yaml.scan(text):
        kind = type(token).__name__
        if (
            kind == "AliasToken"
        ):  # ten lines of aliases of aliases expand to a thousand million values
            raise RecipeError("an alias (*name): write the values out, a recipe has no aliases")
        depth += kind.endswith(("SequenceStartToken", "MappingStartToken"))
        depth -= kind.endswith(("SequenceEndToken", "MappingEndToken", "BlockEndToken"))
        if depth > _DEEPEST:
            raise RecipeError(f"more than {_DEEPEST} lists in lists: no recipe has so many")
    return text


def _check_keys(node: yaml.Node | None) -> None:
    """Refuse a key that is there twice in one group: the last would count, unnoticed."""
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                place = f"line {line}" if lines[name] == line else f"lines {lines[name]} and {line}"
                raise RecipeError(f"{place}: {shortened(name)} is there twice: take one away")
            lines[name] = line
            _check_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _check_keys(each)


def _check_plain(values: object) -> None:
    """Refuse what jsonargparse would follow: it imports a ``class_path`` before it refuses it.

    A recipe is data; reading one from a stranger must not run code or open other files.
    """
    if not isinstance(values, dict):
        raise RecipeError("a recipe is a list of settings, 'name: value' each")
    known = [setting.name for setting in fields(Recipe)]
    if unknown := sorted(map(str, set(values) - set(known))):
        remedy = next(filter(None, (meant(word, known) for word in unknown)), "take them out")
        raise RecipeError(f"unknown settings {listed(unknown)}: {remedy}")
    nested = [values.get(name, {}) for name in _GROUPS]
    if values.get("system", 0) is None:  # MAG-Net is trained
        nested[_GROUPS.index("system")] = {}
    lists = [values.get(name, []) for name in _LISTS]
    nested += [item for items in lists for item in (items if isinstance(items, list) else [items])]
    for group in nested:
        if not isinstance(group, dict) or not _SPECIAL.isdisjoint(group):
            raise RecipeError(
                f"{shortened(repr(group))} must be settings, 'name: value' each, and no class"
            )
