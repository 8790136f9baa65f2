"""Starting and ending the page's server, and what it refuses to do."""

import os
import shutil
import signal
import socket
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from gisr.apps.web.html import FOLDER_PREFIX
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.sessions import Sessions
from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler
from gisr.optional_imports import load_extra

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
_SWEEP_SECONDS = 60.0


def serve_page(
    upscaler: Upscaler,
    limits: PageLimits,
    *,
    port: int,
    model: str | None = None,
    quiet: bool = False,
) -> None:
    """Serve the page until interrupted; then delete every file it kept.

    Args:
        upscaler: From :func:`gisr.load_model`.
        limits: What it takes on.
        port: Where it listens; 0 takes any free port.
        model: What the weights are called on the command line, if they are not the default.
        quiet: Print nothing.

    Raises:
        InputError: The port is taken.
        MissingExtraError: gradio is not installed.
    """
    root = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))  # readable by its owner alone
    # Gradio reads both when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(root)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        load_extra("gradio", "web")
        from gisr.apps.web.page import STYLE, build_page, page_theme

        sessions = Sessions(root, 60 * limits.keep_minutes)
        sessions.sweep_forever(_SWEEP_SECONDS)
        page = build_page(upscaler, limits, sessions, model)
        page.queue(max_size=limits.max_waiting)
        _, address, _ = page.launch(
            server_name=HOST,
            server_port=_free_port(port),
            prevent_thread_lock=True,
            share=False,
            quiet=True,
            show_error=False,
            allowed_paths=[],
            max_file_size=limits.max_upload,
            run_history=False,
            footer_links=[],
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            app_kwargs={"openapi_url": None, "middleware": _middleware()},
            theme=page_theme(),
            css=STYLE,
        )
        try:
            if not quiet:
                print(f"gisr: {address} is ready; Ctrl-C ends it and deletes its files", flush=True)
            threading.Event().wait()
        except KeyboardInterrupt:
            if not quiet:
                print("gisr: ended, its files are deleted")
        finally:
            page.close(verbose=False)
    finally:
        signal.signal(signal.SIGTERM, previous)
        shutil.rmtree(root, ignore_errors=True)


class Fence:
    """ASGI middleware: the server serves its page, and fetches no addresses.

    Gradio can fetch addresses on behalf of a browser (``/file=http...``, ``/proxy=...``); here that
    is refused. Every answer carries a policy that keeps the browser from other hosts.
    """

    def __init__(self, app: "ASGIApp") -> None:
        """Stand before an application."""
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer or pass on a request."""
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _fetches(scope["path"]):
            refusal = PlainTextResponse("gisr fetches no addresses", status_code=403)
            await refusal(scope, receive, send)
            return

        async def send_with_policy(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    (b"content-security-policy", _POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _middleware() -> list[Any]:
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=_NAMES, www_redirect=False),
        Middleware(Fence),
    ]


def _fetches(path: str) -> bool:
    """Return whether a request would have the server fetch another address."""
    return "/proxy=" in path or "/file=http" in path


def _free_port(port: int) -> int:
    """Return the port, or any free one for 0.

    Raises:
        InputError: It is taken, or not allowed.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"port {port} cannot be used ({error.strerror}): give another --port, or 0 for any"
            ) from error
        return int(probe.getsockname()[1])


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End on SIGTERM as on Ctrl-C, so that files are deleted."""
    raise KeyboardInterrupt
