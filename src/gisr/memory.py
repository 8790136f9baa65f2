"""Memory: kept for the next map, and too little of it, as libraries and gisr say it."""

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gisr.errors import GisrError, LimitError

_SIGNS = (
    "not enough memory",
    "insufficient memory",  # OpenCV
    "allocate memory",  # torch ("can't ..."), the C library and safetensors ("Cannot ...")
    "unable to allocate",  # numpy, where a library gives its words on
    "out of memory",
    "unable to run compression routine",  # OpenEXR, which gives no other reason
    "bad_alloc",
    "bad allocation",
    "failed to map segment",  # the loader of libraries
    "could not create a memory object",  # oneDNN
    "could not create a primitive",  # oneDNN, which makes none without room for its code
    "can't start new thread",
    "is killed by signal: killed",  # a loader process of torch, by the system when memory is short
)

_FALSE_SIGN = "out of memory reading of"
"""What libtiff says of a tag that claims more than the file has."""
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""What glibc's mallopt calls them (malloc.h)."""
_LARGEST_KEPT, _MOST_KEPT = 64 * 2**20, 512 * 2**20
"""Bytes: larger than one map of a tile, and than all of them."""


def keep_freed_memory() -> None:
    """Have glibc hand out memory again that was freed, instead of asking the system for new pages.

    Every map of a network is larger than what it keeps by default, and Linux fills new pages with
    zeros: a fifth of the network's time. Elsewhere, and where the environment sets malloc's
    parameters, nothing changes.
    """
    chosen = any(name.startswith("MALLOC_") for name in os.environ)
    if sys.platform != "linux" or chosen or "malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not in every C library
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_TRIM_THRESHOLD, _MOST_KEPT)


def release_freed_memory() -> None:
    """Give the system back what was freed: what was kept in pieces may be too small for the next.

    For a process that goes on after one of several pairs did not fit into memory.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not in every C library
        if trim is not None:
            trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory did not suffice, on the CPU or on a GPU.

    torch has a type of its own for GPUs only; on the CPU its allocator raises RuntimeError.
    safetensors, OpenCV and GDAL have one type for everything, and a library that finds no room to
    be loaded raises ImportError: what counts is what is said.
    """
    if isinstance(error, GisrError):
        return False
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    said = f"{error} {error.__cause__ or ''}".lower()
    return any(sign in said for sign in _SIGNS) and _FALSE_SIGN not in said


@contextmanager
def memory_errors(what: str, remedy: str) -> Iterator[None]:
    """Turn whatever says that memory did not suffice into one line.

    Args:
        what: What did not fit.
        remedy: What to do.

    Raises:
        LimitError: Memory did not suffice in the block.
    """
    try:
        yield
    except GisrError:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise LimitError(f"{what}: there is not enough memory: {remedy}") from error
