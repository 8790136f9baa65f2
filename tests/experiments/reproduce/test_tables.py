"""How tables are set, and which part of the test pairs they are of."""

import numpy as np

from gisr.data.protocols import depth_pair
from gisr.experiments.reproduce.columns import ResultColumn, middle, spread
from gisr.experiments.reproduce.tables import ResultRow, latex, markdown

PAN, DEPTH = ResultColumn("landsat7", "pansharpening", 4), ResultColumn("nyu", "depth", 8)
ROWS = (
    ResultRow("a", {PAN.key: 30.0, DEPTH.key: 1.0}),
    ResultRow("b", {PAN.key: 32.0, DEPTH.key: 3.0}, frozenset({DEPTH.key})),
    ResultRow("c", {PAN.key: 31.0}),
    ResultRow("d", {PAN.key: 29.0, DEPTH.key: 2.0}),
)
REFERENCE = ResultRow("interpolation", {PAN.key: 99.0, DEPTH.key: 0.1})


def test_markdown_marks_best_and_second_of_each_column_and_not_the_reference() -> None:
    assert markdown((PAN, DEPTH), ROWS, REFERENCE).splitlines() == [
        "|  | landsat7 x4 PSNR ↑ | nyu x8 RMSE ↓ |",
        "| --- | --- | --- |",
        "| a | 30.00 | **1.000** |",
        "| b | **32.00** | 3.000 † |",
        "| c | <u>31.00</u> |  |",
        "| d | 29.00 | <u>2.000</u> |",
        "| *interpolation* | 99.00 | 0.100 |",
        "",
        "† never trained on this task at this ratio",
    ]


def test_results_that_read_alike_share_a_mark() -> None:
    rows = [
        ResultRow(name, {PAN.key: value})
        for name, value in zip("abc", (31.921, 31.924, 30), strict=True)
    ]
    cells = [line.split(" | ")[1].rstrip(" |") for line in markdown((PAN,), rows).splitlines()[2:]]
    assert cells == ["**31.92**", "**31.92**", "<u>30.00</u>"]


def test_latex_marks_alike() -> None:
    lines = latex((PAN, DEPTH), ROWS, REFERENCE).splitlines()
    assert lines[0] == r"\begin{tabular}{lcc}"
    assert lines[2] == r" & \multicolumn{1}{c}{pansharpening} & \multicolumn{1}{c}{depth} \\"
    assert r"a & 30.00 & \textbf{1.000} \\" in lines
    assert r"b & \textbf{32.00} & 3.000$^\dagger$ \\" in lines
    assert r"c & \underline{31.00} & -- \\" in lines
    assert lines[-3:-1] == [r"\bottomrule", r"\end{tabular}"]


def test_the_middle_of_a_pair_is_a_pair() -> None:
    truth = np.random.default_rng(0).uniform(1, 9, (48, 64)).astype(np.float32)
    pair = depth_pair(truth, np.dstack([truth] * 3), 4, valid=truth > 2, name="noise")
    cut = middle(pair, 32)
    assert cut.target.shape[:2] == (8, 8)
    assert cut.truth is not None and cut.truth_valid is not None
    np.testing.assert_array_equal(cut.truth[..., 0], truth[8:40, 16:48])
    np.testing.assert_array_equal(cut.truth_valid, truth[8:40, 16:48] > 2)
    np.testing.assert_array_equal(cut.target, pair.target[2:10, 4:12])
    # Away from the edges, where the rest of the image is missed, interpolation is the same.
    inner = slice(12, 20)
    whole = pair.on_guide_grid()[8:40, 16:48]
    np.testing.assert_allclose(cut.on_guide_grid()[inner, inner], whole[inner, inner], atol=1e-5)
    assert middle(pair, 64) is pair


def test_spread_takes_items_from_all_over() -> None:
    assert spread(range(10), 2) == [2, 7]
    assert spread(range(3), 5) == spread(range(3), None) == [0, 1, 2]
