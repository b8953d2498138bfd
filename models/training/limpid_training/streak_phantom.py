"""Streaks of photon starvation: shoulders at a tenth of the dose, and what a CT model leaves of the streaks between the arms.

Streaks that differ from scan to scan are noise. Bands that every scan shows, where counts are so few that the mean of their logarithm
is wrong, are not: no network that keeps anatomy can tell them from it.
"""

from pathlib import Path

import numpy as np
import torch

from limpid_training import ct_simulator, noise_estimate, quality
from limpid_training.model_folder import Denoiser

SIZE, PIXEL_MM = 512, 0.9
PHOTONS = 2e5
KERNEL = ct_simulator.Kernel(0.22)
BETWEEN = (slice(236, 276), slice(150, 362))
LENGTH = 32
"""Mean over so many pixels along a streak: noise goes, streaks stay."""
BLENDS = (0.25, 0.5, 0.75, 1.0)


def shoulders() -> np.ndarray:
    """Ellipse of 43 x 17 cm with two humeri and a spine, HU."""
    rows, columns = (np.arange(SIZE) - 255.5)[:, None], (np.arange(SIZE) - 255.5)[None]
    image = np.where((rows / 95) ** 2 + (columns / 240) ** 2 < 1, 40.0, -1000.0)
    for side in (-185, 185):
        ring = np.hypot(rows, columns - side)
        image[ring < 26] = 1100
        image[ring < 15] = 200
    image[np.hypot(rows - 45, columns) < 22] = 500
    return ct_simulator.Kernel(0.32, 2.0).apply(image)


def streak_level(error: np.ndarray) -> float:
    """Deviation of the error's mean over LENGTH pixels along the rows, between the arms, HU."""
    part = error[BETWEEN]
    means = part[:, : part.shape[1] // LENGTH * LENGTH].reshape(len(part), -1, LENGTH).mean(2)
    return float(means.std())


def run(model: Path, realisations: int) -> None:
    torch.set_num_threads(1)
    network, clean = Denoiser.read(model), shoulders()
    scan = ct_simulator.Scan(PIXEL_MM, photons=PHOTONS, views=360, electronic=6)
    rng, other = np.random.default_rng(8), np.random.default_rng(18)
    errors: dict[float, list[np.ndarray]] = {blend: [] for blend in (0.0, *BLENDS)}
    for _ in range(realisations):
        noisy = clean + KERNEL.apply(ct_simulator.scan_noise(rng, clean, scan))
        mask, sigma = noise_estimate.ct_tissue_and_noise(noisy)
        beside = [np.clip(clean + KERNEL.apply(ct_simulator.scan_noise(other, clean, scan)), -1024, 3071) for _ in range(network.slices - 1)]
        output = network(np.clip(noisy, -1024, 3071), sigma, beside)
        for blend in errors:
            errors[blend].append(quality.blend(noisy, output, network.shares(blend, noisy, sigma, mask), sigma, mask) - clean)

    def figures(of: list[np.ndarray]) -> np.ndarray:
        mean = np.mean(of, axis=0)
        rest = np.sqrt(realisations / (realisations - 1)) * (np.array(of) - mean)
        return np.array(
            [np.mean([streak_level(each) for each in rest]), streak_level(mean), np.std(rest[(slice(None), *BETWEEN)])]
        )

    base = figures(errors[0.0])
    print(f"between the arms: streaks that differ {base[0]:.0f} HU, bands that stay {base[1]:.0f} HU, all noise {base[2]:.0f} HU")
    print("| blend | streaks kept | bands kept | noise kept |\n|---|---|---|---|")
    for blend, of in errors.items():
        print(f"| {blend:.2f} | {' | '.join(f'{value:.2f}' for value in figures(of) / base)} |")
