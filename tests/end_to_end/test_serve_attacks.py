"""Requests that would have ``gisr serve`` open connections, store without end, or obey other pages.

All traffic stays on this machine: the address that the requests name is a listener of the test.
"""

import http.client
import json
import random
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import pytest
from tests.attacks.mutations import spoilt
from tests.end_to_end.browser import wait_for
from tests.end_to_end.page_server import WAIT, Server

if find_spec("gradio") is None:
    pytest.skip("needs the extra web", allow_module_level=True)
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _nothing_left(server: Server) -> Iterator[None]:
    """Delete what a test stored: others count what the server keeps."""
    yield
    for path in server.kept():
        path.unlink()


@dataclass
class Listener:
    """A port that must never be contacted."""

    port: int
    contacts: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Give a listener that answers whoever contacts it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        heard = Listener(listening.getsockname()[1])

        def listen() -> None:
            while True:
                try:
                    contact, who = listening.accept()
                except OSError:
                    return
                heard.contacts.append(str(who))
                with contact:
                    contact.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")

        threading.Thread(target=listen, daemon=True).start()
        yield heard
        listening.shutdown(socket.SHUT_RDWR)


def ask(
    server: Server, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes]:
    """Send a request with exactly this path; return the status and what was answered."""
    host, _, port = server.address.removeprefix("http://").rstrip("/").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=WAIT)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def call(server: Server, path: str, body: object, **headers: str) -> tuple[int, bytes]:
    encoded = json.dumps(body).encode()
    return ask(server, "POST", path, encoded, content_type="application/json", **headers)


def upload(server: Server, content: bytes, **headers: str) -> tuple[int, bytes]:
    start = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a b.npy"\r\n\r\n'
    body = start + content + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    return ask(server, "POST", "/gradio_api/upload", body, content_type=kind, **headers)


def functions(server: Server) -> list[dict[str, Any]]:
    """Return the functions of the page, as it describes them to the browser."""
    page = ask(server, "GET", "/")[1].decode()
    config = page.split("window.gradio_config = ", 1)[1]
    found: list[dict[str, Any]] = json.JSONDecoder().raw_decode(config)[0]["dependencies"]
    return found


def test_no_route_fetches_an_address(server: Server, listener: Listener) -> None:
    url = f"http://127.0.0.1:{listener.port}/x"
    encoded = url.replace(":", "%3A").replace("/", "%2F")
    routes = ("file/", "file=", "proxy=", "%66ile/", "FILE/", "file%3D", "stream/", "./file/")
    for before in ("/gradio_api/", "/", "//gradio_api/", "/gradio_api//", "/a/../gradio_api/"):
        for route in routes:
            for address in (url, url.upper(), encoded, encoded.replace("%", "%25"), url[5:]):
                for method in ("GET", "HEAD"):
                    status, _ = ask(server, method, before + route + address)
                    assert status == 403, (method, before + route + address)
    for query in (f"url={encoded}", f"deep_link={encoded}"):
        assert ask(server, "GET", f"/?{query}")[0] == 403
    assert listener.contacts == []


def test_no_field_of_a_call_is_fetched(server: Server, listener: Listener) -> None:
    url = f"http://127.0.0.1:{listener.port}/x.npy"
    meta = {"meta": {"_type": "gradio.FileData"}}
    status, answer = upload(server, b"kept")
    assert status == 200
    kept = json.loads(answer)[0]
    files: list[object] = [
        {"path": url, **meta},
        {"path": kept, "url": url, **meta},
        {"path": kept, "url": f"/gradio_api/file={url}", **meta},
        {"path": url, "url": url, "is_stream": True, **meta},
        {"path": "/etc/passwd", **meta},
        url,
    ]
    calls = ["queue/join", "run/predict", "api/predict", "call/predict", "call/v2/predict"]
    for function in functions(server):
        for file in files:
            data: list[object] = [[file] for _ in function["inputs"]] or [file]
            body = {"data": data, "fn_index": function["id"], "session_hash": "attack"}
            for path in calls:
                assert call(server, f"/gradio_api/{path}", body)[0] == 403
    body = {"data": url, "component_id": 1, "fn_name": "ls", "session_hash": "attack"}
    assert call(server, "/gradio_api/component_server", body)[0] == 403
    assert listener.contacts == []


