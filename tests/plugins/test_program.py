"""What the plugin does without QGIS: which gisr it runs, how it listens, ends and installs it."""

import os
import subprocess
import sys
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from gisr.tasks.sensors import SENSORS as KNOWN
from gisr.tasks.sensors import find_sensor
from gisr_processing import child, environment
from gisr_processing.child import CanceledError, GisrError, remove_parts, run, run_gisr
from gisr_processing.environment import InstallError, find_python, install, with_extra
from gisr_processing.program import GisrNotFoundError, find_gisr, program_in
from gisr_processing.sensors import NOT_STATED, SENSORS, sensor_words

POSIX = pytest.mark.skipif(os.name != "posix", reason="processes are ended otherwise there")


class Log:
    """A feedback that keeps everything, and cancels when a line or a step is there."""

    def __init__(self, cancel_at: object = None) -> None:
        self.cancel_at = cancel_at
        self.seen: list[object] = []

    def isCanceled(self) -> bool:
        return self.cancel_at in self.seen

    def setProgress(self, progress: float) -> None:
        self.seen.append(progress)

    def pushInfo(self, info: str) -> None:
        self.seen.append(info)

    def pushWarning(self, warning: str) -> None:
        self.seen.append("! " + warning)

    def pushCommandInfo(self, info: str) -> None:
        self.seen.append("$ " + info)


