"""Memory that was freed is handed out again, where the C library can be told so."""

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import os, resource, sys
import numpy as np
from gisr.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for _ in range(30):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    maps = [np.ones(2**22, np.uint8) for _ in range(8)]
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    del maps
    np.ones(2**25, np.uint8)
print(faults)
"""
"""Frees and allocates maps as a network does, and prints the pages that the last ones took."""
PAGES = 8 * 2**22 // 4096


def pages(word: str, **environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, word],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "PYTHONPATH": ":".join(sys.path)},
    )
    return int(done.stdout)


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc"
)
def test_maps_lie_where_freed_ones_were() -> None:
    assert pages("kept") < PAGES // 10
    # What the user chose for malloc stands. Some kernels map a few pages at a time.
    assert pages("kept", MALLOC_MMAP_THRESHOLD_="65536", MALLOC_TRIM_THRESHOLD_="65536") > PAGES / 4
