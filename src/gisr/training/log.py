"""The log of a run: JSON lines always, TensorBoard where it is installed.

:func:`read_log` gives the curves back, for figures.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import Any, Self

from gisr.errors import FileFormatError
from gisr.tasks import TaskName
from gisr.temporaries import write_error
from gisr.training.recipe import Recipe

LOG_FILE = "log.jsonl"
_EVERY = 50
"""Training values are averaged over this many steps: single batches of mixed tasks jump."""


class TrainingLog:
    """Writes ``log.jsonl`` (one JSON object a line) and, if it can, TensorBoard files."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Open, or continue, the log of a run's folder.

        Raises:
            FileFormatError: The disk refuses it.
        """
        self._values: dict[str, list[float]] = {}
        self._board: _Board | None = None
        self._lines = _Records(folder / LOG_FILE)
        try:
            if self._lines.torn:  # the run was killed in the middle of a line
                self._lines.write(b"\n")
            self._board = _Board.open(folder / "tensorboard")
            self._write({"event": "start", "time": time.time(), "recipe": recipe.record()})
        except BaseException:
            self.close()
            raise

    def training(self, step: int, seconds: float, values: dict[str, float]) -> None:
        """Add the values of a step; every 50 steps their mean is written."""
        for key, value in values.items():
            self._values.setdefault(key, []).append(value)
        if step % _EVERY == 0:
            means = {key: fmean(collected) for key, collected in self._values.items()}
            self._emit("training", step, seconds, means)
            self._values = {}

    def validation(self, step: int, seconds: float, values: dict[str, float]) -> None:
        """Write the result of a validation."""
        self._emit("validation", step, seconds, values)

    def __enter__(self) -> Self:
        """Return the log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._lines.close()
        if self._board is not None:
            self._board.close()

    def _emit(self, event: str, step: int, seconds: float, values: dict[str, float]) -> None:
        self._write({"event": event, "step": step, "seconds": round(seconds, 1), **values})
        if self._board is not None:
            for key, value in values.items():
                self._board.add(f"{event}/{key}", value, step)

    def _write(self, record: dict[str, Any]) -> None:
        self._lines.write((json.dumps(record) + "\n").encode())


class _Records:
    """A file that grows by whole records: of one that a full disk cuts, nothing is left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.torn = path.is_file() and not path.read_bytes().endswith(b"\n")
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise write_error(path, error) from error

    def write(self, record: bytes) -> None:
        before, left = self._file.tell(), record
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._file.truncate(before)
            raise write_error(self._path, error) from error

    def close(self) -> None:
        self._file.close()


class _Board:
    """TensorBoard's events, written at once: its own writer has a thread that fails by itself."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        number = time.time_ns()
        self._file = _Records(folder / f"events.out.tfevents.{number // 10**9}.{number}")
        self._event: Any = Event
        try:
            self._put(Event(wall_time=time.time(), file_version="brain.Event:2"))
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, folder: Path) -> "_Board | None":
        """Begin a file, or return None where TensorBoard is not installed (extra ``track``)."""
        if find_spec("tensorboard") is None:
            return None
        return cls(folder)

    def add(self, name: str, value: float, step: int) -> None:
        summary = {"value": [{"tag": name, "simple_value": value}]}
        self._put(self._event(wall_time=time.time(), step=step, summary=summary))

    def close(self) -> None:
        self._file.close()

    def _put(self, event: Any) -> None:  # noqa: ANN401 - tensorboard has no types
        from tensorboard.summary.writer.record_writer import RecordWriter

        record = BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        self._file.write(record.getvalue())


@dataclass(frozen=True)
class Curve:
    """The course of a value over a run."""

    steps: tuple[int, ...]
    """Optimiser steps, rising."""
    values: tuple[float, ...]
    """The value at each of them."""


@dataclass(frozen=True)
class RunLog:
    """The log of a run, over all its resumptions."""

    recipe: dict[str, Any]
    """The recipe as it was last started with (:meth:`gisr.training.recipe.Recipe.record`)."""
    training: dict[str, Curve]
    """Means over 50 steps, for example ``loss``, ``error_mri``, ``weight_depth``."""
    validation: dict[str, Curve]
    """Scores of held-out pairs by metric, task and ratio, for example ``psnr_mri_x4``."""

    def of_task(self, task: TaskName) -> dict[str, Curve]:
        """Return the validation curves of one task."""
        return {name: curve for name, curve in self.validation.items() if f"_{task}_" in name}


def read_log(folder: str | Path) -> RunLog:
    """Read the log of a run's folder.

    Where a run went on from a checkpoint it repeats steps that were lost; their last record counts.

    Raises:
        FileFormatError: There is no log, or a line of it cannot be read.
    """
    path = Path(folder) / LOG_FILE
    recipe: dict[str, Any] = {}
    points: dict[str, dict[str, dict[int, float]]] = {"training": {}, "validation": {}}
    for number, record in _records(path):
        try:
            event, step = record.pop("event"), record.pop("step", 0)
            if event == "start":
                recipe = record["recipe"]
                continue
            for name, value in record.items():
                if name != "seconds":
                    points[event].setdefault(name, {})[int(step)] = float(value)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"{path}: line {number} is not of a run ({error!r})") from error
    return RunLog(recipe, _curves(points["training"]), _curves(points["validation"]))


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines of a log with their numbers, but not what a killed run left of one."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileFormatError(
            f"{path}: there is no log of a run: name the folder of one that gisr train wrote"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: cannot read the log of a run ({error})") from error
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError as error:
            if number == len(lines) or lines[number].startswith('{"event": "start"'):
                continue  # the run was killed here
            raise FileFormatError(f"{path}: line {number} is no JSON ({error})") from error
        yield number, record


def _curves(points: dict[str, dict[int, float]]) -> dict[str, Curve]:
    return {
        name: Curve(tuple(sorted(values)), tuple(values[step] for step in sorted(values)))
        for name, values in points.items()
    }
