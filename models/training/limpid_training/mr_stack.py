"""Neighbouring MR slices: of two dimensions, with gaps, or of three, thin and without.

Slices of two dimensions are excited one after the other: their noise is independent, and each has a loudness of its own (order of
excitation, cross-talk). Partitions of three dimensions have independent noise too, but where the scanner interpolates (zero filling
across the slices), neighbours share half of it. Anatomy runs on from slice to slice as in CT (`ct_stack`); fibres thinner than a slice
(trabeculae) are others in each.
"""

from dataclasses import dataclass

import numpy as np

from limpid_training import phantoms
from limpid_training.ct_stack import OFFSETS, Anatomy, Geometry, Tissue
from limpid_training.fields import blur

MR_TISSUE = Tissue(values=(0.02, 2.0), contrasts=(0.02, 0.6))
"""Shares of the brightest tissue."""

PARTITION_MM = (0.5, 2.0)
SLICE_MM = (2.0, 6.0)
PIXEL_MM = (0.3, 2.5)
LOUDNESS = 0.05
"""Deviation of the logarithm of a slice's loudness, two dimensions."""

FIBROUS_SHARE = 0.5
FIBROUS_FROM_MM = 1.5
"""Of the stacks of at least this thickness, this share has fibres that begin anew in each slice."""
FIBRE_BLUR_PIXELS = 0.5


@dataclass(frozen=True)
class Stack:
    """slices: clean magnitudes, [slice][row][column], the middle one first; noise_factor as of `Geometry`."""

    slices: np.ndarray
    noise_factor: np.ndarray


def _log_uniform(rng: np.random.Generator, between: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(between))))


def partitions(rng: np.random.Generator) -> Geometry:
    """Three dimensions: noise over one spacing, over two where partitions are interpolated."""
    thickness = _log_uniform(rng, PARTITION_MM)
    spacing = thickness * float(rng.choice([0.5, 1, 1, 1]))
    return Geometry(thickness, spacing, thickness)


def excited_slices(rng: np.random.Generator) -> Geometry:
    """Two dimensions: adjacent or with a gap of up to half a slice."""
    thickness = _log_uniform(rng, SLICE_MM)
    return Geometry(thickness, thickness * float(rng.choice([1, 1, 1.1, 1.25, 1.5])), thickness)


def random_stack(rng: np.random.Generator) -> Stack:
    is_volume = rng.random() < 0.5
    geometry = partitions(rng) if is_volume else excited_slices(rng)
    section, other = phantoms.mr_clean(rng), phantoms.mr_clean(rng)
    slices = Anatomy(rng, section, other, _log_uniform(rng, PIXEL_MM), MR_TISSUE).slices(geometry)
    if geometry.thickness_mm >= FIBROUS_FROM_MM and rng.random() < FIBROUS_SHARE:
        fibres = phantoms.Fibres(rng, slices.shape[-1])
        slices = slices * np.stack([blur(fibres.drawn(rng), FIBRE_BLUR_PIXELS) for _ in OFFSETS])
    loudness = np.exp(rng.normal(0, 0 if is_volume else LOUDNESS, len(OFFSETS)))
    loudness[0] = 1
    return Stack(np.maximum(slices * loudness[:, None, None], 0).astype(np.float32), geometry.noise_factor())
