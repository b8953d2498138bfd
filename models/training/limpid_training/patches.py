"""Random patches of a pool, with the noise level, the orientation and the error of the noise map drawn anew each time."""

from dataclasses import dataclass

import numpy as np
import torch

from limpid_training.network import UNIT
from limpid_training.pools import CT_STEPS, GRID

NOISE_HU = (3.0, 90.0)
PATCH = 96
BATCH = 16

MAP_ERROR = 0.15
"""Deviation of the logarithm of the noise map: the estimate at run time is 10 to 20 % wrong."""

LEVEL_OFFSET = 2.0
"""Added to the noise level where errors are weighted by it, so that nearly clean patches do not rule the loss."""


@dataclass(frozen=True)
class Patch:
    noisy: np.ndarray
    sigma: np.ndarray
    target: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Network units; weight turns an error in network units into one in units of the patch's noise."""

    x: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor


def _corner(rng: np.random.Generator, size: int) -> tuple[slice, slice]:
    row, column = rng.integers(0, (size - PATCH) // GRID + 1, 2) * GRID
    return slice(row, row + PATCH), slice(column, column + PATCH)


def _finer(grid: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
    coarse = grid[tuple(slice(side.start // GRID, side.stop // GRID) for side in window)].astype(np.float32)
    return np.kron(coarse, np.ones((GRID, GRID), np.float32))


def _ct_patch(rng: np.random.Generator, pool: dict[str, np.ndarray]) -> Patch:
    while True:
        section = rng.integers(len(pool["clean"]))
        window = _corner(rng, pool["clean"].shape[1])
        target = pool["clean"][section][window].astype(np.float32) / CT_STEPS
        if (target < -970).mean() <= 0.7 or rng.random() < 0.02:
            break
    kernel = rng.integers(pool["noise"].shape[1])
    noise = pool["noise"][section, kernel][window].astype(np.float32)
    sigma = _finer(pool["sigma"][section, kernel], window)
    level = np.exp(rng.uniform(*np.log(NOISE_HU))) / max(float(sigma.mean()), 1e-3)
    return Patch(target + level * noise, level * sigma, target)


def _mr_patch(rng: np.random.Generator, pool: dict[str, np.ndarray]) -> Patch:
    while True:
        pair = rng.integers(len(pool["target"]))
        window = _corner(rng, pool["target"].shape[1])
        target = pool["target"][pair][window].astype(np.float32)
        if target.mean() >= 20 or rng.random() < 0.02:
            break
    return Patch(pool["noisy"][pair][window].astype(np.float32), _finer(pool["sigma"][pair], window), target)


def _oriented(image: np.ndarray, orientation: int) -> np.ndarray:
    image = np.rot90(image, orientation % 4)
    return image.T if orientation >= 4 else image


def draw_batch(rng: np.random.Generator, pool: dict[str, np.ndarray], count: int = BATCH) -> Batch:
    draw = _ct_patch if "clean" in pool else _mr_patch
    x = np.empty((count, 2, PATCH, PATCH), np.float32)
    target = np.empty((count, 1, PATCH, PATCH), np.float32)
    weight = np.empty((count, 1, 1, 1), np.float32)
    for i in range(count):
        patch, orientation = draw(rng, pool), int(rng.integers(8))
        x[i, 0] = _oriented(patch.noisy, orientation) / UNIT
        x[i, 1] = _oriented(patch.sigma, orientation) / UNIT * np.exp(rng.normal(0, MAP_ERROR))
        target[i, 0] = _oriented(patch.target, orientation) / UNIT
        weight[i] = UNIT / (patch.sigma.mean() + LEVEL_OFFSET)
    return Batch(
        torch.from_numpy(x).contiguous(memory_format=torch.channels_last),
        torch.from_numpy(target),
        torch.from_numpy(weight),
    )
