"""GDAL's spellings work or say what to type; nothing is taken for the value of another option."""

import pytest

from gisr.apps.cli import main
from gisr.apps.upscale_words import upscale_words
from gisr.errors import InputError


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ("a b -o c -overwrite", "a b -o c --overwrite"),
        ("a b -o c -of COG --quiet", "a b -o c --cog --quiet"),
        ("a b -of GTiff -o c", "a b -o c"),
        ("-bitdepth 11 a b -o c", "--bits 11 a b -o c"),
        ("a b -o c -nodata -3.4e+38", "a b -o c -nodata=-3.4e+38"),
        ("a b -o c --nodata -inf", "a b -o c --nodata=-inf"),
        ("a b -o c -nodata nan", "a b -o c -nodata nan"),
        ("a b -o c -a_nodata none", "a b -o c --nodata none"),
        ("a b -oc.tif -b2", "a b -o c.tif --band 2"),
        ("a b -o c -co A=B -b 1 -b 3", "a b -o c --creation-option A=B --band 1 3"),
        ("a b -o c --co A=B", "a b -o c --creation-option A=B"),
        ("a b -o c -sensor WV02 -max_memory 2GB", "a b -o c --sensor WV02 --max-memory 2GB"),
        ("a b -o c --task satellite", "a b -o c --task pansharpening"),
        ("a b -o c --task MR", "a b -o c --task mri"),
        ("a b -o c -j 2", "a b -o c --threads 2"),
        ("a b -o c --align=off -- -d", "a b -o c --align=off -- -d"),
    ],
)
def test_words_of_gdal(written: str, own: str) -> None:
    if written.endswith("-d"):  # three files, the last of which begins with a hyphen
        with pytest.raises(InputError, match="3 files"):
            upscale_words(written.split())
        return
    assert upscale_words(written.split()) == own.split()


def test_all_cores() -> None:
    name, count = upscale_words(["a", "b", "-o", "c", "-threads", "ALL_CPUS"])[-2:]
    assert name == "-threads"
    assert int(count) >= 1


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("a b -o c -of JP2OpenJPEG", r"-of JP2OpenJPEG: .*GTiff or COG.*gdal_translate -of JP2"),
        ("a b -o c -ot Byte", r"-ot: .*keeps the type of the MS file.*gdal_translate -ot"),
        ("a b -o c -q", "-q: is no option of gisr upscale: write --quiet"),
        ("a b -o c -w 0.3", "-w: .*weighs the bands itself"),
        ("a b -o c -r cubic", "-r: .*replaces the interpolation"),
        ("a b -o c -spat_adjust union", "-spat_adjust: .*PAN grid"),
        ("a b -o c -overwrit", "-overwrit: is no option of gisr upscale"),
        ("a b -o c -blue", "-blue: is no option of gisr upscale"),
        ("a b c", "c: the output is named after -o: gisr upscale a b -o c"),
        (
            "B2.TIF B3.TIF B4.TIF pan.tif -o o.tif",
            r"4 files .*gisr upscale --target B2.TIF B3.TIF B4.TIF --guide pan.tif -o o.tif",
        ),
        ("B2.TIF B3.TIF pan.tif o.tif", r"upscale --target B2.TIF B3.TIF --guide pan.tif -o o.tif"),
        ("a b -o c -b 1 2", "-b 1 2: -b takes one value: write -b 1 -b 2"),
        ("S2.SAFE --guide-band B04 B08 -o c", "write --guide-band B04 --guide-band B08"),
        ("a.nii b.nii c.nii -o out", "3 files .*name their folders, or a list"),
    ],
)
def test_what_to_type(written: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        upscale_words(written.split())


def test_files_of_both_sides_are_gathered() -> None:
    words = "--target a.jp2 b.jp2 -b B11 --guide c.jp2 --cog --target=d.jp2 -o out.tif -b 2"
    given = " ".join(upscale_words(words.split()))
    assert given == "--cog -o out.tif --band B11 2 --target a.jp2 b.jp2 d.jp2 --guide c.jp2"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("--target a.tif b.tif -o c.tif", "--target and --guide go together"),
        ("a.tif --target b.tif --guide c.tif -o d.tif", "--target and --guide go together"),
        ("--target a.tif --guide b.tif -o c.tif --watch", "watch is for folders of files"),
        ("-o c.tif", "name what to sharpen"),
    ],
)
def test_sides_that_cannot_be(written: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upscale", *written.split()]) == 2
    assert told in capsys.readouterr().err


def test_files_may_follow_a_band() -> None:
    words = ["-b", "1", "a.tif", "low/b", "-o", "c"]
    assert upscale_words(words) == ["a.tif", "low/b", "-o", "c", "--band", "1"]


def test_help_shows_one_value_where_an_option_is_given_once_for_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["upscale", "--help"]) == 0
    text = capsys.readouterr().out
    assert "-b BAND, --band BAND" in text and "[BAND ...]" not in text
    assert "--guide GUIDE_FILES [GUIDE_FILES ...]" in text


def test_names_with_spaces_are_quoted() -> None:
    with pytest.raises(InputError, match=r"gisr upscale 'my ms.tif' pan.tif -o out.tif"):
        upscale_words(["my ms.tif", "pan.tif", "out.tif"])
    with pytest.raises(InputError, match=r"gisr upscale 'my ms.tif' pan.tif -o sharp.tif"):
        upscale_words(["my ms.tif", "pan.tif"])


def test_it_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upscale", "a.tif", "b.tif", "c.tif"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gisr: error: c.tif: the output is named after -o")
    assert error.count("\n") == 1
