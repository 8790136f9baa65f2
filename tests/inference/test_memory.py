"""Amounts of memory, and what running out of it looks like."""

import mmap

import pytest
import torch

from gisr.errors import LimitError
from gisr.inference.memory import memory_taken
from gisr.memory import is_out_of_memory


def test_memory_taken_grows_with_what_is_held() -> None:
    before = memory_taken()
    # Pages of its own: what an earlier test gave back to the allocator is still held.
    with mmap.mmap(-1, 60 * 2**20) as held:
        held.write(b"x" * len(held))
        assert 50 * 2**20 < memory_taken() - before < 130 * 2**20


def test_running_out_is_told_from_other_errors() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(RuntimeError) as caught:  # what torch says when the CPU has not enough
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
    # Libraries have one type for everything: what counts is what is said ...
    assert is_out_of_memory(ValueError("not enough memory"))
    # ... but not by gisr itself, nor by libtiff of a tag that claims more than the file has.
    assert not is_out_of_memory(LimitError("not enough memory"))
    assert not is_out_of_memory(OSError("Out of memory reading of BitsPerSample"))
