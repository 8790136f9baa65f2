"""The ``gisr`` command: subcommands made from typed functions, one line for every error."""

import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, signature
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import docstring_parser
from jsonargparse import ArgumentError, ArgumentParser

from gisr.apps.align_command import align
from gisr.apps.bids_command import bids
from gisr.apps.commands import demo, tasks, train
from gisr.apps.convert_command import convert
from gisr.apps.data_command import list_data, prepare, show
from gisr.apps.evaluate_command import evaluate
from gisr.apps.export_command import onnx
from gisr.apps.failures import fail, guarded
from gisr.apps.help_formatter import HelpFormatter
from gisr.apps.misspelt import meant_option
from gisr.apps.models_command import models
from gisr.apps.option_arguments import (
    add_options,
    has_options,
    take_options,
)
from gisr.apps.reproduce_command import reproduce
from gisr.apps.serve_command import serve
from gisr.apps.shell_words import check_shell_words
from gisr.apps.upscale_command import upscale
from gisr.apps.upscale_help import USAGE, examples_text, requested_help
from gisr.apps.upscale_words import upscale_words
from gisr.errors import meant
from gisr.tasks import TaskName
from gisr.version import __version__

Command = Callable[..., int | None]
"""Its options, types and help are its signature and docstring; it may return an exit code."""


@dataclass(frozen=True)
class Group:
    """Commands that share a first word: ``gisr data list``."""

    help: str
    commands: Mapping[str, Command]


COMMANDS: dict[str, Command | Group] = {
    "upscale": upscale,
    "align": align,
    "bids": bids,
    "serve": serve,
    "demo": demo,
    "models": models,
    "tasks": tasks,
    "train": train,
    "convert": convert,
    "evaluate": evaluate,
    "reproduce": reproduce,
    "data": Group(
        "List, prepare and show data sets.",
        {"list": list_data, "prepare": prepare, "show": show},
    ),
    "export": Group("Write weights for programs without torch.", {"onnx": onnx}),
}
"""Every command and group of commands."""

_SPELLINGS = {
    "output": ("-o",),
    "threads": ("-threads",),
    # As BIDS Apps wrote them at first.
    "participant_label": ("--participant_label",),
    "session_label": ("--session_label",),
}
"""Further spellings of parameters, by name; those of options stand beside them."""
_LONG = {"target_files": "--target", "guide_files": "--guide"}
"""Long spellings of parameters that are not their names."""
_POSITIONAL_KINDS = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments after the program's name; the process's own when None.

    Returns:
        Exit code: 0 done, 1 some of several pairs failed, 2 an error that a user can act on (one
        line on stderr), 130 interrupted, 143 and 129 ended by SIGTERM and SIGHUP, 141 when nobody
        reads any more what it prints.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return guarded(lambda: _run(arguments))
    except SystemExit as end:  # --help, --version, and a signal
        return int(end.code or 0)
    except ArgumentError as error:
        if guess := _meant(arguments) or _meant_option(arguments, str(error)):
            return fail(guess)
        hint = " ".join(("gisr", *_command_words(arguments), "--help"))
        return fail(f"{_readable(str(error))} (see {hint})")


@cache
def build_parser(only: str | None = None) -> ArgumentParser:
    """Build the parser, once a process; nothing heavy is imported for it.

    Args:
        only: The one command that it is to know: all of them take a tenth of a second.
    """
    parser = ArgumentParser(
        prog="gisr",
        description="Guided image super-resolution: one network sharpens satellite images with a "
        "panchromatic band, MR images with another contrast, and depth maps with a colour image.",
        version=__version__,
        exit_on_error=False,
        formatter_class=HelpFormatter,
    )
    _add_commands(parser, COMMANDS if only is None else {only: COMMANDS[only]})
    return parser


