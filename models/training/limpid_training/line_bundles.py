"""Bundles of fine lines side by side: folds of cloth, septa and fissures of the lung, trabeculae. A network must not take them for streaks."""

from collections.abc import Callable

import numpy as np

from limpid_training.fields import smooth_field

PERIOD_PIXELS = (3.0, 14.0)
CONTRAST_TO_NOISE = (4.0, 20.0)
"""Lines that a reader sees for certain. Fainter ones teach a network to keep noise."""
HIGHEST_CONTRAST_HU = 600.0
SHARPNESS = (1.0, 6.0)
"""Power of the wave: 1 is a smooth one, above it lines are thinner than the gaps between them."""
BEND_PIXELS = (0.0, 6.0)


def _spread(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """Equally likely in every octave."""
    return float(np.exp(rng.uniform(*np.log(limits))))


def random_bundle(rng: np.random.Generator, side: int, noise_hu: float) -> Callable[[float], np.ndarray]:
    sign = rng.choice([-1, 1], p=[0.2, 0.8])
    contrast = min(HIGHEST_CONTRAST_HU, noise_hu * _spread(rng, CONTRAST_TO_NOISE))
    return line_bundle(rng, side, _spread(rng, PERIOD_PIXELS), sign * contrast)


def line_bundle(rng: np.random.Generator, side: int, period: float, contrast: float) -> Callable[[float], np.ndarray]:
    """Bent lines in a part of a square, HU to be added, as a function of how many pixels they lie aside. Period in pixels, contrast in HU."""
    turn = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[:side, :side]
    across = rows * np.sin(turn) + columns * np.cos(turn) + rng.uniform(*BEND_PIXELS) * smooth_field(rng, side, side / 6)
    power, start = rng.uniform(*SHARPNESS), rng.uniform(0, period)
    # A soft border, so that the bundle ends as cloth does, not as a window.
    within = 1 / (1 + np.exp(-4 * (smooth_field(rng, side, side / 5) + rng.uniform(-0.5, 1.0))))

    def at(aside: float) -> np.ndarray:
        wave = 0.5 + 0.5 * np.cos(2 * np.pi * (across + start + aside) / period)
        return (contrast * within * wave**power).astype(np.float32)

    return at
