"""The words of ``gisr upscale``: GDAL's spellings in gisr's own, and what to type for others."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_origin

from gisr.apps.option_arguments import repeated_flags
from gisr.apps.upscale_help import help_topics
from gisr.errors import InputError, meant
from gisr.pipelines.execution import Execution
from gisr.pipelines.option import Option, options_of
from gisr.pipelines.options import Options

_OUTPUT = ("-o", "--output")
_SIDES = ("--target", "--guide")
"""Options that take all files that follow: those of one side."""
_OPTIONS: dict[str, Option] = {
    spelling: each
    for kind in (Options, Execution)
    for each in options_of(kind).values()
    for spelling in (each.flag, *each.info.spellings, *filter(None, [each.negative]))
}
"""Options by every spelling."""
_REPEATED = repeated_flags(Options)
"""Options that are given once for every value, as GDAL has them."""
_RENAMED = {
    "-bitdepth": "--bits",
    "-nbits": "--bits",
    "-a_nodata": "--nodata",
    "-srcnodata": "--nodata",
    "-dstnodata": "--nodata",
    "-num_threads": "--threads",
    "--num-threads": "--threads",
    "-j": "--threads",
    "--co": "-co",
    "-output": "--output",
}
"""Options of GDAL's programs that gisr has under another name."""
_FORMATS = ("-of", "-f", "--of", "--format", "--output-format")
_OTHERWISE = {
    "-q": "write --quiet",
    "-quiet": "write --quiet",
    "-w": "the network weighs the bands itself: leave it out",
    "-r": "the network replaces the interpolation: leave it out",
    "-ot": "the output keeps the type of the MS file: convert it afterwards (gdal_translate -ot)",
    "-scale": "values keep their unit: scale the output afterwards (gdal_translate -scale)",
    "-spat_adjust": "the output lies on the PAN grid: cut it afterwards (gdal_translate -projwin)",
    "-projwin": "cut both files before (gdal_translate -projwin)",
    "-srcwin": "cut both files before (gdal_translate -projwin)",
    "-te": "the output lies on the PAN grid: cut it afterwards (gdal_translate -projwin)",
    "-tr": "the output lies on the PAN grid: warp it afterwards (gdalwarp -tr)",
    "-t_srs": "the output lies on the PAN grid: warp it afterwards (gdalwarp -t_srs)",
    "-s_srs": "give the file its system before (gdal_edit.py -a_srs)",
    "-a_srs": "give the file its system before (gdal_edit.py -a_srs)",
    "-mask": "masks are read from the files and kept: leave it out",
    "--config": "set it for the process: NAME=VALUE gisr upscale ...",
}
"""Options of GDAL's programs that gisr has not, and what to do instead."""
_TIFF = re.compile(r"\.(tiff?|jp2|img|vrt)$", re.IGNORECASE)
_VALUE = re.compile(r"[^./\\]+")
"""What names no file: files have a suffix or lie in a folder."""
_NUMBER = re.compile(r"-(\d|\.\d|inf|nan)", re.IGNORECASE)


def upscale_words(arguments: Sequence[str]) -> list[str]:
    """Return the words after ``gisr upscale`` as the parser takes them.

    ``-of COG -overwrite -nodata -3.4e38 -b 1 -b 3`` gives ``--cog --overwrite --nodata=-3.4e38
    --band 1 3``.

    Raises:
        InputError: An option of GDAL that gisr has not, or more files than two; it says what to
            type.
    """
    if {"-h", "--help"} & set(arguments):
        return list(arguments)
    words, files = list[str](), list[str]()
    arguments, sides = _without_sides(arguments)
    waiting = iter(arguments)
    for word in waiting:
        if word == "--":
            files += (rest := list(waiting))
            words += [word, *rest]
        elif not word.startswith("-") or word == "-" or _NUMBER.match(word):
            _check_no_value(words, word)
            files.append(word)
            words.append(word)
        else:
            words += _option(word, waiting)
    known = all(_known(word) for word in words if word.startswith("--"))
    if len(files) > 2 and known:  # else one may be the value of what the parser refuses
        raise InputError(_too_many(files, _given_output(words)))
    if len(files) == 2 and known and not any(_is_output(word) for word in words):
        typed = shlex.join(["gisr", "upscale", *files, "-o", _output_for(files[0])])
        raise InputError(f"name the output after -o: {typed}")
    for word in words:
        _check_known(word)
    return gather_repeated(words) + sides


def _check_no_value(before: Sequence[str], word: str) -> None:
    """Refuse a second value after an option that is given once for each: ``-b 1 2``.

    Raises:
        InputError: The word follows such a value, and is no file; it says what to type.
    """
    option, value = before[-2:] if len(before) > 1 else ("", "")
    if option in _REPEATED and _VALUE.fullmatch(word) and not Path(word).exists():
        raise InputError(
            f"{option} {value} {word}: {option} takes one value: write {option} {value} {option} "
            f"{word}"
        )


