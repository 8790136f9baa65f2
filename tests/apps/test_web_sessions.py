"""Visits to the page: files kept apart, deleted with the visit; requests that are refused."""

import asyncio
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gisr.apps.cli import main
from gisr.apps.web.job import PageOutcome
from gisr.apps.web.server import Fence
from gisr.apps.web.sessions import Visits


def upload(root: Path, name: str) -> Path:
    path = root / name / "image.tif"
    path.parent.mkdir()
    path.write_bytes(b"pixels")
    return path


def test_the_end_of_a_visit_deletes_its_files_and_no_others(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60)
    mine, yours = visits.of("mine"), visits.of("yours")
    own, shared = upload(tmp_path, "own"), upload(tmp_path, "shared")
    mine.uploads |= {own, shared}
    yours.uploads.add(shared)
    (mine.new_folder() / "result.tif").write_bytes(b"pixels")
    assert visits.of("mine") is mine
    visits.end("mine")
    visits.end("mine")  # a page may be closed while it is being reset
    assert mine.stopped.is_set() and not yours.stopped.is_set()
    assert not mine.folder.exists() and not own.parent.exists()
    assert shared.exists() and yours.folder.exists()
    visits.end("yours")
    assert list(tmp_path.iterdir()) == []
    assert visits.of("mine") is not mine


def test_what_nobody_used_for_long_is_deleted(tmp_path: Path) -> None:
    visits = Visits(tmp_path, 60)
    left, used = visits.of("left"), visits.of("used")
    for visit in (left, used):
        (visit.new_folder() / "result.tif").write_bytes(b"pixels")
    stray, fresh, kept = (upload(tmp_path, name) for name in ("stray", "fresh", "kept"))
    used.uploads.add(kept)
    old = time.time() - 100
    for path in (stray, kept, *used.folder.rglob("*.tif")):
        os.utime(path, (old, old))
    left.used -= 100
    visits.sweep()
    assert not left.folder.exists() and not stray.exists()
    assert fresh.exists() and kept.exists() and list(used.folder.rglob("*.tif"))
    left = visits.of("left")
    left.used -= 100
    left.touch()
    visits.sweep()
    assert left.folder.exists()


def test_a_new_result_replaces_the_former(tmp_path: Path) -> None:
    visit = Visits(tmp_path, 60).of("mine")
    paths = [visit.new_folder() / "result.tif" for _ in range(2)]
    for path in paths:
        path.write_bytes(b"pixels")
        visit.finish(cast(PageOutcome, SimpleNamespace(path=path)))
    assert [path.exists() for path in paths] == [False, True]
    folders = [visit.picture_folder() for _ in range(3)]
    assert [folder.exists() for folder in folders] == [False, True, True]


def _ask(path: str) -> tuple[int, dict[bytes, bytes]]:
    """Ask an application behind the fence that answers everything."""
    sent: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Fence(application)({"type": "http", "path": path}, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def test_the_server_fetches_nothing_and_tells_browsers_the_same() -> None:
    pytest.importorskip("starlette", reason="needs the extra web")
    status, headers = _ask("/")
    assert status == 200
    assert b"default-src 'self'" in headers[b"content-security-policy"]
    assert headers[b"referrer-policy"] == b"no-referrer"
    for path in ("/gradio_api/file=http://10.0.0.1/x", "/file=https://a.b/c", "/proxy=http://a.b"):
        assert _ask(path)[0] == 403
    assert _ask("/gradio_api/file=/tmp/http/x")[0] == 200  # Gradio itself says what it serves


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "70000"], "port 70000 must lie between 0 and 65535"),
        (["--max-upload", "much"], "'much' must be an amount of memory"),
        (["--concurrency", "0"], "concurrency 0 must be at least 1"),
        (["--max-seconds", "-1"], "max_seconds -1 must be above zero"),
    ],
)
def test_bad_options_are_told_before_anything_loads(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1
