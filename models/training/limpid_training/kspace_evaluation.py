"""The MR network behind a real reconstruction: measured k-space, undersampled regularly, GRAPPA or SENSE, then enhanced.

The reference is the root sum of squares of all lines. With noise added before the sampling, the same data stand for a shorter
scan. At the strength that limpid would take for the noise it measures, no case may be worse than its input.
"""

from pathlib import Path

import numpy as np
import torch
import yaml

from limpid_training import noise_estimate, parallel_imaging, quality
from limpid_training.evaluate import BLENDS, MR_WINDOW
from limpid_training.mr_simulator import complex_noise
from limpid_training.model_folder import Denoiser

SETS = ("kspace-full-brain-8ch", "kspace-full-phantom-8ch")
ADDED = (0.0, 3.0)
"""Noise laid over k-space, in deviations of its own."""


def _own_noise(kspace: np.ndarray) -> np.ndarray:
    """Deviation of one real channel of each coil, from the corner of k-space."""
    rows, columns = (side // 8 for side in kspace.shape[1:])
    return kspace[:, :rows, :columns].real.std((1, 2))


def _reconstructions(kspace: np.ndarray):
    for r in (2, 3):
        yield f"GRAPPA R = {r}", parallel_imaging.root_sum_of_squares(
            parallel_imaging.to_images(parallel_imaging.grappa(kspace, r))
        )
    yield "SENSE R = 2", parallel_imaging.sense(kspace, 2)


def run_time_strength(card: dict, sigma: float) -> float:
    """The card's default strength at a noise of sigma permille."""
    scale = card["noise"]["MR"]
    return card["defaultStrength"] * min(1.0, max(0.0, (sigma - scale["a"]) / scale["b"]))


def run(model: Path, data: Path) -> bool:
    """Prints a table; gives whether no case is worse than its input at the blend of the run time."""
    torch.set_num_threads(1)
    network = Denoiser.read(model)
    card = yaml.safe_load(model.with_name("model.yaml").read_text())
    rng = np.random.default_rng(17)
    never_worse = True
    print("| data | noise added | reconstruction | input PSNR, SSIM | noise, permille | blend | gain dB, SSIM | gain at 0.5 | at 1 |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in SETS:
        full = np.load(data / "mr" / name / "kspace.npy")
        reference = parallel_imaging.root_sum_of_squares(parallel_imaging.to_images(full))
        top = float(np.quantile(reference, 0.995))
        for added in ADDED:
            noise = added * _own_noise(full)[:, None, None] * complex_noise(rng, full.shape)
            for method, image in _reconstructions(full + noise):
                image, truth = 1000 * image / top, 1000 * reference / top
                region = noise_estimate.mr_foreground(truth)
                mask = noise_estimate.mr_foreground(image)
                sigma = noise_estimate.sigma_mr(image, mask)
                sigma_map = noise_estimate.mr_noise_map(image, mask, sigma)
                output = network(image.astype(np.float32), sigma_map)

                def blended(share: float) -> np.ndarray:
                    return quality.blend(image, output, share, sigma_map, mask, over_mask=True)

                def figures(share: float) -> tuple[float, float]:
                    result = blended(share)
                    return quality.psnr(result[region], truth[region], MR_WINDOW), quality.ssim(result, truth, MR_WINDOW, region)

                levels = {share: noise_estimate.sigma_flat(blended(share), image, mask) for share in (0.0, *BLENDS)}
                ratios = {share: levels[share] / levels[0.0] for share in BLENDS}
                blend = min(quality.blend_for(ratios, run_time_strength(card, sigma)), network.most_blend(ratios[1.0]))
                before, taken, half, whole = (figures(share) for share in (0.0, blend, 0.5, 1.0))
                never_worse &= taken[0] >= before[0] - 0.005
                print(
                    f"| {name} | {added:g} | {method} | {before[0]:.2f}, {before[1]:.3f} | {sigma:.1f} | {blend:.2f} "
                    f"| {taken[0] - before[0]:+.2f}, {taken[1]:.3f} | {half[0] - before[0]:+.2f} | {whole[0] - before[0]:+.2f} |",
                    flush=True,
                )
    return never_worse
