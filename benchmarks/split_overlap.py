"""Whether scenes of one group that stand in two splits show the same ground.

    python benchmarks/split_overlap.py ../shared/data

Panchromatic images reduced by 4: every tile of one scene is looked for in the other, at all offsets
in steps of 2 panchromatic pixels, turned and mirrored. An overlap of a tile and a step or more
would hold a whole tile. What such an overlap gives is measured on the other scene itself, cut one
pixel off; what chance gives, on some training scenes of other groups.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path

import cv2
import numpy as np

from gisr.datasets.entry import Entry, Scene
from gisr.datasets.sources import read_entries

REDUCED = 4
SIDE, STEP = 32, 8
"""Tiles, in reduced pixels."""
Found = tuple[float, tuple[int, int], tuple[int, int], str]
"""Correlation, corners in both images in panchromatic pixels, and how the tile was turned."""


def reduced(scene: Scene, top: int = 0, left: int = 0) -> np.ndarray:
    image = scene.panchromatic[top:, left:, 0]
    rows, columns = (side // REDUCED * REDUCED for side in image.shape)
    blocks = image[:rows, :columns].reshape(rows // REDUCED, REDUCED, columns // REDUCED, REDUCED)
    means: np.ndarray = blocks.mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
    return means


def tiles(image: np.ndarray) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Yield tiles that show something: a flat one is like any other."""
    for row in range(0, image.shape[0] - SIDE + 1, STEP):
        for column in range(0, image.shape[1] - SIDE + 1, STEP):
            tile = image[row : row + SIDE, column : column + SIDE]
            if tile.std() > 0.25 * image.std():
                yield (row, column), tile


def best_of_tile(tile: np.ndarray, scene: Scene, place: tuple[int, int]) -> Found:
    corner = REDUCED * place[0], REDUCED * place[1]
    found: list[Found] = []
    for top, left in product((0, REDUCED // 2), repeat=2):
        image = reduced(scene, top, left)
        for turns, mirrored in product(range(4), (False, True)):
            turned = np.rot90(tile[:, ::-1] if mirrored else tile, turns)
            scores = cv2.matchTemplate(image, np.ascontiguousarray(turned), cv2.TM_CCOEFF_NORMED)
            row, column = divmod(int(scores.argmax()), scores.shape[1])
            how = f"{90 * turns} degrees{', mirrored' * mirrored}"
            there = REDUCED * row + top, REDUCED * column + left
            found.append((float(scores.max()), corner, there, how))
    return max(found)


def best(tested: Scene, other: Scene) -> Found:
    return max(best_of_tile(tile, other, place) for place, tile in tiles(reduced(tested)))


def same_ground(scene: Scene) -> list[float]:
    """Return the correlations of a scene's tiles with the scene itself."""
    moved = list(tiles(reduced(scene, 1, 1)))
    return [best_of_tile(tile, scene, place)[0] for place, tile in moved[::10]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    entries = read_entries(parser.parse_args().data)
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.task, entry.group].append(entry)
    shared = {name: own for name, own in groups.items() if len({e.split for e in own}) > 1}
    print(f"{len(groups)} groups, in more than one split: {', '.join(g for _, g in shared)}")
    for (_, group), own in shared.items():
        scenes = [entry for entry in own if isinstance(entry, Scene)]
        if len(scenes) < len(own):
            print(f"{group}: no satellite scenes, not compared")
        for one, other in combinations(sorted(scenes, key=lambda scene: scene.split), 2):
            score, here, there, how = best(one, other)
            known = same_ground(other)
            print(
                f"{one.name} ({one.split}) in {other.name} ({other.split}): {score:.3f} at {here} "
                f"and {there}, {how}; same ground: {min(known):.3f} to {max(known):.3f}"
            )
        for tested in (scene for scene in scenes if scene.split == "test"):
            others = [e for e in entries if isinstance(e, Scene) and e.group != group]
            strangers = [e for e in others if e.split == "train"][::5]
            print(f"{tested.name} in training scenes of other groups:")
            for stranger in strangers:
                score, here, there, how = best(tested, stranger)
                print(f"  {stranger.name}: {score:.3f} at {here} and {there}, {how}")


if __name__ == "__main__":
    main()
