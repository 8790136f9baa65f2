"""Processor time and peak memory of gisr on every malformed or hostile file of the tests.

    python benchmarks/malformed_corpus.py
    python benchmarks/malformed_corpus.py --only nifti --worst 20

Every case of tests/malformed/corpus is a command of its own, in a folder of its own. The table is
sorted by processor time (user and system); memory is the peak of the whole command (VmHWM).
Errors have to come in one line, within a second and 200 MB, leaving nothing behind; cases that are
sound have to work, and may take longer. Linux only. The exit code is 1 when a case fails.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "malformed"))

from corpus import CASES
from corpus.case import Case
from corpus.command import Outcome, faults, run_command, state, words_of
from corpus.settings import tiny_weights

SECONDS, MEGABYTES = 1.0, 200.0


def run_case(case: Case, weights: Path) -> tuple[Outcome, list[str]]:
    with tempfile.TemporaryDirectory(prefix="gisr-") as name:
        folder = Path(name)
        words = words_of(case, folder, weights)
        before = state(folder)
        outcome = run_command(case, words, folder)
        found = faults(case, folder, before, outcome.status, outcome.err)
    bounded = case.says and not case.slow
    if bounded and (outcome.seconds > SECONDS or outcome.megabytes > MEGABYTES):
        found.append("takes too much")
    return outcome, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name has this part")
    parser.add_argument("--errors", action="store_true", help="leave out cases that have to work")
    parser.add_argument("--worst", type=int, default=10**6, help="print only so many")
    chosen = parser.parse_args()
    rows, failed = [], 0
    with tempfile.TemporaryDirectory(prefix="gisr-weights-") as name:
        weights = tiny_weights(Path(name))
        for title, case in CASES.items():
            if chosen.only not in title or (chosen.errors and not case.says):
                continue
            outcome, found = run_case(case, weights)
            rows.append((outcome.seconds, outcome.megabytes, title, case))
            for fault in found:
                print(f"FAILED {title}: {fault}", flush=True)
            failed += bool(found)
    rows.sort(key=lambda row: -row[0])
    print(f"{'case':<44}{'CPU s':>7}{'MB':>7}")
    for seconds, megabytes, title, case in rows[: chosen.worst]:
        kind = "" if case.says else "  sound"
        print(f"{title:<44}{seconds:>7.2f}{megabytes:>7.0f}{kind}{'  slow' if case.slow else ''}")
    errors = [row for row in rows if row[3].says and not row[3].slow]
    if errors:
        print(
            f"{len(rows)} cases, {failed} failed; of {len(errors)} errors the worst take "
            f"{max(row[0] for row in errors):.2f} s and {max(row[1] for row in errors):.0f} MB"
        )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
