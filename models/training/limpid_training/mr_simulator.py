"""Accelerated MR as it reaches a DICOM node: the magnitude image after parallel imaging.

clean magnitude -> acquired matrix -> smooth phase -> coils -> noise per coil -> every R-th line -> SENSE with slightly wrong
sensitivities (g-factor noise, residual aliasing) -> partial Fourier, k-space filter, zero filling -> magnitude (Rician).

The target went through the same point-spread function without noise and aliasing: the networks remove noise and are never
asked for resolution that was not sampled.
"""

from dataclasses import dataclass

import numpy as np

from limpid_training.fields import blur, smooth_field, unit_grid

SCALE = 1000.0
"""Delivered units of a clean magnitude of 1."""

WRONG_SENSITIVITY = 0.015


@dataclass(frozen=True)
class Acquisition:
    """R: acceleration along rows; zero_filling: delivered over acquired matrix; sigma: median noise over the field of view
    of one real channel, clean maximum 1; partial_fourier: share of the rows of k-space that is missing."""

    r: int
    zero_filling: float
    sigma: float
    partial_fourier: float = 0.0


@dataclass(frozen=True)
class Pair:
    """Input, target and noise deviation in delivered units, all [row][column] of the delivered matrix."""

    noisy: np.ndarray
    target: np.ndarray
    sigma: np.ndarray


def random_acquisition(rng: np.random.Generator) -> Acquisition:
    return Acquisition(
        r=int(rng.choice([1, 2, 2, 3, 4])),
        zero_filling=float(rng.choice([1, 1, 1.25, 1.5, 2])),
        sigma=float(np.exp(rng.uniform(np.log(0.006), np.log(0.12)))),
        partial_fourier=float(rng.uniform(0.125, 0.375)) if rng.random() < 0.35 else 0.0,
    )


def to_kspace(image: np.ndarray) -> np.ndarray:
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image)))


def to_image(kspace: np.ndarray) -> np.ndarray:
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace)))


def coil_sensitivities(rng: np.random.Generator, n: int, coils: int) -> np.ndarray:
    """Gaussian lobes on a ring around the object with smooth phases, [coil][row][column]; largest sum of squares 1."""
    rows, columns = unit_grid(n)
    maps = np.empty((coils, n, n), np.complex64)
    for coil in range(coils):
        angle = 2 * np.pi * coil / coils + rng.normal(0, 0.15)
        distance = rng.uniform(1, 1.25)
        squared = (rows - distance * np.sin(angle)) ** 2 + (columns - distance * np.cos(angle)) ** 2
        phase = rng.uniform(-3, 3) + rng.normal(0, 1.2) * columns + rng.normal(0, 1.2) * rows
        maps[coil] = np.exp(-squared / (2 * rng.uniform(0.5, 0.8) ** 2) + 1j * phase)
    return maps / np.sqrt((np.abs(maps) ** 2).sum(0).max())


