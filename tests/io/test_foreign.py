"""Files of other formats and addresses: what they are, and the line that makes a GeoTIFF."""

import ast
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.geotiffs import write_geotiff

from gisr.errors import FileFormatError
from gisr.io.files import check_readable
from gisr.io.foreign import foreign_file
from gisr.io.geotiff import read_header
from gisr.pipelines.table import guess_task

CONTENTS = {
    "ms.jpx": (
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40),
        "2000.*gdal_translate \\S*ms.jpx",
    ),
    "ms.img": (b"EHFA_HEADER_TAG" + bytes(40), "ERDAS IMAGINE.*gdal_translate \\S*ms.img ms.tif"),
    "ms.vrt": (b"<VRTDataset></VRTDataset>", "VRT.*gdal_translate \\S*ms.vrt ms.tif"),
    "DIM_MS.XML": (b"<Dimap_Document/>", "DIMAP.*gdal_translate \\S*DIM_MS.XML DIM_MS.tif"),
    "ms.h5": (b"\x89HDF\r\n\x1a\n" + bytes(9), "HDF.*gdalinfo \\S*ms.h5 lists"),
    "ms.nc": (b"CDF\x01" + bytes(9), "netCDF.*gdalinfo \\S*ms.nc lists"),
    "t2.mnc": (b"CDF\x01" + bytes(9), "a volume of.*nib-convert \\S*t2.mnc t2.nii.gz"),
    "t1.mnc": (b"\x89HDF\r\n\x1a\n", "a volume of.*nib-convert \\S*t1.mnc t1.nii.gz"),
    "ms.ntf": (b"NITF02.10" + bytes(9), "NITF.*gdal_translate \\S*ms.ntf ms.tif"),
    "ms.TIL": (b'bandId = "Multi";', "tiles.*gdal_translate \\S*ms.TIL ms.tif"),
    "ms.ecw": (bytes(9), "another format.*gdal_translate \\S*ms.ecw ms.tif"),
    "ms.mbtiles": (b"SQLite format 3\0", "another format.*gdal_translate \\S*ms.mbtiles ms.tif"),
    "ms.mrf": (b"<MRF_META>", "another format.*gdal_translate \\S*ms.mrf ms.tif"),
    "ms.zip": (b"PK\x03\x04" + bytes(9), "an archive.*unpack"),
    "ms.tar.gz": (b"\x1f\x8b" + bytes(9), "an archive.*unpack"),
    "LC08_MTL.txt": (
        b"GROUP = LANDSAT_METADATA_FILE\n",
        "Landsat.*name its folder",
    ),
    "MTD_MSIL2A.xml": (b"<n1:Level-2A_User_Product>", "Sentinel-2.*name its folder"),
    "ms.hdr": (b"ENVI\nsamples = 3", "ENVI.*gdal_translate IMAGE ms.tif"),
    "ms.tif.gz": (b"\x1f\x8b" + bytes(9), "a compressed file.*gunzip --keep \\S*ms.tif.gz"),
    "ms.ers": (b"DatasetHeader Begin", "another format.*gdal_translate \\S*ms.ers ms.tif"),
    "ms.geotiff": (b"II*\0" + bytes(9), "a TIFF, .*mv -n \\S*ms.geotiff \\S*ms.tif"),
    "ms": (b"MM\0+" + bytes(9), "a TIFF, .*mv -n \\S*ms \\S*ms.tif"),
    "t2.hdr": (
        b"\x5c\x01\0\0" + bytes(340) + b"ni1\0",
        "other half is not.*nib-convert \\S*t2.hdr",
    ),
    "t2.img": (
        bytes(400),
        "other half is not beside it.*put both.*nib-convert \\S*t2.img t2.nii",
    ),
    "t2.img.gz": (b"\x1f\x8b" + bytes(9), "compressed.*gunzip --keep \\S*t2.img.gz"),
    "depth.mat": (
        b"MATLAB 5.0 MAT-file" + bytes(120),
        r"MATLAB.*numpy.save\('depth.npy', scipy.io.loadmat\('\S*depth.mat'\)\['NAME'\]\)\"",
    ),
    "nyu.mat": (
        b"MATLAB 7.3 MAT-file" + bytes(500),
        r"version 7.3.*numpy.save\('nyu.npy', h5py.File\('\S*nyu.mat'\)\['NAME'\]\[\(\)\].T\)\"",
    ),
    "h5py.mat": (b"\x89HDF\r\n\x1a\n" + bytes(9), "version 7.3.*h5py.File"),
    "t2.nii.bz2": (b"BZh9" + bytes(9), "compressed.*bunzip2 --keep \\S*t2.nii.bz2"),
    "t2": (b"\x5c\x01\0\0" + bytes(340) + b"n+1\0", "NIfTI by another.*mv \\S*t2 t2.nii"),
    "t2.nii.txt": (b"\x1c\x02\0\0n+2\0" + bytes(536), "another name.*mv \\S*t2.nii.txt t2.nii\\)"),
    "ms.tif": (b"<VRTDataset></VRTDataset>", "VRT.*gdal_translate \\S*ms.tif ms_geotiff.tif"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_what_to_do_is_told(tmp_path: Path, name: str) -> None:
    content, told = CONTENTS[name]
    (tmp_path / name).write_bytes(content)
    (tmp_path / "pan.jpx").write_bytes(b"x")
    with pytest.raises(FileFormatError, match=f"{name}: .*is .*{told}"):
        guess_task(tmp_path / name, tmp_path / ("pan.jpx" if name != "ms.tif" else "ms.tif"))


@pytest.mark.parametrize("header", ["ms.hdr", "ms.dat.hdr"])
def test_an_envi_image_is_known_by_its_header(tmp_path: Path, header: str) -> None:
    image = tmp_path / "ms.dat"
    image.write_bytes(bytes(9))
    assert foreign_file(image) is None
    (tmp_path / header).write_bytes(b"ENVI\nsamples = 3")
    assert re.search("ENVI.*gdal_translate \\S*ms.dat ms.tif", str(foreign_file(image)))


def test_a_tiff_that_is_called_jpeg_2000_is_told(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "ms.tif", np.ones((4, 4, 1), np.uint8)).rename(tmp_path / "ms.jp2")
    with pytest.raises(FileFormatError, match=r"it is a TIFF.*mv -n \S*ms.jp2 \S*ms.tif"):
        read_header(tmp_path / "ms.jp2")


def test_the_command_is_ready_to_be_typed(tmp_path: Path) -> None:
    scene = tmp_path / "my scene" / "MS 1.jp2"
    scene.parent.mkdir()
    scene.write_bytes(b"")
    told = foreign_file(scene)
    assert told is not None
    command = re.search(r"\((gdal_translate .*)\)$", told)
    assert command is not None
    assert shlex.split(command[1]) == ["gdal_translate", str(scene), "MS 1.tif"]
    picture = scene.rename(scene.with_name("my depth.pgm"))
    code = re.search(r'python -c "(.*)"', str(foreign_file(picture)))
    assert code is not None
    ast.parse(code[1])
    assert str(picture) in code[1]


@pytest.mark.parametrize("name", ["t2.nii.gz", "notes.txt", "a.png"])
def test_other_files_are_left_to_their_readers(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    assert foreign_file(tmp_path / name) is None


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://example.org/ms.tif", "it is an address.*download it first"),
        ("s3://bucket/ms.tif", "^s3://bucket/ms.tif: it is an address"),
        (Path("s3://bucket/ms.tif"), "^s3://bucket/ms.tif: it is an address"),
        (Path("file:///data/ms.tif"), "^file:///data/ms.tif: it is"),
        (Path("/vsicurl/https://example.org/a.tif"), "^/vsicurl/https://example.org/a.tif: it is"),
        ("/vsicurl/https://example.org/ms.tif", "it is an address"),
        ("/vsizip/scene.zip/ms.tif", "a file in an archive: unpack it"),
        ("zip://scene.zip!ms.tif", "a file in an archive: unpack it"),
        ("file:///data/ms.tif", "name the file by its path"),
        ('HDF5:"a.h5"://bands', "GDAL calls a part.*gdal_translate 'NAME'"),
        ("GTIFF_DIR:1:a.tif", "GDAL calls a part"),
        ("nothing.tif", "no such file: check the name"),
    ],
)
def test_addresses_are_told(address: str | Path, told: str) -> None:
    with pytest.raises(FileFormatError, match=told):
        check_readable(address)


