"""``gisr upscale``: files in, a file out."""

import json
import sys
from typing import TYPE_CHECKING

from gisr.apps.machine import checked_device, set_threads
from gisr.errors import InputError
from gisr.tasks.task import find_task

if TYPE_CHECKING:
    from gisr.inference.order import FileResult


def upscale(
    target: str,
    guide: str,
    *,
    output: str,
    task: str | None = None,
    model: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    ratio: float | None = None,
    sensor: str | None = None,
    bits: int | None = None,
    contrast: str | None = None,
    guide_contrast: str | None = None,
    describe: str | None = None,
    grid: str | None = None,
    align: str = "auto",
    invalid: float | None = None,
    nodata: float | None = None,
    band: list[str] | None = None,
    creation_option: list[str] | None = None,
    cog: bool = False,
    max_memory: str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> None:
    """Sharpen a file with a file of another modality.

    The output lies on the guide's grid and keeps the target's type, units and metadata.

    Args:
        target: Low-resolution GeoTIFF, NIfTI volume, or depth map (PNG, TIFF, npy, npz, EXR, PFM).
        guide: High-resolution panchromatic GeoTIFF, NIfTI volume in another contrast, or picture.
        output: File to write; its name has to suit the task.
        task: pansharpening, mri or depth; guessed from the files when left out.
        model: Weights: a built-in name (see `gisr models`), a folder, or a Hugging Face hub id.
        device: cpu, cuda, cuda:1 and so on; CUDA where there is one, else the CPU, when left out.
        threads: CPU threads; as many as torch finds good when left out.
        ratio: How many times finer the guide is; from the files when left out.
        sensor: Satellite sensor, for example QuickBird (see `gisr tasks`).
        bits: Significant bits per sample of a satellite image, for example 11.
        contrast: MR contrast of the target; read from its file name when left out.
        guide_contrast: MR contrast of the guide; read from its file name when left out.
        describe: Free text in place of the built-in description.
        grid: centre (pixel areas aligned) or kspace (sample j at guide index j times ratio); what
            georeference or affine say, or the task's own, when left out.
        align: auto (the shift of a panchromatic guide is estimated, told and undone), report (the
            same, and printed as a line of JSON) or off.
        invalid: Value of unknown pixels in a depth map; 0 when left out.
        nodata: Value of unknown pixels in satellite images, in place of what the files say.
        band: Number of a band of a satellite image to sharpen, from 1; once for each; all when left
            out.
        creation_option: NAME=VALUE, a creation option of GDAL for a GeoTIFF output; once for each.
        cog: Write a Cloud-optimized GeoTIFF with overviews.
        max_memory: Memory that a satellite scene of any size may take, weights and all: 2GB, 800MB.
        overwrite: Replace an existing output.
        quiet: Print nothing but errors.
    """
    if grid not in (None, "centre", "kspace"):
        raise InputError(f"grid {grid!r} must be centre or kspace")
    if align not in ("auto", "off", "report"):
        raise InputError(f"align {align!r} must be auto, report or off")
    bands, layout = _band_numbers(band), _creation_options(creation_option or [])
    # Files are read and checked before the seconds that torch takes to load.
    from gisr.inference.order import Options, read_order
    from gisr.io.geotiff import Layout
    from gisr.io.limits import parse_size

    options = Options(
        task=None if task is None else find_task(task).name,
        ratio=ratio,
        grid=grid,  # type: ignore[arg-type]
        description=describe,
        overwrite=overwrite,
        sensor=sensor,
        bits=bits,
        bands=bands,
        nodata=nodata,
        layout=Layout(layout, cog) if layout or cog else None,
        max_memory=None if max_memory is None else parse_size(max_memory),
        contrast=contrast,
        guide_contrast=guide_contrast,
        invalid=invalid,
    )
    order = read_order(target, guide, output, options)
    from gisr.apps.progress import ProgressBar
    from gisr.inference.files import upscale_order
    from gisr.inference.upscaler import Upscaler
    from gisr.inference.weights import load_weights

    set_threads(threads)
    device = checked_device(device)
    upscaler = Upscaler(load_weights(model), device, align="off" if align == "off" else "auto")
    with ProgressBar("slices" if order.task == "mri" else "px", quiet) as bar:
        result = upscale_order(upscaler, order, progress=bar)
    if align == "report":
        _report_alignment(result)
    if not quiet:
        _report(result)


def _report(result: "FileResult") -> None:
    """Print one line on stdout, and on stderr what the user should know."""
    for note in result.notes:
        print(f"gisr: note: {note}", file=sys.stderr)
    size = " x ".join(map(str, result.shape))
    contrasts = (
        f", {result.contrast} guided by {result.guide_contrast}"
        if result.contrast and result.guide_contrast
        else ""
    )
    print(
        f"{result.path}: {result.task} x{result.ratio:.4g}{contrasts}, {size} {result.dtype}, "
        f"{result.seconds:.1f} s"
    )


def _report_alignment(result: "FileResult") -> None:
    """Print what was found about the guide's shift as one line of JSON."""
    found = result.alignment
    line: dict[str, object]
    if found is None:
        line = {"guide_offset_px": None, "note": f"guides of task {result.task} are not aligned"}
    else:
        line = {
            "guide_offset_px": list(found.offset),
            "corrected": found.applied,
            "correlation_before": round(found.before, 4),
            "correlation_after": round(found.after, 4),
            "note": found.note,
        }
    print(json.dumps(line))


def _creation_options(words: list[str]) -> dict[str, str]:
    """Return NAME=VALUE words as a mapping.

    Raises:
        InputError: One has no name or no value.
    """
    options = {}
    for word in words:
        name, _, value = word.partition("=")
        if not name or not value:
            raise InputError(f"creation option {word!r} must be NAME=VALUE, such as COMPRESS=ZSTD")
        options[name] = value
    return options


def _band_numbers(words: list[str] | None) -> list[int] | None:
    """Return numbers of bands.

    Raises:
        InputError: One is no whole number.
    """
    for word in words or []:
        if not word.isdecimal():
            raise InputError(f"band {word!r} must be a whole number, from 1")
    return None if words is None else list(map(int, words))
