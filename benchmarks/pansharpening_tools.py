"""`gisr upscale` beside gdal_pansharpen and OTB's BundleToPerfectSensor, as whole commands.

    python benchmarks/pansharpening_tools.py quality ../shared/data
    python benchmarks/pansharpening_tools.py speed --sides 500 1000 2000 --picture FILE.png
    python benchmarks/pansharpening_tools.py speed --gisr "--precision float32" "--device cuda"

The other tools come with Debian's gdal-bin, python3-gdal and otb-bin; one that is not installed is
named and left out, but for GDAL, whose library inside rasterio is used then (times alone).
`quality` writes the pairs of gisr's own benchmarks (Wald's protocol) as float32 GeoTIFFs, runs each
tool on these files, and scores what it wrote with gisr's own metrics. `speed` runs the tools on
generated scenes (four bands at ratio 4, 16 bits); all write deflated tiles.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path

import numpy as np
from whole_command import SHARPEN, Cost, run_measured, write_raster, write_scene

from gisr.baselines.classical import load_baseline
from gisr.data.pair import Pair
from gisr.datasets.open_pairs import read_open_pairs
from gisr.estimation.intensity import intensity_weights
from gisr.estimation.registration import align_guide, guide_at_target
from gisr.experiments.benchmark import Benchmark
from gisr.experiments.benchmarks import BENCHMARKS
from gisr.experiments.evaluation import measure
from gisr.io.geotiff import read_geotiff
from gisr.metrics import MetricName

PAIRS = ("landsat7", "quickbird")
RATIO = 4


@dataclass(frozen=True)
class Job:
    """What a tool is asked for."""

    target: Path
    guide: Path
    output: Path
    threads: int = 1
    dtype: str = "float"
    options: Sequence[str] = field(default_factory=tuple)
    """More words for the command."""


Tool = Callable[[Job], list[str]]


def gisr(job: Job) -> list[str]:
    files = [str(job.target), str(job.guide), "-o", str(job.output)]
    return [*SHARPEN, *files, "--threads", str(job.threads), "--device", "cpu", *job.options]


def gdal(job: Job) -> list[str]:
    layout = ["-co", "COMPRESS=DEFLATE", "-co", "TILED=YES"]
    words = [str(job.guide), str(job.target), str(job.output), "-q", "-r", "cubic", *layout]
    return [_found("gdal_pansharpen.py"), *words, "-threads", str(job.threads), *job.options]


def otb(job: Job) -> list[str]:
    output = f"{job.output}?&gdal:co:COMPRESS=DEFLATE&gdal:co:TILED=YES"
    files = ["-inp", str(job.guide), "-inxs", str(job.target), "-out", output, job.dtype]
    return [_found("otbcli_BundleToPerfectSensor"), *files, *job.options]


TOOLS: dict[str, Tool] = {"gisr": gisr, "gdal_pansharpen": gdal, "OTB": otb}


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise FileNotFoundError(f"{program} is not installed: left out")
    return path


def _environment(threads: int) -> dict[str, str]:
    return {
        **os.environ,
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads),  # OTB's
        "OMP_NUM_THREADS": str(threads),
    }


def installed() -> dict[str, Tool]:
    """Return the tools that are there, and say which are not."""
    here = {}
    for name, tool in TOOLS.items():
        try:
            tool(Job(Path("a"), Path("b"), Path("c")))
        except FileNotFoundError as error:
            print(f"{name}: {error}")
        else:
            here[name] = tool
    return here


# Quality


def quality(data: Path, names: Sequence[str]) -> None:
    entries, tools = read_open_pairs(data), installed()
    for benchmark in (benchmark for benchmark in BENCHMARKS if benchmark.name in names):
        rows: dict[tuple[str, str], list[Mapping[MetricName, float]]] = {}
        for entry in filter(benchmark.contains, entries):
            for pair in benchmark.pairs(entry, RATIO):
                for row, estimate in estimates(pair, tools):
                    scores = measure(benchmark.metrics, estimate, pair, benchmark.border)
                    rows.setdefault(row, []).append(scores)
        show_quality(benchmark, rows)


def estimates(
    pair: Pair, tools: Mapping[str, Tool]
) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Yield (system, guide) and what came out."""
    yield ("bicubic", "none"), load_baseline("bicubic").answer(pair).image
    aligned = align_guide(pair)[0]
    for guide, given in (("as it comes", pair), ("shifted by gisr before", aligned)):
        if "gdal_pansharpen" in tools:
            yield ("gdal_pansharpen", guide), run(tools["gdal_pansharpen"], given)
            fitted = intensity_weights(given, guide_at_target(given, given.guide.mean(axis=2)))
            weights = [word for weight in fitted[:-1] for word in ("-w", f"{weight:.6f}")]
            row = "gdal_pansharpen -w (fitted)", guide
            yield row, run(tools["gdal_pansharpen"], given, weights)
        for method in ("rcs", "lmvm", "bayes") if "OTB" in tools else ():
            yield (f"OTB {method}", guide), run(tools["OTB"], given, ["-method", method])
    about = ["--sensor", pair.sensor or "", "--bits", str(pair.bits or 16), "--quiet"]
    yield ("gisr upscale", "as it comes"), run(tools["gisr"], pair, about)


