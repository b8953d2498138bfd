"""A chest at the level of the heart, drawn by formula, for the demo's CT series. Contrast-enhanced, arms up.

It is meant to look like a chest to somebody who reads them, and to hold known faint findings: two liver lesions, a nodule
and a ground-glass opacity. It is not anatomy of anybody.
"""

from dataclasses import dataclass

import numpy as np

from limpid_training.fields import mean_blocks
from limpid_training.vessel_tree import Branch, coverage, grow, narrowed
from limpid_training.volumes import Plane, plane, smooth_volume

SIZE, PIXEL_MM = 512, 0.74
SLICES, THICKNESS_MM = 16, 3.0
LAYERS = 2
OVERSAMPLING = 2

AIR, LUNG, FAT, MUSCLE, BLOOD, MYOCARDIUM, LIVER, CORTEX, MARROW = -1000, -862, -104, 56, 188, 104, 112, 900, 190


@dataclass(frozen=True)
class Textures:
    """Fields over [layer][row][column] of the whole stack, deviation 1."""

    fine: np.ndarray
    medium: np.ndarray
    coarse: np.ndarray

    def layer(self, index: int) -> "Textures":
        return Textures(*(np.kron(f[index], np.ones((OVERSAMPLING,) * 2, np.float32)) for f in vars(self).values()))


@dataclass(frozen=True)
class Trees:
    pulmonary: list[Branch]
    airways: list[Branch]
    hepatic: list[Branch]


def layer_positions() -> np.ndarray:
    """z in mm of every drawn layer, feet to head; LAYERS of them make one slice."""
    count = SLICES * LAYERS
    return (np.arange(count) - (count - 1) / 2) * THICKNESS_MM / LAYERS


def _hump(value: np.ndarray, middle: float, width: float) -> np.ndarray:
    return np.exp(-(((value - middle) / width) ** 2))


def _fill(image: np.ndarray, cover: np.ndarray, value: float) -> None:
    image += cover * (value - image)


def _superellipse(section: Plane, centre_y: float, radii: tuple[float, float], power: float) -> np.ndarray:
    x, y = np.abs(section.x / radii[0]), np.abs((section.y - centre_y) / radii[1])
    return (x**power + y**power) ** (1 / power) - 1


def _from_front(section: Plane) -> np.ndarray:
    """Angle in degrees from the breastbone (0) over the side (90) to the spine (180)."""
    return np.degrees(np.arctan2(np.abs(section.x), -section.y))


def _ribs(section: Plane, image: np.ndarray, ring: np.ndarray, angle: np.ndarray) -> None:
    """Tubes along the chest wall that fall 95 mm from spine to breastbone, so that each slice cuts several obliquely."""
    drop = 95 * (1 - angle / 180) ** 0.8
    side = np.where(section.x < 0, 0.0, 3.0)
    for number in range(-6, 10):
        height = 26.0 * number - 10 - drop + 60 + side
        norm = np.hypot((ring + 5.0) / 3.9, (section.z - height) / 6.6)
        bony = (angle > 38) & (angle < 163)
        image[(norm < 1) & bony] = CORTEX - 150
        image[(norm < 0.66) & bony] = MARROW
        cartilage = (norm < 1) & (angle <= 38) & (angle > 14)
        image[cartilage] = 95


def _spine(section: Plane, image: np.ndarray, texture: Textures) -> None:
    height = (section.z + 200) % 27
    is_disc = height < 5
    body = section.ellipse((0, 58), (18.5 + 1.2 * np.cos(2 * np.pi * height / 27), 15.5))
    body = np.maximum(body, 1 + (section.y - 71.5) / 20)
    arch = np.minimum.reduce(
        [section.bar((12, 72), (15, 80)), section.bar((-12, 72), (-15, 80)),
         section.bar((15, 83), (1, 97)), section.bar((-15, 83), (-1, 97))]
    )  # fmt: skip
    process = section.bar((0, 97), (0, 110)) - 0.5
    transverse = np.minimum(section.bar((17, 79), (37, 84)), section.bar((-17, 79), (-37, 84)))
    bone = np.minimum(arch, process) if is_disc else np.minimum(np.minimum(arch, process), transverse)
    image[bone < 4.0] = CORTEX - 200
    image[bone < 2.3] = MARROW
    if is_disc:
        image[body < 1.02] = 88 + 4 * texture.medium[body < 1.02]
    else:
        image[body < 1] = CORTEX - 380
        inner = body < 0.90
        image[inner] = MARROW + 30 + 34 * texture.fine[inner]
    image[section.ellipse((0, 80.5), (10, 8.5)) < 1] = FAT + 70
    image[section.ellipse((0, 80.5), (8, 6.8)) < 1] = 12
    image[section.ellipse((0, 80.5), (5.2, 4.0)) < 1] = 42


