"""Ultrasound as a scanner shows it: fully developed speckle through a point-spread function, envelope, log compression.

echogenicity in dB -> complex Gaussian scatterers -> axial and lateral blur that widens away from the focus -> envelope ->
electronic noise -> log compression to 0..255 over 45 to 75 dB -> a little smoothing of the scan conversion -> on some scanners
adaptive smoothing (diffusion that stops at edges) and a display larger than the image.

The target is the log-compressed mean power through the same point-spread function, 2.51 dB lower: the mean of the logarithm
of a Rayleigh envelope lies that far below the logarithm of its mean power. It has the input's resolution and its mean, and no speckle.

Not modelled: attenuation and shadows, reverberation, side lobes, frequency compounding, the fan of a sector probe.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from limpid_training.fields import blur, fractal_field, smooth_field
from limpid_training.phantoms import dead_leaves, ellipse

GREY = 255.0
RAYLEIGH_DB = 2.507
"""10 gamma / ln 10 with Euler's gamma: the mean of 20 log10 of a Rayleigh envelope lies this far below that of its power."""

SPECKLE_DB = 5.57
"""Deviation of the logarithm of a Rayleigh envelope."""


@dataclass(frozen=True)
class Probe:
    """Deviations of the Gaussian point-spread function in pixels, along the beam and across it at the focus and far from it;
    focus: its depth as a share of the image; floor_db: electronic noise below an echogenicity of 0 dB."""

    axial: float
    lateral: float
    lateral_far: float
    focus: float
    floor_db: float


@dataclass(frozen=True)
class Display:
    """range_db is spread over 0..255 below gain_db; smoothing in pixels; compounded: frames whose envelopes are averaged;
    adaptive: steps of diffusion; enlarged: shown pixels per pixel of the image; spline: order of that interpolation."""

    range_db: float
    gain_db: float
    smoothing: float
    compounded: int = 1
    adaptive: int = 0
    enlarged: float = 1.0
    spline: int = 1

    def grey(self, decibels: np.ndarray) -> np.ndarray:
        shown = np.clip((decibels + self.gain_db + self.range_db) / self.range_db, 0, 1) * GREY
        shown = np.clip(blur(shown, self.smoothing), 0, GREY) if self.smoothing > 0 else shown
        return self._enlarge(diffuse(shown, self.adaptive))

    def _enlarge(self, grey: np.ndarray) -> np.ndarray:
        """The middle of the image, as large as the image was."""
        if self.enlarged == 1:
            return grey
        n = grey.shape[0]
        steps = (np.arange(n) - n / 2) / self.enlarged + n / 2
        return np.clip(ndimage.map_coordinates(grey, np.meshgrid(steps, steps, indexing="ij"), order=self.spline, mode="nearest"), 0, GREY)


DIFFUSION_EDGE = 20.0
DIFFUSION_STEP = 0.2


def diffuse(grey: np.ndarray, steps: int) -> np.ndarray:
    """Anisotropic diffusion after Perona and Malik: differences of neighbours well above DIFFUSION_EDGE stay."""
    for _ in range(steps):
        change = np.zeros_like(grey)
        for axis in (0, 1):
            difference = np.diff(grey, axis=axis)
            flow = DIFFUSION_STEP * difference * np.exp(-((difference / DIFFUSION_EDGE) ** 2))
            change += np.diff(flow, axis=axis, prepend=0, append=0)
        grey = grey + change
    return grey


GRAIN = 2.5
"""Coarsest grain against the finest, enlargement included."""


def random_probe(rng: np.random.Generator, coarsest: float = GRAIN) -> Probe:
    """From the fine grain of a small display to the coarse one of a large display or of a probe that averages frames."""
    grain = np.exp(rng.uniform(0, np.log(max(coarsest, 1.0))))
    return Probe(
        axial=grain * rng.uniform(0.5, 1.3),
        lateral=grain * rng.uniform(0.8, 2.0),
        lateral_far=grain * rng.uniform(1.5, 3.5),
        focus=rng.uniform(0.1, 0.9),
        floor_db=rng.uniform(45, 65),
    )


def random_display(rng: np.random.Generator) -> Display:
    return Display(
        rng.uniform(45, 75),
        rng.uniform(-10, 3),
        rng.choice([0.0, 0.5, 1.0]),
        compounded=int(rng.choice([1, 1, 2, 4])),
        adaptive=int(rng.integers(1, 7)) if rng.random() < 0.3 else 0,
        enlarged=rng.uniform(1.2, 2.2) if rng.random() < 0.5 else 1.0,
        spline=int(rng.choice([1, 3])),
    )


