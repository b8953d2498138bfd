"""Neighbouring CT slices: thickness, spacing, what anatomy and noise of neighbours have in common.

A slice is the mean of the sections within its thickness (rectangular profile), in anatomy as in noise: two slices `spacing` apart
share 1 - spacing / thickness of their sections, and that is the correlation of their noise; none where they do not overlap.
The interpolation of a helical scan, which correlates neighbours a little more, is not modelled.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from limpid_training import ct_simulator
from limpid_training.fields import smooth_field

THINNEST_MM = 0.5
OFFSETS = (0, -1, 1)
"""Order of the slices in a stack: the middle one first, as in the network's input."""


@dataclass(frozen=True)
class Geometry:
    thickness_mm: float
    spacing_mm: float

    def noise_correlation(self) -> np.ndarray:
        """[slice][slice], in the order of OFFSETS."""
        apart = np.abs(np.subtract.outer(OFFSETS, OFFSETS)) * self.spacing_mm
        return np.maximum(0, 1 - apart / self.thickness_mm)


def random_geometry(rng: np.random.Generator) -> Geometry:
    """0.6 to 5 mm thick, from overlapping by half to a gap."""
    thickness = float(np.exp(rng.uniform(np.log(0.6), np.log(5))))
    return Geometry(thickness, thickness * float(rng.choice([0.5, 0.8, 1, 1, 1.25])))


class Anatomy:
    """Sections at any height around a drawn one: structures run obliquely, swell, and some begin or end."""

    def __init__(self, rng: np.random.Generator, section: np.ndarray, other: np.ndarray, pixel_mm: float) -> None:
        n = section.shape[0]
        self._section, self._other = section, other
        slope = rng.uniform(0.1, 0.8) / pixel_mm  # pixels along the slice for a millimetre across it
        self._drift = [slope * smooth_field(rng, n, rng.uniform(25, 70)) for _ in range(2)]
        # Where this field exceeds what the height asks for, another section's structure begins.
        self._birth = smooth_field(rng, n, rng.uniform(8, 20))
        self._steepness = rng.uniform(0.02, 0.1)
        self._rows, self._columns = np.mgrid[:n, :n].astype(np.float32)

    def at(self, height_mm: float) -> np.ndarray:
        """The section at a height, [row][column] in HU."""
        coordinates = [self._rows + height_mm * self._drift[0], self._columns + height_mm * self._drift[1]]
        image = ndimage.map_coordinates(self._section, coordinates, order=1, mode="nearest")
        if height_mm == 0:
            return image
        soft = (image > -200) & (image < 300) & (self._other > -200) & (self._other < 300)
        begun = soft & (np.sign(height_mm) * self._birth > 2.2 - self._steepness * abs(height_mm))
        return np.where(begun, self._other, image)

    def slices(self, geometry: Geometry) -> np.ndarray:
        """[slice][row][column]: means over the thickness."""
        count = max(1, round(geometry.thickness_mm / THINNEST_MM))
        within = (np.arange(count) - (count - 1) / 2) * geometry.thickness_mm / count
        return np.stack(
            [np.mean([self.at(offset * geometry.spacing_mm + z) for z in within], axis=0) for offset in OFFSETS]
        )


def stack_noise(
    rng: np.random.Generator, hu: np.ndarray, scan: ct_simulator.Scan, geometry: Geometry
) -> np.ndarray:
    """Ram-Lak noise images of the slices of a stack, [slice][row][column], correlated as their overlap asks for."""
    independent = np.stack([ct_simulator.scan_noise(rng, hu, scan) for _ in OFFSETS])
    # A little less than full overlap keeps the correlation positive definite.
    factor = np.linalg.cholesky(geometry.noise_correlation() + 1e-6 * np.eye(len(OFFSETS)))
    return np.einsum("ij,jrc->irc", factor, independent).astype(np.float32)
