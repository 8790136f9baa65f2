"""What consistency does where the target was not degraded as it assumes.

    python benchmarks/wrong_degradation.py ../shared/data

Test pairs of the open data, from crops of 256 truth pixels. A sensor's table says that its
bands answer with 0.3 or so at their Nyquist frequency, and depth maps are taken for the truth
reduced by Pillow's bicubic. Here targets are made in other ways: another gain, another reduction,
noise (of a standard deviation in per cent of the 99th percentile), rounding, another place, holes.
The table has the network's error (mean over pairs), and for each form of consistency what it adds
to that, with the worst pair in brackets: in dB of PSNR (satellites) or per cent of RMSE (depth);
above 0 is better in both. The last form is the one gisr has; the others are what was tried.
--keep names a folder for the network's results: the next run with it needs no network.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from gisr.data.degradations import wald
from gisr.data.pair import Pair
from gisr.data.resample import bicubic_to_target, shift
from gisr.datasets.entry import Frame, Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.estimation.sensor_model import SensorModel
from gisr.experiments.evaluation import measure
from gisr.inference.answers import Settings
from gisr.inference.consistency import correction
from gisr.inference.consistency.correction import Consistency, consistent_image
from gisr.inference.hole_filling import fill_by_guide
from gisr.inference.loading import load_model
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource, nearest_pixels
from gisr.tasks import TaskName
from gisr.tasks.sensors import find_sensor

SIDE = 256
SCENES = ("l7_19", "l7_22", "decri_qb", "whu_qb_yichang_r3c7", "gf2_test_fr0", "l8_12")
FRAMES = ("mb05_art", "mb05_dolls", "mb05_reindeer", "nyu_esanet", "o3d_redwood0", "o3d_tum")
GAINS = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)
NOISE = (0.005, 0.01, 0.02)
Image = np.ndarray


@dataclass(frozen=True)
class Form:
    """A form of consistency."""

    name: str
    rounds: int
    share: float = 1.0
    """Of the correction that is added."""
    measured: bool = False
    """Whether blur and noise are measured, or the sensor's table is believed."""


FORMS: dict[TaskName, tuple[Form, ...]] = {
    "pansharpening": (
        Form("tabled, 1 round", 1),
        Form("tabled, a quarter of 1", 1, 0.25),
        Form("tabled, 10 rounds", 10),
        Form("measured, 4 rounds", 4, measured=True),
        Form("measured, 10 rounds", 10, measured=True),
    ),
    "depth": (
        Form("a quarter of 1 round", 1, 0.25),
        *(Form(f"{rounds} rounds", rounds) for rounds in (1, 2, 3, 10)),
    ),
}


def scene_cases(pair: Pair) -> Iterator[tuple[str, Pair]]:
    """Yield what was done to a target, and the pair with it."""
    truth, gain, ratio = pair.truth, find_sensor(pair.sensor).mtf_gain, round(pair.ratio)
    assert truth is not None
    bright = float(np.percentile(pair.target, 99))
    yield "as assumed", pair
    yield "as assumed, sensor not given", replace(pair, sensor=None)
    for other in GAINS:
        yield f"MTF {other:g}", replace(pair, target=wald(truth, ratio, other))
    for other in (0.15, 0.45):
        target = wald(truth, ratio, other)
        yield f"MTF {other:g}, sensor not given", replace(pair, target=target, sensor=None)
    yield from noise_cases(pair, bright)
    yield "8 bits", replace(pair, target=rounded(pair.target, float(pair.target.max()) / 255))
    quarter = ratio / 4
    moved = shift(truth, (quarter, quarter))
    off = replace(pair, target=wald(moved, ratio, gain))
    yield "off by 0.25 px, judged there", replace(off, truth=moved)
    yield "off by 0.25 px", off
    yield from other_reductions(pair, truth)


