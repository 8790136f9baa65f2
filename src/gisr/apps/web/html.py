"""What the page says: HTML with every foreign word escaped."""

import re
from html import escape

from gisr.apps.web.job import PageOutcome
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.scores import Scores
from gisr.errors import GisrError
from gisr.metrics import METRICS, MetricName

FOLDER_PREFIX = "gisr-serve-"
"""How the name of a server's folder begins."""

INTRODUCTION = """
<header class="gisr-head">
<h1>Sharpen an image with another one</h1>
<p>Give a blurred <b>target</b> and a sharp <b>guide</b> of the same place, taken by another kind of
instrument. One network (MAG-Net) brings the target to the guide's resolution, for satellite images,
MR images and depth maps alike.</p>
</header>
"""

PLACEHOLDER = """
<div class="gisr-cards">
<p class="gisr-lead">What goes together</p>
<div><h3>Satellite</h3><p>multispectral + panchromatic GeoTIFF</p>
<p class="gisr-quiet">gives a GeoTIFF: same bands, type and metadata, on the guide's grid</p></div>
<div><h3>MR</h3><p>NIfTI volume or DICOM series + another one in another contrast</p>
<p class="gisr-quiet">gives a NIfTI volume with the guide's voxels and affine</p></div>
<div><h3>Depth</h3><p>depth map (PNG, TIFF, npy, npz, EXR, PFM) + colour picture</p>
<p class="gisr-quiet">gives a depth map in the same unit and type; holes stay holes</p></div>
<p class="gisr-lead">No files at hand? Take an example on the left (depth is a real pair, the
other two are generated), then press <b>Sharpen</b>.</p>
</div>
"""

ROUTING_WORDS = (
    "At every level of its encoder the network sends each pixel to two of its experts. The colour "
    "is that of the one with the larger weight. Computed for the part in view."
)

_DIGITS = {"ssim_wang": 4, "rmse": 3}


def footer(limits: PageLimits) -> str:
    """Return what the page takes on and what becomes of files."""
    return (
        f'<footer class="gisr-quiet">Files stay on this machine: nothing is sent anywhere. They '
        f"are deleted when this page is closed, or unused for {limits.keep_minutes:g} minutes. "
        f"Limits: {limits.max_upload / 1e6:.4g} MB a file or series, "
        f"{limits.max_pixels / 1e6:.4g} million pixels or voxels, "
        f"{limits.max_seconds:g} seconds a run.</footer>"
    )


def look_line(text: str, *, wrong: bool = False) -> str:
    """Return what two files are taken for, or what is wrong with them."""
    if not text:
        return ""
    return f'<p class="gisr-look{" gisr-wrong" if wrong else ""}">{escape(text)}</p>'


def plain(error: GisrError) -> str:
    """Return a message on one line, with the names of files but not where the server keeps them."""
    return re.sub(rf"/\S*/{FOLDER_PREFIX}(?:[^\s/]+/)+", "", " ".join(str(error).split()))


def summary(outcome: PageOutcome) -> str:
    """Return what was made, and what the visitor should know."""
    result = outcome.result
    size = " x ".join(map(str, result.shape))
    contrasts = (
        f", {result.contrast} guided by {result.guide_contrast}"
        if result.contrast and result.guide_contrast
        else ""
    )
    words = (
        f"{result.task} x{result.ratio:.3g}{contrasts}: {size}, {result.dtype}, "
        f"in {result.seconds:.1f} s"
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in outcome.notes)
    same = f"<p>The same on the command line: <code>{escape(outcome.command)}</code></p>"
    return (
        f"<h2>{escape(result.path.name)}</h2><p>{escape(words)}</p>"
        f'<ul class="gisr-quiet">{notes}</ul><div class="gisr-command gisr-quiet">{same}</div>'
    )


def scores_table(scores: Scores | None) -> str:
    """Return both images' distance from the truth."""
    if scores is None:
        return ""
    names: list[MetricName] = list(next(iter(scores.values.values())))
    heads = "".join(
        f'<th title="{escape(METRICS[name].definition)}">{escape(METRICS[name].heading)}&nbsp;'
        f"{'↑' if METRICS[name].better == 'higher' else '↓'}</th>"
        for name in names
    )
    rows = "".join(
        f"<tr><th>{system}</th>"
        + "".join(f"<td>{values[name]:.{_DIGITS.get(name, 2)}f}</td>" for name in names)
        + "</tr>"
        for system, values in scores.values.items()
    )
    return (
        f'<table class="gisr-scores"><tr><th>against the truth</th>{heads}</tr>{rows}</table>'
        f'<p class="gisr-quiet">{escape(scores.note)} ↑ higher is better, ↓ lower.</p>'
    )
