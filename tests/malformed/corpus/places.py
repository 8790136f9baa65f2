"""Where files lie and what they are called; and options that mean nothing."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from corpus import rasters, volumes
from corpus.case import Case, Make, refused, then, works
from corpus.depths import depth

_sound = depth("depth.png")


def output(name: str, prepare: Callable[[Path], object] = lambda path: None, *more: str) -> Make:
    """Return what writes a sound pair, prepares its output's place, and names it."""

    def write(folder: Path) -> Sequence[str]:
        words = _sound(folder)
        prepare(folder / name)
        return *words[:3], f"--output={name}", *more

    return write


def renamed(target: str, guide: str = "colour.png", result: str = "out.png") -> Make:
    """Return what gives the files of a sound pair other names."""

    def write(folder: Path) -> Sequence[str]:
        _sound(folder)
        (folder / "depth.png").rename(folder / target)
        (folder / "colour.png").rename(folder / guide)
        return "upscale", f"--output={result}", "--", target, guide

    return write


def named_only(target: str) -> Make:
    """Return what names a target that is not there."""
    return lambda folder: ("upscale", target, _sound(folder)[2], "-o", "out.png")


def with_words(make: Make, *more: str) -> Make:
    return lambda folder: (*make(folder), *more)


def link_to(name: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(name)


def hard_link_to(name: str) -> Callable[[Path], object]:
    return lambda path: os.link(path.with_name(name), path)


def sealed(folder: Path) -> Sequence[str]:
    """Write a pair into a folder that takes no new files."""
    words = _sound(folder)
    (folder / "sealed").mkdir()
    (folder / "sealed").chmod(0o555)
    return *words[:4], "sealed/out.png"


def unreadable(folder: Path) -> Sequence[str]:
    words = _sound(folder)
    (folder / "depth.png").chmod(0)
    return words


_FULL = "cannot be written"
_option = {
    "ratio-nan": refused(with_words(_sound, "--ratio", "nan"), "ratio nan"),
    "ratio-infinite": refused(with_words(_sound, "--ratio", "inf"), "ratio inf"),
    "ratio-negative": refused(with_words(_sound, "--ratio=-4"), "ratio -4"),
    "ratio-1000": refused(with_words(_sound, "--ratio", "1000"), "ratio 1000"),
    "ratio-text": refused(with_words(_sound, "--ratio", "x4"), "--ratio x4: must be a number"),
    "grid-unknown": refused(with_words(_sound, "--grid", "middle"), "grid 'middle' must be"),
    "task-unknown": refused(with_words(_sound, "--task", "sharpen"), "task 'sharpen' must be"),
    "task-other": refused(with_words(_sound, "--task", "mri"), "colour.png: a colour picture"),
    "bits-of-depth": refused(
        with_words(_sound, "--bits", "8"),
        "bits 8 is for another kind of images (satellite image or multiband image) than these",
    ),
    "bits-99": refused(with_words(rasters.sound, "--bits", "99"), "bits 99"),
    "bits-0": refused(with_words(rasters.sound, "--bits", "0"), "bits 0"),
    "mtf-2": refused(with_words(rasters.sound, "--mtf", "2"), "mtf 2 must lie between 0 and 1"),
    "contrast-unknown": refused(with_words(volumes.sound, "--contrast", "T9"), "contrast 'T9'"),
    "describe-nothing": refused(with_words(_sound, "--describe", " "), "describe is empty"),
    "threads-0": refused(with_words(_sound, "--threads", "0"), "threads 0 must be at least 1"),
    "threads-text": refused(with_words(_sound, "--threads", "two"), "--threads two: must be a who"),
    "memory-nothing": refused(with_words(rasters.sound, "--max-memory", "0GB"), "'0GB' must be"),
    "align-unknown": refused(with_words(_sound, "--align", "maybe"), "align 'maybe' must be"),
    "creation-option-unknown": refused(
        with_words(rasters.sound, "-co", "A=B"), "creation option 'A' is not one of GDAL's"
    ),
    "creation-option-of-nothing": refused(
        with_words(rasters.sound, "-co", "COMPRESS=MAGIC"), "creation option COMPRESS=MAGIC"
    ),
    "nothing-given": refused(lambda folder: ("upscale",), "required: --output"),
    "no-guide": refused(
        lambda folder: (*_sound(folder)[:2], "-o", "out.png"), "depth.png: name the guide after it"
    ),
    "no-recipe": refused(lambda folder: ("train",), "required: recipe (see gisr train --help)"),
}
CASES: dict[str, Case] = {
    **{f"option-{name}": case for name, case in _option.items()},
    "output-exists": refused(output("out.png", Path.touch), "out.png: exists already"),
    "output-is-folder": refused(output("out.png", Path.mkdir), "out.png: is a folder"),
    "output-in-no-folder": refused(output("no/out.png"), "no/out.png: the folder no does not"),
    "output-below-a-file": refused(output("depth.png/out.png"), "depth.png/out.png: "),
    "output-too-long": refused(output("o" * 300 + ".png"), "cannot be written: File name too long"),
    "output-is-target": refused(
        output("depth.png", lambda path: None, "--overwrite"), "is also an"
    ),
    "output-is-target-spelt-otherwise": refused(
        output("./../{folder}/depth.png", lambda path: None, "--overwrite"), "is also an input"
    ),
    "output-links-to-target": refused(
        output("out.png", link_to("depth.png"), "--overwrite"), "out.png: is also an input"
    ),
    "output-hard-link-to-target": refused(
        output("out.png", hard_link_to("depth.png"), "--overwrite"), "out.png: is also an input"
    ),
    "output-hard-link-to-guide": refused(
        output("out.png", hard_link_to("colour.png"), "--overwrite"), "out.png: is also an input"
    ),
    "output-links-nowhere": refused(output("out.png", link_to("no/where")), "out.png: exists alr"),
    "output-is-device": refused(
        output("out.png", link_to("/dev/full"), "--overwrite"), "out.png: is no regular file"
    ),
    "output-is-pipe": refused(
        output("out.png", os.mkfifo, "--overwrite"), "out.png: is no regular file"
    ),
    "output-in-proc": refused(output("/proc/out.png"), "/proc/out.png: cannot be written"),
    "output-in-sealed-folder": Case(
        sealed, ("sealed/out.png: cannot be wri",), without_rights=True
    ),
    "output-disk-full": Case(_sound, ("out.png: cannot be written",), largest_file=1000),
    "output-of-scene-disk-full": Case(
        rasters.sound, ("out.tif: cannot be written",), largest_file=1000
    ),
    "output-of-volume-disk-full": Case(
        volumes.sound, ("out.nii: cannot be written",), largest_file=1000
    ),
    "input-unreadable": Case(unreadable, ("depth.png: cannot be read",), without_rights=True),
    "input-links-to-itself": refused(
        then(_sound, "depth.png", link_to("depth.png")), "depth.png: "
    ),
    "input-is-address": refused(named_only("http://localhost/depth.png"), "it is an address"),
    "input-is-prefix-of-gdal": refused(named_only("GTIFF_DIR:1:depth.png"), "a part of a file"),
    "input-is-archive-of-gdal": refused(named_only("/vsizip/depth.zip/depth.png"), "in an archive"),
    "input-has-no-name": refused(named_only(""), "target is empty: give it a value"),
    "input-has-escapes": refused(named_only("\x1b[2Jdepth.png"), "\\x1b[2Jdepth.png: no such file"),
    "input-too-long": refused(named_only("d" * 5_000), "File name too long"),
    "name-with-spaces": works(renamed("a depth.png", "a colour.png", "an out.png")),
    "name-with-unicode": works(renamed("tiefe-ä-深度.png", "farbe-é.png", "aus-ö.png")),
    "name-with-newline": works(renamed("a\ndepth.png", "a\ncolour.png", "an\nout.png")),
    "name-with-dash": works(renamed("-depth.png", "--guide.png", "-out.png")),
    "name-with-quotes": works(renamed("a'b\"c.png", "$(x).png", "%s{}.png")),
    "name-not-utf-8": works(renamed("depth-\udcff.png", "colour-\udcff.png", "out-\udcff.png")),
    "name-of-scene-with-newline": works(
        lambda folder: (*rasters.sound(_inside(folder, "a\nb"))[:1], *_joined("a\nb"))
    ),
}


def _inside(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _joined(name: str) -> tuple[str, ...]:
    return f"{name}/ms.tif", f"{name}/pan.tif", "-o", f"{name}/out.tif"
