"""The benchmark that wraps parts of gisr by their names: a part that was renamed would end it."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_stage_of_a_command_is_counted() -> None:
    words = [sys.executable, str(ROOT / "benchmarks/profile_command.py"), "--sides", "64"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    table = re.findall(r"^\| ([a-z ]+) \| (\d+\.\d+) ", done.stdout, flags=re.MULTILINE)
    seconds = {stage: float(spent) for stage, spent in table}
    assert {"survey", "alignment", "prompt", "network", "consistency", "writing"} <= set(seconds)
    assert seconds["network"] > 0 and seconds["start"] > 0
