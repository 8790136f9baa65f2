"""The steps of docs/systems.md for a network of one's own: a module, two lines, then trained."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from tests.warm import Warm

import gisr

SOURCE = Path(gisr.__file__).parent
PAGE = Path(__file__).resolve().parents[1] / "docs" / "systems.md"
MOST_LINES = 40
RUN = """
import json, sys
from pathlib import Path
package = Path(sys.argv[1])
# The process has this checkout's gisr, and torch, which takes seconds to import.
for name in [each for each in sys.modules if each.partition(".")[0] == "gisr"]:
    del sys.modules[name]
sys.path.insert(0, str(package.parent))
import gisr
from gisr.apps.cli import main
assert Path(gisr.__file__).parent == package, gisr.__file__
for words in json.loads(sys.argv[2]):
    if main(words):
        sys.exit(f"gisr {words} failed")
"""


def _changed_copy(folder: Path, module: str, line: str) -> Path:
    """Return a copy of the package with the module of the page and its two lines."""
    package = folder / "gisr"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__", "embedded"))
    (package / "baselines/depth/two_convolutions.py").write_text(module, encoding="utf-8")
    systems = package / "baselines" / "systems.py"
    text = systems.read_text(encoding="utf-8")
    name = line.strip().split(":")[0]
    for before, after in (
        ('    "sgnet",\n]', f'    "sgnet",\n    {name},\n]'),
        ('SGNet",\n}', f'SGNet",\n{line}\n}}'),
    ):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    systems.write_text(text, encoding="utf-8")
    return package


def _write_pairs(folder: Path) -> None:
    """Write frames with a step in depth where the picture has an edge."""
    rng, rows = np.random.default_rng(0), ["name,task,target,guide,truth,split"]
    lines, columns = np.mgrid[:64, :64]
    for number, split in enumerate(("train", "train", "test")):
        far = columns > 20 + 10 * number
        Image.fromarray((40 + lines // 2 + 60 * far).astype(np.uint8)).save(
            folder / f"d{number}.png"
        )
        grey = rng.integers(0, 60, (64, 64, 3)) + 120 * far[..., None]
        Image.fromarray(grey.astype(np.uint8)).save(folder / f"c{number}.png")
        rows.append(f"f{number},depth,,c{number}.png,d{number}.png,{split}")
    (folder / "pairs.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_a_network_of_the_page_is_trained_and_scored(warm: Warm, tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    module, line = re.findall(r"```(?:python|text)\n(.*?)\n```", page, flags=re.DOTALL)
    assert len([text for text in module.splitlines() if text.strip()]) <= MOST_LINES
    package = _changed_copy(tmp_path / "package", module, line)
    data, run = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    _write_pairs(data)
    train = ["train", "laboratory", "--system.name", "two-convolutions", "--only", "depth:4"]
    train += ["--data", str(data), "--folder", str(run), "--steps", "3", "--quiet"]
    scores = tmp_path / "scores.json"
    evaluate = ["evaluate", str(data), "--quiet", "--out", str(scores)]
    evaluate += ["--systems", "bicubic", f"two-convolutions:{run / 'weights'}"]
    done = warm.run("-c", RUN, str(package), json.dumps([train, evaluate, ["models", "--systems"]]))
    assert done.returncode == 0, done.stderr + done.stdout
    # Depth and colour to 16 channels and those to one, in 3 x 3: counted when it is listed.
    costs = r"two-convolutions +depth +(\d+) +\d+\.\d +none +nobody, nowhere, 2026"
    listed = re.search(costs, done.stdout)
    assert listed is not None
    assert int(listed[1]) == (1 + 3) * 16 * 9 + 16 + 16 * 9 + 1
    found = json.loads(scores.read_text(encoding="utf-8"))["scores"]
    x4 = {
        each["system"].split(":")[0]: each["values"]["rmse"] for each in found if each["ratio"] == 4
    }
    assert x4.keys() == {"bicubic", "two-convolutions"}
    # It starts from random weights and has hardly begun.
    assert x4["two-convolutions"] != x4["bicubic"]
    assert x4["two-convolutions"] < 3 * x4["bicubic"]
    # At other ratios its weights are not used.
    assert {each["system"] for each in found if each["ratio"] == 8} == {"bicubic"}
