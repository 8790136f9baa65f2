"""What a run says of itself: JSON lines always, TensorBoard where it is installed."""

import json
import time
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from gisr.training.recipe import Recipe

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_EVERY = 50
"""Training values are averaged over this many steps: single batches of mixed tasks jump."""


class TrainingLog:
    """Writes ``log.jsonl`` (one JSON object a line) and, if it can, TensorBoard files."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        """Open, or go on with, the log of a run's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "log.jsonl"
        torn = path.is_file() and not path.read_bytes().endswith(b"\n")
        self._lines: TextIO = path.open("a", encoding="utf-8")
        if torn:  # the run was killed in the middle of a line
            self._lines.write("\n")
        self._board = _tensorboard(folder)
        self._values: dict[str, list[float]] = {}
        self._write({"event": "start", "time": time.time(), "recipe": recipe.record()})

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
        self._lines.close()
        if self._board is not None:
            self._board.close()

    def _emit(self, event: str, step: int, seconds: float, values: dict[str, float]) -> None:
        self._write({"event": event, "step": step, "seconds": round(seconds, 1), **values})
        if self._board is not None:
            for key, value in values.items():
                self._board.add_scalar(f"{event}/{key}", value, step)

    def _write(self, record: dict[str, Any]) -> None:
        self._lines.write(json.dumps(record) + "\n")
        self._lines.flush()


def _tensorboard(folder: Path) -> "SummaryWriter | None":
    """Return a TensorBoard writer, or None where TensorBoard is not installed (extra ``track``)."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
