"""How surely a satellite target that went through a bicubic kernel is told from one that did not.

    python benchmarks/bicubic_recognised.py ../shared/data

Every open scene, from crops of two sizes: targets made with the sensor's MTF, with higher gains and
with noise, and by a bicubic kernel. Also the scenes as they came from the satellite. Counted is
for how many gisr says that the target looks reduced by a bicubic kernel, of how many in which the
blur can be measured at all.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from gisr.data.degradations import wald
from gisr.data.entry import Scene
from gisr.data.open_pairs import read_open_pairs
from gisr.data.pair import Pair
from gisr.data.pairing import full_pair, scene_pair
from gisr.data.resample import bicubic_to_target
from gisr.inference.source import ArraySource

RATIOS = (2, 4)
SIDES = (96, 192)


def cases(pair: Pair, ratio: int) -> Iterator[tuple[str, Pair]]:
    """Yield how a target was made, and the pair with it."""
    truth = pair.truth
    assert truth is not None
    yield "the sensor's MTF", pair
    for gain in (0.45, 0.6):
        yield f"an MTF of {gain:g}", replace(pair, target=wald(truth, ratio, gain))
    random = np.random.default_rng(sum(pair.name.encode()))
    level = 0.02 * float(np.percentile(pair.target, 99))
    noise = random.normal(0, level, pair.target.shape)
    yield "2 % noise", replace(pair, target=(pair.target + noise).astype(np.float32))
    shape = pair.target.shape[0], pair.target.shape[1]
    yield "a bicubic kernel", replace(pair, target=bicubic_to_target(truth, shape, pair.placement))


def all_cases(scenes: list[Scene]) -> Iterator[tuple[str, Pair]]:
    """Yield every case of every scene."""
    for scene in scenes:
        yield "as it came", full_pair(scene)
        for ratio in RATIOS:
            for side in SIDES:
                pair = scene_pair(scene, ratio, side=min(side, *scene.multispectral.shape[:2]))
                for case, made in cases(pair, ratio):
                    yield f"x{ratio}, {side} pixels, {case}", made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    chosen = parser.parse_args()
    scenes = [entry for entry in read_open_pairs(chosen.data) if isinstance(entry, Scene)]
    found: dict[str, list[bool]] = {}
    for case, pair in all_cases(scenes):
        source = ArraySource(pair)
        source.align()
        if source.instrument.measured:
            found.setdefault(case, []).append(source.instrument.bicubic)
    print("| target | recognised as bicubic | of |\n|---|---|---|")
    for case, said in found.items():
        print(f"| {case} | {sum(said)} | {len(said)} |")


if __name__ == "__main__":
    main()
