"""Templates: values are text, whatever they hold."""

from html import unescape

import pytest
from jinja2 import DictLoader, UndefinedError

from gisr.rendering.templates import template_environment

HOSTILE = {
    "<script>alert(1)</script>": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "a & b &amp; c": "a &amp; b &amp;amp; c",
    "{{ 7 * 7 }}{% raw %}": "{{ 7 * 7 }}{% raw %}",
    "photo\u202egpj.exe": "photo[U+202E]gpj.exe",
    "\u2067a\u2069\u200f\u061c": "[U+2067]a[U+2069][U+200F][U+061C]",
    "caf\udce9.tif": "caf[U+DCE9].tif",
    "sc\u00e8ne \u0645\u0634\u0647\u062f \u573a\u666f.tif": None,
}


def filled(source: str, **values: object) -> str:
    environment = template_environment("gisr.apps.web").overlay(loader=DictLoader({"t": source}))
    return environment.get_template("t").render(values)


@pytest.mark.parametrize(("name", "expected"), HOSTILE.items())
def test_a_name_is_text(name: str, expected: str | None) -> None:
    found = filled("<p>{{ name }}</p>", name=name)
    assert found == f"<p>{name if expected is None else expected}</p>"
    found.encode("utf-8")


def test_a_quote_does_not_end_an_attribute() -> None:
    name = "\" onload='alert(1)' x=\""
    found = filled('<img alt="{{ name }}">', name=name)
    assert found.count('"') == 2 and "'" not in found
    assert unescape(found) == f'<img alt="{name}">'


def test_what_a_macro_gives_is_escaped_once() -> None:
    source = "{% macro m(a) %}<b>{{ a }}</b>{% endmacro %}{{ m(name) }}"
    assert filled(source, name="<\u202e&") == "<b>&lt;[U+202E]&amp;</b>"


def test_values_that_are_no_strings_are_text_too() -> None:
    class Odd:
        def __str__(self) -> str:
            return "<\u202e>"

    assert filled("{{ value }} {{ number }}", value=Odd(), number=1.5) == "&lt;[U+202E]&gt; 1.5"


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="nothing"):
        filled("{{ nothing }}")
