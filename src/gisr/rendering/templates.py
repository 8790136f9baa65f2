"""HTML from templates: every value is escaped, and no file name can change how a page reads."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of the text around them, so that ``gpj.exe`` reads ``exe.jpg``."""
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Bytes of a file name that are no UTF-8; a page in UTF-8 cannot hold them."""


@cache
def template_environment(package: str) -> Environment:
    """Return the templates in the folder ``templates`` of a package.

    Values are escaped for HTML. Marks of direction and bytes that are no UTF-8 are shown by
    their code points. A name that a template uses and is not given raises ``UndefinedError``.
    """
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(package: str, name: str, /, **values: object) -> str:
    """Return a template of a package, filled with values."""
    return template_environment(package).get_template(name).render(values)


def _visible(value: object) -> str:
    if isinstance(value, Markup):  # from a macro, whose values came through here
        return value
    return _SURROGATE.sub(_code_point, _DIRECTION.sub(_code_point, str(value)))


def _code_point(found: re.Match[str]) -> str:
    return f"[U+{ord(found.group()):04X}]"
