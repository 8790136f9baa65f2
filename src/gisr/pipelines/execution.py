"""Options of a command that do not change a result: weights, device, processes."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from gisr.errors import InputError
from gisr.pipelines.option import check_value, option, options_of


@dataclass(frozen=True)
class Execution:
    """Where and how the work is done; it does not change a result."""

    section: ClassVar[str] = "Where and how the work is done"
    """Heading in the help."""

    model: str | None = option(
        None,
        "Weights: a built-in name (see `gisr models`), a folder, or a Hugging Face hub id, "
        "hf:owner/name.",
    )
    device: str | None = option(
        None,
        "cpu, cuda, cuda:1 and so on; CUDA where there is one, else the CPU, when left out.",
    )
    threads: int | None = option(
        None,
        "CPU threads; as many as torch finds good when left out.",
        spellings=("-threads",),
        least=1,
    )
    workers: int | None = option(
        None, "Sharpen several pairs in this many processes of this machine.", least=1
    )
    scheduler: str | None = option(
        None,
        "Sharpen several pairs on the Dask cluster whose scheduler has this address, for example "
        "tcp://10.0.0.1:8786 (needs the extra scale).",
    )
    skip_existing: bool = option(False, "Of several pairs, leave out those whose output exists.")
    watch: bool = option(
        False,
        "Of two folders, sharpen every pair as it arrives, until Ctrl-C or SIGTERM.",
    )
    quiet: bool = option(False, "Print nothing but errors.")
    progress: Literal["bar", "json"] = option(
        "bar",
        "bar (on a terminal), or json: for programs that show it themselves, lines such as "
        '{"done": 5, "total": 20, "unit": "px"} on stderr, at most five a second.',
    )
    verbose: bool = option(
        False, "Print all that was assumed and measured; else a run prints three lines at most."
    )

    def __post_init__(self) -> None:
        """Refuse numbers out of range.

        Raises:
            InputError: No thread, or no process, two of workers, a scheduler and watch, or progress
                of what other processes do.
        """
        for each in options_of(Execution).values():
            check_value(each, getattr(self, each.name))
        if self.workers is not None and self.scheduler is not None:
            raise InputError("workers and scheduler exclude each other: give one of them")
        if self.progress == "json" and (self.workers, self.scheduler) != (None, None):
            raise InputError(
                "progress json is that of one process: leave workers and scheduler out"
            )
        if self.watch and (self.workers is not None or self.scheduler is not None):
            raise InputError("watch sharpens in this process: leave workers and scheduler out")
