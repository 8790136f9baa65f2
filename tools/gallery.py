"""Draw the gallery of the documentation: pairs before and after.

    python tools/gallery.py docs/images/gallery --data ../shared/data

Pairs that install with a package, or that gisr draws, are always made. Those of ``--data`` need the
project's data and are skipped, with a line that says so, where it is missing. Every picture shows
the same square of the target, the guide, the result and the truth, at full size and with nearest
neighbours, so that a pixel is a pixel; the numbers are those of the whole image.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from skimage.data import stereo_motorcycle

import gisr
from gisr.baselines.classical import load_baseline
from gisr.data.pair import Pair
from gisr.data.phantoms import SCENE_BITS, head_phantom, satellite_scene
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.datasets.sources import read_entries
from gisr.experiments.benchmark import kspace_pairs
from gisr.metrics import psnr, rmse

QUALITY = 82
"""Of the JPEG files: six pictures take less than 1 MB."""
Square = tuple[slice, slice]
Image = Float[np.ndarray, "H W bands"]


@dataclass(frozen=True, eq=False)
class Example:
    """A pair with its truth, and the square of it that is shown."""

    name: str
    """Of the picture."""
    title: str
    baseline: str
    """Interpolation that the result is measured beside."""
    pair: Pair
    square: Square
    turns: int = 0
    """Quarter turns to the left, so that a head looks up."""


def motorcycle() -> Example:
    """Return Middlebury Motorcycle at x8; it was left out of the training."""
    left, _, disparity = stereo_motorcycle()  # type: ignore[no-untyped-call]
    known = np.isfinite(disparity)
    pair = depth_pair(np.where(known, disparity, 0), left, 8, valid=known)
    title = "Depth x8: Middlebury Motorcycle, disparity"
    return Example("depth_motorcycle", title, "bicubic", pair, np.s_[120:360, 280:520])


def synthetic_scene() -> Example:
    """Return a scene that gisr draws, at x4."""
    scene = satellite_scene(384)
    pair = wald_pair(scene.multispectral, scene.panchromatic, 4, bits=SCENE_BITS)
    title = "Satellite x4: a synthetic scene"
    return Example("satellite_synthetic", title, "bicubic", pair, np.s_[150:310, 100:260])


def synthetic_head() -> Example:
    """Return a head that gisr draws, its T2 contrast at x4."""
    head = head_phantom(256)
    pair = kspace_pair(head.t2, head.t1, 4, contrast="T2", guide_contrast="T1")
    title = "MR x4: a synthetic head, T2 guided by T1"
    return Example("mri_synthetic", title, "zero-filled", pair, np.s_[28:228, 28:228])


def real(data: Path) -> Iterator[Example]:
    """Give openly licensed pairs of the project's data that the weights were not trained on."""
    entries = {entry.name: entry for entry in read_entries(data)}
    scene = next(entries["l7_19"].pairs(4))
    title = "Satellite x4: Landsat-7 (USGS, public domain)"
    yield Example("satellite_landsat", title, "bicubic", scene, np.s_[40:240, 40:240])
    slices = kspace_pairs("T2", "T1", step=8)
    head = list(slices(entries["lesjak_long_patient04_study1"], 4))[2]
    title = "MR x4: T2 guided by T1 (Lesjak et al., CC BY; the validation subject)"
    yield Example("mri_lesjak", title, "zero-filled", head, np.s_[40:240, 30:230], turns=1)
    frame = next(entries["mb05_art"].pairs(8))
    title = "Depth x8: Middlebury 2005 Art, disparity"
    yield Example("depth_art", title, "bicubic", frame, np.s_[500:900, 300:700])


def shown(example: Example, image: Image) -> Float[np.ndarray, "h w ..."]:
    """Return the square of an image as it is drawn: colours in 0 to 1, or one channel."""
    image = np.rot90(image[example.square], example.turns)
    if image.shape[2] == 1:
        return image[..., 0]
    truth = example.pair.truth
    if image.shape[2] == 3:  # a photograph
        return image / 255
    assert truth is not None
    bands = image[..., [2, 1, 0]]  # red, green, blue
    low, high = np.percentile(truth[example.square][..., [2, 1, 0]], (1, 99), axis=(0, 1))
    return np.clip((bands - low) / (high - low), 0, 1)


def error(example: Example, image: Image) -> str:
    """Return the error of a whole image in the benchmarks' metric, with its unit."""
    pair = example.pair
    assert pair.truth is not None
    if pair.task == "depth":
        known = pair.truth_valid
        return f"RMSE {rmse(image, pair.truth, valid=known):.2f} px"
    return f"PSNR {psnr(image, pair.truth, peak=pair.peak):.2f} dB"


def enlarged(pair: Pair) -> Image:
    """Return the target on the guide's grid with nearest neighbours."""
    height, width = pair.guide.shape[:2]
    rows = np.arange(height) * pair.target.shape[0] // height
    columns = np.arange(width) * pair.target.shape[1] // width
    return pair.target[np.ix_(rows, columns)]


def draw(example: Example, result: Image, folder: Path) -> None:
    """Write the picture of an example."""
    pair, baseline = example.pair, load_baseline(example.baseline)
    assert pair.truth is not None
    before = error(example, baseline.answer(pair).image)
    images = {
        f"target, 1/{round(pair.placement.ratio)}": enlarged(pair),
        "guide": pair.guide,
        "gisr": result,
        "truth": pair.truth,
    }
    if pair.truth_valid is not None:
        images["truth"] = np.where(pair.truth_valid[..., None], pair.truth, np.nan)
    colours: dict[str, object] = {"cmap": "viridis" if pair.task == "depth" else "gray"}
    truth = shown(example, images["truth"])
    limits = {"vmin": float(np.nanmin(truth)), "vmax": float(np.nanmax(truth))}
    figure = Figure(figsize=(12, 3.5), dpi=100)
    for axes, (name, image) in zip(figure.subplots(1, 4), images.items(), strict=True):
        of_target = {} if name == "guide" else limits
        drawn = {"cmap": "gray"} if name == "guide" else colours
        axes.imshow(shown(example, image), interpolation="nearest", **drawn, **of_target)
        axes.set_title(name, fontsize=10)
        axes.set_axis_off()
    measured = f"{example.baseline} {before}, gisr {error(example, result)}"
    figure.suptitle(f"{example.title}. {measured}", fontsize=11)
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.84, 0.03)
    figure.savefig(folder / f"{example.name}.jpg", pil_kwargs={"quality": QUALITY})
    print(f"{example.name}.jpg: {measured}")


def main() -> None:
    """Draw every example that can be had."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    upscaler = gisr.load_model()
    always: tuple[Callable[[], Example], ...] = (motorcycle, synthetic_scene, synthetic_head)
    examples = [make() for make in always]
    if given.data.is_dir():
        examples += real(given.data)
    else:
        print(f"{given.data} is not there: the three pictures of real data are skipped")
    for example in examples:
        draw(example, upscaler.answer(example.pair).image, given.folder)


if __name__ == "__main__":
    main()
