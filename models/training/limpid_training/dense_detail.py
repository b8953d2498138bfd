"""Dense detail: real slices halved, so that four pixels' detail lies in one, under more noise than any of it.

What a slice shows then is at the edge of what a pixel can hold, and classical filters that compare whole patches are at their best.
"""

from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from limpid_training import classical, ct_simulator, noise_estimate, quality
from limpid_training.dicom_slices import modality_values, neighbours
from limpid_training.evaluate import CT_WINDOW, HIGH_STRENGTH, body_region
from limpid_training.model_folder import Denoiser

NOISE_HU = 40.0
BLENDS = (0.5, 0.75, 1.0)
KERNEL = ct_simulator.Kernel(0.25)
VIEWS, DETECTORS = 360, 512


def _halved(path: Path) -> np.ndarray:
    """Means of 2 x 2 pixels, HU."""
    full = np.maximum(modality_values(path)[0], -1024)
    rows, columns = (side // 2 for side in full.shape)
    return full[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3)).astype(np.float32)


def _noise(rng: np.random.Generator, side: int) -> np.ndarray:
    """The same everywhere, [row][column]."""
    return KERNEL.apply(ct_simulator.backproject(rng.standard_normal((VIEWS, DETECTORS)).astype(np.float32), side))


def _beside(rng: np.random.Generator, path: Path, clean: np.ndarray, noisy: np.ndarray, scale: float) -> list[np.ndarray] | None:
    """The slices before and after, halved, each with noise of its own; the noisy slice itself where one is missing."""
    found = neighbours(path, noisy, lambda file: _halved(file) + scale * _noise(rng, len(clean)))
    return found and found.values


def run(model: Path, slices: list[Path]) -> None:
    """Prints the gain in PSNR over the body for each square slice and their mean: the model at BLENDS and at HIGH_STRENGTH (no blend above
    1), then each classical filter with the parameter that is best for the slice."""
    torch.set_num_threads(1)
    network, rng, other = Denoiser.read(model), np.random.default_rng(21), np.random.default_rng(22)
    names = [name for name, _ in classical.candidates()]
    columns = [f"blend {blend:.2f}" for blend in BLENDS] + [f"strength {HIGH_STRENGTH:.2f}", *names]
    print(f"| slice | {' | '.join(columns)} |\n|---{'|---' * len(columns)}|")
    rows = []
    for path in slices:
        clean = _halved(path)
        noise = _noise(rng, len(clean))
        scale = NOISE_HU / noise[noise_estimate.soft_tissue(clean)].std()
        noisy = clean + scale * noise
        mask, sigma = noise_estimate.ct_tissue_and_noise(noisy)
        output = network(noisy, sigma, _beside(other, path, clean, noisy, scale) if network.slices > 1 else None)
        region = body_region(clean)

        def gain(image: np.ndarray) -> float:
            before, after = (quality.psnr(each[region], clean[region], CT_WINDOW) for each in (noisy, image))
            return after - before

        box = ndimage.find_objects(region.astype(np.uint8))[0]

        def filtered(how: classical.Filter) -> np.ndarray:
            image = noisy.astype(np.float64)
            image[box] = how(image[box], NOISE_HU)
            return image

        def blended(blend: float) -> np.ndarray:
            return quality.blend(noisy, output, network.shares(blend, noisy, sigma, mask), sigma, mask)

        tissue = noise_estimate.soft_tissue(noisy)

        def noise_of(image: np.ndarray) -> float:
            return noise_estimate.sigma_in_windows(image, noisy, tissue)

        before = noise_of(noisy)
        strong = quality.blend_for({blend: noise_of(blended(blend)) / before for blend in BLENDS}, HIGH_STRENGTH)
        row = [gain(blended(blend)) for blend in (*BLENDS, strong)]
        row += [max(gain(filtered(how)) for _, how in options) for _, options in classical.candidates()]
        rows.append(row)
        print(f"| {path.parent.name}/{path.stem} | {' | '.join(f'{value:+.2f}' for value in row)} |", flush=True)
    print(f"| mean | {' | '.join(f'{value:+.2f}' for value in np.mean(rows, axis=0))} |")
