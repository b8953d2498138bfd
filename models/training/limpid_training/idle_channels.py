"""Inner channels that nothing gets past their ReLU: found by what a network is shown, and left out of it.

Training leaves some pairs of convolutions with few channels in use (the first of `ct-low-dose` 13 of 48). An engine computes the others all
the same, in blocks. Chosen by simulated material, drawn patterns and every other slice that is given; all slices and held-out material confirm
that the output stays.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from limpid_training import noise_estimate, patches
from limpid_training.dicom_slices import modality_values
from limpid_training.export import BLOCK, TOLERANCE
from limpid_training.network import UNIT, Ffdr, network_of

DRAWN_BATCHES = 40
SEED = 17
SIDE = 96
MAP_ERRORS = (0.25, 0.5, 1.0, 2.0)
"""A real slice is shown with its noise map times each."""
NOISES = (0.5, 4.0, 12.0, 40.0)
CONTRASTS = (30.0, 300.0, 3000.0)
PERIODS = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 1000.0)
"""Pixels of a stripe and its gap; the last: one edge."""
ANGLES = np.linspace(0, np.pi, 12, endpoint=False)


def _shown(image: np.ndarray, sigma: np.ndarray | float) -> torch.Tensor:
    return torch.from_numpy(np.stack([image, np.broadcast_to(sigma, image.shape)], axis=-3).astype(np.float32) / UNIT)


def patterns() -> Iterator[torch.Tensor]:
    """Edges and stripes of every contrast, period and direction, and isolated points, each with and without noise, under maps of all levels."""
    rng = np.random.default_rng(SEED)
    rows, columns = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.3
    drawn = [np.sin(2 * np.pi * (rows * np.sin(a) + columns * np.cos(a)) / period) > 0 for a, period in product(ANGLES, PERIODS)]
    drawn += [(rows.astype(int) % step == 0) & (columns.astype(int) % step == 0) for step in (3, 7, 16)]
    for level, contrast in product(NOISES, CONTRASTS):
        clean = contrast * np.array(drawn) - (1000 if contrast > 1000 else 0)
        noise = level * rng.standard_normal(clean.shape)
        for image in (clean, contrast - clean, clean + noise):
            yield _shown(image[:, None], level)[:, 0]


def drawn_patches(pool: dict[str, np.ndarray], seed: int) -> Iterator[torch.Tensor]:
    rng = np.random.default_rng(seed)
    for _ in range(DRAWN_BATCHES):
        yield patches.draw_batch(rng, pool).x.contiguous()


def real_slices(modality: str, files: Iterable[Path]) -> Iterator[torch.Tensor]:
    """As delivered, with their estimated noise map and wrong ones."""
    for file in files:
        image = modality_values(file)[0]
        image = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
        if modality == "ct":
            image = np.clip(image, -1024, 3071)
            mask, sigma = noise_estimate.ct_tissue_and_noise(image)
        else:
            image = image * (UNIT / np.quantile(image, 0.995))
            mask = noise_estimate.mr_foreground(image)
            sigma = noise_estimate.mr_noise_map(image, mask, noise_estimate.sigma_mr(image, mask))
        for error in MAP_ERRORS:
            yield _shown(image, error * sigma)[None]


@torch.no_grad()
def strongest(network: Ffdr, inputs: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """For each pair [channel]: the most that a channel adds to any of the sums behind it, network units."""
    most = [torch.zeros(first.out_channels) for first in network.body[0::2]]
    for x in inputs:
        hidden = functional.relu(network.head(x))
        for number, (first, second) in enumerate(zip(network.body[0::2], network.body[1::2])):
            inner = functional.relu(first(hidden))
            hidden = hidden + second(inner)
            most[number] = torch.maximum(most[number], inner.amax((0, 2, 3)) * second.weight.abs().amax((0, 2, 3)))
    return most


def without(network: Ffdr, most: list[torch.Tensor], limit: float) -> Ffdr:
    """The network without channels that add at most `limit`: of each pair the strongest stay, in whole blocks, one at least."""
    weights = dict(network.state_dict())
    for number, of in enumerate(most):
        count = max(1, -(-int((of > limit).sum()) // BLOCK)) * BLOCK
        kept = of.argsort(descending=True)[:count].sort().values
        first, second = f"body.{2 * number}.weight", f"body.{2 * number + 1}.weight"
        weights[first], weights[second] = weights[first][kept], weights[second][:, kept]
    return network_of(weights)


@torch.no_grad()
def difference(first: Ffdr, second: Ffdr, inputs: Iterable[torch.Tensor]) -> float:
    """Largest, network units."""
    return max(float((first(x) - second(x)).abs().max()) for x in inputs)


def run(modality: str, network: Ffdr, pools: tuple[dict[str, np.ndarray], dict[str, np.ndarray]], files: list[Path], limit: float) -> Ffdr:
    """`pools`: to choose by, and another to confirm. Raises ValueError where any output differs by more than TOLERANCE."""
    if network.head.in_channels > 2:
        raise ValueError("only networks of single slices are trimmed: train one of three slices on from one without idle channels")
    torch.set_num_threads(1)
    choosing = (drawn_patches(pools[0], SEED), patterns(), real_slices(modality, files[::2]))
    most = strongest(network.eval(), (x for of in choosing for x in of))
    smaller = without(network, most, limit).eval()
    for number, (of, layer) in enumerate(zip(most, smaller.body[0::2])):
        kept = layer.out_channels
        dropped = float(of.sort(descending=True).values[kept:].max()) if kept < len(of) else 0.0
        print(f"pair {number + 1}: {int((of > 0).sum())} of {len(of)} channels in use, {kept} kept, those left out add at most {dropped:.1e}")
    shown = {"held-out patches": drawn_patches(pools[1], SEED + 1), "patterns": patterns(), f"{len(files)} slices": real_slices(modality, files)}
    for what, inputs in shown.items():
        largest = difference(network, smaller, inputs)
        print(f"{what}: output differs by at most {largest:.1e} (allowed {TOLERANCE:.0e})", flush=True)
        if largest > TOLERANCE:
            raise ValueError(f"the channels left out are in use: {what}")
    return smaller
