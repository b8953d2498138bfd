"""CT noise with the physics of the scanner, to be laid over any clean slice in HU.

slice -> attenuation -> parallel projection -> photon counts (bow-tie, Poisson, electronics) -> error of the line integral
-> ramp filter -> back-projection. Reconstruction is linear, so the noise image adds to the slice; and an apodisation of the
ramp is an isotropic filter of the image, so every reconstruction kernel is laid on afterwards (`Kernel.apply`).

Not modelled: beam hardening, scatter, cone and helical geometry, detector crosstalk, iterative reconstruction.
"""

from dataclasses import dataclass

import numpy as np

from limpid_training.fields import frequency_radius, mean_blocks

WATER_PER_MM = 0.0192
"""Attenuation of water near 70 keV, 1/mm."""


@dataclass(frozen=True)
class Scan:
    """How a slice is scanned. photons: per view and detector bin before the patient; electronic: deviation in photons."""

    pixel_mm: float
    photons: float
    views: int = 400
    electronic: float = 10.0
    bowtie_mm: float = 150.0


@dataclass(frozen=True)
class Kernel:
    """Reconstruction kernel: amplitude 1/2 at `half` cycles per pixel, fall-off of `order`, edge boost."""

    half: float
    order: float = 2.5
    boost: float = 0.0

    def apply(self, image: np.ndarray) -> np.ndarray:
        f = frequency_radius(image.shape[0])
        transfer = (1 + self.boost * (f / 0.25) ** 2) * np.exp2(-((f / self.half) ** self.order))
        return np.fft.irfft2(np.fft.rfft2(image) * transfer, s=image.shape).astype(np.float32)


def random_kernel(rng: np.random.Generator) -> Kernel:
    """From smooth abdomen kernels at a small field (0.14) to lung and bone kernels (0.45)."""
    half = np.exp(rng.uniform(np.log(0.14), np.log(0.45)))
    return Kernel(half, rng.uniform(1.6, 4), rng.uniform(0, 0.8) if rng.random() < 0.25 else 0.0)


def _centred(n: int) -> np.ndarray:
    return (np.arange(n) - (n - 1) / 2).astype(np.float32)


def project(image: np.ndarray, views: int, bins: int) -> np.ndarray:
    """Parallel projections over half a turn, [view][bin]; the detector pitch is one pixel. Linear interpolation."""
    axis = _centred(image.shape[0])
    weight = image.ravel().astype(np.float64)
    sinogram = np.empty((views, bins), np.float32)
    for view in range(views):
        angle = np.pi * view / views
        position = (axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle) + (bins - 1) / 2).ravel()
        left = np.clip(position.astype(np.int32), 0, bins - 2)
        share = position - left
        sinogram[view] = np.bincount(left, weight * (1 - share), bins) + np.bincount(left + 1, weight * share, bins)
    return sinogram


def backproject(sinogram: np.ndarray, n: int, upsample: int = 4) -> np.ndarray:
    """Filtered back-projection (Ram-Lak) onto n x n pixels of the detector's pitch.

    Rows are upsampled by zero padding of their spectrum, so that the nearest sample may be gathered.
    """
    views, bins = sinogram.shape
    length = 1 << int(np.ceil(np.log2(2 * bins)))
    spectrum = np.fft.rfft(sinogram, length, axis=1) * np.fft.rfftfreq(length)
    padded = np.zeros((views, upsample * length // 2 + 1), complex)
    padded[:, : spectrum.shape[1]] = spectrum
    rows = (np.fft.irfft(padded, upsample * length, axis=1) * upsample)[:, : upsample * bins].astype(np.float32)
    axis = _centred(n)
    image = np.zeros((n, n), np.float32)
    for view in range(views):
        angle = np.pi * view / views
        across = np.float32(upsample * np.cos(angle)) * axis[None]
        down = np.float32(upsample * np.sin(angle)) * axis[:, None] + np.float32(upsample * (bins - 1) / 2 + 0.5)
        image += rows[view].take((across + down).astype(np.int32), mode="clip")
    return image * np.float32(np.pi / views)


def attenuation(hu: np.ndarray) -> np.ndarray:
    """Linear attenuation in 1/mm, never negative."""
    return np.maximum(WATER_PER_MM * (1 + np.clip(hu, -1000, 3000) / 1000), 0)


def _bowtie_transmission(bins: int, scan: Scan) -> np.ndarray:
    offset = (np.arange(bins) - (bins - 1) / 2) * scan.pixel_mm
    chord = 2 * np.sqrt(np.clip(scan.bowtie_mm**2 - offset**2, 0, None))
    return np.exp(-WATER_PER_MM * 0.8 * (chord.max() - chord))


def expected_counts(hu: np.ndarray, scan: Scan) -> np.ndarray:
    """Mean photons, [view][bin]. Projected at half resolution: the mean is smooth, only the noise is fine."""
    n = hu.shape[0]
    bins = int(np.ceil(n * 1.45 / 2)) * 2
    coarse = mean_blocks(attenuation(hu), 2) * (2 * scan.pixel_mm)
    line_integrals = np.repeat(project(coarse, scan.views, bins // 2), 2, axis=1)
    return scan.photons * _bowtie_transmission(bins, scan)[None] * np.exp(-line_integrals)


def _to_image(error: np.ndarray, scan: Scan, n: int) -> np.ndarray:
    return backproject(error / scan.pixel_mm, n) * np.float32(1000 / WATER_PER_MM)


def scan_noise(rng: np.random.Generator, hu: np.ndarray, scan: Scan) -> np.ndarray:
    """Ram-Lak noise image in HU of a scan of the slice; counts are floored, so starved rays make streaks."""
    mean = expected_counts(hu, scan)
    counts = rng.poisson(mean) + scan.electronic * rng.standard_normal(mean.shape, dtype=np.float32)
    error = np.log(np.maximum(mean, 1e-3)) - np.log(np.maximum(counts, 0.5))
    return _to_image(error.astype(np.float32), scan, hu.shape[0])


def added_noise(rng: np.random.Generator, hu: np.ndarray, scan: Scan, dose: float) -> np.ndarray:
    """Ram-Lak noise image in HU that turns a slice of `scan` into one of `dose` (0 to 1) times its photons."""
    full = expected_counts(hu, scan)
    low = full * dose
    variance = (1 / low + (scan.electronic / low) ** 2) - (1 / full + (scan.electronic / full) ** 2)
    error = np.sqrt(np.minimum(variance, 1)) * rng.standard_normal(full.shape, dtype=np.float32)
    return _to_image(error.astype(np.float32), scan, hu.shape[0])
