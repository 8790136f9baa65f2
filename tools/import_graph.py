"""Draw which room of the package imports which, from the real imports.

    python tools/import_graph.py docs/images/import-graph.svg

Rows are the layers of the import contract in ``pyproject.toml``; an arrow leads from a room to one
that it imports. Arrows that follow from others (a imports b, b imports c, so a may import c) are
pale. ``gisr.errors``, ``gisr.version`` and ``gisr.windows`` are in no layer and are not drawn.
"""

import argparse
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "gisr"
WIDTH, HEIGHT = 128, 34
"""Of a box."""
GAP, STEP, MARGIN = 56, 92, 16
"""Between boxes of a row, from row to row, and around all."""
_STYLE = """
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #12302e; text-anchor: middle; }
rect { fill: #e0f2f1; stroke: #00796b; }
path { fill: none; stroke-width: 1.2; stroke: #00695c; marker-end: url(#head); }
path.implied { stroke: #b2bfbd; stroke-width: 0.8; marker-end: url(#pale); }
"""
Edge = tuple[str, str]


def layers() -> list[list[str]]:
    """Return the rooms by layer, the highest first, as the import contract has them.

    Raises:
        KeyError: ``pyproject.toml`` has no contract of layers.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            rows = (row.split("|") for row in contract["layers"])
            return [[room.strip().removeprefix(f"{PACKAGE}.") for room in row] for row in rows]
    raise KeyError("no contract of layers in pyproject.toml")


def edges(rooms: Sequence[str]) -> list[Edge]:
    """Return which of the rooms imports which, sorted."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            pair = _room(module), _room(imported)
            if pair[0] != pair[1] and set(pair) <= set(rooms):
                found.add(pair)
    return sorted(found)


def implied(found: Sequence[Edge]) -> set[Edge]:
    """Return the edges whose end can also be reached by way of other rooms."""
    following: dict[str, set[str]] = defaultdict(set)
    for start, end in found:
        following[start].add(end)
    return {
        (start, end)
        for start, end in found
        if any(end in _reached(via, following) for via in following[start] - {end})
    }


def _reached(start: str, following: Mapping[str, set[str]]) -> set[str]:
    todo, seen = [start], set[str]()
    while todo:
        for end in following.get(todo.pop(), set()) - seen:
            seen.add(end)
            todo.append(end)
    return seen


def _room(module: str) -> str:
    return ".".join(module.split(".")[1:2])


def drawn(rows: Sequence[Sequence[str]], found: Sequence[Edge]) -> str:
    """Return the picture as SVG."""
    widest = max(map(len, rows))
    width = widest * WIDTH + (widest - 1) * GAP + 2 * MARGIN + 2 * GAP
    height = (len(rows) - 1) * STEP + HEIGHT + 2 * MARGIN
    places = dict(_places(rows, width))
    pale = implied(found)
    ordered = sorted(found, key=lambda edge: (edge not in pale, edge))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="Import graph of {PACKAGE}">',
        f"<style>{_STYLE}</style>",
        "<defs>",
        *(_head(name, colour) for name, colour in (("head", "#00695c"), ("pale", "#b2bfbd"))),
        "</defs>",
        '<rect width="100%" height="100%" style="fill: #ffffff; stroke: none"/>',
        *(_arrow(places[start], places[end], (start, end) in pale) for start, end in ordered),
        *(_box(room, place) for room, place in places.items()),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _places(rows: Sequence[Sequence[str]], width: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Give the middle of each room's box; every other row stands a little aside."""
    for number, row in enumerate(rows):
        length = len(row) * WIDTH + (len(row) - 1) * GAP
        aside = GAP if number % 2 else -GAP
        left = (width - length) // 2 + (aside if len(row) < 3 else 0)
        for index, room in enumerate(row):
            x = left + index * (WIDTH + GAP) + WIDTH // 2
            yield room, (x, MARGIN + number * STEP + HEIGHT // 2)


def _head(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        f'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" '
        f'style="fill: {colour}; stroke: none; marker-end: none"/></marker>'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int], is_implied: bool) -> str:
    (x, y), (to_x, to_y) = start, end
    half = HEIGHT // 2
    bend = (to_y - y) // 2
    kind = ' class="implied"' if is_implied else ""
    curve = f"M{x} {y + half}C{x} {y + bend},{to_x} {to_y - bend},{to_x} {to_y - half}"
    return f'<path{kind} d="{curve}"/>'


def _box(room: str, place: tuple[int, int]) -> str:
    x, y = place
    return (
        f'<rect x="{x - WIDTH // 2}" y="{y - HEIGHT // 2}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="6"/><text x="{x}" y="{y + 5}">{escape(room)}</text>'
    )


def picture() -> str:
    """Return the picture of the package as it is now."""
    rows = layers()
    return drawn(rows, edges([room for row in rows for room in row]))


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.parse_args().picture.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
