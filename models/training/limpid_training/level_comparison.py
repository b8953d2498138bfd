"""Two CT models beside each other at every noise level, each at its card's default strength: is a fast one as good as a whole one?

Simulated sections of a held-out pool: there the truth has no noise, so that low levels can be told. A model that sees three slices is
shown stacks; of them one that sees one slice is shown the middle.
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


def _as_stack(image: np.ndarray) -> np.ndarray:
    """[slice][row][column] of one slice, too."""
    return image.reshape(-1, *image.shape[-2:])


def _gains(network: Denoiser, stack: np.ndarray, truth: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """dB over the input in the soft tissue: at the card's strength, at HIGH_STRENGTH, of the whole residual. stack: the slice first."""
    image = stack[0]
    mask, sigma = noise_estimate.ct_tissue_and_noise(image)
    limited = np.clip(stack, -1024, 3071)
    output = network(limited[0], sigma, limited[1:] if len(stack) > 1 else None)

    def at(blend: float) -> np.ndarray:
        return quality.blend(image, output, network.shares(blend, image, sigma, mask), sigma, mask)

    blended = {blend: at(blend) for blend in BLENDS}
    before = noise_estimate.sigma_in_windows(image, image, mask)
    ratios = {blend: noise_estimate.sigma_in_windows(of, image, mask) / before for blend, of in blended.items()}
    region = mask & tissue

    def error(of: np.ndarray) -> float:
        return float(((of - truth)[region] ** 2).mean())

    shares = [min(network.most_blend(ratios[1.0]), quality.blend_for(ratios, strength)) for strength in (network.strength, HIGH_STRENGTH)]
    results = [at(share) for share in shares] + [blended[1.0]]
    return np.array([10 * np.log10(error(image) / error(result)) for result in results])


def run(model: Path, against: Path, pool: dict[str, np.ndarray], count: int) -> None:
    """Prints the gains of both, and the difference, over `count` sections a level."""
    torch.set_num_threads(1)
    first, second = Denoiser.read(model), Denoiser.read(against)
    rng = np.random.default_rng(SEED)
    clean = [_as_stack(section).astype(np.float32) / CT_STEPS for section in pool["clean"]]
    fitting = [i for i, stack in enumerate(clean) if noise_estimate.soft_tissue(stack[0]).sum() > LEAST_TISSUE]
    print(f"gain in dB at the default / at strength {HIGH_STRENGTH:.2f} / whole residual; {count} sections a level")
    print(f"| noise, HU | {model.parent.name} | {against.parent.name} | less | least |\n|---|---|---|---|---|")
    for level in LEVELS_HU:
        rows = []
        for _ in range(count):
            section, kernel = fitting[int(rng.integers(len(fitting)))], int(rng.integers(pool["noise"].shape[1]))
            truth, noise = clean[section][0], _as_stack(pool["noise"][section, kernel]).astype(np.float32)
            tissue = noise_estimate.soft_tissue(truth)
            stack = clean[section] + noise * (level / noise[0][tissue].std())
            rows.append([_gains(network, stack, truth, tissue) for network in (first, second)])
        gains = np.array(rows)
        less = gains[:, 0] - gains[:, 1]
        cells = (gains[:, 0].mean(0), gains[:, 1].mean(0), less.mean(0), less.min(0))
        print(f"| {level} | {' | '.join(' / '.join(f'{value:+.2f}' for value in cell) for cell in cells)} |", flush=True)
