"""Bring the card of the embedded weights, and the README's table, up to date with a results page.

    python benchmarks/weights_card.py docs/results/weights-v6.json --training runs/training.md

Replaces the card's headline, what it says of its training, its tables and its worst images, and the
README's results. Everything comes from the JSON that ``weights_page.py`` wrote beside the page.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

from weights_page import SYSTEM, gains, listed, reference, said_of_worst

from gisr.experiments.evaluation import Score, shown, tables
from gisr.metrics import METRICS, MetricName

ROOT = Path(__file__).parent.parent
CARD = ROOT / "src" / "gisr" / "embedded" / SYSTEM / "README.md"
README = ROOT / "README.md"
ROWS: tuple[tuple[str, int, str, MetricName, str], ...] = (
    *(("landsat7", ratio, f"Landsat-7 x{ratio}", "psnr", "gsa-aligned") for ratio in (2, 4)),
    ("quickbird", 4, "QuickBird x4 (sensor never trained on)", "psnr", "gsa-aligned"),
    *(("mri-t1-t2", ratio, f"MR T2 guided by T1, x{ratio}", "psnr", "") for ratio in (2, 4, 8)),
    *(("mri-t1-flair", r, f"MR FLAIR guided by T1, x{r}", "psnr", "") for r in (2, 4, 8)),
    *(
        ("middlebury2005", r, f"Depth, Middlebury 2005 (px), x{r}", "rmse", "guided-filter")
        for r in (4, 8, 16)
    ),
    *(("rgbdd", r, f"Depth, RGB-D-D (cm, 21 frames), x{r}", "rmse", "") for r in (4, 8, 16)),
)
"""Benchmark, ratio, what the README calls them, metric, and the classical system if any."""
CLASSICAL = {"gsa-aligned": " (GSA, aligned)", "guided-filter": " (guided filter)", "": ""}


def read_scores(path: Path) -> list[Score]:
    """Return the scores that a results page was made of."""
    return [Score(**score) for score in json.loads(path.read_text("utf-8"))["scores"]]


def readme_table(scores: Sequence[Score]) -> str:
    """Return the README's table of results."""
    found = {(score.benchmark, score.ratio, score.system): score for score in scores}
    lines = ["| pairs | metric | interpolation | classical | gisr |", "|---|---|---|---|---|"]
    for benchmark, ratio, title, metric, classical in ROWS:

        def cell(
            system: str, at: tuple[str, int] = (benchmark, ratio), of: MetricName = metric
        ) -> str:
            return shown(of, found[*at, system].values[of]) if system else ""

        base = reference(benchmark)
        before = cell(base) + (f" ({base})" if base != "bicubic" else "")
        heading = METRICS[metric].heading if metric == "psnr" else "RMSE"
        cells = title, heading, before, cell(classical) + CLASSICAL[classical], cell(SYSTEM)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def readme_results(scores: Sequence[Score], name: str) -> str:
    """Return what the README says of weights."""
    return (
        f"Weights {name} (`{SYSTEM}`, 9 M parameters), on pairs never trained on, made with\n"
        "`gisr evaluate ../shared/data`; all tables, the worst images and what is still missing\n"
        f"are in the [results](docs/results/weights-{name}.md).\n\n{readme_table(scores)}"
    )


def card_results(scores: Sequence[Score], name: str) -> str:
    """Return the card's tables: those of the page, under bold lines instead of headings."""
    under_lines = re.sub(r"^### (.*)$", r"**\1**", tables(scores), flags=re.M).strip()
    return (
        "The commands, every image's values and the goals that are not reached are in\n"
        f"`docs/results/weights-{name}.md`.\n\n{under_lines}"
    )


def card_worst(scores: Sequence[Score]) -> str:
    """Return what the card says of its worst images."""
    worst = gains(scores)
    return f"{said_of_worst(worst)}\n\n{listed(worst)}"


def between(text: str, part: str, new: str) -> str:
    """Return a text with what stands between a part's two marks replaced.

    Raises:
        SystemExit: A mark is missing, or stands there twice.
    """
    before, after = f"<!-- {part} -->", f"<!-- end of {part} -->"
    if text.count(before) != 1 or text.count(after) != 1:
        raise SystemExit(f"expected one {before!r} and one {after!r}: mend the document")
    head, rest = text.split(before)
    return f"{head}{before}\n\n{new}\n\n{after}{rest.split(after)[1]}"


def main() -> None:
    """Rewrite the card and the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores", type=Path, help="docs/results/weights-NAME.json")
    parser.add_argument("--training", type=Path, required=True, help="how they were trained")
    given = parser.parse_args()
    scores, name = read_scores(given.scores), given.scores.stem.removeprefix("weights-")
    card = re.sub(r"^(# .*weights ).*$", rf"\1{name}", CARD.read_text("utf-8"), flags=re.M)
    training = given.training.read_text("utf-8").strip()
    card = between(card, "training", training)
    card = between(card, "results", card_results(scores, name))
    CARD.write_text(between(card, "worst", card_worst(scores)), "utf-8")
    readme = between(README.read_text("utf-8"), "results", readme_results(scores, name))
    README.write_text(re.sub(r"weights-v\d+\.md", f"weights-{name}.md", readme), "utf-8")


if __name__ == "__main__":
    main()
