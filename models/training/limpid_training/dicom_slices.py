"""Real slices, for evaluation alone."""

from pathlib import Path

import numpy as np
import pydicom


def modality_values(path: Path) -> tuple[np.ndarray, float]:
    """Rescaled pixels, [row][column], and row spacing in mm."""
    instance = pydicom.dcmread(path)
    values = instance.pixel_array * float(instance.get("RescaleSlope", 1)) + float(instance.get("RescaleIntercept", 0))
    return values.astype(np.float32), float(instance.PixelSpacing[0])
