"""Where the time of `gisr upscale` goes: CPU seconds and samples read, stage by stage.

    python benchmarks/profile_command.py --sides 500 2000 --threads 1 2

Generated satellite pairs: four bands at ratio 4, 16 bits, deflate, blocks of 512. Every stage has
its own CPU seconds (of all threads that gisr started, without those of stages within it) and the
megabytes of samples that were read from the files for it. *start* is all until the network's
weights are there; what threads of libraries took is in *rest*. Of the process as a whole: seconds
by the clock, bytes read and written as Linux counts them, and peak memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

from whole_command import write_scene

STAGES = (
    *("start", "survey", "alignment", "sensor model", "prompt", "interpolation and bounds"),
    *("network", "blending", "consistency", "reading", "writing", "rest"),
)


class _Stack(threading.local):
    """The stages that a thread is in."""

    def __init__(self) -> None:
        self.open = ["rest"]
        self.since = time.thread_time()


class Stages:
    """CPU seconds and samples by stage; a stage within another counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.samples: dict[str, int] = defaultdict(int)
        self._stack, self.lock = _Stack(), threading.Lock()
        self._stack.open, self._stack.since = ["start"], 0.0

    @property
    def open(self) -> list[str]:
        return self._stack.open

    def _settle(self) -> None:
        now = time.thread_time()
        with self.lock:
            self.seconds[self.open[-1]] += now - self._stack.since
        self._stack.since = now

    def enter(self, name: str) -> None:
        self._settle()
        self.open.append(name)

    def leave(self) -> None:
        self._settle()
        self.open.pop()

    def replace(self, name: str) -> None:
        """Let what is not in any stage count for another one from now on."""
        self._settle()
        self.open[0] = name

    def called(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose calls are a stage."""

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any function's
            self.enter(name)
            try:
                return function(*args, **kwargs)
            finally:
                self.leave()

        return timed

    def iterated(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a generator function whose steps are a stage."""

        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401 - any generator's
            steps = iter(function(*args, **kwargs))
            while True:
                self.enter(name)
                try:
                    step = next(steps)
                except StopIteration:
                    return
                finally:
                    self.leave()
                yield step

        return timed


def instrument(stages: Stages) -> None:
    """Make the parts of the command stages."""
    from gisr.inference import tile_runner, upscaler, windowed_pair
    from gisr.inference.tile_runner import TileJob
    from gisr.io.geotiff import GeoReader, GeoWriter
    from gisr.pipelines import raster_source, scene

    def wrap(owner: Any, attribute: str, stage: str, *, steps: bool = False) -> None:  # noqa: ANN401
        way = stages.iterated if steps else stages.called
        setattr(owner, attribute, way(stage, getattr(owner, attribute)))

    source = windowed_pair.PairSource
    for owner, name, stage in (
        (raster_source.RasterSource, "survey", "survey"),
        (source, "sensor_model", "sensor model"),
    ):
        cached = owner.__dict__[name]
        cached.func = stages.called(stage, cached.func)
    wrap(source, "align", "alignment")
    wrap(TileJob, "take_prompt", "prompt")
    wrap(TileJob, "_prompt_images", "prompt")
    wrap(TileJob, "_prompt_from", "prompt")
    wrap(TileJob, "_work", "interpolation and bounds")
    wrap(TileJob, "sharpened", "interpolation and bounds", steps=True)
    wrap(source, "cut", "interpolation and bounds")
    wrap(TileJob, "_network", "network")
    wrap(upscaler, "blended", "blending", steps=True)
    wrap(tile_runner, "blended", "blending", steps=True)
    wrap(scene, "consistent_rows", "consistency", steps=True)
    wrap(scene, "_write_scene", "writing")
    for name in ("write", "write_unknown", "finish"):
        wrap(GeoWriter, name, "writing")
    read = GeoReader.read

    def counted(self: GeoReader, rows: slice, columns: slice) -> Any:  # noqa: ANN401
        wanted = next((s for s in reversed(stages.open) if s not in INNER), stages.open[0])
        stages.enter("reading")
        try:
            pixels, valid = read(self, rows, columns)
        finally:
            stages.leave()
        with stages.lock:
            stages.samples[wanted] += pixels.nbytes
        return pixels, valid

    GeoReader.read = counted  # type: ignore[method-assign]


INNER = ("interpolation and bounds", "reading", "writing")
"""Stages that read for the one that they lie in."""


def child(words: list[str]) -> None:
    """Run the command in this process, and print what its stages took."""
    began, stages = time.perf_counter(), Stages()
    from gisr.apps.cli import main
    from gisr.pipelines import run

    real = run.upscale_request

    def begin(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        instrument(stages)
        stages.replace("rest")
        return real(*args, **kwargs)

    run.upscale_request = begin
    code = main(words)
    stages.replace("rest")
    stages.seconds["rest"] += time.process_time() - sum(stages.seconds.values())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    moved = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    found = {
        "code": code,
        "seconds": stages.seconds,
        "samples": stages.samples,
        "clock": time.perf_counter() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
        "read": int(moved["rchar"]),
        "written": int(moved["wchar"]),
    }
    print(json.dumps(found))


def measured(side: int, threads: int, options: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        files = write_scene(Path(name), side)
        words = ["upscale", *map(str, files), "-o", f"{name}/out.tif", "--quiet"]
        words += ["--device", "cpu", "--threads", str(threads), *options]
        done = subprocess.run(
            [sys.executable, __file__, "--child", *words],
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    if not found or found["code"]:
        raise SystemExit(done.stderr)
    return found


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    chosen, options = parser.parse_known_args()
    runs = {
        f"{side}, {threads} thread{'s' * (threads > 1)}": measured(side, threads, options)
        for side in chosen.sides
        for threads in chosen.threads
    }
    print("| stage |", " | ".join(f"{name}: CPU s | MB read" for name in runs), "|")
    print("|---" * (1 + 2 * len(runs)) + "|")
    for stage in STAGES:
        cells = (
            f"{each['seconds'].get(stage, 0):.2f} | {each['samples'].get(stage, 0) / 1e6:.1f}"
            for each in runs.values()
        )
        print(f"| {stage} |", " | ".join(cells), "|")
    print(
        "| all |",
        " | ".join(
            f"{each['cpu']:.2f} | {sum(each['samples'].values()) / 1e6:.1f}"
            for each in runs.values()
        ),
        "|",
    )
    print()
    for name, each in runs.items():
        print(
            f"{name}: {each['clock']:.1f} s by the clock, {each['read'] / 1e6:.1f} MB read and "
            f"{each['written'] / 1e6:.1f} written by the process, peak {each['peak'] / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