def run(tool: Tool, pair: Pair, options: Sequence[str] = ()) -> np.ndarray:
    """Write a pair, run a tool on the files, and read what it wrote."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = Job(
            write_raster(folder / "ms.tif", pair.target, 2.0 * RATIO),
            write_raster(folder / "pan.tif", pair.guide, 2.0),
            folder / "out.tif",
            options=options,
        )
        run_measured(tool(job), folder, _environment(1))
        return read_geotiff(job.output).pixels.astype(np.float32)


def show_quality(
    benchmark: Benchmark, rows: Mapping[tuple[str, str], Sequence[Mapping[MetricName, float]]]
) -> None:
    count = len(next(iter(rows.values())))
    print(f"\n{benchmark.title}, x{RATIO}, {count} pairs. {benchmark.protocol}.\n")
    print("| system | guide | PSNR dB | SAM degrees | ERGAS |\n|---|---|---|---|---|")
    for (system, guide), scores in rows.items():
        means = [np.mean([score[metric] for score in scores]) for metric in benchmark.metrics]
        print(f"| {system} | {guide} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")


# Speed


def gdal_by_rasterio(job: Job) -> list[str]:
    files = [str(job.guide), str(job.target), str(job.output), str(job.threads)]
    return [sys.executable, str(Path(__file__).with_name("gdal_by_rasterio.py")), *files]


def timed_tools(options: Sequence[str]) -> dict[str, Tool]:
    """Return the tools to time, gisr with each of some options."""
    tools = installed()
    tools.setdefault("GDAL by rasterio", gdal_by_rasterio)
    if "gdal_pansharpen" in tools:
        del tools["GDAL by rasterio"]
    for words in options:
        own = words.split()
        tools[f"gisr {words}"] = lambda job, own=own: [*gisr(job), *own]  # type: ignore[misc]
    return tools


def speed(sides: Sequence[int], threads: int, picture: Path | None, options: Sequence[str]) -> None:
    costs: dict[str, dict[int, Cost]] = {}
    tools = timed_tools(options)
    print("| side | tool | pixels per CPU second | CPU s | wall s | peak MB |")
    print("|---|---|---|---|---|---|")
    for side in sides:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            job = Job(*write_scene(folder, side), folder / "out.tif", threads, "uint16")
            for tool, command in tools.items():
                own = replace(job, output=folder / f"{tool.replace(' ', '-')}.tif")
                cost = run_measured(command(own), folder, _environment(threads))
                costs.setdefault(tool, {})[side] = cost
                print(
                    f"| {side} | {tool} | {side**2 / cost.cpu_seconds:,.0f} "
                    f"| {cost.cpu_seconds:.1f} | {cost.seconds:.1f} "
                    f"| {cost.peak_bytes / 1e6:.0f} |",
                    flush=True,
                )
    if picture is not None:
        draw(costs, threads, picture)


def draw(costs: Mapping[str, Mapping[int, Cost]], threads: int, picture: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    rate, memory = figure.subplots(1, 2)
    for (tool, by_side), marker in zip(costs.items(), cycle("osD^v"), strict=False):
        sides = list(by_side)
        rates = [side**2 / cost.cpu_seconds for side, cost in by_side.items()]
        rate.plot(sides, rates, marker=marker, label=tool)
        memory.plot(sides, [cost.peak_bytes / 1e6 for cost in by_side.values()], marker=marker)
    rate.set(ylabel="guide pixels per CPU second", xscale="log", yscale="log")
    memory.set(ylabel="peak memory of the command (MB)", xscale="log", ylim=(0, None))
    for axes in (rate, memory):
        axes.set_xlabel("side of the scene (guide pixels)")
        axes.set_xticks(sides, labels=map(str, sides))
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    rate.legend(title=f"{threads} thread" + "s" * (threads > 1))
    figure.savefig(picture, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    scored = commands.add_parser("quality")
    scored.add_argument("data", type=Path)
    scored.add_argument("--benchmarks", nargs="+", default=PAIRS)
    timed = commands.add_parser("speed")
    timed.add_argument("--sides", type=int, nargs="+", default=[500, 1000, 2000])
    timed.add_argument("--threads", type=int, default=1)
    timed.add_argument("--picture", type=Path)
    timed.add_argument(
        "--gisr", nargs="*", default=[], help="more rows: options of gisr upscale, one string a row"
    )
    chosen = parser.parse_args()
    if chosen.command == "quality":
        quality(chosen.data, chosen.benchmarks)
    else:
        speed(chosen.sides, chosen.threads, chosen.picture, chosen.gisr)


if __name__ == "__main__":
    main()
