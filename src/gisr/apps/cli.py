"""The ``gisr`` command: subcommands made from typed functions, one line for every error."""

import re
import sys
from argparse import Action
from collections.abc import Callable, Sequence
from inspect import Parameter, signature

import docstring_parser
from jsonargparse import ArgumentError, ArgumentParser, DefaultHelpFormatter

from gisr import __version__
from gisr.apps.commands import demo, models, tasks, train, upscale
from gisr.apps.evaluate_command import evaluate
from gisr.errors import GisrError

COMMANDS: dict[str, Callable[..., None]] = {
    "upscale": upscale,
    "demo": demo,
    "models": models,
    "tasks": tasks,
    "train": train,
    "evaluate": evaluate,
}
"""Every command; its options, types and help are its function's signature and docstring."""

_SHORT = {"output": "-o"}
_POSITIONAL_KINDS = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class _HelpFormatter(DefaultHelpFormatter):
    """Help without a type and a default behind every option: the text says what matters."""

    def _get_help_string(self, action: Action) -> str:
        return str(action.help or "")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments after the program's name; the process's own when None.

    Returns:
        Exit code: 0 done, 2 an error that a user can act on (one line on stderr), 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        _run(arguments)
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)
    except ArgumentError as error:
        command = next((word for word in arguments if word in COMMANDS), "")
        hint = " ".join(word for word in ("gisr", command, "--help") if word)
        return _fail(f"{_readable(str(error))} (see {hint})")
    except GisrError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        print("gisr: interrupted", file=sys.stderr)
        return 130
    return 0


def build_parser() -> ArgumentParser:
    """Build the parser; nothing heavy is imported for it."""
    parser = ArgumentParser(
        prog="gisr",
        description="Guided image super-resolution: one network sharpens satellite images with a "
        "panchromatic band, MR images with another contrast, and depth maps with a colour image.",
        version=__version__,
        exit_on_error=False,
        formatter_class=_HelpFormatter,
    )
    subcommands = parser.add_subcommands(
        title="commands", metavar="COMMAND", description="`gisr COMMAND --help` says more.\n"
    )
    for name, function in COMMANDS.items():
        documentation = docstring_parser.parse(function.__doc__ or "")
        subcommands.add_subcommand(
            name, _command_parser(function), help=documentation.short_description or ""
        )
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
        elif word.startswith("-") and len(word) == 2:
            owner = kept
        owner.append(word)
        if owner is overrides and (not word.startswith("--") or "=" in word):
            owner = kept  # an override has one value; what follows it is the command's
    return kept, overrides


def _run(arguments: list[str]) -> None:
    overrides: list[str] = []
    if arguments[:1] == ["train"]:
        arguments, overrides = split_overrides(arguments)
    parsed = build_parser().parse_args(arguments)
    command = str(parsed.subcommand)
    options = parsed[command].as_dict()
    if command == "train":
        options["overrides"] = overrides
    COMMANDS[command](**options)


def _command_parser(function: Callable[..., None]) -> ArgumentParser:
    documentation = docstring_parser.parse(function.__doc__ or "")
    parser = ArgumentParser(
        description="\n".join(
            text
            for text in (documentation.short_description, documentation.long_description)
            if text
        ),
        exit_on_error=False,
        formatter_class=_HelpFormatter,
    )
    help_texts = {item.arg_name: item.description or "" for item in documentation.params}
    for parameter in signature(function).parameters.values():
        if parameter.name != "overrides":
            _add_argument(parser, parameter, help_texts[parameter.name])
    return parser


def _add_argument(parser: ArgumentParser, parameter: Parameter, text: str) -> None:
    """Turn a parameter into an argument: positional, a flag, or an option with a value."""
    name, required = parameter.name, parameter.default is Parameter.empty
    if required and parameter.kind in _POSITIONAL_KINDS:
        parser.add_argument(name, type=parameter.annotation, help=text)
        return
    spellings = [_SHORT[name]] if name in _SHORT else []
    spellings.append(_option(name))
    if parameter.annotation is bool:
        parser.add_argument(*spellings, action="store_true", help=text)
        return
    several = parameter.annotation == list[str] | None
    parser.add_argument(
        *spellings,
        type=str if several else parameter.annotation,
        nargs="+" if several else None,
        required=required,
        default=None if required else parameter.default,
        metavar=name.upper(),
        help=text,
    )


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _readable(message: str) -> str:
    """Say jsonargparse's type errors, which take ten lines, in one."""
    key = re.search(r'Parser key "([^"]+)"', message)
    value = re.search(r"Given value: (.*)", message)
    if key and value:
        kinds = re.findall(r"Expected an? <class '(\w+)'>", message)
        wanted = {"int": "a whole number", "float": "a number"}
        expected = next((wanted[kind] for kind in kinds if kind in wanted), "another value")
        name = _option(key[1].split(".")[-1])
        return f"{name} {value[1].strip()}: must be {expected}"
    # jsonargparse writes upscale.output for the option --output of upscale.
    plain = re.sub(rf"\b(?:{'|'.join(COMMANDS)})\.(\w+)", lambda found: _option(found[1]), message)
    plain = re.sub(r'expected "subcommand" to be one of .*', "say which command", plain)
    return plain.replace("argument COMMAND: invalid choice", "unknown command")


def _fail(message: str) -> int:
    print(f"gisr: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