def _without_sides(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate ``--target a b --guide c`` from the other words.

    ``--target a --target b`` is the same as ``--target a b``.
    """
    kept, owner = list[str](), None
    files: dict[str, list[str]] = {}
    for word in arguments:
        name, equals, value = word.partition("=")
        if name in _SIDES:
            owner = files.setdefault(name, [])
            owner += [value] if equals else []
        elif owner is not None and not word.startswith("-"):
            owner.append(word)
        else:
            owner = None
            kept.append(word)
    return kept, [word for name, named in files.items() for word in (name, *named)]


def gather_repeated(arguments: Sequence[str]) -> list[str]:
    """Move options that are given once for every value to the end, each with all of its values.

    ``upscale -b 1 -b 3 a b`` gives ``upscale a b --band 1 3``: of an option given twice, the parser
    of a command keeps the last.
    """
    values: dict[str, list[str]] = {}
    kept, waiting = list[str](), iter(arguments)
    for word in waiting:
        name, _, value = word.partition("=")
        if name not in _REPEATED:
            kept.append(word)
            continue
        name = _REPEATED[name]
        given = value or next(waiting, None)
        values.setdefault(name, []).extend([] if given is None else [given])
    return kept + [word for name, words in values.items() for word in (name, *words)]


def _option(word: str, waiting: Iterator[str]) -> list[str]:
    """Return an option with its value, which is taken from the words that follow it."""
    name, equals, value = word.partition("=")
    if name in _OTHERWISE:
        raise InputError(f"{name}: is no option of gisr upscale: {_OTHERWISE[name]}")
    if name in _FORMATS:
        return _format(name, value if equals else next(waiting, ""))
    name = _own_name(name)
    glued = _glued(name)
    if glued is not None and name not in _OPTIONS:
        return [*glued] if not equals else [glued[0], glued[1] + equals + value]
    each = _OPTIONS.get(name)
    flag = each is not None and each.type is bool
    if equals or flag or (each is None and name not in _OUTPUT):
        return [name + equals + value]
    following = next(waiting, None)
    if following is None:
        return [name]
    if each is not None and each.name == "threads" and following.upper() == "ALL_CPUS":
        following = str(_cores())
    if each is not None and each.name == "task":
        following = help_topics().get(following.lower(), following)
    # A number such as -3.4e38 would be read as an option.
    if following.startswith("-") and each is not None and get_origin(each.type) is not tuple:
        return [f"{name}={following}"]
    return [name, following]


def _own_name(name: str) -> str:
    """Return gisr's spelling of an option; what is no option is left to the parser.

    Raises:
        InputError: A word with one hyphen, which the parser would take for the value of another
            option: ``-overwrit`` for ``-o verwrit``.
    """
    name = _RENAMED.get(name, name)
    if name in _OPTIONS or name in _OUTPUT or name.startswith("--"):
        return name
    long = "-" + name.replace("_", "-")
    if long in _OPTIONS or long in _OUTPUT:
        return long
    if len(name) > 2 and _glued(name) is None:
        raise InputError(f"{name}: is no option of gisr upscale: see gisr upscale --help")
    return name


def _glued(name: str) -> tuple[str, str] | None:
    """Return option and value of ``-oout.tif`` and ``-b3``, which are written in one word."""
    rest = name[2:]
    if name.startswith("-o") and re.search(r"[./\\]", rest):
        return "-o", rest
    return ("-b", rest) if name.startswith("-b") and rest.isdecimal() else None


def _format(option: str, name: str) -> list[str]:
    if name.upper() in ("COG", "GTIFF"):
        return ["--cog"] if name.upper() == "COG" else []
    raise InputError(
        f"{option} {name}: satellite images are written as GTiff or COG: convert the output "
        f"afterwards (gdal_translate -of {name or 'FORMAT'} out.tif ...); other images are written "
        "in the format that the name after -o has"
    )


def _given_output(words: Sequence[str]) -> str:
    """Return the output that is named, nothing where none is."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if _is_output(word):
            return word.partition("=")[2] or following
    return ""


def _too_many(files: Sequence[str], given: str) -> str:
    """Return what to type in place of more than two files."""
    if len(files) == 3 and not given:
        low, high, out = files
        return (
            f"{out}: the output is named after -o: "
            f"{shlex.join(['gisr', 'upscale', low, high, '-o', out])} (the multispectral file, MR "
            "or depth image to sharpen first, its guide second)"
        )
    named = f"{len(files)} files ({', '.join(files[:4])}{', ...' if len(files) > 4 else ''})"
    if all(_TIFF.search(name) for name in files):
        *bands, guide, out = [*files, given] if given else files
        words = ["gisr", "upscale", "--target", *bands, "--guide", guide, "-o", out]
        return f"{named}: to stack them, name the files of each side: {shlex.join(words)}"
    return (
        f"{named}: gisr upscale takes two files, then -o OUTPUT: for several pairs name their "
        "folders, or a list of pairs (.csv)"
    )


def _check_known(word: str) -> None:
    """Refuse a misspelt option, with the spelling that is like it.

    Raises:
        InputError: There is one; others are left to the parser.
    """
    name = word.partition("=")[0]
    if not word.startswith("--") or _known(word):
        return
    if remedy := meant(name, [*_OPTIONS, *_OUTPUT], alike=0.7):
        raise InputError(f"{name}: is no option of gisr upscale: {remedy}")


def _output_for(target: str) -> str:
    """Return a name for an output: a folder for a folder or a list, else the target's suffix."""
    path = Path(target)
    suffix = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:])
    return "sharp" + ("" if path.is_dir() or suffix == ".csv" else suffix)


def _known(word: str) -> bool:
    name = word.partition("=")[0]
    return name in _OPTIONS or name in _OUTPUT or name == "--"


def _is_output(word: str) -> bool:
    return word in _OUTPUT or word.startswith("--output=") or word.startswith("-o=")


def _cores() -> int:
    available = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(available(0)) if available else os.cpu_count() or 1
