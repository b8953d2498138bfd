"""Spots in an even MR slice: what an MR model keeps of them, and for one that sees three slices, of those that one slice has alone: in the
middle one they must stay, in a neighbour they must not show.
"""

from pathlib import Path

import numpy as np
import torch

from limpid_training import mr_simulator, noise_estimate, quality
from limpid_training.contrast_phantom import on_ring
from limpid_training.fields import blur
from limpid_training.model_folder import Denoiser

SIZE = 256
BODY_RADIUS, LEVEL = 105, 500.0
RADII, CONTRASTS = (1.5, 3.0, 5.0), (1.0, 2.0, 4.0, -2.0, -4.0)
"""Pixels; deviations of the noise."""
SIGMA = 30.0
BLENDS = (0.5, 0.65, 1.0)
NAMES = {"all slices": (1, 1, 1), "this slice": (1, 0, 0), "the slice before": (0, 1, 0), "both neighbours": (0, 1, 1)}


class Phantom:
    """`empty`: the body alone; `spotted`: with its spots, none of the noise in either."""

    def __init__(self) -> None:
        rows, columns = np.ogrid[:SIZE, :SIZE]
        middle = (SIZE - 1) / 2
        body = LEVEL * (np.hypot(rows - middle, columns - middle) < BODY_RADIUS)
        kinds = [(radius, contrast) for radius in RADII for contrast in CONTRASTS]
        drawn = body.copy()
        self._inside = []
        for at, (radius, contrast) in enumerate(kinds):
            row, column = on_ring(75 if at % 2 else 45, at / len(kinds), SIZE)
            distance = np.hypot(rows - row, columns - column)
            drawn[distance < radius] += contrast * SIGMA
            self._inside.append(distance < max(1.5, 0.6 * radius))
        self.empty, self.spotted = blur(body, 0.6), blur(drawn, 0.6)

    def acquired(self, rng: np.random.Generator, has_spots: int) -> np.ndarray:
        noise = SIGMA * mr_simulator.complex_noise(rng, (SIZE, SIZE))
        return np.abs((self.spotted if has_spots else self.empty) + noise).astype(np.float32)

    def contrasts(self, with_spots: np.ndarray, without: np.ndarray) -> np.ndarray:
        """[radius][contrast]: what spots add to one image against another, over what they add to the truth."""
        seen = np.array([(with_spots - without)[inside].mean() for inside in self._inside])
        whole = np.array([(self.spotted - self.empty)[inside].mean() for inside in self._inside])
        return (seen / whole).reshape(len(RADII), len(CONTRASTS))


def _enhanced(network: Denoiser, stack: list[np.ndarray]) -> list[np.ndarray]:
    noisy, *beside = stack
    mask = noise_estimate.mr_foreground(noisy)
    sigma = noise_estimate.mr_noise_map(noisy, mask, noise_estimate.sigma_mr(noisy, mask))
    output = network(noisy, sigma, beside if network.slices > 1 else None)
    return [quality.blend(noisy, output, blend, sigma, mask, over_mask=True) for blend in BLENDS]


def run(model: Path, realisations: int) -> None:
    """Prints for each radius and contrast the share that shows, by the difference from a stack without spots under the same noise."""
    torch.set_num_threads(1)
    network, phantom = Denoiser.read(model), Phantom()
    names = NAMES if network.slices > 1 else {"all slices": NAMES["all slices"]}
    heads = " | ".join(f"radius {radius}: {' / '.join(f'{c:+.0f}' for c in CONTRASTS)} sigma" for radius in RADII)
    print(f"| spots in | blend | {heads} |\n|---|---|{'---|' * len(RADII)}")
    for name, has in names.items():
        shares = np.zeros((len(BLENDS), len(RADII), len(CONTRASTS)))
        for seed in range(realisations):
            with_spots, without = (
                _enhanced(network, [phantom.acquired(np.random.default_rng([seed, at]), of) for at, of in enumerate(spots)])
                for spots in (has, (0, 0, 0))
            )
            shares += [phantom.contrasts(*pair) for pair in zip(with_spots, without)]
        for blend, share in zip(BLENDS, shares / realisations):
            cells = " | ".join(" / ".join(f"{value:.2f}" for value in of) for of in share)
            print(f"| {name} | {blend:.2f} | {cells} |", flush=True)
