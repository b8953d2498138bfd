"""What the ultrasound network does: speckle, edges and contrasts of a simulated phantom of known truth, then real images.

The blend is the one at which the asked share of the speckle in uniform tissue is gone, as at run time.
"""

from pathlib import Path

import numpy as np
import pydicom
import torch
from scipy import ndimage

from limpid_training import noise_estimate, quality, us_simulator
from limpid_training.contrast_phantom import on_ring
from limpid_training.fields import unit_grid
from limpid_training.model_folder import Denoiser

STRENGTHS = (0.4, 0.62)
SIZE, RADIUS = 256, 20.0
BACKGROUND_DB = -28.0
CONTRASTS_DB = (-30.0, -12.0, -6.0, 6.0, 12.0, 20.0)
REALISATIONS = 24
ROBUSTNESS_IMAGES = 8
GREY_RANGE = (0.0, 255.0)
PROBES = {
    "fine": us_simulator.Probe(axial=0.7, lateral=1.2, lateral_far=2.0, focus=0.5, floor_db=60),
    "coarse": us_simulator.Probe(axial=1.2, lateral=2.0, lateral_far=4.0, focus=0.3, floor_db=55),
}
DISPLAY = us_simulator.Display(range_db=60, gain_db=0, smoothing=0.5)


def speckle_mask(image: np.ndarray) -> np.ndarray:
    """Where the mean of 9 x 9 pixels is neither black nor white: elsewhere the display has cut the speckle off."""
    mean = ndimage.uniform_filter(image.astype(np.float64), 9)
    return (mean > 20) & (mean < 235)


def _phantom(probe_name: str, network: Denoiser) -> None:
    level = np.full((SIZE, SIZE), BACKGROUND_DB)
    rows, columns = unit_grid(SIZE)
    centres = [on_ring(75, i / len(CONTRASTS_DB), SIZE) for i in range(len(CONTRASTS_DB))]
    grid_rows, grid_columns = np.ogrid[:SIZE, :SIZE]
    for centre, contrast in zip(centres, CONTRASTS_DB):
        level[np.hypot(grid_rows - centre[0], grid_columns - centre[1]) < RADIUS] += contrast
    uniform = np.hypot(rows, columns) < 0.28
    rng = np.random.default_rng(6)
    inputs, outputs = [], []
    for _ in range(REALISATIONS):
        image = us_simulator.shown(rng, level, PROBES[probe_name], DISPLAY)
        inputs.append(image)
        outputs.append(network(image, noise_estimate.sigma_mode(image, speckle_mask(image))))
    images, cleaned = np.array(inputs), np.array(outputs)

    def figures(blend: float):
        mixed = images - blend * (images - cleaned)
        mean = mixed.mean(0)
        speckle = np.sqrt(mixed[:, uniform].var(0).mean())
        edges = [quality.half_height_frequency(mean, centre, RADIUS) for centre in centres]
        inner = [mean[np.hypot(grid_rows - y, grid_columns - x) < 0.6 * RADIUS].mean() - mean[uniform].mean() for y, x in centres]
        return speckle, np.array(edges), np.array(inner), mean[uniform].mean()

    base = figures(0.0)
    ratios = {blend: figures(blend)[0] / base[0] for blend in (0.25, 0.5, 0.75, 1.0)}
    for strength in STRENGTHS:
        blend = min(quality.blend_for(ratios, strength), network.most_blend(ratios[1.0]))
        now = figures(blend)
        print(
            f"| {probe_name} | {strength} | {blend:.2f} | {now[0] / base[0]:.2f} | "
            f"{' / '.join(f'{v:.2f}' for v in now[1] / base[1])} | {' / '.join(f'{v:.2f}' for v in now[2] / base[2])} "
            f"| {now[3] - base[3]:+.2f} |",
            flush=True,
        )


