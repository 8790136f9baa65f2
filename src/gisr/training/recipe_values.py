"""The kinds and ranges of a recipe's values: each is refused by name, whoever made the recipe."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gisr.errors import RecipeError, shortened

MOST_PIXELS = 2**28
"""Pixels of a step: 16 thousand patches of 128 x 128."""
RANGES: Mapping[str, tuple[float, float]] = {
    "steps": (1, 10**9),
    "patch": (1, 2**14),
    "batch": (1, 2**16),
    "patches_per_image": (1, 10**6),
    "checkpoint_every": (1, 10**9),
    "validate_every": (0, 10**9),
    "warmup": (0, 10**9),
    "workers": (0, 1024),
    "seed": (0, 2**63 - 1),
    "misregistration": (0, 64),
    "balance_weight": (0, 1e6),
    "measured": (0, 1),
    "teacher_share": (0, 1),
}
"""Least and largest value by setting."""
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "null",
}


def check_kinds(settings: Any, group: str = "") -> None:  # noqa: ANN401 - any dataclass
    """Refuse a value of another kind than its setting's.

    Args:
        settings: A dataclass.
        group: What its settings are called together, for the message.

    Raises:
        RecipeError: A value is of another kind.
    """
    hints = get_type_hints(type(settings))
    for each in fields(settings):
        value = getattr(settings, each.name)
        if not _fits(value, hints[each.name]):
            raise RecipeError(wrong_kind(group + each.name, repr(value), hints[each.name]))


def check_ranges(settings: Any) -> None:  # noqa: ANN401 - a recipe
    """Refuse numbers that are too small, or too large for any machine.

    Raises:
        RecipeError: One is.
    """
    for name, (least, most) in RANGES.items():
        value = getattr(settings, name)
        if not value >= least:
            raise RecipeError(f"{name}: {value} must be at least {least}")
        if not value <= most:
            raise RecipeError(f"{name}: {shortened(repr(value))} must be at most {most}")
    for number in settings.betas:
        if not 0 <= number < 1:
            raise RecipeError(f"betas: {list(settings.betas)} must be in [0, 1)")
    for name, weight in settings.task_weights.items():
        if not math.isfinite(weight):
            raise RecipeError(f"task_weights: {name} {weight} must be finite")
    if not settings.name.isprintable() or not 0 < len(settings.name) <= 200:
        raise RecipeError(f"name: {shortened(repr(settings.name))} must have 1 to 200 plain signs")
    for stage in (settings, *settings.stages):
        if stage.batch * stage.patch**2 > MOST_PIXELS:
            raise RecipeError(
                f"batch: {stage.batch} patches of {stage.patch} x {stage.patch} are more than "
                f"{MOST_PIXELS} pixels a step: lower batch or patch"
            )


def wrong_kind(name: str, value: str, hint: Any) -> str:  # noqa: ANN401 - a type
    """Return the line that refuses a value of the wrong kind."""
    return f"{name}: {'null' if value == 'None' else shortened(value)} must be {_words(hint)}"


def hint_of(kind: Any, names: list[str]) -> Any:  # noqa: ANN401 - a type
    """Return the type of a setting, or of one in a group or a list of groups; None if unknown."""
    for name in names:
        kind = next((each for each in _inner(kind) if is_dataclass(each)), kind)
        kind = get_type_hints(kind).get(name) if is_dataclass(kind) else None
    return kind


def completed(kind: Any, record: Any) -> Any:  # noqa: ANN401 - a dataclass, and what JSON holds of it
    """Return what is on record of settings, with the defaults of those that came after it.

    Args:
        kind: Dataclass of the settings; of another kind the record is returned as it is.
        record: As JSON returns it: a dictionary, or a list of them.
    """
    if isinstance(record, list):
        return [completed(kind, each) for each in record]
    if not is_dataclass(kind) or not isinstance(record, dict):
        return record
    hints, whole = get_type_hints(kind), dict(record)
    for each in fields(kind):
        if each.name in record:
            kinds = (hints[each.name], *get_args(hints[each.name]))
            inner = next((one for one in kinds if is_dataclass(one)), None)
            whole[each.name] = completed(inner, record[each.name])
        elif each.default_factory is not MISSING:
            whole[each.name] = on_record(each.default_factory())
        elif each.default is not MISSING:
            whole[each.name] = on_record(each.default)
    return whole


def on_record(value: Any) -> Any:  # noqa: ANN401 - settings, or one of them
    """Return settings, or one of them, as JSON returns it."""
    settings = is_dataclass(value) and not isinstance(value, type)
    return json.loads(json.dumps(asdict(value) if settings else value))


def differences(name: str, there: Any, here: Any) -> Iterator[str]:  # noqa: ANN401 - records
    """Yield the settings on two records that differ, with both values.

    Args:
        name: Of the setting that the records are of; those inside it follow after points, those of
            a list of groups after its number.
        there: What an earlier run was made with.
        here: What is asked for now.
    """
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted({*there, *here}):
            if there.get(key) != here.get(key):
                yield from differences(f"{name}.{key}", there.get(key), here.get(key))
    elif _groups(there) and _groups(here):  # cut short, long lists of groups read alike
        if len(there) != len(here):
            yield f"{name} {len(there)} of them there, {len(here)} here"
            return
        for number, (old, new) in enumerate(zip(there, here, strict=True), 1):
            yield from differences(f"{name} {number}", old, new)
    elif there != here:
        yield f"{name} {shortened(str(there))} there, {shortened(str(here))} here"


def _groups(value: Any) -> bool:  # noqa: ANN401 - a record
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def _inner(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a type
    return get_args(hint) if get_origin(hint) in (tuple, Union, UnionType) else (hint,)


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401 - a type
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return False
        kinds = [inner[0]] * len(value) if inner[1:] == (...,) else list(inner)
        return len(value) == len(kinds) and all(map(_fits, value, kinds))
    if origin is dict:
        return isinstance(value, dict) and all(
            _fits(key, str) and _fits(each, inner[1]) for key, each in value.items()
        )
    if hint is int or hint is float:
        number = Integral if hint is int else Real
        return isinstance(value, number) and not isinstance(value, bool)
    return isinstance(value, hint)


def _words(hint: Any) -> str:  # noqa: ANN401 - a type
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_words, inner))
    if origin is Literal:
        return f"one of {', '.join(inner)}"
    if origin is tuple:
        if inner[1:] == (...,):
            return f"a list, each of it {_words(inner[0])}"
        return f"a list of {len(inner)}, each of it {_words(inner[0])}"
    if origin is dict:
        return f"settings, 'name: value' each, every value {_words(inner[1])}"
    return _WORDS.get(hint, "settings, 'name: value' each")


__all__ = [
    "MOST_PIXELS",
    "RANGES",
    "check_kinds",
    "check_ranges",
    "completed",
    "differences",
    "hint_of",
    "on_record",
    "wrong_kind",
]