def _wall(section: Plane, texture: Textures) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image with skin, fat, muscles and bones; ring distance (negative inside the chest wall); body distance."""
    angle = _from_front(section)
    body = section.distance(_superellipse(section, 8, (171 + 0.05 * section.z, 113), 2.35)) + 0.35 * texture.coarse
    ring = section.distance(_superellipse(section, -2, (139 - 0.1 * section.z, 93), 2.25))
    image = np.full(body.shape, AIR, np.float32)
    image[body < 0] = 25
    fat = body < -1.9
    image[fat] = (FAT + 5 * texture.medium)[fat]
    strands = fat & (np.abs(texture.coarse + 0.3 * texture.medium) < 0.035)
    image[strands] = FAT + 60
    thickness = 3.5 + 10 * _hump(angle, 36, 17) + 9 * _hump(angle, 95, 24) + 17 * _hump(angle, 130, 17)
    thickness = thickness + 22 * _hump(angle, 163, 14)
    muscle = (ring < thickness + 1.2 * texture.coarse) & (body < -4)
    image[muscle] = (MUSCLE + 4 * texture.fine)[muscle]
    planes = muscle & (ring > 0.8) & (np.abs(texture.coarse - 0.4 * np.sin(ring / 3.0)) < 0.09)
    image[planes] = FAT + 40
    blade = np.abs(ring - 11 - 2.5 * _hump(angle, 132, 6)) + 0.13 * np.abs(angle - 132)
    image[(blade < 2.9) & (section.z > -21)] = CORTEX - 250
    image[(blade < 1.2) & (section.z > -21)] = MARROW
    between = (ring < 0) & (ring > -9) & (np.abs(ring + 4.5) > 3.6)
    image[between & (angle < 165)] = FAT + 25
    _ribs(section, image, ring, angle)
    breastbone = section.ellipse((0, -95), (19, 6.2))
    image[breastbone < 1] = CORTEX - 420
    image[breastbone < 0.78] = MARROW - 40
    return image, ring, body


def _mediastinum(section: Plane, texture: Textures) -> np.ndarray:
    """True where there is no lung in the middle of the chest."""
    size = np.sqrt(max(0.05, 1 - ((section.z + 26) / 74) ** 2))
    heart = section.ellipse((21, -26), (66 * size + 3, 49 * size + 3), -30)
    vessels = section.ellipse((-1, 2), (36, 44))
    spine = section.ellipse((0, 66), (29, 27))
    aorta = section.ellipse((25, 43), (16, 16))
    front = section.ellipse((2, -66), (11, 34))
    return np.minimum.reduce([heart, vessels, spine, aorta, front]) + 0.012 * texture.coarse < 1


def _heart(section: Plane, image: np.ndarray, texture: Textures) -> None:
    muscle = section.ball((22, -25, -26), (60, 43, 66), -30)
    where = muscle < 1 + 0.01 * texture.coarse
    image[where] = (MYOCARDIUM + 4 * texture.medium)[where]
    right = section.ball((-30, -14, -8), (21, 27, 40))
    image[right < 1.1] = MYOCARDIUM - 20
    chambers = [
        section.ball((43, -17, -22), (31, 17, 40), -32),
        section.ball((8, -50, -22), (43, 13, 44), -24),
        right,
        section.ball((0, 17, 6), (31, 16, 30), 4),
    ]
    for number, chamber in enumerate(chambers):
        blood = chamber + 0.016 * texture.coarse < 1
        image[blood] = BLOOD + (14, -12, -18, 10)[number]
    for place in ((40, -47 - 0.1 * section.z), (-14, -36), (17, 0)):
        near = section.ellipse(place, (4.5, 4.0))
        image[near < 1] = FAT + 10
        image[section.ellipse(place, (1.6, 1.6)) < 1] = 330


def _great_vessels(section: Plane, image: np.ndarray) -> None:
    def tube(centre: tuple[float, float], radius: float, value: float) -> None:
        norm = section.ellipse(centre, (radius, radius))
        image[norm < 1 + 1.4 / radius] = 55
        image[norm < 1] = value

    if section.z > 6:
        tube((-4, -20), min(16.0, 10 + (section.z - 6)), BLOOD + 14)
    if section.z > 10:
        tube((24 + 0.2 * section.z, -30), min(14.0, 9 + (section.z - 10)), BLOOD - 8)
    if section.z > 2:
        tube((-30, -14), 8.5, BLOOD + 40)
    tube((25, 43), 12.0, BLOOD + 12)
    image[section.ellipse((34.5, 36), (1.6, 3.4), 40) < 1] = 620
    tube((-7, 42), 3.6, BLOOD - 30)
    image[section.ellipse((9, 36), (8.5, 6)) < 1] = 44
    image[section.ellipse((9.5, 36), (2.4, 1.4)) < 1] = -700


def _lungs(section: Plane, image: np.ndarray, lung: np.ndarray, texture: Textures, trees: Trees) -> None:
    tissue = LUNG + 0.28 * section.y + 20 * texture.medium + 16 * texture.fine
    image[lung] = np.broadcast_to(tissue, image.shape)[lung]
    for side, level in ((-1, 30), (1, 12)):
        fissure = np.abs(section.y - level + 0.55 * section.z - 0.16 * np.abs(section.x) + 1.5 * texture.coarse)
        image[lung & (fissure < 0.6) & (side * section.x > 0)] += 150
    glass = section.ball((92, 32, 7), (13, 10, 9)) + 0.12 * texture.medium
    image[lung & (glass < 1)] += 230
    _fill(image, coverage(section, trees.airways) * lung, -30)
    _fill(image, coverage(section, narrowed(trees.airways, 0.72)) * lung, -985)
    _fill(image, coverage(section, trees.pulmonary) * lung, 70)
    nodule = section.ball((-88, -22, -4), (5.5, 5, 5)) + 0.10 * texture.fine
    image[lung & (nodule < 1)] = 38


def _liver(section: Plane, image: np.ndarray, cavity: np.ndarray, texture: Textures, trees: Trees) -> np.ndarray:
    dome = cavity & (section.ball((-56, 4, -78), (104, 92, 66)) + 0.006 * texture.coarse < 1)
    image[dome] = (LIVER + 3 * texture.medium)[dome]
    _fill(image, coverage(section, trees.hepatic) * dome, BLOOD - 20)
    for centre, radius, change in (((-72, -4, -22), 6.5, -26), ((-48, 24, -23), 4.5, -34)):
        image[dome & (section.ball(centre, (radius,) * 3) < 1)] = LIVER + change
    return dome


def _table(section: Plane, image: np.ndarray) -> None:
    depth = section.y - 128 + section.x**2 / 1700
    inside = (np.abs(section.x) < 183) & (image < -900)
    image[inside & (depth > 0) & (depth < 16)] = -930
    image[inside & (((depth > 0) & (depth < 1.6)) | ((depth > 14.4) & (depth < 16)))] = -260


def _layer(z: float, texture: Textures, trees: Trees) -> np.ndarray:
    section = plane(SIZE * OVERSAMPLING, PIXEL_MM / OVERSAMPLING, z)
    image, ring, _ = _wall(section, texture)
    cavity = ring < -9.5
    middle = cavity & _mediastinum(section, texture)
    image[middle] = (FAT + 8 + 7 * texture.medium)[middle]
    _heart(section, image, texture)
    _great_vessels(section, image)
    dome = _liver(section, image, cavity & ~middle, texture, trees)
    _lungs(section, image, cavity & ~middle & ~dome, texture, trees)
    _spine(section, image, texture)
    _table(section, image)
    return mean_blocks(image, OVERSAMPLING)


def draw_chest(seed: int) -> np.ndarray:
    """Noise-free slices in HU, [slice][row][column], feet to head, before the scanner blurs them."""
    rng = np.random.default_rng(seed)
    positions = layer_positions()
    shape, spacing = (len(positions), SIZE, SIZE), (THICKNESS_MM / LAYERS, PIXEL_MM, PIXEL_MM)
    textures = Textures(*(smooth_volume(rng, shape, spacing, length) for length in (0.7, 1.8, 6.0)))
    pulmonary, airways, hepatic = [], [], []
    for side in (-1, 1):
        for heading in ((1, -0.8, 0.3), (1, 0.1, 0.2), (0.8, 0.7, -0.2), (0.6, -0.3, -1), (0.5, 0.4, -1), (0.6, 0.2, 1),
                        (0.5, -0.8, 0.9), (0.4, 0.8, 0.8)):  # fmt: skip
            root = (side * 36, 6 + rng.normal(0, 4), rng.normal(0, 6))
            pulmonary += grow(rng, root, (side * heading[0], *heading[1:]), 4.6)
            pulmonary += grow(rng, (side * 34, 14, rng.normal(0, 8)), (side * heading[0], *heading[1:]), 3.4)
        for heading in ((0.8, -0.5, -0.5), (0.7, 0.5, -0.6), (0.8, 0.2, 0.6)):
            airways += grow(rng, (side * 33, 10, 2), (side * heading[0], *heading[1:]), 4.2)
    for heading in ((-0.8, 0.2, 0.3), (-0.4, -0.7, 0.3), (-0.3, 0.8, 0.3)):
        hepatic += grow(rng, (-36, 10, -34), heading, 3.5)
    airways = [branch for branch in airways if branch.radius_start > 1.0]
    trees = Trees(pulmonary, airways, hepatic)
    layers = [_layer(z, textures.layer(i), trees) for i, z in enumerate(positions)]
    return np.stack(layers).reshape(SLICES, LAYERS, SIZE, SIZE).mean(1)
