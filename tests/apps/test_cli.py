"""The command line: fast help, one line for every error, exit codes."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.small_network import small_network

from gisr import __version__
from gisr.apps import cli
from gisr.apps.cli import COMMANDS, build_parser, main, split_overrides
from gisr.apps.option_arguments import take_options
from gisr.apps.upscale_help import examples_of
from gisr.apps.upscale_words import gather_repeated, upscale_words
from gisr.pipelines.options import Options
from gisr.tasks import TASKS
from gisr.tasks.text.table import built_in_table
from gisr.weights.folder import CARD_FILE, TENSORS_FILE
from gisr.weights.store import save_weights


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail, and return its one line."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("gisr: error: ")
    return captured.err.removeprefix("gisr: error: ").rstrip()


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Give a depth map and a picture that fit."""
    Image.fromarray(np.full((8, 8), 900, np.uint16)).save(tmp_path / "depth.png")
    colours = np.arange(32 * 32 * 3).reshape(32, 32, 3) % 251
    Image.fromarray(colours.astype(np.uint8)).save(tmp_path / "colour.png")
    return [str(tmp_path / "depth.png"), str(tmp_path / "colour.png")]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from gisr.apps.cli import main; status = main(['--help']); "
        "heavy = {'torch', 'numpy', 'scipy', 'rasterio', 'nibabel', 'skimage'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert command in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_every_option(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    assert f"usage: gisr {command}" in capsys.readouterr().out


def test_upscale_help_has_the_names_others_build_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upscale", "--help"]) == 0
    text = capsys.readouterr().out
    options = "task model device threads ratio sensor bits contrast guide-contrast describe grid"
    for option in [*options.split(), "overwrite", "quiet"]:
        assert f"--{option}" in text
    assert "-o OUTPUT, --output OUTPUT" in text


def test_upscale_help_begins_with_examples_and_is_grouped_by_task(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["upscale", "--help"]) == 0
    text = capsys.readouterr().out
    examples = re.findall(r"^  gisr upscale .*", text, re.MULTILINE)
    assert 3 <= len(examples) <= 6
    assert text.index(examples[-1]) < text.index("positional arguments:")
    both = "Satellite and Bands:", "Satellite, Bands and MR:"
    titles = (*both, "MR:", "Depth:", "All tasks:", "Where and how")
    places = [text.index(f"\n{title}") for title in titles]
    assert places == sorted(places)
    assert places[0] < text.index("  --sensor") < places[1] < text.index("  -nodata") < places[2]
    assert places[2] < text.index("  --thickness") < places[3] < text.index("  --fill-holes")
    assert places[4] < text.index("  --ratio") < places[5] < text.index("  --device")


@pytest.mark.parametrize(
    ("words", "own", "others"),
    [
        (["--help", "mri"], ["contrast", "nodata"], ["sensor", "ply"]),
        (["-h", "MR"], ["thickness", "nodata"], ["cog", "camera"]),
        (["--help", "satellite"], ["sensor", "nodata"], ["contrast", "ply"]),
        (["depth", "--help"], ["ply"], ["sensor", "contrast", "nodata"]),
    ],
)
def test_help_on_a_task_has_its_options_and_the_common_ones(
    words: list[str], own: list[str], others: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["upscale", *words]) == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: gisr upscale TARGET GUIDE -o OUTPUT [options]\n")
    assert all(f"--{option} " in text for option in [*own, "ratio", "report", "device", "output"])
    assert not any(f"--{option} " in text for option in others)


def test_help_on_what_is_no_task_says_what_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        "help on 'mrt': write gisr upscale --help satellite or --help bands or --help mr or"
        in fails(["upscale", "--help", "mrt"], capsys)
    )
    assert main(["upscale", "ms.tif", "--help"]) == 0
    assert "--contrast" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [each.command for task in (None, *TASKS) for each in examples_of(task)],
)
def test_the_examples_of_the_help_are_commands(command: str) -> None:
    words = shlex.split(command)
    assert words[:2] == ["gisr", "upscale"]
    parsed = build_parser().parse_args(["upscale", *upscale_words(words[2:])])
    take_options(Options, parsed.upscale.as_dict())


def test_a_precision_is_taken_and_a_word_that_is_none_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["upscale", "a.png", "b.png", "-o", "c.png", "--precision"]
    parsed = build_parser("upscale").parse_args([*words, "bfloat16"])
    assert take_options(Options, parsed.upscale.as_dict()).precision == "bfloat16"
    assert "precision" in fails([*words, "half"], capsys)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gisr {__version__}\n"


