"""Write the table of the compared systems into the docs, from the systems themselves.

``python tools/system_table.py docs/systems.md`` rewrites what stands between the two marks.
"""

import re
import sys
from pathlib import Path
from typing import get_args

from gisr.baselines.costs import system_costs
from gisr.baselines.systems import SystemName, find_system

_MARKED = re.compile(
    r"(?P<begin><!-- systems: begin -->\n).*?(?P<end><!-- systems: end -->)", re.DOTALL
)
_HEADS = ("name", "task", "ratios", "parameters", "GMACs", "original's licence", "paper")


def rewritten(page: str) -> str:
    """Return a page with its table as the systems are now.

    Raises:
        ValueError: The page has no marks.
    """
    if not _MARKED.search(page):
        raise ValueError("the page has no <!-- systems: begin -->")
    return _MARKED.sub(lambda found: found["begin"] + _table() + found["end"], page)


def _table() -> str:
    rows = [_HEADS, ("---",) * len(_HEADS)]
    for name in get_args(SystemName):
        about, cost = find_system(name).published, system_costs()[name]
        rows.append(
            (
                f"`{name}`",
                "all" if about.all_in_one else about.tasks[0],
                "any" if about.all_in_one else ", ".join(map(str, about.ratios)),
                f"{cost.parameters:,}",
                f"{cost.gmacs:.1f}",
                about.licence,
                about.paper,
            )
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(paths: list[str]) -> None:
    """Rewrite pages in place."""
    for path in map(Path, paths):
        path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
