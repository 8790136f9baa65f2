"""The picture of docs/training.md: generated training frames, and what one sample costs.

    python benchmarks/generated_picture.py docs/images/generated_frames.png

Columns are the first frames that a seed gives, not chosen ones. Rows: the photograph of a depth
frame and its disparity or depth; a satellite scene in red, green and blue, in near infrared, and
panchromatic.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from gisr.data.synthetic.depth_frame import generated_depth_frame
from gisr.data.synthetic.land_scene import generated_land_scene
from gisr.rendering.colours import Colours
from gisr.rendering.display import Display
from gisr.rendering.stretch import Stretch
from gisr.training.samples.frames import GeneratedFrameSet
from gisr.training.samples.scenes import GeneratedSceneSet
from gisr.training.samples.training_set import TrainingSet

COLUMNS, SIDE, GAP = 6, 120, 4
SAMPLES = 60


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("picture", type=Path)
    parser.add_argument("--seed", type=int, default=3)
    chosen = parser.parse_args()
    columns = [_column((chosen.seed, number)) for number in range(COLUMNS)]
    sheet = np.concatenate(columns, axis=1)[:, :-GAP]
    picture = Image.fromarray(sheet)
    palette = picture.quantize(256, Image.Quantize.MEDIANCUT)
    dithered = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    dithered.save(chosen.picture, optimize=True)  # a third of the size, and hard to tell
    for patch in (64, 128):
        print(f"patch {patch}: {', '.join(_costs(patch))}")


def _column(seed: tuple[int, int]) -> UInt8[np.ndarray, "rows columns 3"]:
    frame = generated_depth_frame(np.random.default_rng(seed), SIDE)
    scene = generated_land_scene(np.random.default_rng(seed), SIDE)
    bands = scene.multispectral
    infrared = 3 if bands.shape[2] == 4 else 6
    images = [
        frame.colour.astype(np.uint8),
        _stretched("coloured", frame.depth[..., None], frame.known),
        _stretched("bands", bands),
        _stretched("grey", bands[..., infrared, None]),
        _stretched("grey", scene.panchromatic),
    ]
    cells = []
    for image in images:
        cells.append(
            np.pad(image.astype(np.uint8), ((0, GAP), (0, GAP), (0, 0)), constant_values=255)
        )
    return np.concatenate(cells)[:-GAP]


def _stretched(
    display: Display,
    image: Float[np.ndarray, "H W bands"],
    known: Bool[np.ndarray, "H W"] | None = None,
) -> Colours:
    return Stretch.of_target(display, image, (0.5, 99.5)).colours(image, known)


def _costs(patch: int) -> list[str]:
    sets: list[TrainingSet] = [GeneratedSceneSet(ratio) for ratio in (2, 4)]
    sets += [GeneratedFrameSet(ratio) for ratio in (4, 8, 16)]
    return [f"{one.task} x{one.ratio} {_milliseconds(one, patch):.1f} ms" for one in sets]


def _milliseconds(chosen: TrainingSet, patch: int) -> float:
    """Return the processor time of a sample, its degradation included."""
    chosen.sample(0, np.random.default_rng(0), patch)
    began = time.process_time()
    for number in range(SAMPLES):
        chosen.sample(0, np.random.default_rng((1, number)), patch)
    return (time.process_time() - began) / SAMPLES * 1000


if __name__ == "__main__":
    main()
