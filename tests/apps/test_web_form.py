"""The form of the page: an option is written once, in the options of the pipelines."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.apps.web_files import LIMITS

from gisr.apps.web import form
from gisr.apps.web.form import (
    chosen_options,
    control_kind,
    control_value,
    option_groups,
    page_options,
    result_name,
)
from gisr.apps.web.html import placeholder
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.sessions import Sessions
from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler
from gisr.pipelines.option import option, options_of
from gisr.pipelines.options import Options
from gisr.tasks import TASKS
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.pansharpening import PANSHARPENING


@dataclass(frozen=True)
class MoreOptions(Options):
    """The options and four that are not there: nothing of the page knows them."""

    radius: float | None = option(
        None, "help", tasks=("depth",), page="Radius", page_default="3", least=1
    )
    speed: Literal["fast", "slow"] = option("slow", "help", page="Speed", page_help="Of all tasks.")
    bias: bool = option(False, "help", tasks=("mri",), page="Remove the bias field")
    remark: str | None = option(None, "help", page="Remark")


@pytest.fixture
def more_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "Options", MoreOptions)


def components(blocks: Any) -> dict[str, dict[str, Any]]:
    """Return what a browser is given of all components that have an id, by it."""
    props = [
        each["props"] | {"kind": each["type"]} for each in blocks.get_config_file()["components"]
    ]
    return {each["elem_id"]: each for each in props if each.get("elem_id")}


@pytest.fixture
def build(tmp_path: Path, upscaler: Upscaler) -> Callable[[], dict[str, dict[str, Any]]]:
    """Return what builds the page and returns its components."""
    pytest.importorskip("gradio", reason="needs the extra web")
    from gisr.apps.web.page import build_page

    async def built() -> dict[str, dict[str, Any]]:  # outside a loop Gradio leaves one open
        return components(build_page(upscaler, LIMITS, Sessions(tmp_path, 60)))

    return lambda: asyncio.run(built())


def test_every_option_with_a_label_has_a_component(build: Any) -> None:
    found = build()
    assert len(page_options()) > 9
    for name, each in page_options().items():
        component = found[each.info.page_id or name.replace("_", "-")]
        assert component["label"] == each.info.page
        assert (component.get("info") or "") == each.info.page_help
    kinds = {
        name: found[name]["kind"] for name in ("sensor", "bits", "bands", "consistent", "report")
    }
    assert kinds == {
        "sensor": "dropdown",
        "bits": "number",
        "bands": "checkboxgroup",
        "consistent": "radio",
        "report": "checkbox",
    }


@pytest.mark.usefixtures("more_options")
def test_an_option_appears_on_the_page_because_it_has_a_label(build: Any, tmp_path: Path) -> None:
    found = build()
    kinds = [found[name]["kind"] for name in ("radius", "speed", "bias", "remark")]
    assert kinds == ["number", "dropdown", "checkbox", "textbox"]
    assert (found["radius"]["label"], found["radius"]["placeholder"]) == ("Radius", "3")
    assert found["speed"]["info"] == "Of all tasks."
    groups = {
        tuple(tasks): [each.name for each in group] for tasks, group in option_groups().items()
    }
    assert "radius" in groups["depth",] and "bias" in groups["mri",]
    assert groups[tuple(TASKS)][-2:] == ["speed", "remark"]
    chosen = {"radius": 2.5, "speed": "fast", "bias": True, "remark": None}
    options = chosen_options(chosen, "depth", Path("a.png"), tmp_path)
    assert options == MoreOptions("depth", radius=2.5, speed="fast")
    assert chosen_options(chosen, "mri", Path("a.nii"), tmp_path) == MoreOptions(
        "mri", speed="fast", bias=True
    )


def test_what_needs_a_missing_extra_is_not_on_the_page(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = build()
    for module in ("matplotlib", "rasterio"):
        monkeypatch.setitem(sys.modules, module, None)
    found = build()
    gone = {"report", "sensor", "bits", "bands", "example-pansharpening", "example-multiband"}
    assert set(every) - set(found) == gone
    assert [value for _, value in found["task"]["choices"]] == ["Guess", "mri", "depth"]
    assert "contrast" in found and "fill-holes" in found
    assert 'not installed here: pip install "gisr[geo]"' in placeholder()
    monkeypatch.undo()
    assert set(build()) == set(every) and "not installed" not in placeholder()


def test_a_choice_with_a_default_shows_it(build: Any) -> None:
    resolution = build()["resolution"]
    assert resolution["value"] == "guide"
    assert [value for _, value in resolution["choices"]] == ["guide", "target", "finest"]
    precision = build()["precision"]
    assert precision["value"] == "auto"
    assert [value for _, value in precision["choices"]] == ["auto", "float32", "bfloat16"]


def test_an_option_that_no_control_suits_is_an_error_at_once() -> None:
    @dataclass(frozen=True)
    class Odd:
        words: tuple[str, ...] = option((), "help", page="Words")

    with pytest.raises(TypeError, match="option words: the page has no control"):
        control_kind(options_of(Odd)["words"])


@pytest.mark.parametrize(
    ("name", "content", "value"),
    [
        ("task", "Guess", None),
        ("task", "depth", "depth"),
        ("sensor", "not given", None),
        ("sensor", "", None),
        ("sensor", "my own", "my own"),
        ("contrast", "from the file name", None),
        ("bits", None, None),
        ("bands", [3, 1], (1, 3)),
        ("consistent", "by default", None),
        ("consistent", "no", False),
        ("align", True, True),
    ],
)
def test_what_a_control_holds_stands_for_a_value(name: str, content: Any, value: Any) -> None:
    assert control_value(page_options()[name], content) == value


def test_choices_for_another_task_do_not_count(tmp_path: Path) -> None:
    chosen = {
        "sensor": "QuickBird",
        "bits": 11,
        "contrast": "T2",
        "invalid": 7.0,
        "fill_holes": True,
    }

    def options(task: Any) -> Options:
        return chosen_options(chosen, task, Path("a.png"), tmp_path)

    mask = tmp_path / "a_filled.png"
    assert options("depth") == Options("depth", invalid=7.0, fill_holes=True, mask=mask)
    assert options("mri") == Options("mri", contrast="T2")
    assert options("pansharpening") == Options("pansharpening", sensor="QuickBird", bits=11)
    with pytest.raises(InputError, match="no band is chosen"):
        chosen_options({"bands": ()}, "pansharpening", Path("a.tif"), tmp_path)
    moved = [
        chosen_options({"align": False}, task, Path("a.png"), tmp_path).align
        for task in ("mri", "depth")
    ]
    assert moved == ["off", "auto"]


def test_names_of_results() -> None:
    assert result_name(Path("a/T2.nii.gz"), MRI) == "T2_sharpened.nii.gz"
    assert result_name(Path("d.png"), DEPTH) == "d_sharpened.png"
    assert result_name(Path("scene.TIFF"), PANSHARPENING) == "scene_sharpened.tiff"
    assert result_name(Path("scene.ntf"), PANSHARPENING) == "scene_sharpened.tif"
    # A PNG cannot hold what the spread of a depth map is.
    spread = chosen_options({"uncertainty": True}, "depth", Path("d.png"), Path("a")).uncertainty
    assert spread == Path("a/d_spread.tif")


@pytest.mark.parametrize("name", ["max_upload", "max_pixels", "concurrency", "max_waiting"])
def test_limits_that_refuse_everything_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} 0 must be at least 1"):
        PageLimits(**{name: 0})
    with pytest.raises(InputError, match="max_seconds nan must be above zero"):
        PageLimits(max_seconds=float("nan"))
