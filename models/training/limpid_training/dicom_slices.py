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


FARTHEST_MM = {"CT": 6.5, "MR": 9.0}
"""Beyond, a slice is no neighbour; trained for 0.3 to 6.3 mm (CT) and 9 mm (MR)."""


@dataclass(frozen=True)
class _Place:
    """along: position along the normal of the first slice of the folder; thickness; both in mm."""

    series: str
    along: float
    thickness: float
    farthest: float


@lru_cache(maxsize=4)
def _places(folder: Path) -> dict[Path, _Place]:
    """Of the slices in a folder whose normal is that of the first."""
    places: dict[Path, _Place] = {}
    normal = None
    for path in sorted(folder.glob("*.dcm")):
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        if "ImagePositionPatient" not in header or "ImageOrientationPatient" not in header:
            continue
        across = np.cross(*np.reshape(np.array(header.ImageOrientationPatient, float), (2, 3)))
        normal = across if normal is None else normal
        if across @ normal < 0.999:
            continue
        along = float(np.array(header.ImagePositionPatient, float) @ normal)
        farthest = FARTHEST_MM.get(header.get("Modality"), min(FARTHEST_MM.values()))
        places[path] = _Place(header.SeriesInstanceUID, along, float(header.get("SliceThickness") or 0), farthest)
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
    own = places[path]
    found, distances = [], []
    for side in (-1, 1):
        beside = [
            (side * (other.along - own.along), at)
            for at, other in places.items()
            if other.series == own.series and side * (other.along - own.along) > 0.01
        ]
        distance, nearest = min(beside, default=(own.farthest + 1, path))
        if distance <= own.farthest:
            distances.append(distance)
            found.append(values(nearest))
        else:
            found.append(image)
    return Neighbours(found, float(np.mean(distances)), own.thickness) if distances else None
