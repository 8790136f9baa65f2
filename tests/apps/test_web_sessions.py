"""Sessions of the page: files kept apart, deleted with the session, bounded."""

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gisr.apps.cli import main
from gisr.apps.web.job import PageOutcome
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.sessions import Sessions
from gisr.apps.web.store import BLOCK
from gisr.errors import LimitError


def upload(root: Path, name: str) -> Path:
    path = root / name / "image.tif"
    path.parent.mkdir()
    path.write_bytes(b"pixels")
    return path


def test_the_end_of_a_session_deletes_its_files_and_no_others(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, 60)
    mine, yours = sessions.of("mine"), sessions.of("yours")
    own, shared = upload(tmp_path, "own"), upload(tmp_path, "shared")
    mine.uploads |= {own, shared}
    yours.uploads.add(shared)
    (mine.new_folder() / "result.tif").write_bytes(b"pixels")
    assert sessions.of("mine") is mine
    sessions.end("mine")
    sessions.end("mine")  # a page may be closed while it is being reset
    assert mine.stopped.is_set() and not yours.stopped.is_set()
    assert not mine.folder.exists() and not own.parent.exists()
    assert shared.exists() and yours.folder.exists()
    sessions.end("yours")
    assert list(tmp_path.iterdir()) == []
    assert sessions.of("mine") is not mine


def test_runs_end_with_the_server(tmp_path: Path) -> None:
    sessions, going = Sessions(tmp_path, 60), threading.Event()
    session, stuck = sessions.of("mine"), threading.Event()

    def run(until: threading.Event) -> None:
        with sessions.running():
            going.set()
            until.wait(30)

    assert sessions.stop_all(0)  # nothing runs
    session.stopped.clear()
    threads = [threading.Thread(target=run, args=(each,)) for each in (session.stopped, stuck)]
    threads[0].start()
    assert going.wait(30) and sessions.stop_all(30)
    going.clear()
    threads[1].start()
    assert going.wait(30) and not sessions.stop_all(0.01)
    stuck.set()
    assert sessions.stop_all(30)
    for thread in threads:
        thread.join()


def test_what_is_not_used_for_long_is_deleted(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, 60)
    left, used = sessions.of("left"), sessions.of("used")
    for session in (left, used):
        (session.new_folder() / "result.tif").write_bytes(b"pixels")
    stray, fresh, kept = (upload(tmp_path, name) for name in ("stray", "fresh", "kept"))
    used.uploads.add(kept)
    old = time.time() - 100
    for path in (stray, kept, *used.folder.rglob("*.tif")):
        os.utime(path, (old, old))
    left.used -= 100
    sessions.sweep()
    assert not left.folder.exists() and not stray.exists()
    assert fresh.exists() and kept.exists() and list(used.folder.rglob("*.tif"))
    left = sessions.of("left")
    left.used -= 100
    left.touch()
    sessions.sweep()
    assert left.folder.exists()


def test_a_new_result_replaces_the_former(tmp_path: Path) -> None:
    session = Sessions(tmp_path, 60).of("mine")
    paths = [session.new_folder() / "result.tif" for _ in range(2)]
    for path in paths:
        path.write_bytes(b"pixels")
        session.finish(cast(PageOutcome, SimpleNamespace(path=path)))
    assert [path.exists() for path in paths] == [False, True]
    folders = [session.picture_folder() for _ in range(3)]
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_one_page_and_all_pages_store_so_much(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, 60)
    mine, yours = sessions.of("mine"), sessions.of("yours")
    own, shared = upload(tmp_path, "own"), upload(tmp_path, "shared")
    mine.uploads |= {own, shared}
    yours.uploads.add(shared)
    (mine.new_folder() / "result.tif").write_bytes(b"pixels")
    own.write_bytes(bytes(10**6))
    os.link(own, mine.folder / "series")  # an image of a DICOM series counts once
    sessions.check_room(mine, PageLimits(max_upload=1, max_session=10**6 + 4 * BLOCK))
    small = PageLimits(max_upload=1, max_session=10**6, max_stored=10**6)
    with pytest.raises(LimitError, match="all pages together may store"):
        sessions.check_room(yours, small)
    with pytest.raises(LimitError, match="one page may store here, so its uploads were deleted"):
        sessions.check_room(mine, PageLimits(max_upload=1, max_session=10**6 + 4 * BLOCK - 1))
    assert not own.exists() and shared.exists() and not mine.uploads


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "70000"], "port 70000 must lie between 0 and 65535"),
        (["--max-upload", "much"], "'much' must be an amount of memory"),
        (["--concurrency", "0"], "concurrency 0 must be at least 1"),
        (["--max-session", "1MB"], "max_session 1000000 must be at least 200000000"),
        (["--max-seconds", "-1"], "max_seconds -1 must be above zero"),
    ],
)
def test_bad_options_are_refused_before_anything_loads(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1
