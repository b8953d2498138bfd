"""Neighbouring CT slices: thickness, spacing, what anatomy and noise of neighbours have in common.

A slice is the mean of the sections within its thickness (rectangular profile), in anatomy as in noise: two slices `spacing` apart
share 1 - spacing / thickness of their sections, and that is the correlation of their noise; none where they do not overlap. The
interpolation of a helical scan widens the profile by a factor that differs from scanner to scanner: noise that neighbours share
although their thickness says they do not. Nodules of a few millimetres lie in one slice, in two, or between: a network must neither
take them for noise nor draw them into the slice beside.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from limpid_training import ct_simulator
from limpid_training.fields import smooth_field

THINNEST_MM = 0.5
OFFSETS = (0, -1, 1)
"""Order of the slices in a stack: the middle one first, as in the network's input."""


NODULES = 40
NODULE_MM = (0.8, 6.0)
"""Radius."""
NODULE_REACH_MM = 6.0
"""Beyond its radius, from the middle slice."""


@dataclass(frozen=True)
class Tissue:
    """values: between these, structures begin and end from slice to slice; contrasts: of nodules, either way."""

    values: tuple[float, float]
    contrasts: tuple[float, float]


CT_TISSUE = Tissue(values=(-200.0, 300.0), contrasts=(8.0, 200.0))
"""HU."""


@dataclass(frozen=True)
class Geometry:
    """profile_mm: width over which the noise of a slice is averaged, at least its thickness."""

    thickness_mm: float
    spacing_mm: float
    profile_mm: float

    def noise_correlation(self) -> np.ndarray:
        """[slice][slice], in the order of OFFSETS."""
        apart = np.abs(np.subtract.outer(OFFSETS, OFFSETS)) * self.spacing_mm
        return np.maximum(0, 1 - apart / self.profile_mm)

    def noise_factor(self) -> np.ndarray:
        """Lower triangular [slice][slice]: what of independent noises the slices' noises are made of; the middle one's is the first."""
        # A little less than full overlap keeps the correlation positive definite.
        return np.linalg.cholesky(self.noise_correlation() + 1e-6 * np.eye(len(OFFSETS)))


def random_geometry(rng: np.random.Generator) -> Geometry:
    """0.6 to 5 mm thick, from overlapping by half to a gap."""
    thickness = float(np.exp(rng.uniform(np.log(0.6), np.log(5))))
    widened = float(rng.choice([1.0, rng.uniform(1, 1.6)]))
    return Geometry(thickness, thickness * float(rng.choice([0.5, 0.7, 0.8, 1, 1, 1, 1.25])), thickness * widened)


@dataclass(frozen=True)
class Nodule:
    """A ball: centre in pixels, height and radius in millimetres."""

    row: float
    column: float
    height_mm: float
    radius_mm: float
    contrast: float

    def add_to(self, image: np.ndarray, height_mm: float, pixel_mm: float) -> None:
        """Its section at a height, with an edge of one pixel."""
        across = self.radius_mm**2 - (height_mm - self.height_mm) ** 2
        if across <= 0:
            return
        radius = np.sqrt(across) / pixel_mm
        box = [slice(max(0, int(at - radius - 1)), int(at + radius + 3)) for at in (self.row, self.column)]
        rows, columns = np.ogrid[tuple(box)]
        rows, columns = rows[rows[:, 0] < image.shape[0]], columns[:, columns[0] < image.shape[1]]
        inside = np.clip(radius + 0.5 - np.hypot(rows - self.row, columns - self.column), 0, 1)
        image[box[0], box[1]] += self.contrast * inside


def random_nodules(rng: np.random.Generator, side: int, contrasts_between: tuple[float, float]) -> list[Nodule]:
    radii, contrasts = (np.exp(rng.uniform(*np.log(of), NODULES)) for of in (NODULE_MM, contrasts_between))
    heights = rng.uniform(-1, 1, NODULES) * (NODULE_REACH_MM + radii)
    signs = rng.choice([-1, 1], NODULES)
    return [Nodule(*(float(value) for value in each)) for each in zip(*rng.uniform(0, side, (2, NODULES)), heights, radii, signs * contrasts)]


class Anatomy:
    """Sections at any height around a drawn one: structures run obliquely, swell, and some begin or end."""

    def __init__(
        self, rng: np.random.Generator, section: np.ndarray, other: np.ndarray, pixel_mm: float, tissue: Tissue = CT_TISSUE
    ) -> None:
        n = section.shape[0]
        self._section, self._other, self._pixel_mm, self._tissue = section, other, pixel_mm, tissue
        self._nodules = random_nodules(rng, n, tissue.contrasts)
        slope = rng.uniform(0.1, 0.8) / pixel_mm  # pixels along the slice for a millimetre across it
        self._drift = [slope * smooth_field(rng, n, rng.uniform(25, 70)) for _ in range(2)]
        # Where this field exceeds what the height asks for, another section's structure begins.
        self._birth = smooth_field(rng, n, rng.uniform(8, 20))
        self._steepness = rng.uniform(0.02, 0.1)
        self._rows, self._columns = np.mgrid[:n, :n].astype(np.float32)

    def at(self, height_mm: float) -> np.ndarray:
        """The section at a height, [row][column]."""
        coordinates = [self._rows + height_mm * self._drift[0], self._columns + height_mm * self._drift[1]]
        image = ndimage.map_coordinates(self._section, coordinates, order=1, mode="nearest")
        if height_mm != 0:
            low, high = self._tissue.values
            soft = (image > low) & (image < high) & (self._other > low) & (self._other < high)
            begun = soft & (np.sign(height_mm) * self._birth > 2.2 - self._steepness * abs(height_mm))
            image = np.where(begun, self._other, image)
        for nodule in self._nodules:
            nodule.add_to(image, height_mm, self._pixel_mm)
        return image

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
    return np.einsum("ij,jrc->irc", geometry.noise_factor(), independent).astype(np.float32)
