"""Two CT models beside each other at every noise level, each at its card's default strength: is a fast one as good as a whole one?

Simulated sections of the held-out pool: there the truth has no noise, so that low levels can be told.
"""

from pathlib import Path

import numpy as np
import torch

from limpid_training import noise_estimate, quality
from limpid_training.evaluate import BLENDS, HIGH_STRENGTH
from limpid_training.model_folder import Denoiser
from limpid_training.pools import CT_STEPS

LEVELS_HU = (4, 6, 8, 12, 20, 30, 45, 60, 80)
LEAST_TISSUE = 30000
"""Pixels of soft tissue a section must have."""
SEED = 3


def _gains(network: Denoiser, image: np.ndarray, truth: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """dB over the input in the soft tissue: at the card's strength, at HIGH_STRENGTH, of the whole residual."""
    mask = noise_estimate.soft_tissue(image)
    sigma = noise_estimate.noise_map(image, mask, noise_estimate.sigma_mode(image, mask))
    output = network(np.clip(image, -1024, 3071), sigma)
    blended = {blend: quality.blend(image, output, blend, sigma, mask) for blend in BLENDS}
    before = noise_estimate.sigma_in_windows(image, image, mask)
    ratios = {blend: noise_estimate.sigma_in_windows(of, image, mask) / before for blend, of in blended.items()}
    region = mask & tissue

    def error(of: np.ndarray) -> float:
        return float(((of - truth)[region] ** 2).mean())

    shares = [min(network.most_blend, quality.blend_for(ratios, strength)) for strength in (network.strength, HIGH_STRENGTH)]
    results = [quality.blend(image, output, share, sigma, mask) for share in shares] + [blended[1.0]]
    return np.array([10 * np.log10(error(image) / error(result)) for result in results])


def run(model: Path, against: Path, pool: dict[str, np.ndarray], count: int) -> None:
    """Prints the gains of both, and the difference, over `count` sections a level."""
    torch.set_num_threads(1)
    first, second = Denoiser.read(model), Denoiser.read(against)
    rng = np.random.default_rng(SEED)
    clean = [section.astype(np.float32) / CT_STEPS for section in pool["clean"]]
    fitting = [i for i, section in enumerate(clean) if noise_estimate.soft_tissue(section).sum() > LEAST_TISSUE]
    print(f"gain in dB at the default / at strength {HIGH_STRENGTH:.2f} / whole residual; {count} sections a level")
    print(f"| noise, HU | {model.parent.name} | {against.parent.name} | less | least |\n|---|---|---|---|---|")
    for level in LEVELS_HU:
        rows = []
        for _ in range(count):
            section, kernel = fitting[int(rng.integers(len(fitting)))], int(rng.integers(pool["noise"].shape[1]))
            truth, noise = clean[section], pool["noise"][section, kernel].astype(np.float32)
            tissue = noise_estimate.soft_tissue(truth)
            image = truth + noise * (level / noise[tissue].std())
            rows.append([_gains(network, image, truth, tissue) for network in (first, second)])
        gains = np.array(rows)
        less = gains[:, 0] - gains[:, 1]
        cells = (gains[:, 0].mean(0), gains[:, 1].mean(0), less.mean(0), less.min(0))
        print(f"| {level} | {' | '.join(' / '.join(f'{value:+.2f}' for value in cell) for cell in cells)} |", flush=True)
