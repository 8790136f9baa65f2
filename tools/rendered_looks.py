"""Materials of rendered frames as shader nodes of Blender 3.4; every texture is procedural."""

from collections.abc import Callable
from typing import Any

import bpy
from rendered_rooms import Material, Pattern

_TURNS = {"xyz": ("X", "Y", "Z"), "xzy": ("X", "Z", "Y"), "yzx": ("Y", "Z", "X")}


class Nodes:
    """The node tree of a material, with the few kinds of nodes that patterns are made of."""

    def __init__(self, tree: Any, material: Material) -> None:
        """Start with coordinates in units of the pattern's size."""
        self.tree = tree
        self.material = material
        position = self.add("ShaderNodeNewGeometry").outputs["Position"]
        apart = self.add("ShaderNodeSeparateXYZ", position)
        ordered = self.add(
            "ShaderNodeCombineXYZ", *(apart.outputs[a] for a in _TURNS[material.axes])
        )
        mapping = self.add("ShaderNodeMapping", ordered.outputs[0])
        mapping.inputs["Location"].default_value = (material.seed, 0.37 * material.seed, 0.013)
        mapping.inputs["Scale"].default_value = (1 / material.size,) * 3
        self.place = mapping.outputs[0]

    def add(self, kind: str, *inputs: Any, **settings: Any) -> Any:
        """Add a node, link its first inputs, and set its properties or, by name, its inputs."""
        node = self.tree.nodes.new(kind)
        for number, source in enumerate(inputs):
            self.tree.links.new(source, node.inputs[number])
        for name, value in settings.items():
            if hasattr(node, name):
                setattr(node, name, value)
            else:
                node.inputs[name.replace("_", " ").capitalize()].default_value = value
        return node

    def ramp(self, value: Any, *, steps: bool) -> Any:
        """Return the material's colours over a value from 0 to 1, in steps or blended."""
        node = self.add("ShaderNodeValToRGB", value)
        ramp, colours = node.color_ramp, self.material.colours
        ramp.interpolation = "CONSTANT" if steps else "LINEAR"
        while len(ramp.elements) < len(colours):
            ramp.elements.new(0.5)
        for number, colour in enumerate(colours):
            share = number / len(colours) if steps else number / (len(colours) - 1)
            # Noise keeps to the middle of its range.
            ramp.elements[number].position = 0.25 + 0.5 * share
            ramp.elements[number].color = (*colour, 1)
        return node.outputs["Color"]

    def noise(self, scale: float, detail: float = 4.0) -> Any:
        """Return noise around 0.5."""
        return self.add("ShaderNodeTexNoise", self.place, Scale=scale, Detail=detail).outputs[0]

    def wave(self, kind: str, scale: float, distortion: float) -> Any:
        """Return bands or rings from 0 to 1."""
        given = {"wave_type": kind, "Scale": scale, "Distortion": distortion, "Detail": 3.0}
        return self.add("ShaderNodeTexWave", self.place, **given).outputs["Fac"]


def _plain(nodes: Nodes) -> Any:
    rgb = nodes.add("ShaderNodeRGB")
    rgb.outputs[0].default_value = (*nodes.material.colours[0], 1)
    return rgb.outputs[0]


def _brick(nodes: Nodes, *, offset: float, width: float) -> Any:
    node = nodes.add("ShaderNodeTexBrick", nodes.place, offset=offset, Scale=1.0)
    for name, colour in zip(("Color1", "Color2", "Mortar"), nodes.material.colours, strict=False):
        node.inputs[name].default_value = (*colour, 1)
    node.inputs["Brick Width"].default_value = width
    node.inputs["Row Height"].default_value = 0.5 if width < 1.5 else 0.25
    return node.outputs["Color"]


def _checker(nodes: Nodes) -> Any:
    node = nodes.add("ShaderNodeTexChecker", nodes.place, Scale=1.0)
    for name, colour in zip(("Color1", "Color2"), nodes.material.colours, strict=False):
        node.inputs[name].default_value = (*colour, 1)
    return node.outputs["Color"]


def _cells(nodes: Nodes) -> Any:
    node = nodes.add("ShaderNodeTexVoronoi", nodes.place, Scale=2.0)
    grey = nodes.add("ShaderNodeSeparateColor", node.outputs["Color"])
    return nodes.ramp(grey.outputs[0], steps=True)


def _magic(nodes: Nodes) -> Any:
    node = nodes.add("ShaderNodeTexMagic", nodes.place, turbulence_depth=3, Scale=2.0)
    return nodes.ramp(node.outputs["Fac"], steps=False)


def _poster(nodes: Nodes) -> Any:
    """Return a print: fields of cells, fine lines as of text, and large flat shapes."""
    lines = _brick(nodes, offset=0.37, width=1.7)
    shapes = nodes.ramp(nodes.noise(2.0, 1.0), steps=True)
    fine = nodes.wave("BANDS", 3.0, 2.0)
    chosen = nodes.add("ShaderNodeMath", nodes.noise(1.1, 0.0), operation="GREATER_THAN")
    half = nodes.add("ShaderNodeMixRGB", chosen.outputs[0], lines, shapes)
    darker = nodes.add("ShaderNodeMath", fine, operation="GREATER_THAN")
    darker.inputs[1].default_value = 0.8
    mixed = nodes.add("ShaderNodeMixRGB", darker.outputs[0], half.outputs[0], _cells(nodes))
    return mixed.outputs[0]


_PATTERNS: dict[Pattern, Callable[[Nodes], Any]] = {
    "plain": _plain,
    "noise": lambda nodes: nodes.ramp(nodes.noise(2.0, 8.0), steps=False),
    "patches": lambda nodes: nodes.ramp(nodes.noise(1.5, 2.0), steps=True),
    "brick": lambda nodes: _brick(nodes, offset=0.5, width=1.0),
    "tiles": lambda nodes: _brick(nodes, offset=0.0, width=0.5),
    "checker": _checker,
    "stripes": lambda nodes: nodes.ramp(nodes.wave("BANDS", 0.5, 0.0), steps=True),
    "rings": lambda nodes: nodes.ramp(nodes.wave("RINGS", 0.5, 0.5), steps=True),
    "wood": lambda nodes: nodes.ramp(nodes.wave("BANDS", 0.7, 6.0), steps=False),
    "cells": _cells,
    "marble": lambda nodes: nodes.ramp(nodes.wave("BANDS", 0.2, 14.0), steps=False),
    "magic": _magic,
    "poster": _poster,
}


def shader(material: Material) -> Any:
    """Return a Blender material."""
    made = bpy.data.materials.new("looks")
    made.use_nodes = True
    tree = made.node_tree
    nodes = Nodes(tree, material)
    surface = tree.nodes["Principled BSDF"]
    tree.links.new(_PATTERNS[material.pattern](nodes), surface.inputs["Base Color"])
    surface.inputs["Roughness"].default_value = material.roughness
    surface.inputs["Metallic"].default_value = material.metallic
    if material.bump:
        bump = nodes.add("ShaderNodeBump", Strength=material.bump, Distance=0.05 * material.size)
        tree.links.new(nodes.noise(4.0, 6.0), bump.inputs["Height"])
        tree.links.new(bump.outputs[0], surface.inputs["Normal"])
    if material.clear:
        mix = nodes.add("ShaderNodeMixShader", Fac=material.clear)
        through = nodes.add("ShaderNodeBsdfTransparent")
        tree.links.new(surface.outputs[0], mix.inputs[1])
        tree.links.new(through.outputs[0], mix.inputs[2])
        tree.links.new(mix.outputs[0], tree.nodes["Material Output"].inputs[0])
    return made
