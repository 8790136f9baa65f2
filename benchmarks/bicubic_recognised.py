"""How surely a satellite target that went through a bicubic kernel is told from one that did not.

    python benchmarks/bicubic_recognised.py ../shared/data

Every open scene, from crops of two sizes, its target made in every way of wrong_degradation.py, a
bicubic kernel among them; and the scenes as they came from the satellite. Counted is for how many
gisr says that the target looks reduced by a bicubic kernel, of how many in which the blur can be
measured at all.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from wrong_degradation import scene_cases

from gisr.data.pair import Pair
from gisr.datasets.entry import Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.inference.windowed_pair import ArraySource

RATIOS = (2, 4)
SIDES = (96, 192)


def all_cases(scene: Scene) -> Iterator[tuple[str, Pair]]:
    """Yield how targets of a scene came about, and the pairs with them."""
    yield "as it came", scene.full_pair()
    for ratio in RATIOS:
        for side in SIDES:
            pair = scene.reduced_pair(ratio, side=min(side, *scene.multispectral.shape[:2]))
            for case, made in scene_cases(pair):
                how = "by a bicubic kernel" if case == "bicubic" else "otherwise"
                yield f"x{ratio}, {side} pixels, made {how}", made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    chosen = parser.parse_args()
    found: dict[str, list[bool]] = {}
    for scene in read_open_pairs(chosen.data):
        if not isinstance(scene, Scene):
            continue
        for case, pair in all_cases(scene):
            source = ArraySource(pair)
            source.align()
            if source.sensor_model.measured:
                found.setdefault(case, []).append(source.sensor_model.bicubic)
    print("| target | recognised as bicubic | of |\n|---|---|---|")
    for case, said in found.items():
        print(f"| {case} | {sum(said)} | {len(said)} |")


if __name__ == "__main__":
    main()
