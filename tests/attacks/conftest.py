"""Lets the attacks use the corpus of malformed files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "malformed"))