def echogenicity(rng: np.random.Generator, n: int) -> np.ndarray:
    """Scattering strength in dB below the maximum: tissues, lesions, bright interfaces, vessels and cysts, fine texture."""
    level = -rng.uniform(15, 35) + rng.uniform(2, 6) * smooth_field(rng, n, 60)
    for _ in range(rng.integers(2, 7)):
        tissue = smooth_field(rng, n, rng.uniform(8, 45)) > rng.uniform(0.5, 1.7)
        level = np.where(tissue, level + rng.uniform(-18, 15), level)
    if rng.random() < 0.5:
        leaves = dead_leaves(rng, n, -20, 10, 120, 3, 50)
        level = level + leaves * (smooth_field(rng, n, 30) > 0.4)
    for _ in range(rng.integers(0, 8)):
        radius = np.exp(rng.uniform(np.log(0.02), np.log(0.15)))
        lesion = ellipse(n, tuple(rng.uniform(-0.9, 0.9, 2)), (radius, radius * rng.uniform(0.6, 1.6)), rng.uniform(0, np.pi))
        level = np.where(lesion < 1, level + rng.uniform(-9, 9), level)
    for _ in range(rng.integers(0, 3)):
        interface = np.abs(smooth_field(rng, n, rng.uniform(25, 60))) < rng.uniform(0.01, 0.03)
        level = np.where(interface, np.maximum(level, -rng.uniform(0, 10)), level)
    for _ in range(rng.integers(0, 3)):
        lumen = ellipse(n, tuple(rng.uniform(-0.7, 0.7, 2)), tuple(rng.uniform(0.03, 0.25, 2)), rng.uniform(0, np.pi))
        level = np.where(lumen < 1, -rng.uniform(45, 70), level)
    return (level + rng.uniform(0, 2) * fractal_field(rng, n, 1.2)).astype(np.float32)


def complex_blur(image: np.ndarray, axial: float, lateral: float) -> np.ndarray:
    """Gaussian blur of a square image, periodic; deviations in pixels along rows' and columns' axis."""
    f = np.fft.fftfreq(image.shape[0])
    transfer = np.exp(-2 * np.pi**2 * ((axial * f[:, None]) ** 2 + (lateral * f[None]) ** 2))
    return np.fft.ifft2(np.fft.fft2(image) * transfer)


def _power_gain(n: int, axial: float, lateral: float) -> float:
    """Share of white power that the blur lets through."""
    f = np.fft.fftfreq(n)
    return float(np.exp(-4 * np.pi**2 * ((axial * f[:, None]) ** 2 + (lateral * f[None]) ** 2)).mean())


def _farness(n: int, probe: Probe) -> np.ndarray:
    depth = np.linspace(0, 1, n)[:, None]
    return np.clip(np.abs(depth - probe.focus) / max(probe.focus, 1 - probe.focus), 0, 1)


def envelope_db(rng: np.random.Generator, level_db: np.ndarray, probe: Probe) -> np.ndarray:
    """One realisation: 20 log10 of the envelope with its electronic noise."""
    n = level_db.shape[0]
    scatterers = 10 ** (level_db / 20) * (rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))) / np.sqrt(2)
    near, far = (
        complex_blur(scatterers, probe.axial, lateral) / np.sqrt(_power_gain(n, probe.axial, lateral))
        for lateral in (probe.lateral, probe.lateral_far)
    )
    share = _farness(n, probe)
    # Weights whose squares add up to 1 at both ends; between them the two blurs are correlated, so the sum is normalised.
    overlap = float(np.sqrt(2 * probe.lateral * probe.lateral_far / (probe.lateral**2 + probe.lateral_far**2)))
    norm = np.sqrt((1 - share) ** 2 + share**2 + 2 * share * (1 - share) * overlap)
    floor = 10 ** (-probe.floor_db / 20) * np.abs(rng.standard_normal((n, n)))
    return 20 * np.log10(np.hypot(np.abs(((1 - share) * near + share * far) / norm), floor) + 1e-9)


def mean_db(level_db: np.ndarray, probe: Probe) -> np.ndarray:
    """What `envelope_db` is on average: no speckle, the same resolution. Power spreads by the square of the amplitude's
    point-spread function, which is a Gaussian narrower by the square root of 2."""
    power = 10 ** (level_db / 10)
    share = _farness(level_db.shape[0], probe)
    near, far = (
        complex_blur(power, probe.axial / np.sqrt(2), lateral / np.sqrt(2)).real
        for lateral in (probe.lateral, probe.lateral_far)
    )
    mean = np.maximum((1 - share) * near + share * far, 1e-9)
    return 10 * np.log10(mean + 10 ** (-probe.floor_db / 10)) - RAYLEIGH_DB


def shown(rng: np.random.Generator, level_db: np.ndarray, probe: Probe, display: Display) -> np.ndarray:
    """One displayed image. Compounding averages envelopes in dB, as scanners that compound after compression do."""
    frames = [envelope_db(rng, level_db, probe) for _ in range(display.compounded)]
    return display.grey(np.mean(frames, axis=0)).astype(np.float32)


@dataclass(frozen=True)
class Cine:
    """noisy: [draw][row][column], target: [row][column]; grey values 0..255. Draws differ in the speckle alone."""

    noisy: np.ndarray
    target: np.ndarray


def simulate(rng: np.random.Generator, n: int = 256, draws: int = 2) -> Cine:
    level, display = echogenicity(rng, n), random_display(rng)
    probe = random_probe(rng, GRAIN / display.enlarged)
    noisy = np.stack([shown(rng, level, probe, display) for _ in range(draws)])
    return Cine(noisy, display.grey(mean_db(level, probe)).astype(np.float32))
