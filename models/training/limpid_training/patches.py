"""Random patches of a pool, with the noise level, the orientation and the error of the noise map drawn anew each time.

Each clean patch comes with DRAWS realisations of its noise: what two outputs have in common is bias (contrast and edges
lost), what they differ in is noise that stayed. The loss weighs the two apart (`train.loss`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from limpid_training.line_bundles import random_bundle
from limpid_training.network import UNIT
from limpid_training.pools import CT_STEPS, GRID

NOISE_HU = (3.0, 110.0)
LOW_NOISE_HU = 10.0
PATCH = 96
BATCH = 8
DRAWS = 2

MAP_ERROR = 0.12
WRONG_MAP_ERROR = 0.5
WRONG_MAPS = 0.5
"""Deviation of the logarithm of the noise map: the estimate at run time is 10 to 20 % wrong, and for a share of the patches
(thin chest slices, dense abdomens) by far more, so that the network has to look at the noise itself."""

ONE_MISSING = 0.1
"""Share of stacks that lack a slice on one side, as the first and last slice of a series do."""

SINGLE_SHARE = 0.3
"""Share of the patches that are single slices, where slices have neighbours: a series of one must not be worse off."""

OTHER_LOUDNESS = 0.1
LOUDNESS = 0.4
"""Share of MR stacks whose neighbours are by far louder or fainter (deviation of the logarithm), as by a scale a slice that nobody undid."""

LEVEL_OFFSET = 2.0
"""Added to the noise level where errors are weighted by it, so that nearly clean patches do not rule the loss."""


@dataclass(frozen=True)
class Patch:
    """noisy and sigma: [draw][row][column]; target: [row][column]; neighbours: [draw][slice][row][column], as noisy as it; None: none,
    so that the slice stands in for them."""

    noisy: np.ndarray
    sigma: np.ndarray
    target: np.ndarray
    neighbours: np.ndarray | None = None


@dataclass(frozen=True)
class Levels:
    """How noisy and how dense CT patches are. low_noise: share whose noise is below LOW_NOISE_HU for certain; halved: share drawn at
    twice the side and halved."""

    low_noise: float = 0.0
    halved: float = 0.0

    def draw(self, rng: np.random.Generator) -> float:
        """HU: equally likely in every octave of NOISE_HU, but for `low_noise`."""
        highest = LOW_NOISE_HU if rng.random() < self.low_noise else NOISE_HU[1]
        return float(np.exp(rng.uniform(*np.log((NOISE_HU[0], highest)))))

    def is_halved(self, rng: np.random.Generator) -> bool:
        return self.halved > 0 and rng.random() < self.halved


@dataclass(frozen=True)
class Batch:
    """Network units. x and target: [draw x count, ...], draws of one patch `count` apart; weight turns an error in network
    units into one in units of the patch's noise."""

    x: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        moved = self.x.to(device, non_blocking=True, memory_format=torch.channels_last)
        return Batch(moved, self.target.to(device), self.weight.to(device))


