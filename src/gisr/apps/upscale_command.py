"""``gisr upscale``: files in, a file out."""

import json
import shlex
import sys
from functools import partial
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gisr.apps.machine import checked_device, set_threads
from gisr.errors import InputError
from gisr.tasks import find_task

if TYPE_CHECKING:
    from gisr.io.depth.point_cloud import PointCloud
    from gisr.pipelines.request import FileResult

_MOST_DIGITS = 9
"""Of the number of a band."""


def upscale(
    target: str,
    guide: str | None = None,
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
    fill_holes: bool = False,
    mask: str | None = None,
    ply: str | None = None,
    camera: str | None = None,
    depth_unit: str | None = None,
    disparity: bool = False,
    nodata: float | None = None,
    band: list[str] | None = None,
    creation_option: list[str] | None = None,
    cog: bool = False,
    max_memory: str | None = None,
    uncertainty: str | None = None,
    consistent: bool = False,
    no_consistent: bool = False,
    report: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    skip_existing: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
) -> int:
    """Sharpen a file with a file of another modality, or all files of a folder or a list.

    The output lies on the guide's grid and keeps the target's type, units and metadata. Of several
    pairs a summary is printed at the end; the exit code is 1 when some of them failed.

    Args:
        target: Low-resolution GeoTIFF, MR volume (NIfTI, or the folder of a DICOM series), or depth
            map (PNG, TIFF, npy, npz, EXR, PFM); or a folder of files, or a list of pairs (.csv with
            the columns target and guide).
        guide: High-resolution panchromatic GeoTIFF, NIfTI volume in another contrast, or picture;
            or a folder of them; none with a list.
        output: File to write, its name has to suit the task; for several pairs a folder.
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
        align: auto (the shift of a panchromatic or MR guide is estimated, told and undone), report
            (the same, and printed as a line of JSON) or off.
        invalid: Value of unknown pixels in a depth map; 0 when left out.
        fill_holes: Fill unknown pixels of a depth map along the edges of the picture.
        mask: File (PNG, npy) to write what was filled: 255 there, 0 elsewhere.
        ply: Point cloud (PLY) to write too: metres and colours of all known pixels.
        camera: Camera of the picture, for the point cloud: a Middlebury calib.txt, ROS camera_info,
            Open3D intrinsic, JSON or YAML, or fx=525,fy=525,cx=319.5,cy=239.5,baseline=0.12.
        depth_unit: Unit of the depth map, for the point cloud: m, cm, mm, um, or how many of its
            steps make one metre (one pixel of disparity), for example 5000.
        disparity: Values are disparity, for the point cloud; the camera then needs a baseline.
        nodata: Value of unknown pixels in satellite images, in place of what the files say.
        band: Number of a band of a satellite image to sharpen, from 1; once for each; all when left
            out.
        creation_option: NAME=VALUE, a creation option of GDAL for a GeoTIFF output; once for each.
        cog: Write a Cloud-optimized GeoTIFF with overviews.
        max_memory: Memory that a satellite scene of any size may take, weights and all: 2GB, 800MB.
        uncertainty: File to write how sure the network is: images go through turned in all eight
            ways, the output is the mean of the answers, this file their spread (eight times the
            work).
        consistent: Correct the result so that degrading it gives the target back; on k-space grids
            and for satellite images that is done anyway.
        no_consistent: Leave it as the network gives it, there too.
        report: HTML page to write that shows the result from all sides (needs the extra report).
        workers: Sharpen several pairs in this many processes (needs the extra scale).
        scheduler: Sharpen several pairs on the Dask cluster whose scheduler has this address, for
            example tcp://10.0.0.1:8786 (needs the extra scale).
        skip_existing: Of several pairs, leave out those whose output exists.
        overwrite: Replace existing outputs.
        quiet: Print nothing but errors.
    """
    asked = dict(locals())
    if grid not in (None, "centre", "kspace"):
        raise InputError(f"grid {grid!r} must be centre or kspace")
    if align not in ("auto", "off", "report"):
        raise InputError(f"align {align!r} must be auto, report or off")
    if consistent and no_consistent:
        raise InputError("consistent and no-consistent exclude each other")
    bands, layout = _band_numbers(band), _creation_options(creation_option or [])
    # Files are read and checked before the seconds that torch takes to load.
    from gisr.apps.batches import upscale_batch
    from gisr.io.geotiff import Layout
    from gisr.io.limits import parse_size
    from gisr.pipelines.batch import is_batch, plan_batch
    from gisr.pipelines.checks import check_contents
    from gisr.pipelines.dask_cluster import WorkerSettings
    from gisr.pipelines.request import Options, read_order
    from gisr.weights.folder import find_weights

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
        fill_holes=fill_holes,
        mask=mask,
        cloud=_point_cloud(ply, camera, depth_unit, disparity),
        consistent=False if no_consistent else consistent or None,
        uncertainty=uncertainty,
        report=report,
        command=_command(asked),
    )
    if is_batch(target):
        guides = None if guide is None else Path(guide)
        batch = plan_batch(Path(target), guides, Path(output), options, skip_existing=skip_existing)
        settings = WorkerSettings(model, device, threads, "off" if align == "off" else "auto")
        say = partial(_say, align=align, quiet=quiet)
        return upscale_batch(batch, settings, workers, scheduler, say, quiet)
    if skip_existing or workers is not None or scheduler is not None:
        raise InputError("skip-existing, workers and scheduler are for folders and lists of pairs")
    if guide is None:
        raise InputError(f"{target}: name the guide after it")
    order = read_order(target, guide, output, options)
    check_contents(order)
    weights = find_weights(model)
    set_threads(threads)
    from gisr.apps.progress import ProgressBar
    from gisr.inference.upscaler import Upscaler
    from gisr.pipelines.run import upscale_order
    from gisr.weights.store import load_folder

    device = checked_device(device)
    upscaler = Upscaler(load_folder(weights), device, align="off" if align == "off" else "auto")
    with ProgressBar("slices" if order.task == "mri" else "px", quiet) as bar:
        result = upscale_order(upscaler, order, progress=bar)
    _say(result, align, quiet)
    return 0


