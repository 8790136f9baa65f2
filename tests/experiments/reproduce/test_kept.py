"""What a folder of results keeps for the next start."""

from pathlib import Path

import pytest

from gisr.errors import FileFormatError
from gisr.experiments.reproduce.kept import read_kept, write_kept


def test_a_damaged_record_says_what_to_do(tmp_path: Path) -> None:
    """Scores that a full disk had cut ended every later start in a traceback."""
    path = tmp_path / "scores-2.json"
    write_kept(path, {"how": 1})
    assert read_kept(path) == {"how": 1}
    for damaged in ('{"how": ', "", "[1]", "\udcff"):
        path.write_bytes(damaged.encode(errors="surrogateescape"))
        with pytest.raises(FileFormatError, match=r"scores-2\.json: cannot be read .* delete it"):
            read_kept(path)


def test_a_disk_that_refuses_a_record_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scores-2.json"
    write_kept(path, {"how": 1})

    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(FileFormatError, match=r"scores-2\.json: cannot be written"):
            write_kept(path, {"how": 2})
    assert read_kept(path) == {"how": 1}
    assert list(tmp_path.iterdir()) == [path]
