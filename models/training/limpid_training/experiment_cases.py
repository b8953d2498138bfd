"""What every experiment is scored on: real slices of three scanners with their neighbours, and the contrast phantom.

Crops of 256 x 256 from the middle of the body keep the heavy yardsticks affordable. The noise is made once and kept in the
work folder, so that all experiments see the same.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import nn

from limpid_training import contrast_phantom, ct_simulator, noise_estimate, quality
from limpid_training.dicom_slices import modality_values
from limpid_training.evaluate import CT_WINDOW, body_region, matching_kernel
from limpid_training.model_folder import Kept
from limpid_training.network import UNIT

SERIES = (
    "ct/abdomen-3mm-siemens-biograph40-mct",
    "ct/chest-1mm-philips-brilliance16",
    "ct/chest-1.25mm-ge-ricord",
)
SLICES = (0.35, 0.7)
"""Places in the series, as shares of its length."""
DOSE = 0.25
SIDE = 256
BLENDS = (0.25, 0.5, 0.75, 1.0)
STRENGTHS = (0.5, 0.7)
"""Shares of the noise that go, as limpid reads them: at one blend a network that removes more would look better."""
PHANTOM_NOISE = 12.0
PHANTOM_DRAWS = 4


@dataclass(frozen=True)
class Real:
    """noisy: [slice][row][column], the middle one first; the rest [row][column]; HU."""

    name: str
    noisy: np.ndarray
    reference: np.ndarray
    sigma: np.ndarray
    region: np.ndarray
    soft: np.ndarray


def _crop(region: np.ndarray) -> tuple[slice, slice]:
    centre = [int(np.mean(axis)) for axis in np.nonzero(region)]
    starts = [min(max(0, at - SIDE // 2), side - SIDE) for at, side in zip(centre, region.shape)]
    return tuple(slice(start, start + SIDE) for start in starts)


def _real_case(rng: np.random.Generator, series: str, files: list[Path], number: int) -> Real:
    stack = [np.maximum(modality_values(files[number + offset])[0], -1024) for offset in (0, -1, 1)]
    pixel_mm = modality_values(files[number])[1]
    soft = noise_estimate.soft_tissue(stack[0])
    own, kernel = noise_estimate.sigma_blocks(stack[0], soft), matching_kernel(stack[0], soft)
    longest = np.percentile(ct_simulator.attenuation(stack[0]).sum(0), 99) * pixel_mm
    scan = ct_simulator.Scan(pixel_mm, photons=300 * np.exp(0.9 * longest), electronic=5)
    noisy = []
    for image in stack:
        noise = kernel.apply(ct_simulator.scan_noise(rng, image, scan))
        noisy.append(image + noise * (own * np.sqrt(1 / DOSE - 1) / noise[soft].std()))
    mask, sigma = noise_estimate.ct_tissue_and_noise(noisy[0])
    region = body_region(stack[0])
    window = _crop(region)
    cut = [np.stack(noisy)[(slice(None), *window)], stack[0][window], sigma[window], region[window], mask[window]]
    return Real(f"{series.split('/')[1]}/{files[number].stem}", *cut)


def real_cases(data: Path, work: Path) -> list[Real]:
    """From the folder of test data; kept in the work folder."""
    kept = work / "experiment-real.npz"
    if not kept.exists():
        rng, cases = np.random.default_rng(31), []
        for series in SERIES:
            files = sorted((data / series).glob("*.dcm"))
            for place in SLICES:
                cases.append(_real_case(rng, series, files, min(max(1, round(place * len(files))), len(files) - 2)))
        arrays = {f"{i}-{name}": value for i, case in enumerate(cases) for name, value in vars(case).items()}
        np.savez(kept, **arrays)
    loaded = np.load(kept)
    count = len({name.split("-")[0] for name in loaded.files})
    fields = ("noisy", "reference", "sigma", "region", "soft")
    return [Real(str(loaded[f"{i}-name"]), *(loaded[f"{i}-{name}"] for name in fields)) for i in range(count)]


def phantom_noise(work: Path) -> np.ndarray:
    """[draw][slice][row][column], of deviation 1 in the centre."""
    kept = work / "experiment-phantom.npy"
    if not kept.exists():
        rng, phantom = np.random.default_rng(32), contrast_phantom.Phantom()
        images = [
            [contrast_phantom.KERNEL.apply(ct_simulator.scan_noise(rng, phantom.image, contrast_phantom.SCAN)) for _ in range(3)]
            for _ in range(PHANTOM_DRAWS)
        ]
        centre = contrast_phantom.CENTRE
        np.save(kept, np.array([[image / image[centre].std() for image in draw] for draw in images], np.float32))
    return np.load(kept)


def _removed(
    network: nn.Module, stack: np.ndarray, sigma: np.ndarray, neighbours: bool, kept: Kept | None
) -> np.ndarray:
    """Residual of the middle slice in HU."""
    planes = [stack[0], sigma, *(stack[1:] if neighbours else ())]
    x = torch.from_numpy(np.clip(np.stack(planes), -1024, 3071)[None].astype(np.float32) / UNIT)
    device = next(network.parameters()).device
    with torch.no_grad():
        output = network.eval()(x.to(device, memory_format=torch.channels_last))
    removed = stack[0] - output[0, 0].cpu().numpy() * UNIT
    return removed if kept is None else removed - kept.share * ndimage.gaussian_filter(removed, kept.sigma, truncate=3)


def _score_real(case: Real, removed: np.ndarray) -> dict[str, float]:
    middle = case.noisy[0]

    def blended(share: float) -> np.ndarray:
        return quality.blend(middle, middle - removed, share, case.sigma, case.soft)

    def gain(image: np.ndarray) -> float:
        before, after = (quality.psnr(each[case.region], case.reference[case.region], CT_WINDOW) for each in (middle, image))
        return after - before

    def noise(image: np.ndarray) -> float:
        return noise_estimate.sigma_in_windows(image, middle, case.soft)

    ratios = {share: noise(blended(share)) / noise(middle) for share in BLENDS}
    full = blended(1.0)
    found = {"gain full": gain(full), "noise full": ratios[1.0]}
    found["structure"] = quality.residual_structure(middle, full, case.region & case.soft)
    for strength in STRENGTHS:
        image = blended(quality.blend_for(ratios, strength))
        found |= {f"gain {strength}": gain(image), f"ssim {strength}": quality.ssim(image, case.reference, CT_WINDOW)}
    return found


def _score_phantom(stacks: list[np.ndarray], removed: list[np.ndarray]) -> dict[str, float]:
    phantom, found = contrast_phantom.Phantom(), {}

    def figures(blend: float) -> contrast_phantom.Figures:
        return phantom.figures([stack[0] - blend * each for stack, each in zip(stacks, removed)])

    base = figures(0.0)
    ratios = {blend: figures(blend).noise / base.noise for blend in BLENDS}
    for strength in STRENGTHS:
        kept = figures(quality.blend_for(ratios, strength))
        found |= {
            f"noise {strength}": kept.noise / base.noise,
            f"texture {strength}": kept.texture / base.texture,
            f"disc 3 px {strength}": kept.discs[0] / base.discs[0],
            f"disc 5 px {strength}": kept.discs[2] / base.discs[2],
            f"edge 40 {strength}": kept.edges[1] / base.edges[1],
        }
    return found


def score(
    network: nn.Module, cases: list[Real], noise: np.ndarray, neighbours: bool, kept: Kept | None = None
) -> dict[str, float]:
    """Mean figures over the real cases and of the phantom."""
    real = [_score_real(case, _removed(network, case.noisy, case.sigma, neighbours, kept)) for case in cases]
    image = contrast_phantom.Phantom().image
    sigma = np.full(image.shape, PHANTOM_NOISE, np.float32)
    stacks = [image + PHANTOM_NOISE * draw for draw in noise]
    phantom = _score_phantom(stacks, [_removed(network, stack, sigma, neighbours, kept) for stack in stacks])
    found = {name: np.mean([figures[name] for figures in real]) for name in real[0]} | phantom
    return {name: float(value) for name, value in found.items()}