def _say(result: "FileResult", align: str, quiet: bool) -> None:
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
    for path in result.further:
        print(path)


def _command(asked: dict[str, Any]) -> str:
    """Return the command that asks for what was asked for."""
    words = ["gisr", "upscale"]
    for name, parameter in signature(upscale).parameters.items():
        value = asked[name]
        if value == parameter.default:
            continue
        if parameter.kind is not Parameter.KEYWORD_ONLY:
            words.append(value)
            continue
        values = value if isinstance(value, list) else [value]
        for each in values:
            words.append("--" + name.replace("_", "-"))
            if each is not True:
                words.append(str(each))
    return shlex.join(words)


def _report_alignment(result: "FileResult") -> None:
    """Print what was found about the guide's shift as one line of JSON."""
    found = result.alignment
    line: dict[str, object]
    if found is None:
        line = {"guide_offset_px": None, "note": f"guides of task {result.task} are not aligned"}
    else:
        measure = "mutual_information" if result.task == "mri" else "correlation"
        line = {
            "guide_offset_px": list(found.offset),
            "corrected": found.applied,
            f"{measure}_before": round(found.before, 4),
            f"{measure}_after": round(found.after, 4),
            "note": found.note,
        }
    print(json.dumps(line))


def _point_cloud(
    ply: str | None, camera: str | None, depth_unit: str | None, disparity: bool
) -> "PointCloud | None":
    """Return the point cloud that is asked for.

    Raises:
        InputError: Camera, unit or disparity without a cloud, or a cloud that lacks one of them.
        FileFormatError: The camera's file is missing or holds none.
    """
    if ply is None:
        given = {"camera": camera, "depth-unit": depth_unit, "disparity": disparity or None}
        for name, value in given.items():
            if value is not None:
                raise InputError(
                    f"{name} is for the point cloud: add --ply cloud.ply or leave it out"
                )
        return None
    if camera is None:
        raise InputError(
            f"ply {ply}: points need the camera: add --camera calib.txt, or its numbers: "
            "--camera fx=525,cx=319.5,cy=239.5"
        )
    if depth_unit is None and not disparity:
        raise InputError(
            f"ply {ply}: no file says its unit: add --depth-unit mm (most 16-bit PNG), m (most "
            "floats) or 5000 (TUM), or --disparity"
        )
    from gisr.io.depth.camera import parse_depth_unit, read_camera
    from gisr.io.depth.point_cloud import PointCloud

    steps = parse_depth_unit(depth_unit or "1", disparity=disparity)
    return PointCloud(Path(ply), read_camera(camera), steps, disparity)


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
        if not word.isdecimal() or len(word) > _MOST_DIGITS:
            raise InputError(f"band {word[:20]!r} must be a whole number, from 1")
    return None if words is None else list(map(int, words))
