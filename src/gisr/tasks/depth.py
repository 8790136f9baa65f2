"""Depth: depth and disparity maps guided by a colour picture."""

from collections.abc import Iterator

from gisr.tasks.task import HelpExample, PairFacts, Task


def _sentence(ratio: int, facts: PairFacts) -> str:
    return f"Super-resolution of a depth map guided by a colour image at ratio {ratio}"


def _described() -> Iterator[PairFacts]:
    yield PairFacts()


DEPTH = Task(
    name="depth",
    title="Depth",
    subject="depth map",
    guide="colour picture",
    target_word="depth map",
    guide_word="picture",
    files="depth map (PNG, TIFF, npy, npz, EXR, PFM) + colour picture",
    result="a depth map in the same unit and type; holes stay holes",
    grid="centre",
    paper_ratios=(4, 8, 16),
    # Every depth is a surface: none is an outlier once unknown pixels are masked.
    target_percentiles=(0.0, 100.0),
    guide_percentiles=(1.0, 99.0),
    unit="depth or disparity",
    metrics=("rmse",),
    border=6,
    no_reference=False,
    interpolation="bicubic",
    registration=None,
    reduction="bicubic",
    output_suffixes=(".png", ".tif", ".tiff", ".npy", ".npz", ".exr", ".pfm"),
    # Those that hold float32: no PNG.
    spread_suffixes=(".tif", ".tiff", ".npy", ".npz", ".exr", ".pfm"),
    file_endings=("depth", "disp", "disparity", "rgb", "color", "colour"),
    display="coloured",
    turned=False,
    colour="#d9480f",
    steps="px",
    vocabulary={},
    sentence=_sentence,
    described=_described,
    examples=(
        HelpExample("a depth map", "gisr upscale depth.png colour.png -o sharp.png"),
        HelpExample(
            "its holes filled, with a mask of them",
            "gisr upscale depth.png colour.png -o full.png --fill-holes --mask filled.png",
        ),
        HelpExample(
            "a point cloud of a depth map in millimetres",
            "gisr upscale depth.png colour.png -o sharp.png --ply cloud.ply "
            "--camera intrinsics.txt --depth-unit mm",
        ),
    ),
    stretch=0.02,
    surfaces=True,
)