def test_usage_errors_take_one_line_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert fails([], capsys) == "say which command (see gisr --help)"
    assert fails(["sharpen"], capsys).startswith(
        "unknown command: 'sharpen' (choose from 'upscale'"
    )
    assert fails(["upscale", "a"], capsys) == (
        "the following arguments are required: --output (see gisr upscale --help)"
    )
    assert fails(["upscale", "a", "b", "-o", "c", "--xyz", "9"], capsys) == (
        "unrecognized arguments: --xyz 9 (see gisr upscale --help)"
    )
    assert fails(["upscale", "a", "b", "-o", "c", "--threads", "two"], capsys) == (
        "--threads two: must be a whole number (see gisr upscale --help)"
    )
    assert fails(["upscale", "a", "b", "-o", "c", "--ratio", "x4"], capsys) == (
        "--ratio x4: must be a number (see gisr upscale --help)"
    )


def test_a_slip_is_answered_with_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ms.tif").touch()
    Path("low").mkdir()
    for words, told in {
        "upscal a b": "unknown command 'upscal': did you mean upscale?",
        "help": "help: is no command: write gisr --help",
        "help upscale": "help: is no command: write gisr upscale --help",
        "ms.tif pan.tif": "ms.tif: say what to do with it: gisr upscale ms.tif pan.tif",
        "upscale ms.tif pan.tif": (
            "name the output after -o: gisr upscale ms.tif pan.tif -o sharp.tif"
        ),
        "upscale T2.nii.gz T1.nii.gz": (
            "name the output after -o: gisr upscale T2.nii.gz T1.nii.gz -o sharp.nii.gz"
        ),
        "upscale low high": "name the output after -o: gisr upscale low high -o sharp",
        "upscale a b -o c --senser QB": (
            "--senser: is no option of gisr upscale: did you mean --sensor?"
        ),
    }.items():
        assert fails(words.split(), capsys) == told


