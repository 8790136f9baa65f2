"""Files without a transform: sizes with a rest, files in the wrong order, RPCs, control points."""

from pathlib import Path

import numpy as np
import pytest
from tests.geotiffs import write_geotiff

from gisr.errors import PairError
from gisr.io.geotiff import create_geotiff, read_geotiff, read_header, relate_grids
from gisr.io.geotiff.pair import read_raster_pair
from gisr.io.geotiff.unrectified import ground_map
from gisr.io.limits import DEFAULT_LIMITS
from gisr.pipelines.table import guess_task

rasterio = pytest.importorskip("rasterio")
from rasterio.control import GroundControlPoint  # noqa: E402
from rasterio.rpc import RPC  # noqa: E402

BARE = {"crs": None, "transform": rasterio.Affine.identity()}


def bare(path: Path, height: int, width: int, bands: int = 1, dtype: str = "uint16") -> Path:
    random = np.random.default_rng(height)
    image = random.integers(1, 200, (height, width, bands)).astype(dtype)
    return write_geotiff(path, image, **BARE)


def with_rpcs(path: Path, middle: float, scale: float) -> Path:
    """Give a file RPCs that place its middle at 45 degrees N, 15 degrees E."""
    over = [1.0] + [0.0] * 19
    rpcs = RPC(
        height_off=0.0,
        height_scale=500.0,
        lat_off=45.0,
        lat_scale=0.1,
        long_off=15.0,
        long_scale=0.1,
        line_off=middle,
        line_scale=scale,
        samp_off=middle,
        samp_scale=scale,
        line_num_coeff=[0.0, 0.0, -1.0] + [0.0] * 17,
        line_den_coeff=over,
        samp_num_coeff=[0.0, 1.0] + [0.0] * 18,
        samp_den_coeff=over,
        err_bias=0.0,
        err_rand=0.0,
    )
    with rasterio.open(path, "r+") as dataset:
        dataset.rpcs = rpcs
    return path


def with_points(path: Path, size: float, corner: tuple[float, float], crs: str) -> Path:
    """Give a file a control point at each of its corners; pixels are ``size`` wide."""
    with rasterio.open(path, "r+") as dataset:
        points = [
            GroundControlPoint(row, column, corner[0] + size * column, corner[1] - size * row)
            for row in (0, dataset.height)
            for column in (0, dataset.width)
        ]
        dataset.gcps = (points, rasterio.crs.CRS.from_user_input(crs))
    return path


class TestSizes:
    def test_a_rest_is_a_rest(self, tmp_path: Path) -> None:
        low, high = bare(tmp_path / "ms.tif", 80, 78, 4), bare(tmp_path / "pan.tif", 317, 311)
        found = relate_grids(read_header(low), read_header(high))
        assert found.by_size
        assert found.placement.ratios == (4.0, 4.0)
        assert found.placement.offset == (-0.375, -0.375)  # the first pixels' corners meet
        assert "311 x 317 is no multiple of 78 x 80: taken for ratio 4" in found.note
        assert "--ratio" in found.note

    @pytest.mark.parametrize("sides", [(320, 312), (200, 195), (80, 78)])
    def test_nothing_is_said_where_sizes_say_it(
        self, tmp_path: Path, sides: tuple[int, int]
    ) -> None:
        low, high = bare(tmp_path / "ms.tif", 80, 78, 4), bare(tmp_path / "pan.tif", *sides)
        found = relate_grids(read_header(low), read_header(high))
        assert found.note == ""
        assert found.placement.ratio == pytest.approx(sides[0] / 80)

    def test_a_ratio_far_from_whole_is_taken_and_told(self, tmp_path: Path) -> None:
        low, high = bare(tmp_path / "ms.tif", 80, 78, 4), bare(tmp_path / "pan.tif", 201, 196)
        found = relate_grids(read_header(low), read_header(high))
        assert found.placement.ratios == pytest.approx((201 / 80, 196 / 78))
        assert "at 2.513 x 2.512; --ratio says otherwise" in found.note

    def test_a_requested_ratio_goes_first(self, tmp_path: Path) -> None:
        low, high = bare(tmp_path / "ms.tif", 80, 78, 4), bare(tmp_path / "pan.tif", 317, 311)
        files = read_raster_pair(low, high, None, None, DEFAULT_LIMITS)
        assert files.stated(None) == files.placement
        assert files.stated(3.97) is None

    @pytest.mark.parametrize("bands", [2, 4, 8])
    def test_files_in_the_wrong_order_are_told(self, tmp_path: Path, bands: int) -> None:
        low, high = bare(tmp_path / "ms.tif", 40, 40, bands), bare(tmp_path / "pan.tif", 160, 160)
        assert guess_task(low, high) == "pansharpening"
        assert guess_task(high, low) == "pansharpening"
        with pytest.raises(PairError, match=r"coarser than the target .40 x 40.*: exchange them"):
            relate_grids(read_header(high), read_header(low))

    def test_so_are_georeferenced_ones(self, tmp_path: Path) -> None:
        low = write_geotiff(tmp_path / "ms.tif", np.ones((4, 4, 3), np.uint16), 8.0)
        high = write_geotiff(tmp_path / "pan.tif", np.ones((16, 16, 1), np.uint16), 2.0)
        with pytest.raises(PairError, match=r"pan.tif and ms.tif: .*\(ratio 0.25\): exchange them"):
            relate_grids(read_header(high), read_header(low))

    def test_a_picture_beside_a_depth_map_is_no_satellite_image(self, tmp_path: Path) -> None:
        depth, picture = bare(tmp_path / "d.tif", 160, 160), tmp_path / "p.tif"
        bare(picture, 40, 40, 3, "uint8")
        assert guess_task(depth, picture) == "depth"


