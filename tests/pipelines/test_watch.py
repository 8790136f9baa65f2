"""Pairs of folders into which files are still written."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gisr.errors import InputError
from gisr.pipelines.batch import BatchItem
from gisr.pipelines.options import Options
from gisr.pipelines.watch import Arrivals


class Ended(Exception):
    """No step is left."""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    places = tmp_path / "depth", tmp_path / "colour", tmp_path / "out"
    for place in places:
        place.mkdir()
    return places


def watch(
    folders: tuple[Path, Path, Path],
    *steps: Callable[[], object],
    options: Options | None = None,
    skip_existing: bool = False,
    told: list[str] | None = None,
) -> tuple[Arrivals, list[BatchItem]]:
    """Look at the folders before the first step and after each, and return what came."""
    waiting: Iterator[Callable[[], object]] = iter(steps)

    def pause() -> None:
        step = next(waiting, None)
        if step is None:
            raise Ended
        step()

    say = (lambda line: None) if told is None else told.append
    arrivals = Arrivals(
        *folders, options or Options(), skip_existing=skip_existing, pause=pause, tell=say
    )
    found = list[BatchItem]()
    with pytest.raises(Ended):
        for item in arrivals:
            found.append(item)
            arrivals.written.add(item.output)
    return arrivals, found


def names(items: list[BatchItem]) -> list[tuple[str, str]]:
    return [(item.target.name, item.guide.name) for item in items]


def nothing() -> None:
    pass


def write(path: Path, content: bytes = b"1") -> Callable[[], object]:
    return lambda: path.write_bytes(content)


def grow(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"more")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def test_a_file_counts_when_it_has_stopped_to_grow(folders: tuple[Path, Path, Path]) -> None:
    depth, colour = folders[0] / "000001_depth.png", folders[1] / "frame-000001.color.jpg"
    steps = [write(depth), write(colour), lambda: grow(colour), lambda: grow(colour)]
    _, found = watch(folders, *steps)
    assert found == []
    colour.unlink()
    _, found = watch(folders, *steps, nothing, nothing)
    assert names(found) == [("000001_depth.png", "frame-000001.color.jpg")]
    assert found[0].output == folders[2] / "000001_depth.png"


def test_files_without_content_are_not_there_yet(folders: tuple[Path, Path, Path]) -> None:
    (folders[0] / "1.png").touch()
    (folders[1] / "1.png").write_bytes(b"1")
    assert watch(folders, nothing, nothing)[1] == []


def test_pairs_come_once_in_the_order_of_arrival(folders: tuple[Path, Path, Path]) -> None:
    depth, colour, _ = folders
    steps = [
        *(write(depth / "depth_2.png"), write(colour / "rgb_2.png"), nothing),
        *(write(depth / "depth_1.png"), write(colour / "rgb_1.png"), nothing, nothing),
    ]
    _, found = watch(folders, *steps)
    assert names(found) == [("depth_2.png", "rgb_2.png"), ("depth_1.png", "rgb_1.png")]
    assert not any(item.options.overwrite for item in found)


def test_a_pair_whose_file_goes_on_comes_again(folders: tuple[Path, Path, Path]) -> None:
    depth, colour = folders[0] / "1.png", folders[1] / "1.png"
    steps = [write(depth), write(colour), nothing, lambda: grow(depth), nothing, nothing]
    _, found = watch(folders, *steps)
    assert names(found) == [("1.png", "1.png")] * 2
    assert [item.options.overwrite for item in found] == [False, True]


def test_what_waits_for_its_guide_is_known(folders: tuple[Path, Path, Path]) -> None:
    (folders[0] / "a_depth.png").write_bytes(b"1")
    arrivals, found = watch(folders, nothing)
    (reason,) = arrivals.waiting.values()
    assert found == [] and reason.startswith("a_depth.png: no guide in")
    for name in ("a_rgb.png", "a_color.png"):
        (folders[1] / name).write_bytes(b"1")
    arrivals, found = watch(folders, nothing)
    (reason,) = arrivals.waiting.values()
    assert found == [] and "2 guides may belong to it" in reason


def test_outputs_that_are_there_are_left_alone(folders: tuple[Path, Path, Path]) -> None:
    for folder in folders:
        (folder / "1.png").write_bytes(b"1")
    arrivals, found = watch(folders, nothing, nothing, skip_existing=True)
    assert (found, arrivals.skipped) == ([], 1)
    _, found = watch(folders, nothing)
    assert [item.options.overwrite for item in found] == [False]


def test_three_folders_are_needed(folders: tuple[Path, Path, Path]) -> None:
    depth, colour, _ = folders
    with pytest.raises(InputError, match="need three folders"):
        watch((depth, colour, depth))
    with pytest.raises(InputError, match="is no folder"):
        watch((depth, depth / "missing", colour))
    with pytest.raises(InputError, match="mask names one file"):
        watch(folders, options=Options(fill_holes=True, mask="mask.png"))


def test_files_of_other_formats_are_told_once_when_they_are_complete(
    folders: tuple[Path, Path, Path],
) -> None:
    told = list[str]()
    volume, photo = folders[0] / "a.mgz", folders[0] / "b.jpg"
    steps = [write(volume), lambda: grow(volume), nothing]
    watch(folders, *steps[:2], told=told)
    assert told == []
    watch(folders, *steps, write(photo), write(folders[1] / "c.jpg"), nothing, nothing, told=told)
    assert [line.split(",")[0] for line in told] == [
        "left out: a.mgz is a volume of another format",
        "left out: b.jpg is a JPEG",
    ]
