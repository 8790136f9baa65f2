"""The package as a whole: cheap to import, pinned exactly, promises no more than it lists."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import gisr

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.split("==") for line in lines if not line.startswith("#")]
    return {normal(name): version for name, version in pinned}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_importing_gisr_does_not_import_torch() -> None:
    code = "import sys, gisr; dir(gisr); sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        gisr.nothing_of_the_kind  # noqa: B018 - reading it is the test


def test_every_requirement_is_pinned() -> None:
    optional = PROJECT["optional-dependencies"]
    for requirement in [
        *PROJECT["dependencies"],
        *(line for lines in optional.values() for line in lines),
    ]:
        name = normal(re.split(r"[\[><=]", requirement)[0])
        assert name == "gisr" or name in pins(), f"{requirement}: run make constraints"


def test_no_requirement_needs_a_gpu_build_or_torchvision() -> None:
    pinned = pins()
    assert pinned["torch"] == "2.13.0"
    assert not [name for name in pinned if name.startswith(("nvidia", "triton", "torchvision"))]


def test_all_means_every_extra_for_users() -> None:
    (everything,) = PROJECT["optional-dependencies"]["all"]
    named = set(re.findall(r"\w+", everything)) - {"gisr"}
    assert named == set(PROJECT["optional-dependencies"]) - {"all", "dev", "docs"}


@pytest.mark.parametrize("package", ["gisr", "gisr.pipelines", "gisr.training", "gisr.baselines"])
def test_every_public_name_is_there_and_lazy(package: str) -> None:
    module = import_module(package)
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for name in module.__all__:
        assert name in dir(module)
        assert getattr(module, name) is not None
    code = f"import sys, {package}; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
