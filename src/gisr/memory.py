"""Too little memory, as the libraries say it, and as gisr does: one line that names it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from gisr.errors import GisrError, LimitError

_SIGNS = (
    "not enough memory",
    "allocate memory",  # torch ("can't ..."), the C library and safetensors ("Cannot ...")
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "could not create a memory object",  # oneDNN
    "is killed by signal: killed",  # a loader process of torch, by the system when memory is short
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory did not suffice, on the CPU or on a GPU.

    torch has a type of its own for GPUs only; on the CPU its allocator raises RuntimeError, and
    safetensors has one type for everything.
    """
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    told = isinstance(error, RuntimeError) or type(error).__name__ == "SafetensorError"
    return told and any(sign in str(error).lower() for sign in _SIGNS)


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