def frame_cases(pair: Pair) -> Iterator[tuple[str, Pair]]:
    """Yield what was done to a depth map, and the pair with it."""
    truth = pair.truth
    assert truth is not None
    bright = float(np.percentile(pair.target, 99))
    filled, ratio = filled_truth(pair), round(pair.ratio)
    yield "as assumed", pair
    yield from other_reductions(pair, filled)
    yield from noise_cases(pair, bright)
    for levels in (255, 64):
        step = float(pair.target.max()) / levels
        yield f"{levels} levels", replace(pair, target=rounded(pair.target, step))
    yield "holes", with_holes(pair, pair.target, random_of(pair))
    noisy = dict(
        noise_cases(replace(pair, target=filled[ratio // 2 :: ratio, ratio // 2 :: ratio]), bright)
    )
    yield (
        "nearest, 0.5 % noise, holes",
        with_holes(pair, noisy["0.5 % noise"].target, random_of(pair)),
    )


def noise_cases(pair: Pair, bright: float) -> Iterator[tuple[str, Pair]]:
    for share in NOISE:
        noise = random_of(pair).normal(0, share * bright, pair.target.shape)
        yield (
            f"{share:.1%} noise".replace(".0%", "%").replace("%", " %"),
            replace(pair, target=np.maximum(pair.target + noise, 0).astype(np.float32)),
        )


def other_reductions(pair: Pair, truth: Image) -> Iterator[tuple[str, Pair]]:
    (rows, columns, bands), ratio = truth.shape, round(pair.ratio)
    blocks = truth.reshape(rows // ratio, ratio, columns // ratio, ratio, bands)
    yield "area average", replace(pair, target=blocks.mean((1, 3)))
    if pair.task != "depth":  # whose assumption it is
        shape = pair.target.shape[0], pair.target.shape[1]
        yield "bicubic", replace(pair, target=bicubic_to_target(truth, shape, pair.placement))
    # Pillow's choice of the pixels in the middle of a target pixel.
    yield "nearest", replace(pair, target=truth[ratio // 2 :: ratio, ratio // 2 :: ratio].copy())


def rounded(target: Image, step: float) -> Image:
    levels: Image = (np.rint(target / step) * step).astype(np.float32)
    return levels


def random_of(pair: Pair) -> np.random.Generator:
    return np.random.default_rng(sum(pair.name.encode()))


def filled_truth(pair: Pair) -> Image:
    assert pair.truth is not None
    if pair.truth_valid is None:
        return pair.truth
    known = pair.truth_valid
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled: Image = pair.truth[tuple(nearest)]
    return filled


def with_holes(pair: Pair, target: Image, random: np.random.Generator) -> Pair:
    """Lose a tenth of a depth map in ragged holes, filled again as the command does."""
    speckle = ndimage.gaussian_filter(random.normal(size=target.shape[:2]), 2)
    known = speckle < np.quantile(speckle, 0.9)
    values = fill_by_guide(target[..., 0], known, pair.guide, pair.placement)
    shown = nearest_pixels(known, pair.guide.shape[:2], pair.placement)
    if pair.truth_valid is not None:
        shown = shown & pair.truth_valid
    return replace(pair, target=values[..., None].astype(np.float32), truth_valid=shown)


def error(pair: Pair, image: Image) -> float:
    if pair.task == "depth":
        return measure(("rmse",), image, pair, border=6)["rmse"]
    return measure(("psnr",), image, pair, border=8)["psnr"]


def all_pairs(data: Path, ratio: int) -> Iterator[tuple[str, Pair]]:
    """Yield every case of every pair."""
    entries = {entry.name: entry for entry in read_open_pairs(data)}
    for name in SCENES:
        scene = entries[name]
        assert isinstance(scene, Scene)
        yield from scene_cases(scene.reduced_pair(ratio, side=SIDE))
    for name in FRAMES:
        frame = entries[name]
        assert isinstance(frame, Frame)
        yield from frame_cases(frame.reduced_pair(ratio, side=SIDE))


def network_alone(upscaler: Upscaler, case: str, pair: Pair, folder: Path | None) -> Image:
    if folder is None:
        return upscaler.answer(pair, Settings(consistent="never")).image
    path = folder / f"x{round(pair.ratio)} {pair.name} {case}.npy"
    if not path.is_file():
        np.save(path, upscaler.answer(pair, Settings(consistent="never")).image)
    kept: Image = np.load(path, allow_pickle=False)
    return kept


def corrected(image: Image, pair: Pair, form: Form, source: ArraySource) -> Image:
    """Return a result made consistent in some form."""
    correction._ROUNDS = form.rounds
    if not form.measured:
        gain = find_sensor(pair.sensor).mtf_gain
        source = ArraySource(pair)
        source.sensor_model = SensorModel((gain, gain), np.zeros(source.bands), True)
    elif not source.sensor_model.measured:
        return image  # as the upscaler decides
    added = consistent_image(image, pair, source, Consistency()) - image
    result: Image = image + form.share * added
    return result


def gains(pair: Pair, image: Image) -> tuple[float, list[float]]:
    """Return the error of the network's result, and what each form adds to it."""
    plain, source = error(pair, image), ArraySource(pair)
    source.align()
    found = [error(pair, corrected(image, pair, form, source)) for form in FORMS[pair.task]]
    if pair.task == "depth":
        return plain, [100 * (1 - each / plain) for each in found]
    return plain, [each - plain for each in found]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--ratio", type=int, default=4)
    parser.add_argument("--keep", type=Path)
    chosen = parser.parse_args()
    if chosen.keep is not None:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    upscaler = load_model(device="cpu")
    found: dict[tuple[TaskName, str], list[tuple[float, list[float]]]] = {}
    for case, pair in all_pairs(chosen.data, chosen.ratio):
        image = network_alone(upscaler, case, pair, chosen.keep)
        found.setdefault((pair.task, case), []).append(gains(pair, image))
    for task, forms in FORMS.items():
        heads = ["target", "dB" if task == "pansharpening" else "RMSE", *(f.name for f in forms)]
        print(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
        for (of, case), values in found.items():
            if of != task:
                continue
            means = np.mean([added for _, added in values], axis=0)
            worst = np.min([added for _, added in values], axis=0)
            cells = [f"{mean:+.2f} ({low:+.2f})" for mean, low in zip(means, worst, strict=True)]
            plain = float(np.mean([error for error, _ in values]))
            print(f"| {case} | {plain:.2f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