def fold(coil_images: np.ndarray, r: int) -> np.ndarray:
    """Aliases [coil][row][column] by acceleration r along rows."""
    coils, n, columns = coil_images.shape
    return coil_images.reshape(coils, r, n // r, columns).sum(1)


def _encoding(maps: np.ndarray, r: int) -> np.ndarray:
    coils, n, columns = maps.shape
    return maps.reshape(coils, r, n // r, columns).transpose(2, 3, 0, 1)


def sense_unfold(folded: np.ndarray, maps: np.ndarray, r: int, ridge: float) -> np.ndarray:
    """Regularised least squares of each group of r aliased pixels; folded is [coil][row / r][column]."""
    encoding = _encoding(maps, r)
    adjoint = encoding.conj().swapaxes(-1, -2)
    normal = adjoint @ encoding + ridge * np.eye(r, dtype=np.complex64)
    pixels = np.linalg.solve(normal, adjoint @ folded.transpose(1, 2, 0)[..., None])[..., 0]
    return pixels.transpose(2, 0, 1).reshape(maps.shape[1:])


def sense_noise(maps: np.ndarray, r: int, ridge: float = 0.0) -> np.ndarray:
    """Deviation of one real channel of the unfolded image for unit noise per real channel of each coil (g-factor noise)."""
    encoding = _encoding(maps, r)
    adjoint = encoding.conj().swapaxes(-1, -2)
    inverse = np.linalg.inv(adjoint @ encoding + ridge * np.eye(r, dtype=np.complex64)) @ adjoint
    deviation = np.sqrt((np.abs(inverse) ** 2).sum(-1))
    return deviation.transpose(2, 0, 1).reshape(maps.shape[1:])


def _kspace_filter(rng: np.random.Generator, m: int) -> np.ndarray:
    frequency = np.abs(np.linspace(-1, 1, m))
    taper = np.ones(m)
    if rng.random() >= 0.35:
        width = rng.uniform(0.1, 0.6)
        taper = np.where(frequency < 1 - width, 1, 0.5 + 0.5 * np.cos(np.pi * (frequency - 1 + width) / width))
    window = np.outer(taper, taper)
    if rng.random() < 0.5:
        window /= 1 + np.exp((np.hypot(frequency[:, None], frequency[None]) - 1) / 0.03)
    return window.astype(np.float32)


def complex_noise(rng: np.random.Generator, shape) -> np.ndarray:
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


@dataclass(frozen=True)
class Receiver:
    """What stays the same over the slices of a series: object phase, coils as they are and as the reconstruction believes
    them to be (empty without acceleration), ridge of the unfolding and k-space window, all of the acquired matrix."""

    phase: np.ndarray
    maps: np.ndarray
    believed: np.ndarray
    ridge: float
    window: np.ndarray


def acquired_matrix(n: int, how: Acquisition) -> int:
    """Even multiple of R nearest below the delivered matrix over the zero filling."""
    return int(n / how.zero_filling / (2 * how.r) + 1e-6) * 2 * how.r


def random_receiver(rng: np.random.Generator, n: int, how: Acquisition) -> Receiver:
    """For a delivered matrix of n x n."""
    m = acquired_matrix(n, how)
    phase = 0.8 * rng.normal(0, 1) * smooth_field(rng, m, m / 4) + rng.uniform(-3, 3)
    window = _kspace_filter(rng, m)
    window[: int(m * how.partial_fourier)] = 0
    coils = int(rng.integers(2 * how.r + 2, 17)) if how.r > 1 else 0
    if coils == 0:
        return Receiver(phase, np.empty((0, m, m)), np.empty((0, m, m)), 0.0, window)
    maps = coil_sensitivities(rng, m, coils)
    errors = np.stack([smooth_field(rng, m, m / 8) for _ in range(coils)])
    believed = (maps * (1 + rng.uniform(0, WRONG_SENSITIVITY) * errors)).astype(np.complex64)
    ridge = float(rng.uniform(1e-3, 2e-2) * np.median((np.abs(maps) ** 2).sum(0)))
    return Receiver(phase, maps, believed, ridge, window)


def _reconstruct(
    rng: np.random.Generator, acquired: np.ndarray, how: Acquisition, receiver: Receiver
) -> tuple[np.ndarray, np.ndarray]:
    """Reconstructed complex image without noise, and a noise of the reconstruction."""
    m = acquired.shape[0]
    if how.r == 1:
        return acquired, how.sigma * complex_noise(rng, (m, m))

    def unfold(folded: np.ndarray) -> np.ndarray:
        return sense_unfold(folded, receiver.believed, how.r, receiver.ridge)

    noise = unfold(complex_noise(rng, (len(receiver.maps), m // how.r, m)))
    # Sigma is set by its median over the field of view: by the coil noise, g would spoil half of the R = 4 images.
    noise *= how.sigma / (np.median(np.abs(noise.real)) / 0.6745)
    return unfold(fold(receiver.maps * acquired, how.r)), noise


def acquire_stack(
    rng: np.random.Generator, slices: np.ndarray, how: Acquisition, receiver: Receiver, noise_factor: np.ndarray
) -> list[Pair]:
    """Acquires and delivers clean n x n magnitudes, [slice][row][column]; `noise_factor` [slice][slice] says what of independent noises
    each one's noise is made of."""
    n, m = slices.shape[-1], receiver.window.shape[0]
    first = (n - m) // 2
    centre = (slice(first, first + m), slice(first, first + m))

    def deliver(image: np.ndarray) -> np.ndarray:
        kspace = np.zeros((n, n), np.complex64)
        kspace[centre] = to_kspace(image) * receiver.window
        return to_image(kspace) * (n / m) ** 2

    acquired = []
    for clean in slices:
        magnitude = to_image(to_kspace(clean)[centre]).real * (m / n) ** 2
        acquired.append((magnitude * np.exp(1j * receiver.phase)).astype(np.complex64))
    signals, own = zip(*(_reconstruct(rng, image, how, receiver) for image in acquired))
    pairs = []
    for image, signal, shares in zip(acquired, signals, noise_factor):
        noise = np.einsum("i,irc->rc", shares.astype(np.float32), np.stack(own))
        truth = deliver(image)
        in_phase = (deliver(noise) * np.exp(-1j * np.angle(truth))).real
        sigma = np.sqrt(np.maximum(blur(in_phase**2, 10.0), 1e-10))
        delivered = (np.abs(deliver(signal + noise)), np.abs(truth), sigma)
        pairs.append(Pair(*((SCALE * each).astype(np.float32) for each in delivered)))
    return pairs


def acquire(rng: np.random.Generator, clean: np.ndarray, how: Acquisition, receiver: Receiver) -> Pair:
    """Acquires and delivers a clean n x n magnitude."""
    return acquire_stack(rng, clean[None], how, receiver, np.eye(1))[0]


def simulate(rng: np.random.Generator, clean: np.ndarray, how: Acquisition) -> Pair:
    """One slice with a receiver of its own."""
    return acquire(rng, clean, how, random_receiver(rng, clean.shape[0], how))