def test_other_pages_cannot_use_it(server: Server) -> None:
    kept = server.kept()
    own = server.address.rstrip("/")
    port = own.rpartition(":")[2]
    foreign: tuple[dict[str, str], ...] = (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": f"http://localhost:{port}"},  # the same server, by its other name
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": own},
    )
    for headers in foreign:
        assert upload(server, b"foreign", **headers)[0] == 403
        body = {"data": [], "fn_index": 0, "session_hash": "attack"}
        assert call(server, "/gradio_api/queue/join", body, **headers)[0] == 403
        heartbeat = ask(server, "GET", "/gradio_api/heartbeat/attack", None, **headers)
        assert heartbeat[0] == 403
    # What a form of another page can send unasked:
    form = ask(server, "POST", "/gradio_api/queue/join", b"{}", content_type="text/plain")
    assert form[0] == 415
    assert server.kept() == kept
    assert ask(server, "GET", "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 200


def by_chance(chance: random.Random, url: str, sound: bytes) -> tuple[str, str, bytes | None]:
    """Return method, path and body of a request that somebody might try."""
    encoded = url.replace(":", "%3A").replace("/", "%2F")
    words = (
        *("file=", "file/", "upload", "queue/join", "queue/data", "run/", "proxy=", "..", "%2e%2e"),
        *("component_server", "info", "config", "api", "stream/", "%00", "a" * 3000, "reset"),
        *("etc/passwd", "%2Fetc%2Fpasswd", url, encoded, "upload_progress", "theme.css", "mcp"),
    )
    path = chance.choice(("/", "/gradio_api/", "//", "/static/", "/assets/"))
    path += chance.choice(("", "/")).join(chance.choices(words, k=chance.randint(0, 3)))
    query = f"?{chance.choice(('session_hash', 'url', 'v', 'upload_id', '__proto__'))}={encoded}"
    values: tuple[object, ...] = (
        url,
        {"path": url},
        {"url": url, "path": "/etc/passwd"},
        None,
        1e308,
    )
    call = {
        "data": [chance.choice(values)],
        "fn_index": chance.choice((0, 3, -1, 10**9, "x", None)),
    }
    body = chance.choice(
        (json.dumps(call).encode(), spoilt(sound, chance.randrange(10**6)), b"{", b"")
    )
    method = chance.choice(("GET", "POST", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"))
    return method, path + chance.choice(("", query)), body if method in ("POST", "PUT") else None


def test_requests_made_by_chance_are_refused(server: Server, listener: Listener) -> None:
    """Some hundreds: none is an error of the server, fetches anything or leaves a file."""
    chance, kept = random.Random(0), server.kept()
    url = f"http://127.0.0.1:{listener.port}/x"
    sound = json.dumps({"data": [], "fn_index": 0, "session_hash": "attack"}).encode()
    for _ in range(400):
        method, path, body = by_chance(chance, url, sound)
        status, answer = ask(server, method, path, body, content_type="application/json")
        assert 200 <= status < 500, (method, path, body, status)
        assert b"root:" not in answer and b"secret" not in answer, (method, path, body)
    assert listener.contacts == []
    assert server.kept() == kept
    assert ask(server, "GET", "/")[0] == 200


def test_calls_that_no_page_makes_are_told_in_one_line(server: Server) -> None:
    """The terminal stays silent, as the end of the server checks."""
    reading, queued = functions(server)[0], "/gradio_api/queue/join"
    sound = {"fn_index": 0, "data": [None] * len(reading["inputs"]), "session_hash": "attack"}
    wrong: tuple[dict[str, object], ...] = (
        {"fn_index": 9999},
        {"fn_index": -1},
        {"data": []},
        {"session_hash": ""},
    )
    for changed in wrong:
        status, answer = call(server, queued, sound | changed)
        assert status == 400 and b"\n" not in answer, changed
    assert call(server, "/gradio_api/run/predict", sound)[0] == 400  # past the queue
    assert ask(server, "GET", "/gradio_api/queue/data?session_hash=unknown") == (
        400,
        b'{"detail":"no answer waits for session_hash \'unknown\': load the page again"}',
    )
    # What the page's boxes cannot hold is the answer of the call.
    assert call(server, queued, sound | {"data": [1e308] * len(reading["inputs"])})[0] == 200
    _, answers = ask(server, "GET", "/gradio_api/queue/data?session_hash=attack")
    assert b"gisr cannot read this request: load the page again" in answers


def test_an_upload_that_is_cut_off_leaves_nothing(server: Server) -> None:
    host, _, port = server.address.removeprefix("http://").rstrip("/").partition(":")
    head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 2000000"
    head += "\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    head += 'Content-Disposition: form-data; name="files"; filename="a.npy"\r\n\r\n'
    with socket.create_connection((host, int(port)), timeout=WAIT) as connection:
        connection.sendall(head.encode() + bytes(1_000_000))
        wait_for(lambda: bool(server.kept()), "the file to begin")
    wait_for(lambda: not server.kept(), "what arrived of it to be deleted")


def test_what_is_no_request_does_not_end_it(server: Server) -> None:
    host, _, port = server.address.removeprefix("http://").rstrip("/").partition(":")
    upload = b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:" + port.encode() + b"\r\n"
    for data in (
        b"\0" * 1000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",  # a name that leads here by its DNS
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
        upload + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        upload + b"Content-Length: 99999999999\r\n\r\n",
        upload + b"Content-Length: -1\r\n\r\n",
        upload + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    ):
        with socket.create_connection((host, int(port)), timeout=WAIT) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        assert answer == b"" or int(answer.split()[1]) >= 400, (data[:60], answer[:200])
    assert ask(server, "GET", "/")[0] == 200


def test_what_all_may_store_is_bounded(server: Server) -> None:
    statuses = []
    for number in range(6):
        status, answer = upload(server, bytes([number]) * 2_500_000, origin=server.address[:-1])
        statuses.append(status)
    assert statuses[0] == 200 and statuses[-1] == 413
    line = json.loads(answer)["detail"]
    assert "all pages together may store 12 MB here" in line and "\n" not in line
    assert sum(path.stat().st_size for path in server.kept()) <= 12_000_000
