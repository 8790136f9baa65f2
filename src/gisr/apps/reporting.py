"""What is printed of a result."""

import json
import sys
from typing import TYPE_CHECKING

from gisr.errors import one_line, percentage
from gisr.notes import note_lines
from gisr.pipelines.options import Options
from gisr.tasks import find_task

if TYPE_CHECKING:
    from gisr.pipelines.request import FileResult


def report_result(
    result: "FileResult", options: Options, *, quiet: bool, verbose: bool = False
) -> None:
    """Print what was written: one line on stdout, and on stderr what the user should know.

    Three lines in all, unless ``verbose``.
    """
    if options.align == "report":
        print(json.dumps(_alignment(result)))
    if quiet:
        return
    for line in note_lines(result.notes, verbose=verbose):
        print(f"gisr: {one_line(line)}", file=sys.stderr)
    contrasts = (
        f", {result.contrast} guided by {result.guide_contrast}"
        if result.contrast and result.guide_contrast
        else ""
    )
    unknown = f", {percentage(result.unknown)} unknown" if result.unknown else ""
    further = f", also {', '.join(map(str, result.further))}" if result.further else ""
    print(
        one_line(
            f"{result.path}: {result.task} x{result.ratio:.4g}{contrasts}, {result.size} "
            f"{result.dtype}{unknown}{further}, {result.seconds:.1f} s"
        )
    )


def _alignment(result: "FileResult") -> dict[str, object]:
    """Return what was estimated of how the guide lies."""
    from gisr.estimation.volume_registration import VolumeAlignment  # loaded only where it is used

    found = result.alignment
    if found is None:
        return {"guide_offset_px": None, "note": f"guides of task {result.task} are not aligned"}
    measure = (find_task(result.task).registration or "edge correlation").replace(" ", "_")
    return {
        "guide_offset_px": list(found.offset),
        **({"guide_turn_degrees": list(found.turn)} if isinstance(found, VolumeAlignment) else {}),
        "corrected": found.applied,
        f"{measure}_before": round(found.before, 4),
        f"{measure}_after": round(found.after, 4),
        "note": found.note,
    }
