"""Before, after and difference of real slices at a clinical window, to be looked at. Real images are not for publication: the sheet goes
wherever the caller says, never into the repository."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from limpid_training import noise_estimate, quality, us_evaluation
from limpid_training.dicom_slices import modality_values, neighbours
from limpid_training.model_folder import Denoiser

SIDE = 420
BLENDS = (0.25, 0.5, 0.75, 1.0)
WINDOWS = {"ct": (-160, 240, 50), "mr": (0, 1000, 100), "us": (0, 255, 40)}
"""Black, white, and what of a difference is black and white."""


def _enhanced(modality: str, image: np.ndarray, network: Denoiser, strength: float, beside: list[np.ndarray] | None) -> np.ndarray:
    if modality == "ct":
        mask, sigma = noise_estimate.ct_tissue_and_noise(image)
    elif modality == "us":
        mask = us_evaluation.speckle_mask(image)
        sigma = np.full(image.shape, noise_estimate.sigma_mode(image, mask), np.float32)
    else:
        mask = noise_estimate.mr_foreground(image)
        sigma = noise_estimate.mr_noise_map(image, mask, noise_estimate.sigma_mr(image, mask))
    least = -1024 if modality == "ct" else -np.inf
    output = network(np.maximum(image, least), sigma, beside and [np.maximum(each, least) for each in beside])

    def at(blend: float) -> np.ndarray:
        return quality.blend(image, output, network.shares(blend, image, sigma, mask), sigma, mask, over_mask=modality != "ct")

    def level_of(result: np.ndarray) -> float:
        return noise_estimate.sigma_flat(result, image, mask) if modality == "mr" else noise_estimate.sigma_in_windows(result, image, mask)

    before = level_of(image)
    ratios = {blend: level_of(at(blend)) / before for blend in BLENDS}
    return at(min(quality.blend_for(ratios, strength), network.most_blend(ratios[1.0])))


def _panel(image: np.ndarray, low: float, high: float) -> np.ndarray:
    grey = (np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    enlarged = max(1, SIDE // max(grey.shape))
    grey = grey.repeat(enlarged, 0).repeat(enlarged, 1)
    top, left = (max(0, (side - SIDE) // 2) for side in grey.shape)
    grey = grey[top : top + SIDE, left : left + SIDE]
    return np.pad(grey, [(0, SIDE - side) for side in grey.shape])


def write(modality: str, model: Path, slices: list[Path], strength: float | None, out: Path) -> None:
    """One row a slice: before, after at the card's or the given strength, and before less after."""
    torch.set_num_threads(1)
    network = Denoiser.read(model)
    rows = []
    for path in slices:
        image = us_evaluation.grey_image(path) if modality == "us" else modality_values(path)[0]
        factor = 1000 / np.quantile(image, 0.995) if modality == "mr" else 1
        image = factor * image
        stack = neighbours(path, image, lambda file: factor * modality_values(file)[0]) if network.slices > 1 else None
        after = _enhanced(modality, image, network, strength or network.strength, stack and stack.values)
        low, high, reach = WINDOWS[modality]
        rows.append(np.hstack([_panel(image, low, high), _panel(after, low, high), _panel(image - after, -reach, reach)]))
    Image.fromarray(np.vstack(rows)).save(out)
