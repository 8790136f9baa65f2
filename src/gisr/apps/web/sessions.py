"""Sessions of the page and their files: kept apart, and deleted with the session."""

import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gisr.apps.web.job import PageOutcome
from gisr.apps.web.limits import PageLimits
from gisr.apps.web.store import stored_bytes
from gisr.errors import LimitError


@dataclass(eq=False)
class Session:
    """One page open in one browser."""

    folder: Path
    """For its own files."""
    uploads: set[Path] = field(default_factory=set)
    """Files that came by way of the browser; they lie outside of the folder."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Ends the run that is under way."""
    outcome: PageOutcome | None = None
    """The last result."""
    used: float = field(default_factory=time.monotonic)
    """When it was last used: by an event, or by a run that made progress."""
    _pictures: list[Path] = field(default_factory=list)

    def touch(self) -> None:
        """Note that the session is in use."""
        self.used = time.monotonic()

    def new_folder(self) -> Path:
        """Return an empty folder: results of two runs may have one name."""
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder

    def finish(self, outcome: PageOutcome) -> None:
        """Keep a result, and delete the one before."""
        former, self.outcome = self.outcome, outcome
        if former is not None:
            shutil.rmtree(former.path.parent, ignore_errors=True)

    def picture_folder(self) -> Path:
        """Return a folder for pictures to show; those before the last are deleted."""
        self._pictures.append(self.new_folder())
        while len(self._pictures) > 2:  # the browser may still be loading the last ones
            shutil.rmtree(self._pictures.pop(0), ignore_errors=True)
        return self._pictures[-1]


class Sessions:
    """All sessions to one server; safe to use from several threads."""

    def __init__(self, root: Path, keep_seconds: float) -> None:
        """Keep the files of sessions in a folder.

        Args:
            root: Holds nothing but what the server keeps: old files in it are deleted.
            keep_seconds: How long a session without use is kept.
        """
        self._root, self._keep = root, keep_seconds
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._runs, self._run_ended = 0, threading.Condition()

    def of(self, key: str) -> Session:
        """Return the session of a browser's page, a new one if need be, and note its use."""
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                session = self._sessions[key] = Session(
                    self._root / f"session-{secrets.token_hex(16)}"
                )
                session.folder.mkdir()
            session.touch()
            return session

    def end(self, key: str) -> None:
        """Stop the run of a session, and delete all of its files; one that has ended stays so."""
        with self._lock:
            session = self._sessions.pop(key, None)
            if session is None:
                return
            session.stopped.set()
        shutil.rmtree(session.folder, ignore_errors=True)
        self._delete_uploads(session)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a run of a network while it goes on."""
        with self._run_ended:
            self._runs += 1
        try:
            yield
        finally:
            with self._run_ended:
                self._runs -= 1
                self._run_ended.notify_all()

    def stop_all(self, seconds: float) -> bool:
        """Stop every run, and return whether all ended in some seconds."""
        with self._lock:
            for session in self._sessions.values():
                session.stopped.set()
        with self._run_ended:
            return self._run_ended.wait_for(lambda: not self._runs, seconds)

    def check_room(self, session: Session, limits: PageLimits) -> None:
        """Check that a session may store more; uploads that are too large together are deleted.

        Raises:
            LimitError: It has stored too much, or all sessions together have.
        """
        mine = stored_bytes([session.folder, *session.uploads])
        if mine > limits.max_session:
            self._delete_uploads(session)
            raise LimitError(
                f"{mine / 1e6:.4g} MB are more than the {limits.max_session / 1e6:.4g} MB that one "
                "page may store here, so its uploads were deleted: give smaller files, or start "
                "the page with a larger --max-session"
            )
        if stored_bytes([self._root]) > limits.max_stored:
            raise LimitError(
                f"all pages together may store {limits.max_stored / 1e6:.4g} MB here: delete "
                "files, or start the page with a larger --max-stored"
            )

    def _delete_uploads(self, session: Session) -> None:
        """Delete the uploads of a session, but for those that another session has, too."""
        with self._lock:
            # The server names an upload by its content: two sessions may have the same file.
            others = [other for other in self._sessions.values() if other is not session]
            shared = {path for other in others for path in other.uploads}
        for path in session.uploads - shared:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()
        session.uploads.clear()

    def sweep(self) -> None:
        """End sessions that were not used for long, and delete old files that belong to none."""
        oldest = time.monotonic() - self._keep
        with self._lock:
            forgotten = [key for key, session in self._sessions.items() if session.used < oldest]
        for key in forgotten:
            self.end(key)
        with self._lock:
            folders = {session.folder for session in self._sessions.values()}
            used = {path for session in self._sessions.values() for path in session.uploads}
        before = time.time() - self._keep
        for path in list(self._root.rglob("*")):
            with suppress(OSError):
                mine = path in used or any(folder in path.parents for folder in folders)
                if not mine and path.is_file() and path.stat().st_mtime < before:
                    path.unlink()

    def sweep_forever(self, seconds: float) -> None:
        """Sweep every so often, on a thread of its own that ends with the process."""

        def work() -> None:
            while True:
                time.sleep(seconds)
                self.sweep()

        threading.Thread(target=work, name="gisr sweep", daemon=True).start()
