"""Which requests the page answers: an allow-list, decided before Gradio sees anything.

Gradio's server has many more routes than the page needs, and some of them fetch an address that the
request names. Here a route, a header or a field of a body passes because the page needs it; what is
not listed is refused.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

API = "/gradio_api"
FILE_ROUTE = f"{API}/file="
UPLOAD_ROUTE = f"{API}/upload"
MAX_JSON = 4 * 10**6
"""Bytes of a request that is no upload: the names of two DICOM series of a thousand images."""

_READ = {"GET", "HEAD"}
_NAME = r"[A-Za-z0-9_.-]+"
_ROUTES = (
    (_READ, r"/"),
    (_READ, rf"/(?:assets|static)(?:/{_NAME})+"),
    (_READ, r"/(?:favicon\.ico|manifest\.json|theme\.css)"),
    ({"GET"}, rf"{API}/(?:startup-events|app_id|queue/data|upload_progress)"),
    ({"GET"}, rf"{API}/heartbeat/{_NAME}"),
    ({"POST"}, rf"{API}/(?:upload|queue/join|cancel|reset)"),
    ({"POST"}, rf"{API}/run/{_NAME}"),
)
"""Methods and paths; files are :data:`FILE_ROUTE`."""
_QUERY = {"session_hash", "upload_id", "v", "__theme"}
"""Parameters of an address that Gradio may read."""
_FIELDS = {
    *("data", "event_data", "event_id", "fn_index", "trigger_id", "session_hash"),
}
"""Fields of a request that calls a function of the page, or stops one."""
_ADDRESS = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}", re.IGNORECASE)
"""How the address of another server, or of a file by its scheme, begins."""


class RefusedError(Exception):
    """A request that is not answered: the status and one line."""

    def __init__(self, status: int, line: str) -> None:
        """Give an HTTP status and what to say."""
        super().__init__(line)
        self.status = status


def check_route(method: str, path: str, query: str, root: Path) -> None:
    """Check that the page needs a route.

    Args:
        method: Of HTTP, in upper case.
        path: Without percent-encoding, as an ASGI server gives it.
        query: What follows the question mark.
        root: Holds all that the server keeps.

    Raises:
        RefusedError: It does not, or a file is named that is not kept here.
    """
    if path.startswith(FILE_ROUTE) and method in _READ:
        check_file(path.removeprefix(FILE_ROUTE), root)
    elif ".." in path.split("/") or not any(
        method in methods and re.fullmatch(form, path) for methods, form in _ROUTES
    ):
        raise RefusedError(403, "gisr serves its page alone, and fetches no addresses")
    for part in filter(None, query.split("&")):
        if _decoded(part.split("=")[0]) not in _QUERY:
            raise RefusedError(403, "gisr does not know this parameter of an address")


def check_sender(method: str, path: str, headers: Mapping[str, str]) -> None:
    """Check that a request comes from the page itself, or from no browser.

    Args:
        method: Of HTTP, in upper case.
        path: Of the request. A link elsewhere may lead to the page, and to nothing else.
        headers: By names in lower case; ``host`` has been checked.

    Raises:
        RefusedError: Another page sent it.
    """
    site = headers.get("sec-fetch-site", "same-origin")
    linked = path == "/" and method in _READ and headers.get("sec-fetch-mode") == "navigate"
    own = f"http://{headers.get('host', '')}"
    if headers.get("origin", own) != own or (site not in ("same-origin", "none") and not linked):
        raise RefusedError(403, "gisr answers its own page alone")


def checked_json(body: bytes, root: Path, host: str) -> dict[str, Any]:
    """Return a call of a function, to be written anew so that Gradio reads what was checked here.

    Args:
        body: JSON.
        root: Holds all that the server keeps.
        host: How the browser calls this server, with the port.

    Raises:
        RefusedError: It names an address, or a file that is not kept here, or is no such call.
    """
    try:
        call = json.loads(body)
        if not isinstance(call, dict) or not call.keys() <= _FIELDS:
            raise RefusedError(400, "gisr does not know this request")
        _check_values(call, root, host)
        return call
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "gisr cannot read this request") from error


def check_file(name: str, root: Path) -> None:
    """Check that a file lies in the server's own folder, however its path is written.

    Raises:
        RefusedError: It lies elsewhere, or nowhere.
    """
    for path in {name, _decoded(name)}:
        try:
            place = Path(path).resolve()
            kept = Path(path).is_absolute() and root.resolve() in place.parents and place.is_file()
        except (OSError, ValueError):
            kept = False
        if not kept:
            raise RefusedError(403, "gisr does not keep such a file (any more): give it again")


def _check_values(value: Any, root: Path, host: str) -> None:  # noqa: ANN401 - JSON
    """Check each value of a request, at any depth."""
    if isinstance(value, str):
        if _ADDRESS.match(_decoded(value)):
            raise RefusedError(403, "gisr fetches no addresses")
    elif isinstance(value, list):
        for each in value:
            _check_values(each, root, host)
    elif isinstance(value, dict):
        if value.get("is_stream"):
            raise RefusedError(403, "gisr takes no streams")
        for key, each in value.items():
            if key == "path" and each is not None:
                check_file(str(each), root)
            elif key == "url" and each is not None:
                _check_own_url(str(each), root, host)
            else:
                _check_values(each, root, host)


def _check_own_url(url: str, root: Path, host: str) -> None:
    """Check the address that a browser got for an upload: of a file on this server."""
    path = url.removeprefix(f"http://{host}")
    if not path.startswith(FILE_ROUTE):
        raise RefusedError(403, "gisr fetches no addresses")
    check_file(unquote(path.removeprefix(FILE_ROUTE)), root)


def _decoded(text: str) -> str:
    """Return a text without percent-encoding, however often it was encoded."""
    while (plainer := unquote(text)) != text:
        text = plainer
    return text