def test_bad_values_name_the_value_and_the_remedy(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "out.png")
    words = ["upscale", *files, "-o", output]
    assert fails([*words, "--task", "sharpen"], capsys) == (
        "task 'sharpen' must be pansharpening, multiband, mri or depth"
    )
    assert "grid 'middle' must be centre or kspace" in fails([*words, "--grid", "middle"], capsys)
    assert "threads 0 must be at least 1" in fails([*words, "--threads", "0"], capsys)
    assert "device 'abacus' cannot be used here" in fails([*words, "--device", "abacus"], capsys)
    assert "no weights 'nothing'" in fails([*words, "--model", "nothing"], capsys)
    missing = str(tmp_path / "missing.png")
    assert fails(["upscale", missing, files[1], "-o", output], capsys) == (
        f"{missing}: no such file: check the name"
    )
    assert "is also an input" in fails(["upscale", *files, "-o", files[0], "--overwrite"], capsys)
    Path(output).write_bytes(b"mine")
    assert f"{output}: exists already" in fails(words, capsys)
    assert Path(output).read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["upscale", "", "b", "-o", "c.png"], "target is empty: give it a value, or leave it out"),
        (["upscale", "a", "", "-o", "c.png"], "guide is empty"),
        (["upscale", "a", "b", "-o", ""], "--output is empty"),
        (["upscale", "a", "b", "-o", "c.png", "--report", ""], "--report is empty"),
        (["upscale", "--target", "a", "", "--guide", "b", "-o", "c.tif"], "--target is empty"),
        (["export", "onnx", "-o", ""], "--output is empty"),
        (["serve", "--model", ""], "--model is empty"),
        (["upscale", "~/a.png", "b", "-o", "c.png"], "target ~/a.png: a shell replaces ~ only"),
        (["upscale", "a", "b", "--output=~/c.png"], "start of a word: write /home/me/c.png"),
        (["upscale", "a", "b", "-o", "s3://bucket/out"], "s3://bucket/out: it is an address"),
        (["upscale", "a", "b", "-o", "/vsis3/b/out"], "/vsis3/b/out: it is an address"),
        (["upscale", "a.SAFE", "-o", "o.tif", "--report", "gs://b/r.html"], "gs://b/r.html: it is"),
        (["align", "https://a.org/b.tif", "c.tif"], "https://a.org/b.tif: it is an address"),
    ],
)
def test_words_that_a_shell_did_not_fill_are_refused(
    words: list[str],
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert line in fails(words, capsys)


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the folder that a program is in")
def test_a_current_folder_that_was_deleted_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    monkeypatch.chdir(place)
    place.rmdir()
    line = "the current folder is there no more (No such file or directory): go to another (cd)"
    assert fails(["upscale", "/a.png", "/b.png", "-o", "/c.png"], capsys) == line


def test_interruption_gives_130_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        """Stand in for a command."""
        raise KeyboardInterrupt

    monkeypatch.setitem(cli.COMMANDS, "tasks", interrupted)
    assert main(["tasks"]) == 130
    assert capsys.readouterr().err == "gisr: interrupted\n"


@pytest.fixture(scope="module")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = small_network()
    folder = tmp_path_factory.mktemp("embedded") / "magnet-s"
    card = "---\nlicense: apache-2.0\n---\n# Tiny\n"
    save_weights(folder, network, built_in_table(), name="tiny", card=card)
    return folder


def test_upscale_prints_one_line_and_quiet_none(
    tmp_path: Path, files: list[str], tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["upscale", *files, "--model", str(tiny_weights), "--device", "cpu"]
    assert main([*words, "-o", str(tmp_path / "a.png")]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{tmp_path / 'a.png'}: depth x4, 32 x 32 uint16, ")
    assert captured.out.count("\n") == 1
    assert captured.err == ""
    assert main([*words, "--output", str(tmp_path / "b.png"), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
    first, second = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    np.testing.assert_array_equal(first, np.full((32, 32), 900, np.uint16))
    np.testing.assert_array_equal(first, second)


def test_models_lists_what_the_package_holds(
    tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gisr.weights.folder.embedded_folder", lambda name: tiny_weights)
    assert main(["models"]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    parameters = sum(value.numel() for value in small_network().state_dict().values())
    size = (tiny_weights / TENSORS_FILE).stat().st_size
    assert line.split() == [
        "magnet-s",
        f"{parameters:,}",
        f"{size / 1e6:.1f}",
        "MB",
        "apache-2.0",
        str(tiny_weights / CARD_FILE),
    ]


def test_tasks_lists_what_descriptions_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    text = capsys.readouterr().out
    for word in ("pansharpening", "mri", "depth", "QuickBird", "FLAIR", "kspace", "centre", "16"):
        assert word in text


def test_overrides_of_a_recipe_are_told_from_options() -> None:
    words = "train here.yaml --steps 100 --folder runs/a --network.width=16 --quiet --batch 2"
    kept, overrides = split_overrides(words.split())
    assert kept == ["train", "here.yaml", "--folder", "runs/a", "--quiet"]
    assert overrides == ["--steps", "100", "--network.width=16", "--batch", "2"]
    assert split_overrides(["train", "--steps", "9", "here.yaml"])[0] == ["train", "here.yaml"]


def test_options_given_once_for_every_value_are_gathered() -> None:
    words = "upscale -b 1 a -co COMPRESS=LZW b --band=3 -co TILED=YES -o c"
    gathered = "upscale a b -o c --band 1 3 --creation-option COMPRESS=LZW TILED=YES"
    assert gather_repeated(words.split()) == gathered.split()
    assert gather_repeated(["upscale", "a", "-b"]) == ["upscale", "a", "--band"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--stepz 3", "--stepz: is no option of gisr train, and no setting: did you mean --steps?"),
        ("--step 3", "--step: is no option of gisr train, and no setting: did you mean --steps?"),
        (
            "--folde a",
            "--folde: is no option of gisr train, and no setting: did you mean --folder?",
        ),
        (
            "--network.widht=8",
            "--network.widht: is no option of gisr train, and no setting: did you mean "
            "--network.width?",
        ),
        (
            "--xyz 8",
            "--xyz: is no option of gisr train, and no setting: see gisr train --help",
        ),
        ("--steps 0", "--steps: 0 must be at least 1"),
        ("--steps -3", "--steps: -3 must be at least 1"),
        ("--batch 2 --steps many", "--steps: many must be a whole number"),
        (
            "--patch 100",
            "--patch 100 must be a multiple of 16 (the network's size multiple, or of a published "
            "system the largest ratio)",
        ),
    ],
)
def test_an_option_of_train_that_is_wrong_is_named_itself(
    words: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(["train", "magnet-s-open", *words.split()], capsys) == told


def test_a_recipe_that_is_wrong_is_named_whatever_else_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nsets: [{task: depth, ratio: 4}]\nsteps: 0\ndata: a\n")
    words = ["train", str(path), "--batch", "2"]
    assert fails(words, capsys) == f"{path}: steps: 0 must be at least 1"
    path.write_text(path.read_text().replace("steps: 0", "steps: 9") + "system: {name: dctnet}\n")
    assert fails([*words, "--loss", "owl"], capsys).startswith("--loss: owl must be one of common")
    assert fails([*words, "--measured", "0"], capsys).startswith("--measured 0.0: is for MAG-Net")


def test_a_misspelt_option_of_any_command_gets_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fails(["evaluate", "a", "--sistems", "gsa"], capsys) == (
        "--sistems: is no option of gisr evaluate: did you mean --systems?"
    )
    assert fails(["data", "show", "a", "--splitt", "test"], capsys) == (
        "--splitt: is no option of gisr data show: did you mean --split?"
    )


def test_train_refuses_recipes_it_cannot_follow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = fails(["train", "nothing"], capsys)
    assert told.startswith("no recipe 'nothing': name a YAML file, or one of adair, ")
    assert {"dctnet", "laboratory", "magnet-paper", "magnet-s-open"} <= set(told.split(", "))
    assert fails(["train", "magnet-s-opne"], capsys) == (
        "no recipe 'magnet-s-opne': did you mean magnet-s-open?"
    )
    folder = ["--folder", str(tmp_path / "run")]
    data = ["--data", str(tmp_path / "nothing")]
    message = fails(["train", "magnet-s-open", *folder, *data], capsys)
    assert f"{tmp_path / 'nothing'}: there is no such folder" in message