def split_overrides(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Separate the options of ``gisr train`` from those that override the recipe.

    ``train RECIPE --folder runs/a --steps 100 --network.width=16`` gives the first four words, and
    ``["--steps", "100", "--network.width=16"]``.
    """
    own = {_option(name) for name in signature(train).parameters} | {"--help"}
    kept: list[str] = []
    overrides: list[str] = []
    owner = kept
    for word in arguments:
        if word.startswith("--"):
            owner = kept if word.split("=")[0] in own else overrides
        elif word.startswith("-") and len(word) == 2 and not word[1].isdigit():
            owner = kept
        owner.append(word)
        if owner is overrides and (not word.startswith("--") or "=" in word):
            owner = kept  # an override has one value; what follows it is the command's
    return kept, overrides


def _run(arguments: list[str]) -> int:
    overrides: list[str] = []
    if arguments[:1] == ["upscale"]:
        if (task := requested_help(arguments[1:])) is not None:
            print(_command_parser(upscale, task).format_help(), end="")
            return 0
        arguments = ["upscale", *upscale_words(arguments[1:])]
    if arguments[:1] == ["train"]:
        arguments, overrides = split_overrides(arguments)
    named = arguments[0] if arguments and arguments[0] in COMMANDS else None
    parsed = build_parser(named).parse_args(arguments)
    command = COMMANDS[parsed.subcommand]
    parsed = parsed[parsed.subcommand]
    if isinstance(command, Group):
        command = command.commands[parsed.subcommand]
        parsed = parsed[parsed.subcommand]
    values = parsed.as_dict()
    words = _command_words(arguments)
    check_shell_words(values, lambda name: _written(words, name))
    if command is train:
        values["overrides"] = overrides
    for name, parameter in signature(command).parameters.items():
        if has_options(parameter.annotation):
            values[name] = take_options(parameter.annotation, values)
    return command(**values) or 0


def _meant(arguments: Sequence[str]) -> str:
    """Return what to type in place of a first word that is no command; nothing where none helps."""
    word, *others = arguments or [""]
    if not word or word.startswith("-") or word in COMMANDS:
        return ""
    if word == "help":
        command = [name for name in others[:1] if name in COMMANDS]
        return f"help: is no command: write {' '.join(['gisr', *command, '--help'])}"
    if Path(word).exists():
        return f"{word}: say what to do with it: {shlex.join(['gisr', 'upscale', *arguments])}"
    remedy = meant(word, COMMANDS)
    return f"unknown command {word!r}: {remedy}" if remedy else ""


def _meant_option(arguments: Sequence[str], message: str) -> str:
    """Return what to type in place of an option that is none; nothing where none is like it."""
    words = _command_words(arguments)
    command = COMMANDS[words[0]] if words else upscale
    if isinstance(command, Group):
        command = command.commands.get(words[-1], upscale)
    if command is upscale:  # whose words are looked at before they are parsed
        return ""
    return meant_option(message, words, map(_option, signature(command).parameters))


def _command_words(arguments: Sequence[str]) -> list[str]:
    """Return the words that name the command, for a hint where its help is."""
    words = [word for word in arguments if not word.startswith("-")]
    command = COMMANDS.get(words[0]) if words else None
    if command is None:
        return []
    grouped = isinstance(command, Group) and words[1:] and words[1] in command.commands
    return words[: 2 if grouped else 1]


def _add_commands(parser: ArgumentParser, commands: Mapping[str, Command | Group]) -> None:
    subcommands = parser.add_subcommands(
        title="commands",
        metavar="COMMAND",
        description=f"`{parser.prog} COMMAND --help` says more.\n",
    )
    for name, command in commands.items():
        if isinstance(command, Group):
            own, text = _parser(command.help), command.help
        else:
            documentation = docstring_parser.parse(command.__doc__ or "")
            own, text = _command_parser(command), documentation.short_description or ""
        subcommands.add_subcommand(name, own, help=text)
        own.prog = f"{parser.prog} {name}"
        if isinstance(command, Group):
            _add_commands(own, command.commands)  # only now: jsonargparse wants the outer one first


def _parser(description: str) -> ArgumentParser:
    return ArgumentParser(
        description=description, exit_on_error=False, formatter_class=HelpFormatter
    )


def _command_parser(function: Command, task: TaskName | None = None) -> ArgumentParser:
    """Return the parser of a command, with the options of one task alone if one is named."""
    documentation = docstring_parser.parse(function.__doc__ or "")
    text = (documentation.short_description, documentation.long_description)
    parser = _parser("\n".join(filter(None, text)))
    if function is upscale:
        parser.description = f"{parser.description}\n\n{examples_text(task)}"
        parser.usage, parser.prog = USAGE, "gisr upscale"
    help_texts = {item.arg_name: item.description or "" for item in documentation.params}
    for parameter in signature(function).parameters.values():
        if has_options(parameter.annotation):
            add_options(parser, parameter.annotation, task)
        elif parameter.name != "overrides":
            _add_argument(parser, parameter, help_texts[parameter.name])
    return parser


def _add_argument(parser: ArgumentParser, parameter: Parameter, text: str) -> None:
    """Turn a parameter into an argument: positional, a flag, or an option with a value."""
    name, required = parameter.name, parameter.default is Parameter.empty
    if parameter.kind in _POSITIONAL_KINDS:
        nargs = None if required else "?"
        parser.add_argument(name, type=parameter.annotation, nargs=nargs, help=text)
        return
    spellings = [*_SPELLINGS.get(name, ()), _option(name)]
    if parameter.annotation is bool:
        parser.add_argument(*spellings, action="store_true", help=text)
        return
    kind = _without_none(parameter.annotation)
    several = get_origin(kind) is list
    parser.add_argument(
        *spellings,
        type=get_args(kind)[0] if several else kind,
        nargs="+" if several else None,
        dest=name,
        required=required,
        default=None if required else parameter.default,
        metavar=name.upper(),
        help=text,
    )


def _without_none(kind: Any) -> Any:  # noqa: ANN401 - a type
    """Return a type without None, for which jsonargparse would take the word null."""
    if not isinstance(kind, UnionType):
        return kind
    kinds = [each for each in get_args(kind) if each is not type(None)]
    return kinds[0] if len(kinds) == 1 else kind


def _option(name: str) -> str:
    return _LONG.get(name) or "--" + name.replace("_", "-")


def _written(words: Sequence[str], name: str) -> str:
    """Return what the user writes for a parameter of a command: its place or its option."""
    command = COMMANDS[words[0]]
    if isinstance(command, Group):
        if len(words) < 2:
            return _option(name)
        command = command.commands[words[1]]
    parameter = signature(command).parameters.get(name)
    return name if parameter and parameter.kind in _POSITIONAL_KINDS else _option(name)


def _readable(message: str) -> str:
    """Return jsonargparse's type errors, which take ten lines, as one."""
    key = re.search(r'Parser key "([^"]+)"', message)
    value = re.search(r"(?:Given|Got) value: (.*)", message)
    if key and value:
        kinds = re.findall(r"Expected an? <class '(\w+)'>", message)
        wanted = {"int": "a whole number", "float": "a number"}
        words = re.findall(r"'([^']+)'", "".join(re.findall(r"Literal\[([^]]+)\]", message)))
        expected = f"one of {', '.join(dict.fromkeys(words))}" if words else "another value"
        expected = next((wanted[kind] for kind in kinds if kind in wanted), expected)
        name = _option(key[1].split(".")[-1])
        return f"{name} {value[1].strip()}: must be {expected}"
    # jsonargparse writes upscale.output for the option --output of upscale, and so on inwards.
    words = [*COMMANDS, *(w for c in COMMANDS.values() if isinstance(c, Group) for w in c.commands)]
    prefix = rf"\b((?:(?:{'|'.join(words)})\.)+)(\w+)"
    plain = re.sub(r'expected "[\w.]*subcommand" to be one of .*', "say which command", message)
    plain = re.sub(prefix, lambda found: _written(found[1].split(".")[:-1], found[2]), plain)
    return plain.replace("argument COMMAND: invalid choice", "unknown command")


if __name__ == "__main__":
    sys.exit(main())
