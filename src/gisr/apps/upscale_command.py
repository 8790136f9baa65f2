"""``gisr upscale``: files in, a file out."""

import shlex
from pathlib import Path

from gisr.apps.machine import checked_device, collector_paused, set_threads
from gisr.apps.reporting import report_result
from gisr.errors import InputError
from gisr.memory import keep_freed_memory
from gisr.pipelines.execution import Execution
from gisr.pipelines.option import command_words
from gisr.pipelines.options import Options
from gisr.tasks import find_task


def upscale(
    target: str | None = None,
    guide: str | None = None,
    *,
    target_files: list[str] | None = None,
    guide_files: list[str] | None = None,
    output: str,
    options: Options,
    execution: Execution,
) -> int:
    """Sharpen a file with a file of another modality, or all files of a folder or a list.

    The output lies on the guide's grid and keeps the target's type, units and metadata. Of several
    pairs a summary is printed at the end; the exit code is 1 when some of them failed.

    Args:
        target: Low-resolution GeoTIFF, MR volume (NIfTI, or the folder of a DICOM series), or depth
            map (PNG, TIFF, npy, npz, EXR, PFM); or a folder of files, or a list of pairs (.csv with
            the columns target and guide); or a Sentinel-2 or Landsat product, whose folder has
            both.
        guide: High-resolution panchromatic GeoTIFF, NIfTI volume in another contrast, or picture;
            or a folder of them; none with a list or a product.
        target_files: Band files that are the target together, or a folder of them.
        guide_files: Band files that are the guide together, or a folder of them.
        output: File to write, its name has to suit the task; for several pairs a folder.
        options: How the files are sharpened.
        execution: Where and how the work is done.
    """
    from gisr.pipelines.batch import is_batch

    if target_files or guide_files:
        if not (target_files and guide_files) or target or guide:
            raise InputError(
                "--target and --guide go together: write the files of both sides after them"
            )
        if execution.watch:
            raise InputError("watch is for folders of files: leave --target and --guide out")
        return _upscale_one(target_files, guide_files, output, options, execution)
    if target is None:
        raise InputError("name what to sharpen: gisr upscale TARGET GUIDE -o OUTPUT")
    if execution.watch:
        from gisr.apps.watching import upscale_arrivals

        return upscale_arrivals(target, guide, output, options, execution)
    if is_batch(target):
        return _upscale_several(target, guide, output, options, execution)
    return _upscale_one(target, guide, output, options, execution)


def _upscale_one(
    target: str | list[str],
    guide: str | list[str] | None,
    output: str,
    options: Options,
    execution: Execution,
) -> int:
    # Files are read and checked before the seconds that torch takes to load.
    if execution.skip_existing or execution.workers is not None or execution.scheduler is not None:
        raise InputError("skip-existing, workers and scheduler are for folders and lists of pairs")
    from gisr.pipelines.run import check_request, read_request, upscale_request
    from gisr.weights.folder import find_weights

    words = ["gisr", "upscale", *_sides(target, guide), "--output", output]
    words += [*command_words(options), *command_words(execution)]
    request = read_request(target, guide, output, options, command=shlex.join(words))
    check_request(request)
    weights = find_weights(execution.model)
    keep_freed_memory()
    with collector_paused():
        set_threads(execution.threads)
        from gisr.apps.progress import shown_progress
        from gisr.inference.upscaler import Upscaler
        from gisr.weights.store import load_folder

        device = checked_device(execution.device)
        upscaler = Upscaler(load_folder(weights), device)
    with shown_progress(find_task(request.task).steps, execution) as bar:
        result = upscale_request(upscaler, request, progress=bar)
    report_result(result, options, quiet=execution.quiet, verbose=execution.verbose)
    return 0


def _sides(target: str | list[str], guide: str | list[str] | None) -> list[str]:
    """Return the words of a command line that name both sides."""
    if isinstance(target, str):
        return [target] if guide is None else [target, str(guide)]
    return ["--target", *target, "--guide", *(guide or ())]


def _upscale_several(
    target: str, guide: str | None, output: str, options: Options, execution: Execution
) -> int:
    from gisr.apps.batches import upscale_batch
    from gisr.pipelines.batch import plan_batch

    guides = None if guide is None else Path(guide)
    batch = plan_batch(
        Path(target), guides, Path(output), options, skip_existing=execution.skip_existing
    )
    return upscale_batch(batch, options, execution)
