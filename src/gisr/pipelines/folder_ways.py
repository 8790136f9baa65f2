"""What to type for recordings of depth cameras that lie otherwise than in two like folders.

Nothing is paired here: a wrong pair would look like a result.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from gisr.io.depth.formats import NAMED_DEPTH

_TIME = re.compile(r"\d{9,}(?:\.\d+)?|\d+\.\d{3,}")
"""A file's name that is a time: seconds with decimals (TUM), or whole micro- or nanoseconds."""
_LONGEST_LIST = 4096
"""Bytes of a list that are looked at."""


def listed_frames(path: Path) -> str | None:
    """Return the way from a list of TUM's (associations.txt) to one of gisr's; None of others.

    Args:
        path: A file that was given alone.
    """
    if path.suffix.lower() != ".txt":
        return None
    with path.open("rb") as stream:
        lines = stream.read(_LONGEST_LIST).decode(errors="replace").splitlines()
    words = next((line.split() for line in lines if line.strip() and line[0] != "#"), [])
    files = [at for at, word in enumerate(words, 1) if (path.parent / word).is_file()]
    depth = [at for at in files if NAMED_DEPTH.search(words[at - 1])]
    if len(files) != 2 or len(depth) != 1:
        return None
    (target,), (guide,) = depth, [at for at in files if at not in depth]
    made = path.with_suffix(".csv")
    code = f'BEGIN {{print "target,guide"}} !/^#/ {{print ${target} "," ${guide}}}'
    return (
        f"lists frames: make a list of pairs of it (awk '{code}' {_quoted(path)} > "
        f"{_quoted(made)}) and give that: gisr upscale {_quoted(made)} -o sharp"
    )


def folders_within(folder: Path, images: Mapping[Path, Sequence[Path]]) -> str | None:
    """Return what to type for a recording with a folder of depth maps and one of pictures.

    Args:
        folder: The recording, in which there are no images.
        images: The folders in it, with the images in each.
    """
    filled = [inner for inner, found in images.items() if found]
    depth = [inner for inner in filled if NAMED_DEPTH.search(inner.name)]
    if len(filled) != 2 or len(depth) != 1:
        return None
    (target,), (guide,) = depth, [inner for inner in filled if inner not in depth]
    places = " ".join(_quoted(folder / inner.name) for inner in (target, guide))
    return f"name its two folders: gisr upscale {places} -o sharp"


def both_in_one(folder: Path, files: Sequence[Path]) -> str | None:
    """Return how to part depth maps and pictures of one folder, whose names tell them apart.

    Args:
        folder: As the user named it.
        files: The images in it.
    """
    kinds: dict[str, int] = {}
    for path in files:
        kind = re.sub(r"\d+", "*", path.name)
        kinds[kind] = kinds.get(kind, 0) + 1
    depth = [kind for kind in kinds if NAMED_DEPTH.search(kind)]
    others = [kind for kind in kinds if kind not in depth]
    if len(depth) != 1 or len(others) != 1 or kinds[depth[0]] < 2:
        return None
    if re.fullmatch(r"[\w.*-]+", others[0]) is None:  # what a shell would take apart
        return None
    pictures = f"{_quoted(folder)}/{others[0]}"
    return (
        f"depth maps and pictures lie in one folder: mkdir pictures && mv {pictures} pictures/ && "
        f"gisr upscale {_quoted(folder)} pictures -o sharp"
    )


def names_are_times(targets: Sequence[str], guides: Sequence[str]) -> bool:
    """Return whether files are named by the times at which they were taken, which seldom agree.

    Args:
        targets: Names without suffixes.
        guides: Likewise.
    """
    return all(_TIME.fullmatch(name) for name in (*targets, *guides))


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
