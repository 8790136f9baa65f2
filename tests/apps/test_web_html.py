"""The HTML of the page: file names and messages are text."""

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest

from gisr.apps.web.html import (
    FOLDER_PREFIX,
    INTRODUCTION,
    caption_line,
    footer,
    message,
    pair_line,
    placeholder,
    plain,
    scores_table,
    summary,
)
from gisr.apps.web.job import PageOutcome
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.scores import Scores
from gisr.errors import FileFormatError, PairError
from gisr.notes import Note, detail
from gisr.pipelines.request import FileResult

HOSTILE = "<script>alert('1')</script> \" onload=\"x & &lt; \u202egpj.tif"
SHOWN = HOSTILE.replace("\u202e", "[U+202E]")


class Reader(HTMLParser):
    """Reads text and tags as a browser does."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        assert {name for name, _ in attrs} <= {"class", "title"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@dataclass
class Finished:
    """What the summary uses of an outcome."""

    result: FileResult
    notes: tuple[Note, ...]
    command: str


def hostile_summary() -> str:
    path = Path("folder") / HOSTILE.replace("/", ":")
    result = FileResult(
        path, "mri", (4, 5, 6), "int16", 2.0, "kspace", 1.25, "T2", "T1", volume=True
    )
    notes = Note(HOSTILE), detail("second")
    return summary(cast(PageOutcome, Finished(result, notes, f"gisr upscale {HOSTILE}")))


@pytest.mark.parametrize(
    "made",
    [caption_line, pair_line, lambda text: pair_line(text, wrong=True)],
    ids=["caption", "pair", "wrong pair"],
)
def test_a_line_shows_a_hostile_name_as_it_is(made: Any) -> None:
    page = Reader(made(HOSTILE))
    assert page.tags == ["p"] and page.open == []
    assert page.words.strip() == SHOWN


def test_a_summary_shows_hostile_names_as_they_are() -> None:
    page = Reader(hostile_summary())
    assert (
        page.tags
        == [*("h2", "p", "ul", "li", "details", "summary", "ul", "li", "div", "p", "code")]
        and page.open == []
    )
    assert page.words.count(SHOWN) == 2 and SHOWN.replace("/", ":") in page.words
    assert "MR volume, 2 times finer, T2 guided by T1: 4 x 5 x 6 (int16), in 1.2 s" in page.words


def test_contrasts_are_left_out_of_a_summary_without_them() -> None:
    result = FileResult(Path("a.tif"), "pansharpening", (4, 5, 3), "uint8", 4.0, "centre", 2.0)
    page = Reader(summary(cast(PageOutcome, Finished(result, (), "gisr upscale"))))
    assert "Satellite image, 4 times finer: 5 x 4 x 3 (uint8), in 2.0 s" in page.words
    assert "li" not in page.tags


def test_a_message_is_escaped_and_names_no_folder_of_the_server() -> None:
    error = PairError(f"/tmp/{FOLDER_PREFIX}ab/cd/{HOSTILE.replace('/', '')}:\n damaged")
    text = message(error, "This does not work")
    assert text.startswith("<b>This does not work</b><br>")
    text = text.removeprefix("<b>This does not work</b><br>")
    assert "/tmp" not in text and "<" not in text and '"' not in text
    assert Reader(text).words == f"{SHOWN.replace('/', '')}: damaged"


def test_scores_are_rounded_by_metric_with_the_way_that_is_better() -> None:
    values = {"psnr": 30.126, "ssim_wang": 0.98765, "sam": 2.0}
    scores = Scores({"interpolated": values, "sharpened": values}, 1023.0, 8, 1.0)  # type: ignore[dict-item]
    page = Reader(scores_table(scores))
    assert page.open == []
    assert page.words.count("30.13") == page.words.count("0.9877") == 2
    assert "PSNR (dB)\u00a0↑" in page.words and "SAM (degrees)\u00a0↓" in page.words
    assert "Full signal is 1023. 8 pixels are cut on every side." in page.words
    assert scores_table(None) == pair_line("") == ""


def test_what_stands_on_the_page_before_anything_is_given() -> None:
    limits = PageLimits(max_upload=300_000_000, keep_minutes=7)
    for text in (INTRODUCTION, placeholder(), footer(limits)):
        assert Reader(text).open == []
    words = " ".join(footer(limits).split())
    assert "unused for 7 minutes" in words and "300 MB per file or series" in words


def test_errors_do_not_say_where_the_server_keeps_files() -> None:
    error = FileFormatError("/tmp/gisr-serve-ab_c/session-1/2/ms.tif: is no TIFF:\n save it again")
    assert plain(error) == "ms.tif: is no TIFF: save it again"
    other = FileFormatError("ms.tif and /data/pan.tif do not overlap")
    assert plain(other) == "ms.tif and /data/pan.tif do not overlap"
