"""What every task's pipeline does: recognise, read, check, run and show the files of a task."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic

from gisr.errors import InputError
from gisr.io.geotiff import BandStack
from gisr.io.limits import Limits
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult, Files, Request
from gisr.tasks import Task
from gisr.windows import Window

if TYPE_CHECKING:  # torch takes seconds to load
    from gisr.data.pair import Pair
    from gisr.inference.answers import Check, Progress
    from gisr.inference.system import PairSystem
    from gisr.pipelines.layers import Layers, Plane, Truth

LARGEST_VALUE = 1e38
"""A third of what float32 holds, in which is computed: interpolation overshoots."""


class Pipeline(ABC, Generic[Files]):
    """The files of one task, from two inputs to an output."""

    task: ClassVar[Task]

    @abstractmethod
    def recognises(self, target: Path, guide: Path) -> bool:
        """Return whether two files look like a pair of this task.

        Raises:
            PairError: They could be of this task or of another.
            FileFormatError: A file is missing or damaged.
        """

    @abstractmethod
    def read(self, target: Path, guide: Path, options: Options, limits: Limits) -> Files:
        """Read two files and place them; of files that may be large, the headers.

        Raises:
            GisrError: They cannot be read, or do not fit together or to the options.
        """

    def read_stacks(
        self, target: BandStack, guide: BandStack, options: Options, limits: Limits
    ) -> Files:
        """Read two stacks of band files and place them, as :meth:`read` does two files.

        Raises:
            InputError: The task's images are not delivered so.
            GisrError: As :meth:`read`.
        """
        raise InputError(
            f"several files a side and products are for satellite images, not for "
            f"{self.task.title}: name one file a side, or leave the task out"
        )

    @abstractmethod
    def check(self, request: Request[Files]) -> None:
        """Refuse what only the samples show, before the network is loaded.

        Raises:
            InputError: Nothing is known, or values that cannot be used.
            PairError: The requested ratio does not match the files.
            FileFormatError: A file is damaged, or the output cannot hold the target's values.
            LimitError: A file does not fit into memory.
        """

    @abstractmethod
    def run(
        self,
        system: "PairSystem",
        request: Request[Files],
        check: "Check",
        progress: "Progress | None",
    ) -> FileResult:
        """Sharpen the target and write all outputs, which appear together or not at all.

        Args:
            system: What sharpens pairs.
            request: Read and checked.
            check: Called before every answer of a network; what it raises ends the run.
            progress: Called with (steps done, steps in all), in the task's unit of progress.

        Raises:
            GisrError: The values cannot be used, an output cannot be written, memory does not
                suffice, or what the check raises.
        """

    @abstractmethod
    def summary(self, request: Request[Files]) -> str:
        """Return what the files are, in one line: sizes, types, ratio."""

    @abstractmethod
    def band_names(self, request: Request[Files]) -> tuple[str, ...]:
        """Return the names of the target's bands to choose from; nothing where there is one."""

    @abstractmethod
    def read_truth(self, path: Path, request: Request[Files], limits: Limits) -> "Truth":
        """Read a reference and check that it fits; of files that may be large, the header.

        Raises:
            PairError: It is not on the guide's grid, or has other bands than the target.
            GisrError: It cannot be read.
        """

    @abstractmethod
    def layers(
        self, request: Request[Files], interpolated: Path, truth: "Truth | None", limits: Limits
    ) -> "Layers":
        """Return the images of a finished request, read where they are shown.

        Args:
            request: With its output written.
            interpolated: The same without a network.
            truth: From :meth:`read_truth`.
            limits: What the header of the guide may claim.
        """

    def pair_in_view(
        self, request: Request[Files], pairs: "Sequence[Pair]", plane: "Plane", window: Window
    ) -> "Pair | None":
        """Return what a network is given of a part of a finished request.

        Args:
            request: With its output written.
            pairs: Those that a system without tiles was given for it: none of a file that is read
                window by window.
            plane: The plane of its layers that is shown.
            window: The part that is shown, in pixels of the plane.

        Returns:
            The pair; None where no pixel is known.

        Raises:
            InputError: Networks are given no such plane.
        """
        from gisr.inference.windowed_pair import ArraySource

        cut = ArraySource(pairs[0]).cut(window)
        return None if cut is None else cut.pair

    def band_count(self, request: Request[Files]) -> int:
        """Return how many bands the target's file has to choose from."""
        return 1

    def page_notes(self, request: Request[Files]) -> tuple[str, ...]:
        """Return notes on the layers: what of the files they do not show."""
        return ()

    @abstractmethod
    def bits(self, request: Request[Files]) -> int | None:
        """Return the significant bits of a sample; None where they are not known."""


def check_values(path: object, lowest: float, highest: float, bits: int | None = None) -> None:
    """Refuse values that float32 cannot compute with, or the bits in use cannot hold.

    Args:
        path: The file.
        lowest: Its smallest known value.
        highest: Its largest.
        bits: Bits in use; None when all are.

    Raises:
        InputError: A value is too large.
    """
    if bits is not None and highest > 2**bits - 1:
        raise InputError(
            f"{path}: holds {highest:g}, which {bits} bits cannot: correct bits or leave it out"
        )
    extreme = max(highest, lowest, key=abs)
    if abs(extreme) > LARGEST_VALUE:
        raise InputError(
            f"{path}: holds {extreme:.4g}, more than float32 can compute with "
            f"({LARGEST_VALUE:.0e}): if it stands for unknown pixels name it (--nodata or "
            "--invalid), or else divide the values by a number first"
        )
