"""Starting and ending the page's server."""

import logging
import os
import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path

from gisr.apps.web.calls import page_calls
from gisr.apps.web.fence import HOST, middleware
from gisr.apps.web.html import FOLDER_PREFIX
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.sessions import Sessions
from gisr.apps.web.store import Store
from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler
from gisr.optional_imports import load_extra

_SWEEP_SECONDS = 60.0
_END_SECONDS = 10.0
"""How long a run may take to end with the server: it does after the answer at hand."""


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
    try:
        load_extra("gradio", "web")
        from gisr.apps.web.page import STYLE, build_page, page_theme

        store = Store(root, limits.max_stored)
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
            app_kwargs={"openapi_url": None, "middleware": middleware(store, page_calls(page))},
            theme=page_theme(),
            css=STYLE,
        )
        # Of what is no request, which is answered as such, these would tell the terminal.
        for teller in ("uvicorn.error", "python_multipart"):
            logging.getLogger(teller).setLevel(logging.ERROR)
        ended = True
        try:
            if not quiet:
                print(f"gisr: {address} is ready; Ctrl-C ends it and deletes its files", flush=True)
            threading.Event().wait()
        except (KeyboardInterrupt, SystemExit):  # SIGTERM ends it as Ctrl-C does
            if not quiet:
                print("gisr: ended, its files are deleted")
        finally:
            page.close(verbose=False)
            ended = sessions.stop_all(_END_SECONDS)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if not ended:  # Python would abort over a network that goes on computing
        sys.stdout.flush()
        os._exit(0)


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
