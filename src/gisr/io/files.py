"""Finding input files and writing output files whole or not at all."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path

from gisr.errors import FileFormatError, GisrError, LimitError
from gisr.io.foreign import foreign_address
from gisr.io.stand_ins import LOOKED_AT, stand_in
from gisr.memory import is_out_of_memory
from gisr.optional_imports import without_chatter
from gisr.temporaries import discard, full_disk_error, sweep, temporary

_SWEPT: set[Path] = set()
"""Folders that :func:`atomic_outputs` has swept: once a process, they may hold very many files."""
_TRIAL_BYTES = 4096
"""Size of the file that is written and removed to see whether an output can be."""


def check_readable(path: str | PathLike[str]) -> Path:
    """Return the absolute path of an input file that exists and can be opened.

    The path is absolute so that no library reads a prefix of it (``GTIFF_DIR:1:``, ``/vsicurl/``,
    ``http:``) as an instruction. A link to a file of another name keeps its own: stores of
    git-annex and of Hugging Face call files by their checksum, each in a folder of its own.

    Raises:
        FileFormatError: No such file, not a regular file, empty, not readable, or a pointer to a
            file that was not fetched.
    """
    found = Path(path)
    try:
        if found.is_dir():
            raise FileFormatError(f"{found}: is a folder: name a file")
        if not found.exists():
            if found.is_symlink():
                raise FileFormatError(
                    f"{found}: a link to a file that is not here ({os.readlink(found)}): fetch it "
                    "first (of DataLad or git-annex: datalad get, git annex get)"
                )
            check_no_address(path)
            raise FileFormatError(f"{os.fspath(path)}: no such file: check the name")
        if not found.is_file():  # opening a pipe would wait for ever, a device has no end
            raise FileFormatError(f"{found}: is no regular file: copy what it gives into one")
        with found.open("rb") as stream:
            start = stream.read(LOOKED_AT)
        if not start:
            raise FileFormatError(f"{found}: the file is empty: copy or download it again")
        if words := stand_in(start):
            raise FileFormatError(f"{found}: {words}")
        whole = found.resolve()
        return whole if whole.name == found.name else found.absolute()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise FileFormatError(f"{found}: cannot be read: {_reason(error)}") from error


def check_no_address(path: str | PathLike[str]) -> None:
    """Refuse a name that is none of a file, but an address or GDAL's name of a part of one.

    Raises:
        FileFormatError: It is one, and nothing here has this name.
    """
    told = foreign_address(path)
    if told is not None and not os.path.lexists(path):
        raise FileFormatError(told)


def file_suffix(path: str | PathLike[str]) -> str:
    """Return the suffix in lower case, ``.nii.gz`` as one."""
    name = Path(path).name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


def check_not_input(output: str | PathLike[str], *inputs: str | PathLike[str]) -> None:
    """Refuse an output that is one of the inputs, whatever the spelling of the paths.

    Raises:
        FileFormatError: Output and input are the same file.
    """
    for source in inputs:
        same = Path(output).resolve() == Path(source).resolve()
        with suppress(OSError):  # samefile needs both to exist; it also sees hard links
            same = same or os.path.samefile(output, source)
        if same:
            raise FileFormatError(
                f"{os.fspath(output)}: is also an input: give the output another name"
            )


def check_writable(path: str | PathLike[str], overwrite: bool) -> None:
    """Refuse an output that could not be put in its place, before the work that makes it.

    What runs that were killed left half written in its folder is removed.

    Args:
        path: Where the output will go.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileFormatError: ``path`` exists and ``overwrite`` is false, it is no regular file, or its
            folder is missing, takes no new file, or is on a disk that is full.
    """
    output = Path(path)
    _check_place(output, overwrite)
    sweep(output.parent)
    trial = _temporary(output)
    try:
        with trial.open("xb") as stream:
            stream.write(bytes(_TRIAL_BYTES))
    except OSError as error:
        raise FileFormatError(f"{output}: cannot be written: {_reason(error)}") from error
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)


def _check_place(output: Path, overwrite: bool) -> None:
    try:
        if output.is_dir():
            raise FileFormatError(f"{output}: is a folder: name a file")
        if output.exists() and not output.is_file():  # a device would be replaced by a file
            raise FileFormatError(f"{output}: is no regular file: name another")
        if not overwrite and (output.exists() or output.is_symlink()):
            raise FileFormatError(
                f"{output}: exists already: choose another name, or --overwrite (in Python "
                "overwrite=True) to replace it"
            )
        if not output.parent.is_dir():
            check_no_address(output)
            raise FileFormatError(
                f"{output}: the folder {output.parent} does not exist: create it first"
            )
    except OSError as error:
        raise FileFormatError(f"{output}: cannot be written: {_reason(error)}") from error


@contextmanager
def atomic_output(path: str | PathLike[str], overwrite: bool) -> Iterator[Path]:
    """Give a temporary path that becomes ``path`` when the block ends without an exception.

    The temporary file lies in the same folder and has the same suffix, so that libraries that go by
    the suffix write the right format and the final rename is atomic. On any exception, Ctrl-C
    included, it is removed and an existing ``path`` is left as it was.

    Args:
        path: Where the output goes.
        overwrite: Whether an existing file may be replaced.

    Yields:
        The temporary path: an empty file to write to.

    Raises:
        FileFormatError: ``path`` exists and ``overwrite`` is false, it is a folder, its folder is
            missing or cannot be written, or the disk refuses the data.
    """
    with atomic_outputs([path], overwrite) as (temporary,):
        yield temporary


@contextmanager
def atomic_outputs(
    paths: Sequence[str | PathLike[str]],
    overwrite: bool,
    *,
    stale: Sequence[str | PathLike[str]] = (),
) -> Iterator[tuple[Path, ...]]:
    """Give temporary paths that become ``paths`` together, as :func:`atomic_output` does for one.

    Should a rename fail after another went well, files that were not there before are removed
    again, and those that were replaced come back (on disks that know hard links). Temporaries
    carry their owner: those of dead processes are removed from the folders.

    Args:
        paths: Where the outputs go.
        overwrite: Whether existing files may be replaced.
        stale: Files that describe those that are replaced; removed, if they are there, once all
            outputs are in their places.

    Yields:
        The temporary paths: empty files to write to.

    Raises:
        FileFormatError: As for one output.
    """
    outputs = [Path(path) for path in paths]
    for output in outputs:
        if "\0" in str(output):
            raise FileFormatError(f"{output!r}: cannot be written: a zero byte in the name")
        _check_place(output, overwrite)
    for folder in {output.parent.resolve() for output in outputs} - _SWEPT:
        sweep(folder)
        _SWEPT.add(folder)
    temporaries = tuple(_temporary(output) for output in outputs)
    names = " and ".join(map(str, outputs))
    try:
        for place in temporaries:
            # Exclusive, and with the permissions the umask gives any new file (mkstemp gives 0600).
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporaries
        for place in temporaries:
            _flush_to_disk(place)
        _move_together(temporaries, outputs, overwrite)
        for path in stale:
            discard(Path(path))
    except GisrError:
        raise
    except OSError as error:
        raise FileFormatError(f"{names}: cannot be written: {_reason(error)}") from error
    finally:
        for left in temporaries:
            discard(left)
    if os.name != "nt":  # Windows cannot open a folder
        for folder in {output.parent for output in outputs}:
            with suppress(OSError):  # files are complete; some network disks cannot sync a folder
                _flush_to_disk(folder)


def _move_together(temporaries: Sequence[Path], outputs: Sequence[Path], overwrite: bool) -> None:
    """Rename all, or leave all as they were."""
    moved: list[tuple[Path, Path, bool, Path]] = []
    try:
        for place, output in zip(temporaries, outputs, strict=True):
            old = _temporary(output)
            with suppress(OSError, NotImplementedError):  # not there, or a disk without hard links
                os.link(output, old, follow_symlinks=False)
            moved.append((place, output, os.path.lexists(output), old))
            _move(place, output, overwrite)
    except BaseException:
        for place, output, existed, old in moved:
            with suppress(OSError):
                if os.path.lexists(place) and not os.path.samefile(place, output):
                    continue  # what lies there is another program's
                if os.path.lexists(old):
                    os.replace(old, output)
                elif not existed:
                    output.unlink(missing_ok=True)
        raise
    finally:
        for *_, old in moved:
            discard(old)


def _move(place: Path, output: Path, overwrite: bool) -> None:
    """Put a file into its place; another run may have put its own there since this one began."""
    if not overwrite:
        try:
            os.link(place, output, follow_symlinks=False)
        except FileExistsError:
            pass
        except (OSError, NotImplementedError):  # a disk without hard links
            if not os.path.lexists(output):
                os.replace(place, output)
                return
        else:
            return  # its temporary name goes with the others
        raise FileFormatError(
            f"{output}: was made by another program while this one ran, and stays: choose another "
            "name, or --overwrite (in Python overwrite=True) to replace it"
        )
    os.replace(place, output)


def _temporary(output: Path) -> Path:
    name = output.with_name(f"gisr-{secrets.token_hex(8)}")
    return temporary(name, file_suffix(output))


@contextmanager
def typed_errors(
    path: str | PathLike[str], failure: str, remedy: str | None = None
) -> Iterator[None]:
    """Turn whatever a library raises over a file into a typed error naming the file.

    Parsers raise anything on bytes they do not expect (struct.error, KeyError, RuntimeError), so
    everything is caught here; the original exception stays attached as the cause.

    Args:
        path: The file that is read or written.
        failure: What went wrong, for the message ("cannot be read as GeoTIFF").
        remedy: What to do about it, at the message's end.

    Raises:
        FileFormatError: The block raised anything but an error of gisr.
        LimitError: The block ran out of memory.
    """
    try:
        yield
    except GisrError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise LimitError(
                f"{os.fspath(path)}: does not fit into memory: cut it into parts or use a larger "
                "machine"
            ) from error
        reason = f"{failure}: {_reason(error)}"
        if remedy is not None:
            reason = f"{reason.rstrip('.')}: {remedy}"
        raise FileFormatError(f"{os.fspath(path)}: {reason}") from error


@contextmanager
def disk_errors(path: str | PathLike[str], failure: str) -> Iterator[None]:
    """Do as :func:`typed_errors` where a library in C writes pixels, which mostly fails for room.

    GDAL names no reason, and libtiff prints one on standard error by itself: the disk is asked.

    Args:
        path: The file that is written.
        failure: What went wrong, for the message.

    Raises:
        FileFormatError: The block raised anything but an error of gisr.
        LimitError: The block ran out of memory.
    """
    try:
        with typed_errors(path, f"{failure}: check that the disk is not full"), without_chatter():
            yield
    except FileFormatError as error:
        if (full := full_disk_error(Path(path))) is not None:
            raise full from error
        raise


def _flush_to_disk(path: Path) -> None:
    # Windows flushes only files opened for writing; folders can only be opened for reading.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: BaseException) -> str:
    if isinstance(error, UnicodeEncodeError):  # GDAL and others take names in UTF-8 alone
        return "a name on its path is not in UTF-8: rename it, or set PYTHONUTF8=1 if it is"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if "See previous exception" in text and error.__cause__ is not None:  # rasterio's
        return _reason(error.__cause__)
    lines = text.strip().splitlines()
    return lines[0] if lines else type(error).__name__
