"""Random fields on a square grid: the raw material of every procedural image."""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=8)
def frequency_radius(n: int) -> np.ndarray:
    """Length of the frequency vector of numpy's rfft2 of an n x n image, in cycles per pixel."""
    rows = np.fft.fftfreq(n).astype(np.float32)
    columns = np.fft.rfftfreq(n).astype(np.float32)
    return np.hypot(rows[:, None], columns[None, :])


def unit_grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column coordinates from -1 to 1, of shapes [n, 1] and [1, n]."""
    axis = (np.arange(n, dtype=np.float32) - (n - 1) / 2) / (n / 2)
    return axis[:, None], axis[None, :]


def _shaped_noise(rng: np.random.Generator, n: int, amplitude: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft2(rng.standard_normal((n, n), dtype=np.float32)) * amplitude
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(n, n)).astype(np.float32)
    return field / (field.std() + 1e-9)


def smooth_field(rng: np.random.Generator, n: int, length: float) -> np.ndarray:
    """Field of mean 0 and deviation 1 whose structures measure about `length` pixels."""
    return _shaped_noise(rng, n, (1 + (3 * length * frequency_radius(n)) ** 2) ** -2.5)


def fractal_field(rng: np.random.Generator, n: int, slope: float) -> np.ndarray:
    """Field of mean 0 and deviation 1 with power falling as frequency to the minus `slope`."""
    radius = frequency_radius(n).copy()
    radius[0, 0] = 1
    return _shaped_noise(rng, n, radius ** (-slope / 2))


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of a square image, periodic at its borders; sigma in pixels."""
    n = image.shape[0]
    transfer = np.exp(-2 * (np.pi * sigma * frequency_radius(n)) ** 2)
    return np.fft.irfft2(np.fft.rfft2(image) * transfer, s=(n, n)).astype(np.float32)


def mean_blocks(image: np.ndarray, size: int) -> np.ndarray:
    """Mean of each size x size block."""
    rows, columns = image.shape[0] // size, image.shape[1] // size
    return image.reshape(rows, size, columns, size).mean((1, 3))