def grey_image(path: Path) -> np.ndarray:
    """The first frame; of colour images the pixels without colour, others black."""
    pixels = pydicom.dcmread(path).pixel_array
    instance = pydicom.dcmread(path, stop_before_pixels=True)
    pixels = pixels[0] if int(instance.get("NumberOfFrames", 1)) > 1 else pixels
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    pixels = pixels.astype(np.int16)
    if "YBR" in instance.PhotometricInterpretation:
        return np.where(np.abs(pixels[..., 1:] - 128).max(-1) <= 8, pixels[..., 0], 0).astype(np.float32)
    return np.where(np.ptp(pixels, axis=-1) <= 8, pixels[..., 0], 0).astype(np.float32)


def _real(path: Path, network: Denoiser) -> None:
    image = grey_image(path)
    mask = speckle_mask(image)
    sigma = noise_estimate.sigma_mode(image, mask)
    if not np.isfinite(sigma):
        print(f"| {path.stem} | speckle cannot be measured | | | | |")
        return
    output = network(image, sigma)

    def at(blend: float) -> np.ndarray:
        return quality.blend(image, output, blend, np.full(image.shape, sigma, np.float32), mask, over_mask=True)

    before = noise_estimate.sigma_in_windows(image, image, mask)
    ratios = {blend: noise_estimate.sigma_in_windows(at(blend), image, mask) / before for blend in (0.25, 0.5, 0.75, 1.0)}
    for strength in STRENGTHS:
        blend = min(quality.blend_for(ratios, strength), network.most_blend(ratios[1.0]))
        result = at(blend)
        steep = [np.hypot(*np.gradient(ndimage.gaussian_filter(part, 1.5))) for part in (image, result)]
        edges = mask & (steep[0] > np.quantile(steep[0][mask], 0.98))
        print(
            f"| {path.stem} | {sigma:.1f} | {strength} | {blend:.2f} | {noise_estimate.sigma_in_windows(result, image, mask) / before:.2f} "
            f"| {np.median(steep[1][edges] / steep[0][edges]):.2f} |",
            flush=True,
        )


def _robustness(network: Denoiser) -> None:
    """Falls of the figures at the card's strength, against the speckle-free image, when each pixel is 10 % further from it."""
    rng = np.random.default_rng(8)
    cines = [us_simulator.simulate(rng, draws=1) for _ in range(ROBUSTNESS_IMAGES)]

    def figures(louder: float) -> np.ndarray:
        found = []
        for cine in cines:
            image = np.clip(cine.target + louder * (cine.noisy[0] - cine.target), *GREY_RANGE).astype(np.float32)
            mask = speckle_mask(image)
            sigma = noise_estimate.sigma_mode(image, mask)
            output, bound = network(image, sigma), np.full(image.shape, sigma, np.float32)

            def at(blend: float) -> np.ndarray:
                return quality.blend(image, output, blend, bound, mask, over_mask=True)

            before = noise_estimate.sigma_in_windows(image, image, mask)
            ratios = {blend: noise_estimate.sigma_in_windows(at(blend), image, mask) / before for blend in (0.25, 0.5, 0.75, 1.0)}
            result = at(min(quality.blend_for(ratios, network.strength), network.most_blend(ratios[1.0])))
            found.append((quality.psnr(result, cine.target, GREY_RANGE), quality.ssim(result, cine.target, GREY_RANGE)))
        return np.mean(found, axis=0)

    before, after = figures(1.0), figures(1.1)
    print("\n| figure | as it is | 10 % more speckle | fall |\n|---|---|---|---|")
    for name, plain, louder in zip(("psnr", "ssim"), before, after):
        print(f"| {name} | {plain:.3f} | {louder:.3f} | {100 * (plain - louder) / plain:.1f} % |")


def run(model: Path, files: list[Path]) -> None:
    torch.set_num_threads(1)
    network = Denoiser.read(model)
    contrasts = " / ".join(f"{c:+g}" for c in CONTRASTS_DB)
    print(f"| probe | strength | blend | speckle kept | edge of {contrasts} dB kept | contrast kept | mean, grey values |")
    print("|---|---|---|---|---|---|---|")
    for name in PROBES:
        _phantom(name, network)
    print("\n| image | speckle | strength | blend | speckle kept | steepest edges kept |\n|---|---|---|---|---|---|")
    for path in files:
        _real(path, network)
    _robustness(network)
