r"""Path-trace procedural rooms with exact depth, as training pairs, in Blender 3.4.

    blender --background --factory-startup --python-exit-code 1 \
        --python tools/rendered_frames.py -- OUT --count 300 --seed 1

Writes a folder of the layout ``pairs``: colour as 8-bit PNG, depth in whole millimetres as 16-bit
PNG (0: nothing within 20 m), and ``pairs.csv``, which grows with every frame. Frame n is a function
of (seed, n); frames that exist are kept, so the same command goes on where it stopped. Nothing is
loaded, every shape and texture is made here: the frames are in the public domain (CC0).

Depth is along the optical axis, of the surface behind the centre of each pixel, without lens or
anti-aliasing. A frame of 320 x 240 takes about 9 s of one core at 24 light paths a pixel (7.5 to
10 s, AVX2).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector
from mathutils.bvhtree import BVHTree
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rendered_files import photograph, write_index, write_png
from rendered_looks import shader
from rendered_rooms import SENSOR, Camera, Light, Room, draw_room
from rendered_shapes import joined
from rendered_smoothing import smoothed

Floats = NDArray[np.float32]

_FARTHEST = 20.0
"""Metres; what is beyond is unknown, as the sky is."""
_PASSES = ("Image", "Denoising Albedo", "Denoising Normal", "Denoising Depth")
_MOST_OF_ONE = 0.5
"""Share of the picture that one thing may take; a fuller scene is drawn again."""


def build(room: Room) -> None:
    """Make a room Blender's scene, instead of what was there."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    looks: dict[int, Any] = {}
    for mesh, material, _ in room.parts:
        made = bpy.data.meshes.new("part")
        made.from_pydata(mesh.corners.tolist(), [], mesh.triangles.tolist())
        made.polygons.foreach_set("use_smooth", [True] * len(mesh.triangles))
        made.use_auto_smooth, made.auto_smooth_angle = True, 0.7
        looks.setdefault(id(material), shader(material))
        made.materials.append(looks[id(material)])
        bpy.context.collection.objects.link(bpy.data.objects.new("part", made))
    for light in room.lights:
        _add_light(light)
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (*room.sky, 1)
    _add_camera(room.camera)


def _towards(place: NDArray[np.float64], aim: NDArray[np.float64]) -> Matrix:
    """Return the pose of what looks along its -z axis at ``aim``, its y axis up."""
    turn = Vector(aim - place).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    return Matrix.Translation(Vector(place)) @ turn


def _pose(camera: Camera) -> Matrix:
    return _towards(camera.place, camera.towards) @ Matrix.Rotation(camera.roll, 4, "Z")


def _add_light(light: Light) -> None:
    made = bpy.data.lights.new("lamp", light.kind)
    made.energy, made.color = light.power, light.colour
    if light.kind == "AREA":
        made.size = light.size
    elif light.kind == "POINT":
        made.shadow_soft_size = light.size
    lamp = bpy.data.objects.new("lamp", made)
    lamp.matrix_world = _towards(light.place, light.towards)
    bpy.context.collection.objects.link(lamp)


def _add_camera(camera: Camera) -> None:
    made = bpy.data.cameras.new("camera")
    made.lens, made.sensor_width, made.sensor_fit = camera.focal, SENSOR, "HORIZONTAL"
    made.clip_start = 0.01
    if camera.f_number is not None:
        made.dof.use_dof = True
        made.dof.focus_distance, made.dof.aperture_fstop = camera.focus, camera.f_number
    eye = bpy.data.objects.new("camera", made)
    eye.matrix_world = _pose(camera)
    bpy.context.collection.objects.link(eye)
    bpy.context.scene.camera = eye


