"""Links between the repository's files lead to the same place in the site."""

from pathlib import PurePosixPath

import pytest
from mkdocs.exceptions import PluginError
from site_hooks import OUTSIDE, ROOT, _in_site, _linked, _shown, _source, _target


def led(page: str, link: str) -> str:
    return _in_site(_target(link, _source(page)))


@pytest.mark.parametrize(
    ("page", "link", "place"),
    [
        ("index.md", "docs/mri.md", "mri.md"),
        ("index.md", "src/gisr/embedded/magnet-s/README.md", "model-card.md"),
        ("results/laboratory.md", "../reproduce.md", "reproduce.md"),
        ("satellite.md", "../benchmarks/README.md", "benchmarks.md"),
        ("mri.md", "notebooks/mri.ipynb", "notebooks/mri.md"),
        ("mri.md", "../tools/mean_weights.py", "files/tools/mean_weights.py.md"),
    ],
)
def test_links_are_led_to_their_page(page: str, link: str, place: str) -> None:
    assert led(page, link) == place


def test_code_is_no_link() -> None:
    text = "[a](../Makefile)\n\n```text\n[b](../pyproject.toml)\n```\n"
    assert _linked(text, PurePosixPath("docs/mri.md")) == {PurePosixPath("Makefile")}


def test_a_file_is_shown_and_a_missing_one_fails() -> None:
    assert "PYTHON ?= python3.11" in _shown(PurePosixPath("Makefile"))
    with pytest.raises(PluginError, match=r"docs/no\.md"):
        _shown(PurePosixPath("docs/no.md"))


def test_every_page_from_outside_is_there() -> None:
    assert all((ROOT / source).is_file() for source in OUTSIDE)
