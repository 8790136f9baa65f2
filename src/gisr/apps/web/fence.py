"""What stands before Gradio: refuses what the page does not need, and bounds what is stored."""

import json
from typing import TYPE_CHECKING, Any

from gisr.apps.web.allowed import (
    MAX_JSON,
    UPLOAD_ROUTE,
    RefusedError,
    check_route,
    check_sender,
    checked_json,
)
from gisr.apps.web.calls import STREAM_ROUTE, Calls
from gisr.apps.web.store import Store

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
_NAMES = [HOST, "localhost"]
"""What a browser may call the server: other names are of pages that try to read this one."""
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
"""Allows the browser no requests but to this server."""
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


class Fence:
    """ASGI middleware: the server answers its own page, and opens no connection for a request.

    Every answer carries a policy that keeps the browser from other hosts.
    """

    def __init__(self, app: "ASGIApp", store: Store, calls: Calls) -> None:
        """Stand before an application that keeps its files in a store and has some functions."""
        self._app, self._store, self._calls = app, store, calls

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer or pass on a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:  # the page uses no web sockets
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        from starlette.responses import JSONResponse

        async def send_with_policy(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        headers = {
            name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]
        }
        method, path = scope["method"], scope["path"]
        try:
            check_sender(method, path, headers)
            query = scope["query_string"].decode("latin-1")
            check_route(method, path, query, self._store.root)
            if path == UPLOAD_ROUTE:
                with self._store.reserved(_length(headers)):
                    await self._upload(scope, receive, send_with_policy)
                return
            if path == STREAM_ROUTE:
                self._calls.check_stream(query)
            if method == "POST":
                scope, receive = await self._checked(scope, receive, headers)
        except RefusedError as refused:
            refusal = JSONResponse({"detail": str(refused)}, refused.status)
            await refusal(scope, receive, send_with_policy)
            return
        await self._app(scope, receive, send_with_policy)

    async def _upload(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Have an upload stored; who ends it early, or sends what is none, is no error of ours."""
        from starlette.requests import ClientDisconnect

        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return
        except TypeError as error:  # a field of the form that is no file
            raise RefusedError(400, "gisr takes files alone as files of an upload") from error
        except OSError as error:
            raise self._store.refused(error) from error

    async def _checked(
        self, scope: "Scope", receive: "Receive", headers: dict[str, str]
    ) -> tuple["Scope", "Receive"]:
        """Return a call of a function with a body that was checked."""
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise RefusedError(415, "gisr takes such a request as application/json")
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise RefusedError(400, "the request ended early")
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_JSON:
                raise RefusedError(413, f"a request may have {MAX_JSON / 1e6:g} MB")
        call = checked_json(bytes(body), self._store.root, headers.get("host", ""))
        self._calls.check_call(scope["path"], call)
        plain = json.dumps(call).encode()
        kept = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
        length = (b"content-length", str(len(plain)).encode())
        unread = [{"type": "http.request", "body": plain, "more_body": False}]

        async def replay() -> "Message":
            return unread.pop() if unread else await receive()

        return {**scope, "headers": [*kept, length]}, replay


def middleware(store: Store, calls: Calls) -> list[Any]:
    """Return what stands before the page."""
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=_NAMES, www_redirect=False),
        Middleware(Fence, store=store, calls=calls),
    ]


def _length(headers: dict[str, str]) -> int:
    """Return the bytes of an upload, which the server takes no more of."""
    text = headers.get("content-length", "")
    if "transfer-encoding" in headers or not text.isdecimal():
        raise RefusedError(411, "gisr takes uploads of a known length")
    return int(text)
