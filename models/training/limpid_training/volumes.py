"""Pieces shared by the demo's three-dimensional phantoms: fields with continuity between slices, shapes in mm.

Axes are those of DICOM's patient: x to the patient's left, y to the back, z to the head. Images are [row = y][column = x].
"""

from dataclasses import dataclass

import numpy as np


def smooth_volume(
    rng: np.random.Generator, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], length_mm: float
) -> np.ndarray:
    """Field of mean 0 and deviation 1 over [slice][row][column] whose structures measure about `length_mm`."""
    axes = [np.fft.fftfreq(shape[0], spacing_mm[0]), np.fft.fftfreq(shape[1], spacing_mm[1])]
    axes.append(np.fft.rfftfreq(shape[2], spacing_mm[2]))
    squared = axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2][None, None, :] ** 2
    spectrum = np.fft.rfftn(rng.standard_normal(shape, dtype=np.float32)) * (1 + (3 * length_mm) ** 2 * squared) ** -2.5
    spectrum[0, 0, 0] = 0
    field = np.fft.irfftn(spectrum, s=shape).astype(np.float32)
    return field / field.std()


@dataclass(frozen=True)
class Plane:
    """Grid of one drawn section in mm: x is [1, columns], y is [rows, 1]."""

    x: np.ndarray
    y: np.ndarray
    z: float
    step_mm: float

    def distance(self, level: np.ndarray) -> np.ndarray:
        """Signed distance in mm to the zero line of a smooth level, to first order."""
        rows, columns = np.gradient(level, self.step_mm)
        return level / (np.hypot(rows, columns) + 1e-6)

    def ellipse(self, centre: tuple[float, float], radii: tuple[float, float], turn_degrees: float = 0.0) -> np.ndarray:
        """Norm that is 1 on the ellipse; centre and radii as (x, y) in mm, turned from +x towards +y."""
        cos, sin = np.cos(np.radians(turn_degrees)), np.sin(np.radians(turn_degrees))
        dx, dy = self.x - centre[0], self.y - centre[1]
        return np.hypot((dx * cos + dy * sin) / radii[0], (dy * cos - dx * sin) / radii[1])

    def ball(
        self, centre: tuple[float, float, float], radii: tuple[float, float, float], turn_degrees: float = 0.0
    ) -> np.ndarray:
        """Norm that is 1 on the ellipsoid, where this plane cuts it; turned about z."""
        flat = self.ellipse(centre[:2], radii[:2], turn_degrees)
        return np.hypot(flat, (self.z - centre[2]) / radii[2])

    def bar(self, start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
        """Distance in mm to a line segment."""
        along = np.subtract(end, start)
        share = ((self.x - start[0]) * along[0] + (self.y - start[1]) * along[1]) / (along @ along)
        share = np.clip(share, 0, 1)
        return np.hypot(self.x - start[0] - share * along[0], self.y - start[1] - share * along[1])


def plane(columns: int, step_mm: float, z: float) -> Plane:
    axis = ((np.arange(columns) - (columns - 1) / 2) * step_mm).astype(np.float32)
    return Plane(axis[None, :], axis[:, None], z, step_mm)