WORLD = "4.0\n0.0\n0.0\n-4.0\n500002.0\n4648998.0\n"


@pytest.mark.parametrize(
    ("target", "guide", "beside", "blamed"),
    [
        ("ms.png", "pan.png", {"ms.wld": WORLD}, "ms.png"),
        ("ms.png", "pan.tif", {"ms.pgw": WORLD}, "ms.png"),
        ("ms.jpg", "pan.tif", {"ms.JGW": WORLD}, "ms.jpg"),
        ("ms.tif", "pan.png", {"pan.png.aux.xml": "<GeoTransform>5</GeoTransform>"}, "pan.png"),
        ("ms.png", "pan.png", {"ms.wld": "a note", "ms.png.aux.xml": "<Metadata/>"}, None),
        ("ms.npy", "pan.jpg", {"pan.jgw": WORLD}, None),
    ],
)  # fmt: skip
def test_satellite_images_as_pictures_are_no_depth_maps(
    tmp_path: Path, target: str, guide: str, beside: dict[str, str], blamed: str | None
) -> None:
    for name, side in ((target, 8), (guide, 32)):
        grey = np.arange(side * side, dtype=np.uint8).reshape(side, side)
        if name.endswith(".npy"):
            np.save(tmp_path / name, grey)
        else:
            Image.fromarray(grey).save(tmp_path / name)
    for name, text in beside.items():
        (tmp_path / name).write_text(text)
    if blamed is None:
        assert guess_task(tmp_path / target, tmp_path / guide) == "depth"
        return
    place = next(iter(beside))
    command = f"gdal_translate {tmp_path / blamed} {Path(blamed).stem}.tif"
    with pytest.raises(FileFormatError) as raised:
        guess_task(tmp_path / target, tmp_path / guide)
    assert str(raised.value) == (
        f"{tmp_path / blamed}: is a picture, not a GeoTIFF: convert it to GeoTIFF first "
        f"({command}), as {place} says where it lies; if the pair is a depth map and its picture, "
        "name it with --task depth"
    )
    with pytest.raises(FileFormatError, match=r"it is a picture, not a GeoTIFF.*gdal_translate"):
        read_header(tmp_path / blamed)
