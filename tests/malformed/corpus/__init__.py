"""A corpus of malformed and hostile files, written by code into an empty folder when it is asked.

Each case is a command over some files, and what its one line of error must say; see
:class:`corpus.case.Case`. The tests run them in one process, ``benchmarks/malformed_corpus.py`` as
commands of their own with their time and memory.
"""

from corpus import datasets, depths, places, rasters, settings, volumes
from corpus.case import Case

CASES: dict[str, Case] = {
    **rasters.CASES,
    **volumes.CASES,
    **depths.CASES,
    **places.CASES,
    **settings.CASES,
    **datasets.CASES,
}
