"""Thermal: temperatures guided by a grey picture. ``tests/test_contributing.py`` adds it."""

from collections.abc import Iterator

from gisr.tasks.task import PairFacts, Task


def _sentence(ratio: int, facts: PairFacts) -> str:
    return f"Super-resolution of a thermal image guided by a grey picture at ratio {ratio}"


def _described() -> Iterator[PairFacts]:
    yield from ()  # nothing to embed: a text encoder reads the sentence when it is needed


THERMAL = Task(
    name="thermal",  # type: ignore[arg-type]  # TaskName gets it in step 1
    title="Thermal",
    subject="thermal image",
    guide="grey picture",
    target_word="thermogram",
    guide_word="picture",
    files="thermogram (npy) + picture (npy)",
    result="a thermogram of the size of the picture",
    grid="centre",
    paper_ratios=(4, 8),
    target_percentiles=(0.0, 100.0),
    guide_percentiles=(1.0, 99.0),
    unit="kelvin",
    metrics=("rmse", "psnr"),
    border=3,
    no_reference=False,
    interpolation="bicubic",
    registration=None,
    reduction="bicubic",
    output_suffixes=(".npy",),
    spread_suffixes=(".npy",),
    file_endings=("heat", "grey"),
    display="coloured",
    turned=False,
    colour="#862e9c",
    steps="px",
    vocabulary={},
    sentence=_sentence,
    described=_described,
)
