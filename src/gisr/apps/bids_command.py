"""``gisr bids``: a BIDS App, data set in, derivative out."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from gisr.errors import InputError
from gisr.pipelines.execution import Execution
from gisr.pipelines.options import AlignChoice, Options
from gisr.tasks.mri import MRI

if TYPE_CHECKING:
    from gisr.pipelines.request import FileResult


def bids(
    bids_dir: str,
    output_dir: str,
    analysis_level: str,
    *,
    participant_label: list[str] | None = None,
    session_label: list[str] | None = None,
    targets: list[str] | None = None,
    guides: list[str] | None = None,
    resolution: str = "guide",
    align: str = "auto",
    thickness: float | None = None,
    overwrite: bool = False,
    execution: Execution,
) -> int:
    """Sharpen the MR images of a BIDS data set, each with a finer one of another contrast.

    Of a session, the coarser image is sharpened with the finer one; results are a BIDS derivative,
    desc-gisr beside a JSON file with their provenance. Images that cannot be used do not stop the
    others; a summary is printed at the end, and the exit code is 1 when some failed.

    Args:
        bids_dir: Folder of the data set, with sub-... in it.
        output_dir: Folder of the derivative, created when missing.
        analysis_level: participant; there is no other.
        participant_label: Participants to process, sub-01 or 01; all when left out.
        session_label: Sessions to process, ses-1 or 1; all when left out.
        targets: Suffix and entities that images to sharpen must have: FLAIR, acq-tse.
        guides: Suffix and entities that guides must have: T1w, run-1.
        resolution: Voxels of a result: the guide's (guide), along each axis the finer of both
            (finest), or those of its target (target).
        align: auto (the shift of a guide is estimated and undone) or off.
        thickness: Thickness of the slices of targets in mm, where it is not their distance; from
            SliceThickness in a sidecar when left out.
        overwrite: Replace existing results.
        execution: Where and how the work is done.
    """
    if analysis_level != "participant":
        raise InputError(
            f"analysis level {analysis_level!r}: is none of gisr: all is done at the level "
            "participant"
        )
    if align == "report":
        raise InputError("align report: is for one pair: write auto; sidecars hold the shifts")
    if execution.watch:
        raise InputError("watch: is for two folders, with gisr upscale: leave it out")
    from gisr.apps.batches import upscale_batch
    from gisr.io.bids.dataset import BidsDataset
    from gisr.io.bids.derivative import (
        check_derivative,
        describe_derivative,
        sidecar_of,
        write_json,
    )
    from gisr.pipelines.bids import Selection, plan_bids, provenance

    if execution.skip_existing and overwrite:
        raise InputError("skip-existing and overwrite exclude each other: leave one out")
    options = Options(
        task=MRI.name,
        resolution=cast(Literal["guide", "target", "finest"], resolution),
        align=cast(AlignChoice, align),
        thickness=thickness,
        overwrite=overwrite,
    )
    dataset, output = BidsDataset(Path(bids_dir)), Path(output_dir)
    notes = check_derivative(dataset, output)
    chosen = Selection(participant_label, session_label, targets or (), guides or ())
    plan = plan_bids(dataset, output, options, chosen, skip_existing=execution.skip_existing)
    batch = replace(plan.batch, notes=(*notes, *plan.batch.notes))
    weights = _weights(execution)
    describe_derivative(dataset, output)

    def finish(result: "FileResult") -> None:
        said = provenance(plan, result, options, weights)
        write_json(sidecar_of(result.path), said, overwrite=True)  # the image is new

    return upscale_batch(batch, options, execution, finish)


def _weights(execution: Execution) -> dict[str, str]:
    """Return name and checksum of the weights.

    Raises:
        WeightsError: There are none.
    """
    from gisr.weights.folder import TENSORS_FILE, find_weights

    found = find_weights(execution.model)
    with (found.path / TENSORS_FILE).open("rb") as stream:
        return {"Name": found.name, "SHA256": hashlib.file_digest(stream, "sha256").hexdigest()}
