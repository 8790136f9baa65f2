"""QGIS, where it is installed: a fresh profile with the plugin, and a gisr of this checkout."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from qgis_plugin import ROOT, write_zip
from tests.small_network import tiny_weights
from tests.warm import ONE_THREAD

from gisr.weights.store import save_weights

NO_QGIS = "needs QGIS: qgis_process is not installed (Debian: apt install qgis python3-qgis)"
_PROFILE = Path("profiles") / "default"

_CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
    connection.connect(PLACE)
    words = ["-m", "gisr", *sys.argv[1:]]
    request = {"words": words, "folder": os.getcwd(), "environment": dict(os.environ), "limits": []}
    socket.send_fds(connection, [json.dumps(request).encode()], [1, 2])
    process = int(connection.recv(99))
    connection.send(json.dumps({"ended": process}).encode())
    sys.exit(int(connection.recv(99)))
"""
"""Its exit code is that of the command; what ends it does not end the command."""

Process = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a program gisr that runs this checkout, on one thread."""
    path = tmp_path_factory.mktemp("bin") / "gisr"
    words = [sys.executable, "-m", "gisr"]
    path.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT / 'src'))} OMP_NUM_THREADS=1 "
        f'exec {shlex.join(words)} "$@"\n'
    )
    path.chmod(0o755)
    return path


@pytest.fixture(scope="session")
def warm_program(tmp_path_factory: pytest.TempPathFactory, program: Path) -> Iterator[Path]:
    """Give a program gisr that has another process, which is warm, run its command."""
    if sys.platform != "linux":
        yield program
        return
    folder = tmp_path_factory.mktemp("warm")
    place, path = folder / "socket", folder / "gisr"
    path.write_text(f"#!{sys.executable} -SEI\nPLACE = {str(place)!r}\n{_CLIENT}")
    path.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.plugins.listening", str(place)],
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None and process.stdout.readline() == "listening\n"
        yield path
        process.terminate()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of small weights whose residual is not zero."""
    made, folder = tiny_weights(), tmp_path_factory.mktemp("weights")
    save_weights(folder, made.network, made.descriptions, name="tiny")
    return folder


@pytest.fixture(scope="session")
def qgis_environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Give the variables of a QGIS without a screen, in a fresh profile that has the plugin."""
    home = tmp_path_factory.mktemp("qgis")
    plugins = home / _PROFILE / "python" / "plugins"
    plugins.mkdir(parents=True)
    with zipfile.ZipFile(write_zip(home, {})) as archive:
        archive.extractall(plugins)
    running = home / "run"
    running.mkdir(mode=0o700)
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "HOME": str(home),
        "QGIS_CUSTOM_CONFIG_PATH": str(home),
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_RUNTIME_DIR": str(running),
    }


@pytest.fixture(scope="session")
def qgis_process(qgis_environment: Mapping[str, str]) -> Process:
    """Give what runs ``qgis_process`` with words, in the fresh profile, the plugin enabled."""
    # Debian's script adds an option that the program refuses.
    found = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    if found is None:
        pytest.skip(NO_QGIS)

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [found, *words],
            check=False,
            capture_output=True,
            text=True,
            env={**qgis_environment, **more},
            timeout=600,
        )

    enabled = run("plugins", "enable", "gisr_processing")
    assert enabled.returncode == 0, enabled.stderr
    return run


class Qgis:
    """A QGIS that runs algorithms of the plugin, one after the other."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Talk to ``in_qgis.py``."""
        self._process = process

    def ask(self, task: str, **request: object) -> dict[str, Any]:
        """Return what it answers to a request, see there."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"task": task, **request}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"QGIS ended with {self._process.wait()}"
        found: dict[str, Any] = json.loads(line)
        return found


@pytest.fixture(scope="session")
def qgis(qgis_environment: Mapping[str, str]) -> Iterator[Qgis]:
    """Give a QGIS in the fresh profile, which takes seconds to start."""
    for python in filter(None, ["/usr/bin/python3", shutil.which("python3")]):
        asked = subprocess.run(
            [python, "-c", "import qgis.core"],
            check=False,
            capture_output=True,
            env=dict(qgis_environment),
        )
        if asked.returncode == 0:
            break
    else:
        pytest.skip(NO_QGIS)
    process = subprocess.Popen(
        [python, str(Path(__file__).with_name("in_qgis.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(qgis_environment),
    )
    with process:
        assert process.stdin is not None
        yield Qgis(process)
        process.stdin.close()


@pytest.fixture(scope="session")
def profile(qgis_environment: Mapping[str, str]) -> Path:
    """Give the folder of the profile."""
    return Path(qgis_environment["QGIS_CUSTOM_CONFIG_PATH"]) / _PROFILE
