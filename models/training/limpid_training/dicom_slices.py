"""Real slices, for evaluation alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pydicom


def modality_values(path: Path) -> tuple[np.ndarray, float]:
    """Rescaled pixels, [row][column], and row spacing in mm."""
    instance = pydicom.dcmread(path)
    values = instance.pixel_array * float(instance.get("RescaleSlope", 1)) + float(instance.get("RescaleIntercept", 0))
    return values.astype(np.float32), float(instance.PixelSpacing[0])


FARTHEST_MM = 6.5
"""Beyond, a slice is no neighbour; trained for 0.3 to 6.3 mm."""


@lru_cache(maxsize=4)
def _places(folder: Path) -> dict[Path, tuple[str, float, float]]:
    """Of the axial slices in a folder: series, height in mm, thickness in mm."""
    places = {}
    for path in sorted(folder.glob("*.dcm")):
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        if "ImagePositionPatient" in header:
            thickness = float(header.get("SliceThickness") or 0)
            places[path] = (header.SeriesInstanceUID, float(header.ImagePositionPatient[2]), thickness)
    return places


@dataclass(frozen=True)
class Neighbours:
    """The slices before and after, [row][column]; mean distance and thickness in mm."""

    values: list[np.ndarray]
    spacing_mm: float
    thickness_mm: float


def neighbours(path: Path, image: np.ndarray, values: Callable[[Path], np.ndarray] = lambda path: modality_values(path)[0]) -> Neighbours | None:
    """The slice itself, as given, stands in where the series ends; None: it has no neighbour at all. `values` reads the others."""
    places = _places(path.parent)
    if path not in places:
        return None
    series, height, thickness = places[path]
    found, distances = [], []
    for side in (-1, 1):
        beside = [(side * (at - height), other) for other, (of, at, _) in places.items() if of == series and side * (at - height) > 0.01]
        distance, nearest = min(beside, default=(FARTHEST_MM + 1, path))
        if distance <= FARTHEST_MM:
            distances.append(distance)
            found.append(values(nearest))
        else:
            found.append(image)
    return Neighbours(found, float(np.mean(distances)), thickness) if distances else None
