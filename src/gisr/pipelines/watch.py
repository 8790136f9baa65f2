"""Two folders into which files are still written: their pairs, each when it is complete."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from gisr.errors import InputError, PairError
from gisr.pipelines.batch import BatchItem
from gisr.pipelines.folder_pairs import (
    GUIDE_SUFFIXES,
    TARGET_SUFFIXES,
    guide_of,
    image_files,
    unread_files,
    why_unread,
)
from gisr.pipelines.numbered import guides_by_number
from gisr.pipelines.options import Options

State = tuple[int, int]
"""Size and time of the last change of a file, ns."""


class Arrivals:
    """The pairs of two folders, in the order in which they become complete; there is no last one.

    A file is complete when two looks at it, a pause apart, see the same size and time. A writer
    that paused longer is found out when it goes on: the pair then comes again.
    """

    def __init__(
        self,
        targets: Path,
        guides: Path,
        output: Path,
        options: Options,
        *,
        skip_existing: bool,
        pause: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        """Look at the folders, which may be empty.

        Args:
            targets: Folder of the low-resolution images.
            guides: Folder of the others.
            output: Folder of the outputs.
            options: For all pairs.
            skip_existing: Whether pairs with an output are left alone.
            pause: Waits between two looks.
            tell: Called once for each file of a format that is not read, when it is complete.

        Raises:
            InputError: A folder is missing, or two are one.
        """
        places = [path.resolve() for path in (targets, guides, output)]
        for path in (targets, guides):
            if not path.is_dir():
                raise InputError(f"watch {path}: is no folder: name the two folders that fill")
        if len(set(places)) < 3:
            raise InputError(
                "watch: targets, guides and outputs need three folders: an output would be taken "
                "for a file that arrives"
            )
        for name in options.further_files:
            raise InputError(f"{name} names one file: give it with one pair, not with several")
        self._targets, self._guides, self._output = places
        self._options, self._skip, self._pause, self._tell = options, skip_existing, pause, tell
        self._told: set[Path] = set()
        self._seen: dict[Path, State] = {}
        self._given: dict[Path, tuple[State, State]] = {}
        self.skipped = 0
        """Pairs whose outputs were there already."""
        self.waiting: dict[Path, str] = {}
        """Targets without a guide so far, and why."""
        self.written: set[Path] = set()
        """Outputs of this run, which the caller adds: they are replaced when a pair comes again."""

    def __iter__(self) -> Iterator[BatchItem]:
        """Yield pairs for ever."""
        while True:
            yield from self._complete()
            self._pause()

    def _complete(self) -> Iterator[BatchItem]:
        """Yield the pairs that were complete at the last look and still are."""
        low, high = self._settled()
        numbers = guides_by_number(low, high) if low and high else {}
        self.waiting = {}
        for target in low:
            try:
                guide = guide_of(target, high, numbers) if high else None
            except PairError as error:
                self.waiting[target] = str(error)
                continue
            if guide is None:
                self.waiting[target] = f"{target.name}: no guide in {self._guides} yet"
            elif (item := self._item(target, guide)) is not None:
                yield item

    def _settled(self) -> tuple[list[Path], list[Path]]:
        """Return the complete files of both folders."""
        before, folders = self._seen, []
        self._seen = {}
        places = ((self._targets, TARGET_SUFFIXES), (self._guides, GUIDE_SUFFIXES))
        for folder, suffixes in places:
            found = {path: _state(path) for path in image_files(folder, suffixes)}
            states = {path: state for path, state in found.items() if state is not None}
            self._seen |= states
            folders.append([path for path, state in states.items() if before.get(path) == state])
            self._leave_out(set(unread_files(folder, suffixes)), before)
        return folders[0], folders[1]

    def _leave_out(self, unread: set[Path], before: dict[Path, State]) -> None:
        """Tell of complete files that are of other formats, each once."""
        for path in sorted(unread - self._told):
            state = _state(path)
            if state is None:
                continue
            self._seen[path] = state
            if before.get(path) == state:
                self._told.add(path)
                self._tell(f"left out: {why_unread(path)}")

    def _item(self, target: Path, guide: Path) -> BatchItem | None:
        """Return a pair that was not given as it is now."""
        state, output = (self._seen[target], self._seen[guide]), self._output / target.name
        if self._given.get(target) == state:
            return None
        first = target not in self._given
        self._given[target] = state
        if first and self._skip and output.exists():
            self.skipped += 1
            return None
        again = self._options.overwrite or output in self.written
        return BatchItem(target, guide, output, replace(self._options, overwrite=again))


def _state(path: Path) -> State | None:
    """Return a file's size and time; None where it is gone or holds nothing yet."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if found.st_size else None


__all__ = ["Arrivals"]