def _corner(rng: np.random.Generator, size: int, side: int) -> tuple[slice, slice]:
    row, column = rng.integers(0, (size - side) // GRID + 1, 2) * GRID
    return slice(row, row + side), slice(column, column + side)


def _finer(grid: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
    coarse = grid[tuple(slice(side.start // GRID, side.stop // GRID) for side in window)].astype(np.float32)
    return np.kron(coarse, np.ones((GRID, GRID), np.float32))


def _ct_noise(rng: np.random.Generator, pool: dict[str, np.ndarray], section: int, window) -> tuple[np.ndarray, np.ndarray]:
    kernel = rng.integers(pool["noise"].shape[1])
    noise = pool["noise"][section, kernel][window].astype(np.float32)
    sigma = _finer(pool["sigma"][section, kernel], window)
    mean = max(float(sigma.mean()), 1e-3)
    return noise / mean, sigma / mean


def _halved(image: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels of [...][row][column]."""
    *others, rows, columns = image.shape
    return image.reshape(*others, rows // 2, 2, columns // 2, 2).mean((-3, -1))


def _clean_and_window(
    rng: np.random.Generator, clean: np.ndarray, middle: np.ndarray, side: int, halved: bool
) -> tuple[int, np.ndarray, tuple[slice, slice]]:
    """Which section of `clean`, a patch of it in HU (of twice the side, then halved, so that its detail is twice as dense) and the window
    its noise comes from; `middle`: the sections by which a window is judged."""
    section, window = _body_window(rng, middle, 2 * side if halved else side)
    patch = clean[section][(..., *window)].astype(np.float32) / CT_STEPS
    if not halved:
        return section, patch, window
    return section, _halved(patch), tuple(slice(each.start, each.start + side) for each in window)


def _body_window(rng: np.random.Generator, clean: np.ndarray, side: int) -> tuple[int, tuple[slice, slice]]:
    """A section of [section][row][column] and a window of it that is not mostly air."""
    while True:
        section = int(rng.integers(len(clean)))
        window = _corner(rng, clean.shape[1], side)
        if (clean[section][window] < -970 * CT_STEPS).mean() <= 0.7 or rng.random() < 0.02:
            return section, window


def _with_lines(rng: np.random.Generator, patch: Patch) -> Patch:
    """The lines lie a little aside in the slices before and after; all draws of a slice have the same."""
    side = patch.target.shape[0]
    lines, drift = random_bundle(rng, side, float(patch.sigma.mean())), rng.uniform(-1, 1)
    middle = lines(0.0)
    beside = None if patch.neighbours is None else patch.neighbours + np.stack([lines(-drift), lines(drift)])
    return Patch(patch.noisy + middle, patch.sigma, patch.target + middle, beside)


def _ct_patch(rng: np.random.Generator, pool: dict[str, np.ndarray], side: int, levels: Levels) -> Patch:
    section, target, window = _clean_and_window(rng, pool["clean"], pool["clean"], side, levels.is_halved(rng))
    # The first noise is the section's own, streaks through its bones included; further ones are of other sections.
    sections = [section, *rng.integers(len(pool["clean"]), size=DRAWS - 1)]
    drawn = [_ct_noise(rng, pool, number, window) for number in sections]
    level = levels.draw(rng)
    noise, sigma = (level * np.stack(part) for part in zip(*drawn))
    return Patch(target + noise, sigma, target)


def _stack_patch(rng: np.random.Generator, pool: dict[str, np.ndarray], side: int, levels: Levels) -> Patch:
    section, clean, window = _clean_and_window(rng, pool["clean"], pool["clean"][:, 0], side, levels.is_halved(rng))
    noise = pool["noise"][section][(slice(None), slice(None), *window)].astype(np.float32)
    sigma = np.stack([_finer(grid, window) for grid in pool["sigma"][section]])
    scale = levels.draw(rng) / np.maximum(sigma.mean((1, 2), keepdims=True), 1e-3)
    noisy = clean + scale[:, None] * noise
    return Patch(noisy[:, 0], scale * sigma, clean[0], noisy[:, _beside(rng)])


def _paired_patch(rng: np.random.Generator, pool: dict[str, np.ndarray], side: int, _: Levels) -> Patch:
    while True:
        pair = rng.integers(len(pool["target"]))
        window = _corner(rng, pool["target"].shape[1], side)
        target = pool["target"][pair][window].astype(np.float32)
        if target.mean() >= 20 or rng.random() < 0.02:
            break
    noisy = pool["noisy"][pair][(..., *window)].astype(np.float32)
    sigma = np.stack([_finer(pool["sigma"][pair], window)] * len(noisy))
    if noisy.ndim == 3:
        return Patch(noisy, sigma, target)
    loudness = np.exp(rng.normal(0, LOUDNESS, (1, 2, 1, 1))) if rng.random() < OTHER_LOUDNESS else 1
    return Patch(noisy[:, 0], sigma, target, loudness * noisy[:, _beside(rng)])


def _beside(rng: np.random.Generator) -> list[int]:
    """What is shown before and after the middle slice of a stack: now and then itself where one is missing, in either order."""
    neighbours = [0, 1] if rng.random() < ONE_MISSING else [1, 2]
    if rng.random() < 0.5:
        neighbours.reverse()
    return neighbours


def _oriented(image: np.ndarray, orientation: int) -> np.ndarray:
    image = np.rot90(image, orientation % 4, axes=(-2, -1))
    return image.swapaxes(-2, -1) if orientation >= 4 else image


def _map_error(rng: np.random.Generator) -> float:
    return float(np.exp(rng.normal(0, WRONG_MAP_ERROR if rng.random() < WRONG_MAPS else MAP_ERROR)))


def _patch_maker(pool: dict[str, np.ndarray]) -> Callable[[np.random.Generator, dict[str, np.ndarray], int, Levels], Patch]:
    if "clean" not in pool:
        return _paired_patch
    return _stack_patch if pool["clean"].ndim == 4 else _ct_patch


def draw_batch(
    rng: np.random.Generator,
    pool: dict[str, np.ndarray],
    count: int = BATCH,
    neighbours: bool = False,
    side: int = PATCH,
    levels: Levels = Levels(),
    single: dict[str, np.ndarray] | None = None,
    lines: float = 0.0,
    singles: float = SINGLE_SHARE,
) -> Batch:
    """`count` patches of `side` pixels (a multiple of GRID), each with DRAWS noises; with `neighbours` the slices before and after
    follow the map, or the slice itself where it has none. `levels`: noise and density of CT patches.
    `single`: another pool, of which a share of `singles` of the patches are. `lines`: share of the patches with bundles of lines."""
    x = np.empty((DRAWS, count, 4 if neighbours else 2, side, side), np.float32)
    target = np.empty((count, 1, side, side), np.float32)
    weight = np.empty((count, 1, 1, 1), np.float32)
    for i in range(count):
        source = single if single is not None and rng.random() < singles else pool
        patch, orientation = _patch_maker(source)(rng, source, side, levels), int(rng.integers(8))
        if lines > 0 and rng.random() < lines:
            patch = _with_lines(rng, patch)
        x[:, i, 0] = _oriented(patch.noisy, orientation) / UNIT
        for draw in range(DRAWS):
            x[draw, i, 1] = _oriented(patch.sigma[draw], orientation) / UNIT * _map_error(rng)
        if neighbours:
            beside = patch.noisy[:, None] if patch.neighbours is None else patch.neighbours
            x[:, i, 2:] = _oriented(beside, orientation) / UNIT
        target[i, 0] = _oriented(patch.target, orientation) / UNIT
        weight[i] = UNIT / (patch.sigma.mean() + LEVEL_OFFSET)
    return Batch(
        torch.from_numpy(x.reshape(DRAWS * count, *x.shape[2:])).contiguous(memory_format=torch.channels_last),
        torch.from_numpy(np.concatenate([target] * DRAWS)),
        torch.from_numpy(np.concatenate([weight] * DRAWS)),
    )
