"""``rio gisr MS PAN OUT``: the pipeline of ``gisr upscale`` as a command of rasterio's program.

The command is found by the entry point ``rasterio.rio_plugins``. rasterio's program imports this
module whenever it starts, so nothing heavy is imported before the command runs.
"""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

import click

from gisr.apps.failures import guarded
from gisr.pipelines.execution import Execution
from gisr.pipelines.option import Option, number_or_name, number_or_word, options_of
from gisr.pipelines.options import Options
from gisr.tasks.pansharpening import PANSHARPENING

_TASK = PANSHARPENING.name
_SPELLINGS = {"creation_options": ("--co",), "bands": ("-b", "--bidx")}
"""What rasterio's own commands call these options."""
_EXECUTION = ("model", "device", "threads", "quiet", "verbose")
"""Options of the command that concern a single pair."""
_HELP = """Pansharpen a multispectral GeoTIFF with a panchromatic one.

The output lies on the grid of PAN and keeps the type, bands, nodata and compression of MS. It is
what `gisr upscale MS PAN --output OUT` writes.
"""


def _chosen_options() -> Iterator[Option]:
    """Yield the options of a satellite image, and of the command."""
    for name, each in options_of(Options).items():
        if each.for_task(_TASK) and name != "task":
            yield each
    known = options_of(Execution)
    yield from (known[name] for name in _EXECUTION)


def _parameter(each: Option) -> click.Option:
    """Return an option as click has it."""
    flags = [each.flag, *_SPELLINGS.get(each.name, ())]
    if each.type is bool:
        flag = each.flag if each.negative is None else f"{each.flag}/{each.negative}"
        return click.Option(
            [each.name, flag], is_flag=True, default=each.default, help=each.info.help
        )
    several = get_origin(each.type) is tuple
    kind = get_args(each.type)[0] if several else each.type
    # Words are checked by the dataclass, whose messages name the choices.
    number = kind in (int, float) and not each.instead
    return click.Option(
        [each.name, *flags],
        type=kind if number else str,
        multiple=several,
        default=None if several else each.default,
        metavar="NAME=VALUE" if each.name == "creation_options" else None,
        help=each.info.help,
    )


def _value(each: Option, given: Any) -> Any:  # noqa: ANN401 - any option's value
    if get_origin(each.type) is tuple:
        named = get_args(each.type)[0] is not str
        return tuple(number_or_name(word) if named else word for word in given) or each.default
    if each.instead and isinstance(given, str):
        return number_or_word(each, given)
    return given


def _run(values: dict[str, Any]) -> int:
    from gisr.apps.upscale_command import upscale

    files = [values.pop(name) for name in ("ms", "pan", "out")]
    taken = {each.name: _value(each, values[each.name]) for each in _chosen_options()}
    execution = Execution(**{name: taken.pop(name) for name in _EXECUTION})
    options = Options(task=_TASK, **taken)
    return upscale(files[0], files[1], output=files[2], options=options, execution=execution)


def _sharpen(**values: Any) -> None:  # noqa: ANN401 - as click hands them over
    code = guarded(lambda: _run(values))
    click.get_current_context().exit(code)


command = click.Command(
    "gisr",
    callback=_sharpen,
    params=[
        *(click.Argument([name], metavar=name.upper()) for name in ("ms", "pan", "out")),
        *(_parameter(each) for each in _chosen_options()),
    ],
    help=_HELP,
    short_help="Pansharpen a GeoTIFF with one network.",
)
"""The command, for rasterio's program."""
