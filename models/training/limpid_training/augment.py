"""Augmentations of a batch. They act on the clean patch and leave the noise as the physics made it: a warped or mixed noise
would be no noise of a scanner any more."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from limpid_training.patches import DRAWS, Batch

Augmentation = Callable[[np.random.Generator, Batch], Batch]


def _with_target(batch: Batch, target: torch.Tensor) -> Batch:
    """The batch with other clean patches under the same noise."""
    image = batch.x[:, :1] - batch.target + target
    x = torch.cat([image, batch.x[:, 1:]], 1).contiguous(memory_format=torch.channels_last)
    return Batch(x, target, batch.weight)


def _partners(rng: np.random.Generator, batch: Batch) -> torch.Tensor:
    """The clean patches in another order, the same for every draw."""
    clean = batch.target.chunk(DRAWS)[0]
    return torch.cat([clean[torch.from_numpy(rng.permutation(len(clean)))]] * DRAWS)


def mixup(rng: np.random.Generator, batch: Batch) -> Batch:
    """Weighted means of two clean patches."""
    share = float(rng.beta(0.4, 0.4))
    return _with_target(batch, share * batch.target + (1 - share) * _partners(rng, batch))


def cutmix(rng: np.random.Generator, batch: Batch) -> Batch:
    """A rectangle of another clean patch; its border is an edge that anatomy does not have."""
    side = batch.target.shape[-1]
    top, bottom, left, right = (*np.sort(rng.integers(0, side, 2)), *np.sort(rng.integers(0, side, 2)))
    target = batch.target.clone()
    target[:, :, top:bottom, left:right] = _partners(rng, batch)[:, :, top:bottom, left:right]
    return _with_target(batch, target)


def elastic(rng: np.random.Generator, batch: Batch) -> Batch:
    """Smooth displacements of a few pixels, one for all patches of the batch."""
    side = batch.target.shape[-1]
    shifts = torch.from_numpy(rng.normal(0, 3 * 2 / side, (1, 2, 4, 4)).astype(np.float32))
    field = functional.interpolate(shifts, side, mode="bicubic", align_corners=True)[0].permute(1, 2, 0)
    axis = torch.linspace(-1, 1, side)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1) + field
    moved = functional.grid_sample(
        batch.target, grid.expand(len(batch.target), -1, -1, -1), mode="bicubic", padding_mode="reflection", align_corners=True
    )
    return _with_target(batch, moved)


def intensity(rng: np.random.Generator, batch: Batch) -> Batch:
    """Contrasts times 0.6 to 1.6 about the mean, mean shifted by up to 100 units; one in ten is turned into its negative."""
    gain = float(rng.uniform(0.6, 1.6)) * (-1 if rng.random() < 0.1 else 1)
    mean = batch.target.mean((1, 2, 3), keepdim=True)
    return _with_target(batch, mean + gain * (batch.target - mean) + float(rng.uniform(-0.1, 0.1)))
