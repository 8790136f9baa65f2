"""The README and the guides do what they say: every gisr command in them is run or parsed."""

import ast
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import griffe
import nibabel
import numpy as np
import pytest
from option_tables import GROUPS, groups_in, rewritten
from system_table import rewritten as with_systems
from tests.geotiffs import write_geotiff
from weights_card import card_results, card_worst, read_scores, readme_results

from gisr.apps.cli import build_parser, main, split_overrides
from gisr.metrics import METRICS
from gisr.pipelines.option import options_of
from gisr.pipelines.options import Options
from gisr.training.recipe import Recipe
from gisr.weights.folder import EMBEDDED, TENSORS_FILE, embedded_folder

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = sorted([*(ROOT / "tools").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")])
NEEDS_WEIGHTS = pytest.mark.skipif(
    not (embedded_folder(EMBEDDED[0]) / TENSORS_FILE).is_file(),
    reason="needs the embedded weights, which are not in this checkout",
)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    joined = [block.replace("\\\n", " ") for block in blocks(page, "sh")]  # a line that goes on
    lines = [line for block in joined for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [found[1:] for found in words if found and found[0] == "gisr"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_parse(page: Path) -> None:
    for words in commands(page):
        own, overrides = split_overrides(words) if words[0] == "train" else (words, [])
        build_parser().parse_args(own)
        assert all(word.startswith("--") or not word.startswith("-") for word in overrides)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_of_options_are_those_of_the_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert rewritten(text) == text, "stale: run python tools/option_tables.py docs/*.md"


def test_the_table_of_systems_is_that_of_the_systems() -> None:
    text = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    assert with_systems(text) == text, "stale: run python tools/system_table.py docs/systems.md"


def test_every_group_of_options_has_its_table_once() -> None:
    shown = [group for page in PAGES for group in groups_in(page.read_text(encoding="utf-8"))]
    assert sorted(shown) == sorted(GROUPS)


@cache
def said() -> str:
    """Return all that the package says."""
    return "\n".join(
        node.value
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def check_quoted(messages: list[str]) -> None:
    text = said()
    for message in messages:
        for part in message.split("..."):
            assert part.strip() in text, message


def test_troubleshooting_quotes_messages_that_exist() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    messages = [message for cell in cells for message in re.findall(r"`(.*?)`", cell)]
    assert len(messages) > 40
    check_quoted(messages)


def test_the_page_of_refusals_quotes_messages_that_exist() -> None:
    text = (ROOT / "docs" / "refusals.md").read_text(encoding="utf-8")
    pairs = text.split("## Pairs that")[1].split("## Options")[0]
    messages = re.findall(r"^\| `(.*?)` \|", pairs, re.MULTILINE)
    messages += re.findall(r"^\| `(.*?)` \|", text.split("## Warnings")[1], re.MULTILINE)
    messages += ["the output is named after -o", "did you mean", "leave it out", "exists already"]
    assert len(messages) > 20
    check_quoted(messages)


def test_the_gallery_is_small_and_shown() -> None:
    pictures = list((ROOT / "docs" / "images" / "gallery").iterdir())
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert sum(picture.stat().st_size for picture in pictures) < 1_500_000
    assert all(f"images/gallery/{picture.name}" in page for picture in pictures)


@NEEDS_WEIGHTS
def test_the_readme_sharpens_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _write_files()
    ran = [words for words in commands(ROOT / "README.md") if words[0] in ("upscale", "tasks")]
    assert len(ran) == 8
    for words in [*ran, ["models"]]:
        assert main(words) == 0, capsys.readouterr().err
    written = [
        "sharp.tif",
        "bands_sharp.tif",
        "sub-01_T2w_sharp.nii.gz",
        "depth_sharp.png",
        "depth_full.png",
    ]
    written += ["filled.png", "sure.png", "spread.npy", "sharp/room.png"]
    for name in written:
        assert (tmp_path / name).is_file(), name


def imported(code: str) -> Iterator[tuple[str, str]]:
    """Give module and name of everything that a piece of code imports from gisr."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gisr":
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "gisr":
            yield "gisr", node.attr


def exists(module: str, name: str) -> bool:
    return hasattr(import_module(module), name) or find_spec(f"{module}.{name}") is not None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_import_what_there_is(script: Path) -> None:
    for module, name in imported(script.read_text(encoding="utf-8")):
        assert exists(module, name), f"{module}.{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_import_what_there_is(page: Path) -> None:
    for code in blocks(page, "python"):
        for module, name in imported(code):
            assert exists(module, name), f"{module}.{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_modules_and_files_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:src|tests|tools|benchmarks|docs)/[\w./-]+)[`:]", text):
        assert "NAME" in path or (ROOT / path).exists(), path
    for dotted in re.findall(r"`gisr((?:\.\w+)+)`", text):
        assert _found(["gisr", *dotted[1:].split(".")]), f"gisr{dotted}"


def test_the_papers_page_names_modules_and_what_is_in_them() -> None:
    page = (ROOT / "docs" / "paper-to-code.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| [^|]* \| ([^|]*`\w+/[\w/]+\.py`[^|]*) \|", page, re.MULTILINE)
    assert len(cells) > 15
    for cell in cells:
        paths = re.findall(r"`(\w+/[\w/]+\.py)`", cell)
        code = "".join((ROOT / "src" / "gisr" / path).read_text(encoding="utf-8") for path in paths)
        for name in re.findall(r"`([\w.]+)`", cell):
            assert all(part in code for part in name.split(".")) or name in Recipe.__annotations__


def _found(parts: list[str]) -> bool:
    """Return whether a dotted name is a module, or something in one."""
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        with suppress(ModuleNotFoundError):
            if find_spec(module) is not None:
                found: object = import_module(module)
                for name in parts[end:]:
                    if not hasattr(found, name):
                        return False
                    found = getattr(found, name)
                return True
    return False


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "api").glob("*.md")), ids=lambda page: page.stem
)
def test_the_reference_shows_every_public_name(page: Path, reference: griffe.Module) -> None:
    """Pages leave out what has no docstring, and names that cannot be found."""
    packages = re.findall(r"^::: ([\w.]+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert packages or page.stem == "index"
    if "gisr.xarray" in packages:
        pytest.importorskip("rioxarray", reason="needs the extra xarray")
    for package in packages:
        shown = reference if package == "gisr" else reference[package.removeprefix("gisr.")]
        for name in set(import_module(package).__all__) - {"__version__"}:
            assert shown[name].has_docstring, f"{package}.{name}"


def test_the_reference_explains_every_option(reference: griffe.Module) -> None:
    for name, each in options_of(Options).items():
        field = reference["Options"].all_members[name]
        assert field.docstring.value == each.info.help
        assert "option(" not in str(field.value)


@pytest.fixture(scope="module")
def reference() -> griffe.Module:
    extensions = griffe.load_extensions(str(ROOT / "tools" / "docstring_roles.py"))
    found = griffe.load("gisr", search_paths=[ROOT / "src"], extensions=extensions)
    assert isinstance(found, griffe.Module)
    return found


@NEEDS_WEIGHTS
@pytest.mark.parametrize(("page", "number"), [("answers", 0), ("mri", 0), ("scale", 0)])
def test_examples_of_the_pages_run(page: str, number: int) -> None:
    names: dict[str, Any] = {}
    exec(blocks(ROOT / "docs" / f"{page}.md", "python")[number], names)
    assert {"answers": "answer", "mri": "volume", "scale": "corner"}[page] in names


@NEEDS_WEIGHTS
def test_the_readme_python_runs() -> None:
    (example,) = blocks(ROOT / "README.md", "python")
    names: dict[str, np.ndarray] = {}
    exec(example, names)
    assert names["sharp"].shape == (128, 192)
    assert names["sharp"].dtype == np.float32


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
def test_the_system_of_ones_own_scores_what_the_page_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    page = ROOT / "docs" / "research.md"
    (example,) = blocks(page, "python")
    exec(example, {})
    row = next(line for line in capsys.readouterr().out.splitlines() if "| unsharp" in line)
    values = re.findall(r"\d\.\d{3}", row)
    assert f"It prints {' / '.join(values)} for `unsharp`" in page.read_text(encoding="utf-8")


def _write_files() -> None:
    """Write small pairs under the names that the README uses."""
    rng = np.random.default_rng(0)
    images = (
        ("multispectral", 16, 4),
        ("panchromatic", 64, 1),
        ("bands_20m", 16, 6),
        ("bands_10m", 32, 4),
    )
    for name, side, bands in images:
        pixels = rng.integers(1, 2048, (side, side, bands)).astype(np.uint16)
        write_geotiff(Path(f"{name}.tif"), pixels, 160 / side)
    for name, side in (("sub-01_T2w", 24), ("sub-01_T1w", 48)):
        affine = np.diag([96 / side, 96 / side, 3.0, 1.0])
        volume = rng.integers(0, 1000, (side, side, 2)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(volume, affine), f"{name}.nii.gz")
    for folder in ("low", "high"):
        Path(folder).mkdir()
    for name in ("depth.png", "low/room.png"):
        cv2.imwrite(name, rng.integers(500, 5000, (16, 24)).astype(np.uint16))
    for name in ("colour.png", "high/room.png"):
        cv2.imwrite(name, rng.integers(0, 255, (64, 96, 3)).astype(np.uint8))


def test_the_metrics_page_has_every_definition() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for metric in METRICS.values():
        assert f"`{metric.name}`" in page
        assert metric.definition in page


def test_the_readme_and_the_card_say_what_was_measured() -> None:
    """Their numbers are those of the results page that the README links to."""
    readme = (ROOT / "README.md").read_text("utf-8")
    names = set(re.findall(r"weights-(v\d+)\.md", readme))
    assert len(names) == 1
    name = names.pop()
    scores = read_scores(ROOT / "docs" / "results" / f"weights-{name}.json")
    card = (embedded_folder(EMBEDDED[0]) / "README.md").read_text("utf-8")
    assert f"# magnet-s, weights {name}\n" in card
    assert readme_results(scores, name) in readme
    assert card_results(scores, name) in card and card_worst(scores) in card
