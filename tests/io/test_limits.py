import pytest

from gisr.errors import FileFormatError, InputError, LimitError
from gisr.io.limits import (
    DEFAULT_LIMITS,
    Limits,
    check_block,
    check_bytes,
    check_picture,
    check_volume,
    parse_size,
)


def test_a_claim_at_the_limit_passes_and_one_above_it_does_not() -> None:
    limits = Limits(max_pixels=12)
    check_picture("a.tif", limits, height=3, width=4, bands=1, itemsize=2)
    with pytest.raises(LimitError, match=r"a\.tif.*15 pixels \(5 x 3\).*12.*max_pixels"):
        check_picture("a.tif", limits, height=3, width=5, bands=1, itemsize=2)


def test_bands_and_bytes_are_limited_too() -> None:
    with pytest.raises(LimitError, match="bands"):
        check_picture("a.tif", Limits(max_bands=3), height=1, width=1, bands=4, itemsize=1)
    with pytest.raises(LimitError, match="bytes"):
        check_picture("a.tif", Limits(max_bytes=7), height=2, width=2, bands=1, itemsize=2)
    with pytest.raises(LimitError, match="bytes of one tile"):
        check_bytes("a.tif", Limits(max_bytes=7), 8, "one tile")


def test_one_block_is_limited_with_the_remedy_of_its_format() -> None:
    check_block("a.tif", Limits(max_block_bytes=8), 8, "one tile")
    for what, remedy in (("one tile", "-co TILED=YES"), ("one chunk", "h5repack")):
        with pytest.raises(LimitError, match=f"claims 9 bytes of {what}.*{remedy}"):
            check_block("a", Limits(max_block_bytes=8), 9, what)


def test_volumes_are_limited_by_voxels() -> None:
    check_volume("a.nii", DEFAULT_LIMITS, (512, 512, 512), 4)
    with pytest.raises(LimitError, match="32767 x 32767 x 32767"):
        check_volume("a.nii", DEFAULT_LIMITS, (32767, 32767, 32767), 1)


@pytest.mark.parametrize("shape", [(), (0, 4, 4), (4, -1, 4)])
def test_an_empty_claim_is_a_damaged_file(shape: tuple[int, ...]) -> None:
    with pytest.raises(FileFormatError, match="empty"):
        check_volume("a.nii", DEFAULT_LIMITS, shape, 1)


def test_limits_that_refuse_everything_are_refused() -> None:
    with pytest.raises(ValueError, match="max_bands=0"):
        Limits(max_bands=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2GB", 2 * 10**9),
        ("1.5 GiB", 3 * 2**29),
        ("800m", 800 * 10**6),
        ("1024", 1024),
        ("3kib", 3072),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "much", "-2GB", "0GB", "2PB", "2G B B", "i", "2", "1.5"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(InputError, match="must be an amount of memory such as"):
        parse_size(text)
