"""The picture of the architecture page is that of the package as it is."""

from pathlib import Path

from import_graph import edges, implied, layers, picture

import gisr

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "import-graph.svg"


def test_the_stored_picture_is_up_to_date() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), "run `make figures`"


def test_every_room_is_drawn_and_no_arrow_leads_up() -> None:
    rows = layers()
    level = {room: number for number, row in enumerate(rows) for room in row}
    assert gisr.__file__ is not None
    folders = [path.parent for path in Path(gisr.__file__).parent.glob("*/__init__.py")]
    assert set(level) == {folder.name for folder in folders}
    found = edges(list(level))
    assert found
    assert all(level[start] < level[end] for start, end in found)


def test_what_follows_from_other_arrows_is_implied() -> None:
    assert implied([("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")]) == {("a", "c")}
