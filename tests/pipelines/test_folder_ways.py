"""Recordings of depth cameras that lie otherwise than in two folders: what is to be typed runs."""

import shlex
import subprocess
from pathlib import Path

import pytest

from gisr.errors import FileFormatError, GisrError, InputError, PairError
from gisr.pipelines.batch import plan_batch
from gisr.pipelines.run import read_request


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Give two frames as TUM has them."""
    touch(tmp_path / "depth", "1305031102.160407.png", "1305031102.194330.png")
    touch(tmp_path / "rgb", "1305031102.175304.png", "1305031102.211214.png")
    return tmp_path


def planned(target: Path, guide: Path | None = None) -> list[tuple[str, str]]:
    batch = plan_batch(target, guide, target.parent / "sharp")
    return [(item.target.name, item.guide.name) for item in batch.items]


@pytest.mark.parametrize("depth_first", [False, True])
def test_a_list_of_associations_is_made_one_of_pairs(recording: Path, depth_first: bool) -> None:
    pairs = list(
        zip(*(sorted((recording / kind).iterdir()) for kind in ("depth", "rgb")), strict=True)
    )
    lines = ["# associated"]
    for depth, rgb in pairs:
        words = [f"{path.stem} {path.parent.name}/{path.name}" for path in (depth, rgb)]
        lines.append(" ".join(words if depth_first else words[::-1]))
    path = recording / "associations.txt"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(FileFormatError) as caught:
        read_request(path, None, recording / "out.png")
    command = str(caught.value).partition("(")[2].partition(") and give that")[0]
    subprocess.run(["sh", "-c", command], check=True)
    assert f"gisr upscale {recording}/associations.csv -o sharp" in str(caught.value)
    expected = [(depth.name, rgb.name) for depth, rgb in pairs]
    assert planned(recording / "associations.csv") == expected


def test_names_that_are_times_are_told_as_such(recording: Path) -> None:
    with pytest.raises(PairError, match=r"1305031102\.160407\.png.*which is a time.*nearest time"):
        planned(recording / "depth", recording / "rgb")


def test_the_folders_of_a_recording_are_named(recording: Path) -> None:
    touch(recording, "groundtruth.txt")
    words = f"gisr upscale {recording}/depth {recording}/rgb -o sharp"
    with pytest.raises(InputError, match=f"name its two folders: {words}"):
        planned(recording)


def test_frames_in_one_folder_are_parted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    both = Path("both frames")
    touch(both, *(f"frame-{n:06d}.{kind}" for n in range(3) for kind in ("depth.png", "color.jpg")))
    for guides in (None, both):
        with pytest.raises(InputError) as caught:
            planned(both, guides)
        assert "depth maps and pictures lie in one folder: mkdir" in str(caught.value)
    move, _, call = str(caught.value).partition("one folder: ")[2].rpartition(" && ")
    subprocess.run(["sh", "-c", move], check=True)
    _, _, low, high, _, _ = shlex.split(call)
    assert planned(Path(low), Path(high)) == [
        (f"frame-{n:06d}.depth.png", f"frame-{n:06d}.color.jpg") for n in range(3)
    ]


def test_lost_pictures_are_counted(tmp_path: Path) -> None:
    low = touch(tmp_path / "low", *(f"{n:05d}.png" for n in range(9)))
    high = touch(tmp_path / "high", *(f"{n:05d}.jpg" for n in (0, 1, 3, 4, 5, 6, 7)))
    with pytest.raises(
        PairError, match=r"2 of 9 targets \(00002\.png, 00008\.png\) have no guide.*out of"
    ):
        planned(low, high)
    touch(high, "00008.jpg")
    with pytest.raises(PairError, match=r"00002\.png: no guide in .*take it out of the folder"):
        planned(low, high)
    touch(high, "00002.jpg", "00002.png")
    with pytest.raises(GisrError, match="2 guides may belong to it"):
        planned(low, high)