class TestGround:
    def test_rpcs_that_agree_with_the_sizes_are_kept(self, tmp_path: Path) -> None:
        low = with_rpcs(bare(tmp_path / "ms.tif", 80, 80, 4), 39.5, 40.0)
        high = with_rpcs(bare(tmp_path / "pan.tif", 320, 320), 159.5, 160.0)
        target, guide = read_geotiff(low), read_geotiff(high)
        middle = ground_map(guide, target, np.array([[159.5, 159.5], [1.5, 5.5]]))
        assert middle is not None
        np.testing.assert_allclose(middle, [[39.5, 39.5], [0.0, 1.0]], atol=0.01)
        assert relate_grids(target, guide).placement.ratio == 4
        output = tmp_path / "out.tif"
        with create_geotiff(output, output, target=target, guide=guide) as writer:
            writer.write_unknown(320)
        with rasterio.open(output) as dataset:
            assert dataset.rpcs.line_off == 159.5

    def test_a_cut_file_with_rpcs_is_refused(self, tmp_path: Path) -> None:
        low = with_rpcs(bare(tmp_path / "ms.tif", 64, 64, 4), 31.5, 40.0)
        high = with_rpcs(bare(tmp_path / "pan.tif", 320, 320), 159.5, 160.0)
        with pytest.raises(PairError, match=r"not rectified.*rectify both first .gdalwarp -rpc"):
            relate_grids(read_header(low), read_header(high))

    @pytest.mark.parametrize("systems", [("EPSG:32633",) * 2, ("EPSG:4326", "EPSG:4326")])
    def test_control_points_likewise(self, tmp_path: Path, systems: tuple[str, str]) -> None:
        size, place = (1e-5, (15.0, 45.0)) if "4326" in systems[0] else (1.0, (500_000.0, 5e6))
        high = with_points(bare(tmp_path / "pan.tif", 64, 80), size, place, systems[1])
        low = with_points(bare(tmp_path / "ms.tif", 16, 20, 4), 4 * size, place, systems[0])
        target, guide = read_geotiff(low), read_geotiff(high)
        assert relate_grids(target, guide).placement.ratio == 4
        output = tmp_path / "out.tif"
        with create_geotiff(output, output, target=target, guide=guide) as writer:
            writer.write_unknown(64)
        with rasterio.open(output) as dataset:
            assert [(p.row, p.col, p.x, p.y) for p in dataset.gcps[0]] == [
                (p.row, p.col, p.x, p.y) for p in guide.gcps[0]
            ]
            assert dataset.gcps[1] == guide.gcps[1]
        moved = place[0] + 12 * size, place[1]
        other = with_points(bare(tmp_path / "cut.tif", 16, 20, 4), 4 * size, moved, systems[0])
        with pytest.raises(PairError, match="not rectified"):
            relate_grids(read_header(other), guide)


@pytest.mark.parametrize(
    ("low", "high"), [(179.9, 179.9), (-180.1, 179.9), (179.9, -180.1), (10.0, 370.0)]
)
def test_longitudes_wrap(tmp_path: Path, low: float, high: float) -> None:
    """Files from 0 to 360 degrees, and from -180 to 180."""
    images = {"ms": (low, 4e-3, 50), "pan": (high, 1e-3, 200)}
    headers = {}
    for name, (west, size, side) in images.items():
        grid = rasterio.Affine(size, 0, west, 0, -size, 10.0)
        image = np.ones((side, side, 1), np.uint16)
        path = write_geotiff(tmp_path / f"{name}.tif", image, crs="EPSG:4326", transform=grid)
        headers[name] = read_header(path)
    found = relate_grids(headers["ms"], headers["pan"])
    assert found.regrid is None
    assert found.placement.ratio == pytest.approx(4)
    assert found.placement.offset == pytest.approx((-0.375, -0.375), abs=1e-6)
