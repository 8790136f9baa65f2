"""What the page's server refuses: routes, addresses, files, senders, sizes."""

import asyncio
import errno
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gisr.apps.web.allowed import (
    FILE_ROUTE,
    MAX_JSON,
    RefusedError,
    check_file,
    check_route,
    check_sender,
    checked_json,
)
from gisr.apps.web.calls import Calls, Function
from gisr.apps.web.fence import Fence
from gisr.apps.web.store import BLOCK, Store

HOST = "127.0.0.1:7860"
EVIL = "http://127.0.0.1:9/x"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Give a file that the server keeps; its folder's folder is the server's."""
    path = tmp_path / "kept" / "sha" / "50%-a b.tif"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"pixels")
    (tmp_path / "outside.tif").write_bytes(b"pixels")
    return path


def root(kept: Path) -> Path:
    return kept.parent.parent


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/", ""),
        ("GET", "/", "__theme=dark"),
        ("HEAD", "/", ""),
        ("GET", "/assets/index-DphvyggB.js", ""),
        ("GET", "/static/img/logo_nosize.svg", ""),
        ("GET", "/theme.css", "v=58ae"),
        ("GET", "/gradio_api/queue/data", "session_hash=ikladiei4k"),
        ("GET", "/gradio_api/heartbeat/ikladiei4k", ""),
        ("GET", "/gradio_api/startup-events", ""),
        ("POST", "/gradio_api/queue/join", ""),
        ("POST", "/gradio_api/run/predict", ""),
        ("POST", "/gradio_api/upload", "upload_id=7mb93w05dlp"),
    ],
)
def test_what_the_page_needs_is_answered(
    method: str, path: str, query: str, tmp_path: Path
) -> None:
    check_route(method, path, query, tmp_path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"/gradio_api/{word}{EVIL}") for word in ("file/", "file=", "proxy=", "file=/")),
        *(("GET", f"/{word}{EVIL}") for word in ("file/", "file=", "proxy=")),
        *(("GET", f"/gradio_api/file={word}127.0.0.1:9/x") for word in ("HTTP://", "//", "ftp://")),
        *(("GET", f"/gradio_api/file/{word}127.0.0.1:9/x") for word in ("Http:/", "http%3A//")),
        ("GET", f"//gradio_api/file/{EVIL}"),
        ("GET", f"/gradio_api//file/{EVIL}"),
        ("GET", f"/GRADIO_API/FILE/{EVIL}"),
        ("GET", f"/assets/../gradio_api/file/{EVIL}"),
        ("GET", f"/./gradio_api/file/{EVIL}"),
        ("GET", f"/gradio_api/%66ile/{EVIL}"),
        ("GET", "/assets/../../etc/passwd"),
        ("GET", "/static//etc/passwd"),
        ("GET", "/svelte/x.js"),
        ("GET", "/gradio_api/custom_component/1/client/component/x.js"),
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/monitoring"),
        ("GET", "/gradio_api/stream/a/b/1/playlist-file"),
        ("HEAD", f"/gradio_api/file={EVIL}"),
        ("POST", f"/gradio_api/file={EVIL}"),
        ("PUT", "/"),
        ("OPTIONS", "/gradio_api/upload"),
        ("GET", "/gradio_api/upload"),
        ("POST", "/gradio_api/call/predict"),
        ("POST", "/gradio_api/call/v2/predict"),
        ("POST", "/gradio_api/api/predict"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/vibe-code"),
        ("POST", "/gradio_api/stream/1"),
        ("POST", "/login"),
        ("GET", "/\n"),
        ("GET", ""),
    ],
)
def test_what_it_does_not_need_is_refused(method: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        check_route(method, path, "", tmp_path)
    assert refused.value.status == 403 and "\n" not in str(refused.value)


@pytest.mark.parametrize("query", ["deep_link=x", "url=http://a.b", "__theme=a&%75rl=x", "x"])
def test_parameters_that_are_not_known_are_refused(query: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="parameter"):
        check_route("GET", "/", query, tmp_path)


def test_files_are_those_that_the_server_keeps(kept: Path) -> None:
    check_route("GET", f"{FILE_ROUTE}{kept}", "", root(kept))
    link = kept.with_name("link")
    link.symlink_to(kept.parents[2] / "outside.tif")
    for name in (
        "/etc/passwd",
        f"{root(kept)}",
        f"{root(kept)}/../outside.tif",
        f"{root(kept)}/%2e%2e/outside.tif",
        f"{root(kept)}/%252e%252e/outside.tif",
        f"{kept}.gone",
        f"{link}",
        "sha/50%-a b.tif",
        f"file://{kept}",
        f"{kept}\0",
        "",
    ):
        with pytest.raises(RefusedError, match="does not keep such a file"):
            check_file(name, root(kept))


def test_only_the_page_itself_may_ask() -> None:
    own = {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    check_sender("POST", "/gradio_api/upload", own)
    check_sender("POST", "/gradio_api/upload", {"host": HOST})  # no browser
    linked = {"host": HOST, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    check_sender("GET", "/", linked)
    for method, path, headers in (
        ("POST", "/gradio_api/upload", {"origin": "http://evil.example"}),
        ("POST", "/gradio_api/upload", {"origin": "null"}),
        ("POST", "/gradio_api/upload", {"origin": "http://127.0.0.1:3000"}),
        ("POST", "/gradio_api/upload", {"origin": f"https://{HOST}"}),
        ("POST", "/gradio_api/upload", {"sec-fetch-site": "same-site"}),
        ("POST", "/", linked),
        ("GET", "/gradio_api/heartbeat/a", linked),
        ("GET", "/", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
    ):
        with pytest.raises(RefusedError, match="its own page alone"):
            check_sender(method, path, {"host": HOST} | headers)


def upload(path: object, **more: object) -> dict[str, object]:
    """Return how a browser names a file in a call."""
    return {"path": path, "orig_name": "a.tif", "meta": {"_type": "gradio.FileData"}} | more


def test_a_call_may_name_files_of_this_server(kept: Path) -> None:
    url = f"http://{HOST}{FILE_ROUTE}{str(kept).replace('%', '%25').replace(' ', '%20')}"
    call = {
        "data": [[upload(str(kept), url=url)], None, "MR T2", 3, upload(None)],
        "fn_index": 1,
        "session_hash": "ikladiei4k",
        "event_data": None,
        "trigger_id": 7,
    }
    assert checked_json(json.dumps(call).encode(), root(kept), HOST) == call


def test_a_call_names_no_address_and_no_other_file(kept: Path) -> None:
    path = str(kept)
    for value in (
        upload(EVIL),
        upload("HTTPS://a.b/c"),
        upload("/etc/passwd"),
        upload(["/etc/passwd"]),
        upload(path, url=EVIL),
        upload(path, url=f"{FILE_ROUTE}{EVIL}"),
        upload(path, url=f"http://{HOST}.evil.example{FILE_ROUTE}{path}"),
        upload(path, url=f"http://{HOST}{FILE_ROUTE}/etc/passwd"),
        upload(path, is_stream=True),
        upload(path, orig_name=EVIL),
        {"video": {"path": EVIL}},
        EVIL,
        " hTTp://a.b",
        "http%253A//a.b",
        "//a.b/c",
        "file:///etc/passwd",
        {"background": [{"deep": [EVIL]}]},
    ):
        calls: list[object] = [{"data": [value]}, {"data": [[value]]}]
        for call in (*calls, {"data": [], "event_data": value}):
            with pytest.raises(RefusedError) as refused:
                checked_json(json.dumps(call).encode(), root(kept), HOST)
            assert refused.value.status == 403
    for body in (b"", b"[]", b"{", b"\xff", b'{"url": null}', b"[" * 100_000):
        with pytest.raises(RefusedError) as refused:
            checked_json(body, root(kept), HOST)
        assert refused.value.status == 400
    twice = b'{"data": ["http://a.b"], "data": []}'  # Gradio gets what was checked, not the first
    assert checked_json(twice, root(kept), HOST) == {"data": []}


def answer(
    store: Store,
    path: str,
    body: bytes = b"",
    kind: str = "http",
    fails: Exception | None = None,
    **headers: str,
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Send a request to an application behind the fence that answers all with what it read.

    Or fails; status 0 is no answer.
    """
    sent: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        read = (await receive())["body"]
        if fails is not None:
            (store.root / "tmpart").write_bytes(read)
            raise fails
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": read})

    parts = [body[: len(body) // 2], body[len(body) // 2 :]]

    async def receive() -> Any:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    names = {name.replace("_", "-").encode(): text.encode() for name, text in headers.items()}
    scope = {
        "type": kind,
        "method": "POST" if body else "GET",
        "path": path,
        "query_string": b"",
        "headers": list(names.items()),
    }
    calls = Calls({0: Function(1)})
    asyncio.run(Fence(application, store, calls)(scope, receive, send))
    if not sent:
        return 0, {}, b""
    if kind != "http":
        return sent[0]["code"], {}, b""
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_every_answer_forbids_browsers_other_hosts(tmp_path: Path) -> None:
    pytest.importorskip("starlette", reason="needs the extra web")
    store = Store(tmp_path, 100)
    for path, expected in (("/", 200), (f"/gradio_api/file/{EVIL}", 403)):
        status, headers, _ = answer(store, path)
        assert status == expected
        assert b"default-src 'self'" in headers[b"content-security-policy"]
        assert headers[b"referrer-policy"] == b"no-referrer"
    assert answer(store, "/", kind="websocket")[0] == 1008


def test_bodies_are_bounded_and_read_before_they_are_passed_on(tmp_path: Path) -> None:
    pytest.importorskip("starlette", reason="needs the extra web")
    store, path, kind = Store(tmp_path, 100), "/gradio_api/queue/join", "application/json"
    call = b'{"fn_index": 0, "session_hash": "a", "data":  [1]}'
    assert answer(store, path, call, content_type=kind)[2] == call.replace(b"  ", b" ")
    for body, content_type, expected in (
        (b'{"data": []}', "text/plain", 415),
        (b'{"data": ["http://a.b"]}', kind, 403),
        (bytes(MAX_JSON + 1), kind, 413),
        (call.replace(b": 0", b": 9999"), kind, 400),
    ):
        status, _, text = answer(store, path, body, content_type=content_type)
        assert status == expected and b"\n" not in text and json.loads(text)["detail"]


def test_what_all_pages_store_is_bounded(kept: Path) -> None:
    pytest.importorskip("starlette", reason="needs the extra web")
    empty = kept.with_name("empty")
    empty.touch()  # counts, too, as do the two folders
    store, path = Store(root(kept), 4 * BLOCK + 100), "/gradio_api/upload"
    for _ in range(2):  # the room is given back
        assert answer(store, path, b"x", content_length="100")[0] == 200
    status, _, text = answer(store, path, b"x", content_length="101")
    assert status == 413 and b"all pages together may store 0.01648 MB" in text
    with store.reserved(50):
        assert answer(store, path, b"x", content_length="51")[0] == 413
    empty.unlink()
    assert answer(store, path, b"x", content_length="101")[0] == 200
    assert answer(store, path, b"x")[0] == 411
    chunked = answer(store, path, b"x", content_length="1", transfer_encoding="chunked")
    assert chunked[0] == 411


def test_an_upload_that_ends_early_leaves_nothing_and_is_no_error(kept: Path) -> None:
    requests = pytest.importorskip("starlette.requests", reason="needs the extra web")
    store, full = Store(root(kept), 10**6), OSError(errno.ENOSPC, "No space left on device")
    for fails, status, line in (
        (requests.ClientDisconnect(), 0, b""),
        (TypeError("no file"), 400, b"gisr takes files alone as files of an upload"),
        (full, 507, b"is full: make room on it and run the same command again"),
    ):
        got = answer(store, "/gradio_api/upload", b"abc", fails=fails, content_length="3")
        assert got[0] == status and line in got[2]
        assert [path.name for path in root(kept).iterdir()] == ["sha"]
    with store.reserved(1):  # while another upload arrives, its part has to stay
        answer(store, "/gradio_api/upload", b"abc", fails=full, content_length="3")
        assert (root(kept) / "tmpart").exists()
    assert not (root(kept) / "tmpart").exists() and kept.exists()


def test_an_upload_that_the_disk_cannot_hold_is_refused(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("starlette", reason="needs the extra web")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    store, path = Store(root(kept), 10**6), "/gradio_api/upload"
    assert answer(store, path, b"x", content_length="1000")[0] == 200
    status, _, text = answer(store, path, b"x", content_length="1001")
    assert status == 507 and b"the disk" in text and b"is full" in text
    with store.reserved(600):
        assert answer(store, path, b"x", content_length="401")[0] == 507
