"""Pictures of docs/rasterio.md, docs/xarray.md and docs/bids.md: outputs of the hosts themselves.

    python benchmarks/hosts_pictures.py ../shared/data docs/images

Runs `rio gisr` and the accessor of xarray on a real Landsat-7 pair, and `gisr bids` on a data set
that it makes of real volumes, one of which it makes three times thicker.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import nibabel
import numpy as np
import rioxarray
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import gisr.xarray  # noqa: F401 - the accessor
from gisr.io.geotiff import read_geotiff
from gisr.rendering.colours import INK, PAPER, letters

matplotlib.use("Agg")
from matplotlib import pyplot

SCENE = "l7_22"
SUBJECT = "lesjak_mni_patient07"
CROP = slice(380, 620), slice(330, 570)
"""Of the panchromatic image."""
PANEL, MARGIN, CAPTION = 360, 12, 28


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("pictures", type=Path)
    chosen = parser.parse_args()
    ms, pan = (chosen.data / "pan" / f"{SCENE}_{kind}.tif" for kind in ("ms", "pan"))
    with tempfile.TemporaryDirectory() as name:
        rasterio_picture(ms, pan, Path(name), chosen.pictures / "host_rasterio.jpg")
        xarray_picture(ms, pan, chosen.pictures / "host_xarray.jpg")
        bids_picture(chosen.data / "mri" / SUBJECT, Path(name), chosen.pictures / "host_bids.jpg")


def rasterio_picture(ms: Path, pan: Path, folder: Path, picture: Path) -> None:
    program, out = Path(sys.executable).with_name("rio"), folder / "sharp.tif"
    words = ["gisr", ms, pan, out, "--sensor", "Landsat-7", "--co", "COMPRESS=DEFLATE"]
    subprocess.run([program, *map(str, words)], check=True)
    low, high, sharp = (read_geotiff(path).pixels for path in (ms, pan, out))
    coarse = tuple(slice(part.start // 2, part.stop // 2) for part in CROP)
    shown = [
        ("MS", natural(low[coarse], sharp)),
        ("PAN", stretched(high[CROP], high)),
        ("rio gisr MS PAN OUT", natural(sharp[CROP], sharp)),
    ]
    draw(picture, shown)


def xarray_picture(ms: Path, pan: Path, picture: Path) -> None:
    low, high = (rioxarray.open_rasterio(path, chunks={"y": 256, "x": 256}) for path in (ms, pan))
    sharp = low.gisr.sharpen(high, sensor="Landsat-7").compute()
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4.4), dpi=110)
    corner = CROP[1].start, CROP[1].stop, CROP[0].start, CROP[0].stop
    for axis, image, scale, title in zip(
        axes, (low, sharp), (2, 1), ("ms", "ms.gisr.sharpen(pan)"), strict=True
    ):
        left, right, top, bottom = (side / scale for side in corner)
        part = image.sel(band=[3, 2, 1], x=slice(left, right), y=slice(top, bottom))
        part.plot.imshow(ax=axis, robust=True, yincrease=False)
        axis.set_title(title)
    figure.tight_layout()
    figure.savefig(picture, pil_kwargs={"quality": 85})


def bids_picture(scan: Path, folder: Path, picture: Path) -> None:
    root, anat = folder / "data", folder / "data" / "sub-01" / "anat"
    anat.mkdir(parents=True)
    about = {"Name": "One participant", "BIDSVersion": "1.10.0"}
    (root / "dataset_description.json").write_text(json.dumps(about), encoding="utf-8")
    guide: Any = nibabel.load(scan / "T1.nii.gz")
    nibabel.save(guide, anat / "sub-01_T1w.nii.gz")
    thick = thicker(nibabel.load(scan / "T2.nii.gz"), 3)
    nibabel.save(thick, anat / "sub-01_T2w.nii.gz")
    out = root / "derivatives" / "gisr"
    words = ["bids", root, out, "participant"]
    subprocess.run([sys.executable, "-m", "gisr", *map(str, words)], check=True)
    result: Any = nibabel.load(out / "sub-01" / "anat" / "sub-01_desc-gisr_T2w.nii.gz")
    middle = guide.shape[0] // 2
    low, high, sharp = (
        np.asanyarray(image.dataobj)[middle].T[::-1] for image in (thick, guide, result)
    )
    shown = [
        ("sub-01_T2w", stretched(low.repeat(3, axis=0), low)),
        ("sub-01_T1w", stretched(high, high)),
        ("sub-01_desc-gisr_T2w", stretched(sharp, low)),
    ]
    draw(picture, shown)


def thicker(image: Any, factor: int) -> Any:  # noqa: ANN401 - nibabel's images
    """Return a volume whose slices are means over several."""
    voxels = np.asanyarray(image.dataobj).astype(np.float64)
    count = voxels.shape[2] // factor
    means = voxels[..., : count * factor].reshape(*voxels.shape[:2], count, factor).mean(axis=3)
    affine = image.affine @ np.diag([1, 1, factor, 1])
    affine[:3, 3] = (image.affine @ [0, 0, (factor - 1) / 2, 1])[:3]
    return nibabel.Nifti1Image(np.rint(means).astype(np.int16), affine)


def natural(image: NDArray[Any], like: NDArray[Any]) -> NDArray[np.uint8]:
    """Return red, green and blue of bands that begin with blue."""
    return np.dstack([stretched(image[..., band], like[..., band])[..., 0] for band in (2, 1, 0)])


def stretched(image: NDArray[Any], like: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = np.percentile(like, (0.5, 99.5))
    grey = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    plane = np.rint(255 * grey).astype(np.uint8)
    return np.dstack([plane] * 3) if plane.ndim == 2 else np.repeat(plane, 3, axis=2)


def draw(path: Path, panels: Sequence[tuple[str, NDArray[np.uint8]]]) -> None:
    """Paste captioned panels side by side."""
    tall = round(PANEL * panels[-1][1].shape[0] / panels[-1][1].shape[1])
    width = MARGIN + len(panels) * (PANEL + MARGIN)
    paper = Image.new("RGB", (width, CAPTION + tall + 2 * MARGIN), PAPER)
    pen = ImageDraw.Draw(paper)
    for number, (caption, pixels) in enumerate(panels):
        left = MARGIN + number * (PANEL + MARGIN)
        pen.text((left, MARGIN // 2), caption, INK, letters(16))
        shown = Image.fromarray(np.ascontiguousarray(pixels))
        paper.paste(shown.resize((PANEL, tall), Image.Resampling.NEAREST), (left, CAPTION + MARGIN))
    paper.save(path, quality=82)


if __name__ == "__main__":
    main()
