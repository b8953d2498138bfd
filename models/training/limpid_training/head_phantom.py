"""A head from the ventricles upwards, drawn by formula, for the demo's MR series: T2-weighted, with a few small lesions.

It is meant to look like a head to somebody who reads them. It is not anatomy of anybody.
"""

import numpy as np
from scipy import ndimage

from limpid_training.fields import mean_blocks
from limpid_training.volumes import Plane, plane, smooth_volume

SIZE, PIXEL_MM = 256, 0.9
SLICES, THICKNESS_MM, SPACING_MM = 12, 4.0, 5.0
OVERSAMPLING = 2
FIRST_MM = 2.0
"""Height of the lowest slice above the middle of the brain's widest section."""

SCALP, BONE, MARROW, FLUID, GREY, WHITE, DEEP, LESION, VESSEL = 0.62, 0.05, 0.30, 1.0, 0.53, 0.35, 0.45, 0.74, 0.06

DEEPEST_SULCUS_MM = 26.0
BRAIN_MM = (66.0, 82.0, 74.0)
LESIONS = ((-27, -18, 22, 3.0), (31, 12, 27, 2.4), (-24, 30, 17, 2.8), (22, -34, 32, 2.0), (35, -8, 37, 1.6))


def positions() -> np.ndarray:
    """z in mm of each slice above the widest section, feet to head."""
    return FIRST_MM + SPACING_MM * np.arange(SLICES)


def _cortex(section: Plane, image: np.ndarray, inner: np.ndarray, folds: np.ndarray, medium: np.ndarray) -> None:
    """White matter, the grey ribbon along surface and sulci, fluid in the sulci. inner: mm below the brain's surface.

    Sulci are the zero surfaces of a smooth field; they narrow with depth, and so does the grey around them.
    """
    across = np.abs(section.distance(folds))
    cleft = np.abs(section.x + 0.5 * medium)
    deep_cleft = (section.y < -26) | (section.y > 30) | (section.z > 38)
    sulcus = np.clip(0.95 - inner / 26, 0, 0.95)
    ribbon = np.where(inner < DEEPEST_SULCUS_MM, sulcus + np.clip(3.9 - inner / 10, 0, 3.0), 0)
    brain = inner > 0
    image[brain] = WHITE
    grey = (across < ribbon) | (inner < 2.6) | ((cleft < 3.6) & deep_cleft)
    image[brain & grey] = GREY
    fluid = ((across < sulcus) & (inner < DEEPEST_SULCUS_MM)) | ((cleft < 0.8) & deep_cleft)
    image[brain & fluid] = FLUID


def _deep_nuclei(section: Plane, image: np.ndarray) -> None:
    for side in (-1, 1):
        for centre, radii, turn, value in (
            ((side * 12, 10, 8), (9, 14, 11), -side * 25, DEEP),  # thalamus
            ((side * 25, -4, 6), (5.5, 16, 13), side * 12, DEEP - 0.02),  # lentiform nucleus
            ((side * 14, -22, 14), (5, 9, 13), side * 10, DEEP + 0.02),  # head of the caudate nucleus
            ((side * 36, -2, 4), (2.2, 17, 14), side * 4, GREY),  # insula
        ):
            image[section.ball(centre, radii, turn) < 1] = value


def _ventricles(section: Plane, image: np.ndarray) -> None:
    callosum = section.ball((0, -2, 25), (16, 36, 9))
    image[(callosum < 1)] = WHITE - 0.02
    for side in (-1, 1):
        horns = (
            section.ball((side * 8, -24, 13), (4.6, 13, 12), -side * 22),
            section.ball((side * 8.5, 0, 22), (5.5, 28, 8.5), side * 6),
            section.ball((side * 20, 31, 12), (6, 17, 13), side * 24),
        )
        image[np.minimum.reduce(horns) < 1] = FLUID
        plexus = section.ball((side * 19, 27, 12), (2.2, 6, 6), side * 24)
        image[plexus < 1] = GREY + 0.12
    image[section.ball((0, 4, 2), (1.8, 15, 12)) < 1] = FLUID


def _slice(z: float, coarse: np.ndarray, folds: np.ndarray, medium: np.ndarray, fine: np.ndarray) -> np.ndarray:
    section = plane(SIZE * OVERSAMPLING, PIXEL_MM / OVERSAMPLING, z)
    shape = section.ball((0, 0, 0), BRAIN_MM)
    slope = np.hypot(section.x / BRAIN_MM[0] ** 2, section.y / BRAIN_MM[1] ** 2) / shape
    inner = (1 - shape) / (slope + 1e-6) + 0.7 * coarse
    image = np.zeros(shape.shape, np.float32)
    image[inner > -14.0 + 0.5 * coarse] = SCALP
    image[inner > -9.6] = 0.22
    image[inner > -8.4] = BONE
    marrow = (inner > -6.6) & (inner < -4.6)
    image[marrow] = MARROW
    image[inner > -2.0 - 0.4 * coarse] = FLUID
    _cortex(section, image, inner, folds, medium)
    _deep_nuclei(section, image)
    _ventricles(section, image)
    for x, y, height, radius in LESIONS:
        image[section.ball((x, y, height), (radius, radius * 1.3, radius + 1.5)) + 0.1 * fine < 1] = LESION
    sinus = section.ellipse((0, 79 * np.sqrt(1 - (z / 80) ** 2)), (4, 3))
    image[sinus < 1] = VESSEL + 0.1
    image[(inner > 0) & (np.abs(medium - 2.6) < 0.12) & (inner < 12)] = VESSEL
    tissue = (inner > 0) & (image < 0.9)
    image[tissue] *= 1 + 0.02 * fine[tissue] + 0.015 * medium[tissue]
    shading = 1 + 0.10 * np.clip(section.ellipse((10, -20), (110, 110)), 0, 1.5) - 0.05
    return mean_blocks(image * shading.astype(np.float32), OVERSAMPLING)


def draw_head(seed: int) -> np.ndarray:
    """Noise-free magnitudes, 0 to about 1, [slice][row][column], feet to head."""
    rng = np.random.default_rng(seed)
    shape, spacing = (SLICES + 8, SIZE, SIZE), (SPACING_MM, PIXEL_MM, PIXEL_MM)
    fields = [smooth_volume(rng, shape, spacing, length) for length in (9.0, 3.2, 2.2, 0.8)]

    def finer(field: np.ndarray, index: int) -> np.ndarray:
        return ndimage.zoom(field[index], OVERSAMPLING, order=3, mode="nearest", grid_mode=True)

    return np.stack([_slice(z, *(finer(field, i) for field in fields)) for i, z in enumerate(positions())])
