"""What --consistent and --uncertainty do to real pairs with a truth.

    python benchmarks/more_than_an_answer.py ../shared/data

Every pair is reduced by its task's protocol, from a crop of at most --side pixels. For each it
prints the error of the result as it is, made consistent, as the mean over the eight symmetries,
and both; what degrading the result misses; and how well the spread tells the error: their
correlation over pixels, and the root mean square error where the spread is in its top tenth
against the rest. --noise and --gain make targets that the tool's assumptions do not fit: noise of
that share of the target's range, and a sensor whose MTF is another than assumed. --rounds prints,
in place of all that, the error after so many rounds of back-projection and what is left of the
residual.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from gisr.data.degradations import wald
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.datasets.entry import Entry, Frame, Scan, Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.inference.answers import Answer, Settings
from gisr.inference.consistency import correction
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource
from gisr.metrics import psnr, rmse
from gisr.weights.store import load_weights

NAMES = (
    *("l7_19", "l7_22", "l8_12", "decri_qb", "whu_qb_yichang_r3c7", "gf2_test_fr0"),
    *("brats_gli_00001_000", "tcga_fg_6692", "lesjak_long_patient04_study1"),
    *("mb05_art", "mb05_dolls", "mb05_laundry", "nyu_esanet", "o3d_tum"),
)
BORDER = {"pansharpening": 8, "mri": 0, "depth": 6}


def middle(size: int, side: int) -> slice:
    first = max(0, (size - side) // 2)
    return slice(first, min(size, first + side))


def pairs(entry: Entry, ratio: int, side: int, gain: float | None) -> Iterator[Pair]:
    if isinstance(entry, Scene):
        fine = entry.panchromatic.shape[0] // entry.multispectral.shape[0]
        rows, columns = (middle(size, side) for size in entry.multispectral.shape[:2])
        low = entry.multispectral[rows, columns]
        high = entry.panchromatic[
            rows.start * fine : rows.stop * fine, columns.start * fine : columns.stop * fine
        ]
        pair = wald_pair(low, high, ratio, sensor=entry.sensor, bits=entry.bits, name=entry.name)
        assert pair.truth is not None
        if gain is not None:
            pair = replace(pair, target=wald(pair.truth, ratio, gain))
        yield pair
    elif isinstance(entry, Scan):
        for contrast in ("T2", "FLAIR"):
            volume, guide = entry.volume(contrast), entry.volume("T1")
            index = volume.shape[2] // 2
            yield kspace_pair(
                volume[..., index],
                guide[..., index],
                ratio,
                contrast=contrast,
                guide_contrast="T1",
                peak=float(volume.max()),
                name=f"{entry.name} {contrast}",
            )
    elif isinstance(entry, Frame):
        depth, valid = entry.depth
        rows, columns = (middle(size, side) for size in depth.shape)
        colour = entry.colour[rows, columns]
        yield depth_pair(
            depth[rows, columns], colour, ratio, valid=valid[rows, columns], name=entry.name
        )


def noisy(pair: Pair, share: float, rng: np.random.Generator) -> Pair:
    spread = share * float(np.ptp(pair.target))
    noise = rng.normal(0, spread, pair.target.shape).astype(np.float32)
    return replace(pair, target=pair.target + noise)


def score(pair: Pair, image: np.ndarray) -> float:
    border, valid = BORDER[pair.task], pair.truth_valid
    assert pair.truth is not None
    if pair.task == "depth":
        return rmse(image, pair.truth, border=border, valid=valid)
    return psnr(image, pair.truth, peak=pair.peak or 1.0, border=border, valid=valid)


def telling(pair: Pair, answer: Answer) -> tuple[float, float]:
    """Return the correlation of error and spread, and how much larger it is in the top tenth."""
    assert pair.truth is not None and answer.spread is not None
    error = np.abs(answer.image - pair.truth)
    known = np.ones(error.shape[:2], bool) if pair.truth_valid is None else pair.truth_valid
    error, spread = error[known].ravel(), answer.spread[known].ravel()
    top = spread >= np.quantile(spread, 0.9)
    roots = [float(np.sqrt(np.mean(np.square(error[part])))) for part in (top, ~top)]
    return float(np.corrcoef(error, spread)[0, 1]), roots[0] / roots[1]


def aligned_source(pair: Pair) -> ArraySource:
    source = ArraySource(pair)
    source.align()
    return source


def by_rounds(upscaler: Upscaler, pair: Pair, given: Pair, counts: list[int]) -> str:
    image, cells = upscaler.answer(given, Settings(consistent="never")).image, []
    source = aligned_source(given)
    for count in counts:
        correction._ROUNDS, found = count, correction.Consistency()
        fixed = correction.consistent_image(image, given, source, found)
        cells.append(f"{score(pair, fixed):.4g} ({found.after / found.before:.1%})")
    return f"| {pair.name} | {score(pair, image):.4g} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--ratio", type=int, default=4)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, nargs="+")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--gain", type=float)
    parser.add_argument("--no-ensemble", action="store_true")
    chosen = parser.parse_args()
    upscaler, rng = Upscaler(load_weights(None), "cpu"), np.random.default_rng(0)
    if chosen.rounds is not None:
        heads = (f"{rounds} rounds" for rounds in chosen.rounds)
        print("| pair | as it is |", " | ".join(heads), "|")
        print("|---" * (2 + len(chosen.rounds)) + "|", flush=True)
        for entry in read_open_pairs(chosen.data):
            if entry.name in chosen.names:
                for pair in pairs(entry, chosen.ratio, chosen.side, chosen.gain):
                    given = noisy(pair, chosen.noise, rng) if chosen.noise else pair
                    print(by_rounds(upscaler, pair, given, chosen.rounds), flush=True)
        return
    print(
        "| pair | unit | as it is | consistent | mean of eight | both | residual before, after "
        "(% of range) | correlation | top tenth / rest | time |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for entry in read_open_pairs(chosen.data):
        if entry.name not in chosen.names:
            continue
        for pair in pairs(entry, chosen.ratio, chosen.side, chosen.gain):
            given = noisy(pair, chosen.noise, rng) if chosen.noise else pair
            began = time.process_time()
            plain = upscaler.answer(given, Settings(consistent="never"))
            middle_time = time.process_time()
            eight = (
                plain
                if chosen.no_ensemble
                else upscaler.answer(given, Settings(spread=True, consistent="never"))
            )
            factor = (time.process_time() - middle_time) / (middle_time - began)
            source = aligned_source(given)
            found, again = correction.Consistency(), correction.Consistency()
            fixed = correction.consistent_image(plain.image, given, source, found)
            both = correction.consistent_image(eight.image, given, source, again)
            scores = [score(pair, image) for image in (plain.image, fixed, eight.image, both)]
            spread = found.high - found.low
            tells = telling(pair, eight) if eight.spread is not None else (np.nan, np.nan)
            print(
                f"| {pair.name} | {'RMSE' if pair.task == 'depth' else 'dB'} | "
                + " | ".join(f"{value:.4g}" for value in scores)
                + f" | {100 * found.before / spread:.2g}, {100 * found.after / spread:.2g} "
                f"| {tells[0]:.2f} | {tells[1]:.1f} | {factor:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
