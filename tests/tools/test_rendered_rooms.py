"""What rendered frames are made of, without Blender: rooms, files, the filter of noise."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rendered_files import photograph, write_index, write_png
from rendered_rooms import draw_room
from rendered_shapes import Mesh, blob, box, tube, turned
from rendered_smoothing import smoothed
from rendered_things import THINGS


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.corners[mesh.triangles[:, number]] for number in range(3))
    return abs(float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6))


def test_a_seed_gives_one_room() -> None:
    rooms = [draw_room(np.random.default_rng([1, seed, 0])) for seed in (4, 4, 5)]
    same, other = (rooms[0].parts, rooms[1].parts), rooms[2].parts
    assert len(same[0]) == len(same[1])
    for (mesh, look, thing), (again, looks, number) in zip(*same, strict=True):
        np.testing.assert_array_equal(mesh.corners, again.corners)
        assert (look, thing) == (looks, number)
    np.testing.assert_array_equal(rooms[0].camera.place, rooms[1].camera.place)
    assert rooms[0].lights[0].power == rooms[1].lights[0].power
    assert not np.array_equal(same[0][0][0].corners, other[0][0].corners)


def test_rooms_are_of_many_things_and_looks() -> None:
    rooms = [draw_room(np.random.default_rng(seed)) for seed in range(40)]
    looks = [material for room in rooms for _, material, _ in room.parts]
    assert len({material.pattern for material in looks}) == 13
    assert {light.kind for room in rooms for light in room.lights} == {"AREA", "POINT", "SUN"}
    assert {room.camera.f_number is None for room in rooms} == {True, False}
    assert min(room.stops for room in rooms) < -0.8 and max(room.stops for room in rooms) > 0.8
    for material in looks:
        assert all(0 < level < 1 for colour in material.colours for level in colour)


@pytest.mark.parametrize("name", list(THINGS))
def test_a_thing_is_whole_triangles_above_the_floor(name: str) -> None:
    rng = np.random.default_rng(0)
    for mesh, _ in (part for _ in range(5) for part in THINGS[name][0](rng)):
        assert np.isfinite(mesh.corners).all()
        assert mesh.triangles.min() == 0 and mesh.triangles.max() == len(mesh.corners) - 1
        assert mesh.corners[:, 2].min() > -0.8


def test_shapes_have_their_volume() -> None:
    assert volume(box(1, 2, 3).moved((5, 0, 0), turned(0.3, 0.2, 0.1))) == pytest.approx(6)
    assert volume(blob(np.random.default_rng(0), 0.5, 0.0)) == pytest.approx(np.pi / 6, rel=0.01)
    bar = tube([(0, 0, 0), (1, 1, 1)], 0.1, 40)
    assert volume(bar) == pytest.approx(3**0.5 * np.pi * 0.01, rel=0.01)


@pytest.mark.parametrize(("dtype", "axes"), [(np.uint8, 3), (np.uint16, 2)])
def test_png_comes_back(tmp_path: Path, dtype: type, axes: int) -> None:
    most = np.iinfo(dtype).max
    image = np.random.default_rng(0).integers(0, most, (5, 7, 3)[:axes], dtype, endpoint=True)
    write_png(tmp_path / "folder" / "image.png", image)
    with Image.open(tmp_path / "folder" / "image.png") as back:
        np.testing.assert_array_equal(np.asarray(back), image)


def test_the_index_lists_what_has_both_images(tmp_path: Path) -> None:
    for name in ("colour/a", "depth/a", "colour/b", "depth/c"):
        write_png(tmp_path / f"{name}.png", np.zeros((2, 2), dtype=np.uint8))
    write_index(tmp_path)
    lines = (tmp_path / "pairs.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == ["a,depth,train,depth/a.png,colour/a.png,a,yes,1000,m"]


def test_exposure_follows_the_scene_and_the_stops() -> None:
    linear = np.random.default_rng(0).uniform(0.2, 1, (20, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(photograph(linear, 0.0), photograph(50 * linear, 0.0), atol=1)
    under, right, over = (photograph(linear, stops).mean() for stops in (-2.0, 0.0, 1.5))
    assert under < right - 40 and over > right + 20


def test_noise_goes_and_edges_stay() -> None:
    rng = np.random.default_rng(0)
    right = np.arange(40) >= 20
    depth = np.where(right, 2.0, 1.0)[None].repeat(40, axis=0).astype(np.float32)
    normal = np.zeros((40, 40, 3), dtype=np.float32)
    normal[..., 1] = 1
    albedo = rng.uniform(0.2, 0.8, (40, 40, 1)).astype(np.float32).repeat(3, axis=2)
    light = np.where(right, 0.4, 0.8)[None, :, None]
    clean = (albedo * light).astype(np.float32)
    noisy = clean * rng.gamma(20, 1 / 20, (40, 40, 3)).astype(np.float32)
    result = smoothed(noisy, albedo, normal, depth)
    before, after = (np.sqrt(np.mean((image - clean) ** 2)) for image in (noisy, result))
    assert after < 0.5 * before
    step = (result / albedo)[:, [18, 19, 20, 21]].mean(axis=(0, 2))
    assert step[0] - step[1] < 0.05 and step[1] - step[2] > 0.3 and step[2] - step[3] < 0.05