def script(path: Path, text: str) -> Path:
    """Write a program in Python."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


def test_the_list_of_sensors_is_that_of_gisr() -> None:
    assert SENSORS[0] == NOT_STATED and sensor_words(NOT_STATED) == []
    named = [sensor_words(line)[1] for line in SENSORS[1:]]
    assert named == [sensor.name for sensor in KNOWN.values()]
    for line in SENSORS[1:]:
        assert "," not in line  # QGIS takes it for two
        name, _, others = line.rstrip(")").partition(" (")
        for other in filter(None, others.split(" / ")):
            assert find_sensor(other).name == name


@POSIX
def test_a_named_gisr_is_taken_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = script(tmp_path / "profile" / "bin" / "gisr", "")
    elsewhere = script(tmp_path / "path" / "gisr", "")
    monkeypatch.setenv("PATH", str(elsewhere.parent))
    given = script(tmp_path / "venv" / "bin" / "gisr", "")
    for setting in (str(given), f" {tmp_path / 'venv'} "):
        assert find_gisr(setting, tmp_path / "profile").path == given
    assert find_gisr("", tmp_path / "profile").path == own
    assert find_gisr("", tmp_path / "nothing").path == elsewhere
    with pytest.raises(GisrNotFoundError, match="is named in the options, but there is no gisr"):
        find_gisr(str(tmp_path / "gone"), tmp_path / "profile")
    given.chmod(0o644)
    with pytest.raises(GisrNotFoundError, match="no permission"):
        find_gisr(str(given), tmp_path / "profile")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GisrNotFoundError, match=r"neither in .* nor on PATH: run the algorithm"):
        find_gisr("", tmp_path / "nothing")


@POSIX
def test_lines_of_gisr_go_where_they_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # as QGIS sets it for its own Python
    program = script(
        tmp_path / "gisr",
        "import sys\n"
        'print(\'{"done": 1, "total": 4, "unit": "px"}\', file=sys.stderr)\n'
        'print("gisr: warning: odd", file=sys.stderr)\n'
        'print("gisr: note: Gaußian", file=sys.stderr)\n'
        'print("{no progress", file=sys.stderr)\n'
        'print("out.tif:", *sys.argv[1:])\n',
    )
    log = Log()
    assert run_gisr(program, ["a b", "c"], log) == ["out.tif: a b c"]
    assert log.seen == [
        f"$ {program} 'a b' c",
        25.0,
        "! warning: odd",
        "note: Gaußian",
        "{no progress",
    ]


@POSIX
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('sys.stderr.write("gisr: error: bad.tif: is empty\\n"); sys.exit(2)', "bad.tif: is empty"),
        ("sys.exit(3)", "gisr ended with code 3: it said nothing"),
        ("os.kill(os.getpid(), 9)", r"signal 9\); if memory was short, give it less"),
        (
            'sys.stderr.write("gisr: error: Unrecognized arguments: --progress json"); sys.exit(2)',
            "is older than this plugin: install a newer one",
        ),
        (
            "sys.stderr.write(\"gisr: error: task 'multiband' must be mri or depth\"); sys.exit(2)",
            "is older than this plugin: install a newer one",
        ),
    ],
)
def test_failures_are_told_in_a_line(tmp_path: Path, text: str, message: str) -> None:
    program = script(tmp_path / "gisr", f"import os, sys\n{text}\n")
    with pytest.raises(GisrError, match=message) as caught:
        run_gisr(program, [], Log())
    assert "\n" not in str(caught.value)


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "gisr"
    broken.write_text("#!/no/such/python\n")
    broken.chmod(0o755)
    with pytest.raises(GisrError, match="cannot be started"):
        run_gisr(broken, [], Log())


@POSIX
@pytest.mark.parametrize("deaf", [False, True])
def test_cancel_ends_a_program_and_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: bool
) -> None:
    monkeypatch.setattr(child, "_PATIENCE", 0.5)
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)" if deaf else ""
    program = script(
        tmp_path / "gisr",
        f"import signal, subprocess, sys, time\n{ignore}\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(inner.pid, flush=True)\ntime.sleep(600)\n",
    )
    lines: list[str] = []
    log = Log(cancel_at="started")

    def heard(stream: str, line: str) -> None:
        lines.append(line)
        log.seen.append("started")

    with pytest.raises(CanceledError) as caught:
        run([str(program)], log, heard)
    for process in (caught.value.process, int(lines[0])):
        assert not _alive(process)


def _alive(process: int) -> bool:
    """Return whether a process lives, some moments after it was told to end; a zombie does not."""
    for _ in range(50):
        asked = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(process)], check=False, capture_output=True, text=True
        )
        if asked.stdout.strip()[:1] in ("", "Z"):
            return False
        time.sleep(0.1)
    return True


@POSIX
def test_only_what_the_ended_gisr_left_is_removed(tmp_path: Path) -> None:
    for name in (".gisr-0a.17-3-ab.part.tif", ".gisr-0b.170-3-ab.part.tif", "sharp.tif"):
        (tmp_path / name).touch()
    remove_parts(tmp_path, 17)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".gisr-0b.170-3-ab.part.tif", "sharp.tif"]


def test_a_python_that_suits_is_found_or_the_way_out_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_python(sys.executable) == Path(sys.executable)
    with pytest.raises(InstallError, match=r"is no Python 3\.11 or newer"):
        find_python(str(tmp_path / "python"))
    monkeypatch.setattr(environment, "OLDEST", (99, 0))
    with pytest.raises(InstallError, match=r"no Python 99\.0 or newer with venv was found on PATH"):
        find_python("")


def wheel(folder: Path, *, program: bool = True) -> Path:
    """Write a package with a program gisr, as pip installs it without a network."""
    path = folder / "gisr-9.9-py3-none-any.whl"
    about = "gisr-9.9.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gisr_like.py", "def main():\n    print('gisr 9.9')\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: gisr\nVersion: 9.9\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        entry = "[console_scripts]\ngisr = gisr_like:main\n" if program else ""
        archive.writestr(f"{about}/entry_points.txt", entry)
        archive.writestr(f"{about}/RECORD", "")
    return path


@pytest.mark.slow
def test_gisr_is_installed_into_an_environment_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "profile" / "environment"
    made = install(folder, str(wheel(tmp_path)), sys.executable, Log(), cpu=False)
    assert made == program_in(folder)
    assert run_gisr(made, ["--version"], Log()) == ["gisr 9.9"]
    assert find_gisr("", folder).path == made
    # What works stays when an update does not.
    with pytest.raises(InstallError, match=r"pip install failed: ERROR"):
        install(folder, str(tmp_path / "none.whl"), "", Log(), cpu=False)
    assert run_gisr(made, ["--version"], Log()) == ["gisr 9.9"]


def quick_python(path: Path) -> Path:
    """Write a Python whose environments borrow this one's pip, which takes seconds to install."""
    pip = find_spec("pip")
    if pip is None or pip.origin is None:
        return Path(sys.executable)
    return script(
        path,
        "import subprocess, sys, venv\n"
        "from pathlib import Path\n"
        "if sys.argv[1:3] != ['-m', 'venv']:\n"
        "    sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)\n"
        "venv.create(sys.argv[3])\n"
        "(packages,) = Path(sys.argv[3]).glob('lib/*/site-packages')\n"
        f"(packages / 'pip').symlink_to({str(Path(pip.origin).parent)!r})\n",
    )


@POSIX
@pytest.mark.slow
def test_an_installation_that_fails_or_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "profile" / "environment"
    mute = str(wheel(tmp_path, program=False))
    python = quick_python(tmp_path / "python")
    with pytest.raises(InstallError, match="brought no program gisr"):
        install(folder, mute, str(python), Log(), cpu=False)
    assert not folder.exists()
    with pytest.raises(CanceledError):
        install(folder, mute, str(python), Log(cancel_at=5), cpu=False)
    assert not folder.exists()


def test_paths_are_installed_with_what_geotiff_needs(tmp_path: Path) -> None:
    assert with_extra(str(tmp_path)) == f"{tmp_path.resolve()}[geo]"
    assert with_extra("gisr[geo] @ git+https://x.org/g") == "gisr[geo] @ git+https://x.org/g"