def cast_depth(room: Room, width: int, height: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return (H, W) metres along the optical axis, inf for none, and the thing seen, or -1.

    A ray through the centre of each pixel meets the triangles that Blender is given.
    """
    tree, owners = _tree(room)
    pose = np.array(_pose(room.camera))
    columns = (np.arange(width) + 0.5 - width / 2) * SENSOR / width / room.camera.focal
    rows = -(np.arange(height) + 0.5 - height / 2) * SENSOR / width / room.camera.focal
    rays = np.stack([*np.meshgrid(columns, rows), np.full((height, width), -1.0)], axis=-1)
    length = np.linalg.norm(rays, axis=-1)
    directions = (rays.reshape(-1, 3) @ pose[:3, :3].T).tolist()
    origin = Vector(pose[:3, 3])
    hits = [tree.ray_cast(origin, Vector(direction)) for direction in directions]
    distance = np.array([np.inf if hit[3] is None else hit[3] for hit in hits])
    seen = np.array([-1 if hit[2] is None else owners[hit[2]] for hit in hits])
    return (distance.reshape(length.shape) / length).astype(np.float32), seen.reshape(length.shape)


def _tree(room: Room) -> tuple[Any, NDArray[np.int64]]:
    """Return all triangles as a tree for rays, and the number of each one's thing."""
    whole = joined([mesh for mesh, _, _ in room.parts])
    owners = np.concatenate([np.full(len(mesh.triangles), thing) for mesh, _, thing in room.parts])
    tree = BVHTree.FromPolygons(
        whole.corners.tolist(), whole.triangles.tolist(), all_triangles=True, epsilon=1e-7
    )
    return tree, owners


def path_trace(width: int, height: int, samples: int, seed: int) -> Floats:
    """Return the (H, W, 3) linear colours that the camera of the scene sees, smoothed."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    cycles = scene.cycles
    cycles.samples, cycles.seed = samples, seed
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.max_bounces, cycles.glossy_bounces = 4, 2
    cycles.sample_clamp_indirect, cycles.blur_glossy = 2.0, 1.0
    # Light of a second bounce is the sky's, dimmed in corners: half the time, a third of the noise.
    cycles.use_fast_gi, cycles.fast_gi_method, cycles.ao_bounces_render = True, "REPLACE", 1
    with tempfile.TemporaryDirectory() as folder:
        _keep_passes(folder)
        bpy.ops.render.render()
        passes = [_read_pass(Path(folder), name, width, height) for name in _PASSES]
    colour, albedo, normal, depth = passes
    return smoothed(colour, albedo, normal, depth[..., 0])


def _keep_passes(folder: str) -> None:
    """Have the compositor write what is rendered into one file a pass."""
    scene = bpy.context.scene
    bpy.context.view_layer.cycles.denoising_store_passes = True
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    layers = scene.node_tree.nodes.new("CompositorNodeRLayers")
    files = scene.node_tree.nodes.new("CompositorNodeOutputFile")
    files.base_path = folder
    files.format.file_format, files.format.color_depth = "OPEN_EXR", "32"
    files.file_slots.clear()
    for name in _PASSES:
        slot = files.file_slots.new(name)
        scene.node_tree.links.new(layers.outputs[name], slot)


def _read_pass(folder: Path, name: str, width: int, height: int) -> Floats:
    (path,) = folder.glob(f"{name}*.exr")
    image = bpy.data.images.load(str(path))
    pixels = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1, :, :3]  # Blender's first row is the lowest


def render(folder: Path, name: str, key: Sequence[int], given: argparse.Namespace) -> None:
    """Draw, render and write one frame."""
    room, depth = _drawn(key, given.width, given.height)
    build(room)
    linear = path_trace(given.width, given.height, given.samples, key[-1])
    millimetres = np.where(depth <= _FARTHEST, np.rint(depth * 1000), 0).astype(np.uint16)
    write_png(folder / "colour" / f"{name}.png", photograph(linear, room.stops))
    write_png(folder / "depth" / f"{name}.png", millimetres)
    write_index(folder)


def _drawn(key: Sequence[int], width: int, height: int) -> tuple[Room, Floats]:
    """Return the first scene of a key that no single thing fills, and its depth."""
    attempt = 0
    while True:
        room = draw_room(np.random.default_rng([*key, attempt]))
        depth, seen = cast_depth(room, width, height)
        shares = np.bincount(seen[seen > 0], minlength=2) / seen.size
        if shares.max() < _MOST_OF_ONE and shares.sum() > 0.15 and np.mean(seen < 0) < 0.4:
            return room, depth
        attempt += 1


def main(words: Sequence[str]) -> int:
    """Render the frames that are missing. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="rendered_frames.py", description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write, outside the repository")
    parser.add_argument("--count", type=_positive, default=300, help="frames in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=_positive, default=320)
    parser.add_argument("--height", type=_positive, default=240)
    parser.add_argument("--samples", type=_positive, default=24, help="light paths a pixel")
    given = parser.parse_args(words)
    for number in range(given.count):
        name = f"room-{given.seed}-{number:05d}"
        if all((given.out / kind / f"{name}.png").exists() for kind in ("colour", "depth")):
            continue
        start, busy = time.perf_counter(), time.process_time()
        render(given.out, name, (given.seed, number), given)
        spent = time.perf_counter() - start, time.process_time() - busy
        print(f"{name}: {spent[0]:.1f} s, {spent[1]:.1f} s of the core", flush=True)
    return 0


def _positive(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word}: expected a whole number from 1")
    return int(word)


if __name__ == "__main__":
    sys.exit(main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []))
