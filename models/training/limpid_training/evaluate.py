"""Gain of a model on real slices of scanners that took no part in training, against oracle-tuned classical filters.

CT: noise is added so that the slice has the total noise of a quarter and of a tenth of its dose; its kernel is matched to
the slice. MR: the slice is acquired anew with R = 2 and 3. The reference is the slice as delivered, which is itself noisy:
a perfect denoiser loses here, so the best strength lies below 1. The network sees the noise map that is estimated from the
noisy slice, as at run time.
"""

import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
import torch
from scipy import ndimage

from limpid_training import classical, ct_simulator, mr_simulator, noise_estimate, quality
from limpid_training.onnx_file import OnnxNetwork

BLENDS = (0.25, 0.5, 0.75, 1.0)
CT_WINDOW = (-160.0, 240.0)
MR_WINDOW = (0.0, 1000.0)
DOSES = (0.25, 0.1)
ACQUISITIONS = (
    mr_simulator.Acquisition(r=2, zero_filling=1.0, sigma=0.03),
    mr_simulator.Acquisition(r=3, zero_filling=1.0, sigma=0.05),
    mr_simulator.Acquisition(r=2, zero_filling=1.5, sigma=0.04),
)


@dataclass
class Case:
    """One degraded slice. region is scored; mask is where noise is estimated and the mean kept."""

    name: str
    condition: str
    noisy: np.ndarray
    reference: np.ndarray
    region: np.ndarray
    mask: np.ndarray
    sigma_map: np.ndarray
    sigma_true: float
    sigma_estimated: float
    window: tuple[float, float]
    scores: dict[str, dict[str, float]] = field(default_factory=dict)

    def box(self) -> tuple[slice, slice]:
        """Bounding box of the region."""
        return ndimage.find_objects(self.region.astype(np.uint8))[0]

    def score(self, method: str, image: np.ndarray, parameter: float | None = None) -> float:
        box = self.box()
        gain = quality.psnr(image[self.region], self.reference[self.region], self.window)
        self.scores[method] = {
            "psnr": gain,
            "ssim": quality.ssim(image[box], self.reference[box], self.window),
            "bias": float((image - self.reference)[self.region & self.mask].mean()),
            "sigma_ratio": noise_estimate.sigma_blocks(image, self.mask)
            / noise_estimate.sigma_blocks(self.noisy, self.mask),
            "structure": quality.residual_structure(self.noisy, image, self.region & self.mask),
            "detail": quality.fine_detail_correlation(image, self.reference, self.region & self.mask),
        }
        if parameter is not None:
            self.scores[method]["parameter"] = parameter
        return gain


def _short_name(path: Path) -> str:
    return path.stem if path.parent.name in ("odd", "transfer-syntaxes") else f"{path.parent.name}/{path.stem}"


def _modality_values(path: Path) -> tuple[np.ndarray, float]:
    """Rescaled pixels and row spacing in mm."""
    instance = pydicom.dcmread(path)
    values = instance.pixel_array * float(instance.get("RescaleSlope", 1)) + float(instance.get("RescaleIntercept", 0))
    return values.astype(np.float32), float(instance.PixelSpacing[0])


def matching_kernel(image: np.ndarray, mask: np.ndarray) -> ct_simulator.Kernel:
    """Kernel whose noise has the image's ratio of the Laplacian to the block deviation."""
    measured = noise_estimate.sigma_laplace(image, mask) / noise_estimate.sigma_blocks(image, mask)
    rng = np.random.default_rng(5)
    raw = ct_simulator.backproject(rng.standard_normal((360, 384)).astype(np.float32), 256)
    everywhere = np.ones(raw.shape, bool)
    halves = (0.12, 0.16, 0.2, 0.25, 0.3, 0.36, 0.42)
    ratios = []
    for half in halves:
        noise = ct_simulator.Kernel(half).apply(raw)
        ratios.append(
            noise_estimate.sigma_laplace(noise, everywhere) / noise_estimate.sigma_blocks(noise, everywhere)
        )
    return ct_simulator.Kernel(float(np.interp(measured, ratios, halves)))


def _largest_part(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(ndimage.binary_opening(mask, iterations=3))
    return labels == 1 + int(np.argmax(ndimage.sum_labels(mask, labels, range(1, count + 1))))


def ct_cases(paths: list[Path]) -> Iterator[Case]:
    rng = np.random.default_rng(11)
    for path in paths:
        full, pixel_mm = _modality_values(path)
        full = np.maximum(full, -1024)
        soft = noise_estimate.soft_tissue(full)
        own = noise_estimate.sigma_blocks(full, soft)
        kernel = matching_kernel(full, soft)
        longest = np.percentile(ct_simulator.attenuation(full).sum(0), 99) * pixel_mm
        scan = ct_simulator.Scan(pixel_mm, photons=300 * np.exp(0.9 * longest), electronic=5)
        region = ndimage.binary_fill_holes(_largest_part(ndimage.gaussian_filter(full, 2) > -400))
        for dose in DOSES:
            noise = kernel.apply(ct_simulator.scan_noise(rng, full, scan))
            added = own * np.sqrt(1 / dose - 1)
            noisy = full + noise * (added / noise[soft].std())
            mask = noise_estimate.soft_tissue(noisy)
            level = noise_estimate.sigma_mode(noisy, mask)
            yield Case(
                name=_short_name(path),
                condition=f"dose {dose}",
                noisy=noisy,
                reference=full,
                region=region,
                mask=mask,
                sigma_map=noise_estimate.noise_map(noisy, mask, level, 2.0),
                sigma_true=float(np.hypot(own, added)),
                sigma_estimated=level,
                window=CT_WINDOW,
            )


def _central_square(image: np.ndarray) -> np.ndarray:
    side = min(image.shape) // 8 * 8
    top, left = ((full - side) // 2 for full in image.shape)
    return image[top : top + side, left : left + side]


def mr_cases(paths: list[Path]) -> Iterator[Case]:
    for number, path in enumerate(paths):
        image = _central_square(_modality_values(path)[0])
        clean = np.maximum(image / np.quantile(image, 0.995), 0)
        for how in ACQUISITIONS:
            pair = mr_simulator.simulate(np.random.default_rng([number, how.r]), clean, how)
            mask = noise_estimate.mr_foreground(pair.noisy)
            region = noise_estimate.mr_foreground(pair.target)
            level = noise_estimate.sigma_mr(pair.noisy, mask)
            yield Case(
                name=_short_name(path),
                condition=f"R {how.r}, zero filling {how.zero_filling}",
                noisy=pair.noisy,
                reference=pair.target,
                region=region,
                mask=mask,
                sigma_map=noise_estimate.noise_map(pair.noisy, mask, level, 2.5),
                sigma_true=float(np.sqrt((pair.sigma[region] ** 2).mean())),
                sigma_estimated=level,
                window=MR_WINDOW,
            )


def score_all(case: Case, network: OnnxNetwork, values: tuple[float, float]) -> None:
    """Scores input, network and classical filters; the network sees the image limited to `values`."""
    case.score("input", case.noisy)
    output = quality.denoise(network, np.clip(case.noisy, *values), case.sigma_map)
    for share in BLENDS:
        blended = quality.blend(case.noisy, output, share, case.sigma_map, case.mask)
        case.score(f"network {share:.2f}", blended)
    box = case.box()
    for method, options in classical.candidates():
        best = None
        for parameter, run in options:
            image = case.noisy.astype(np.float64)
            image[box] = run(image[box], case.sigma_true)
            gain = quality.psnr(image[case.region], case.reference[case.region], case.window)
            if best is None or gain > best[0]:
                best = (gain, parameter, image)
        case.score(method, best[2], best[1])


def _print_table(title: str, cases: list[Case]) -> None:
    print(f"\n{title}: {len(cases)} cases, input {np.mean([c.scores['input']['psnr'] for c in cases]):.2f} dB")
    print("| method | PSNR gain dB (least) | SSIM | bias | sigma out/in | residual structure | fine detail |")
    print("|---|---|---|---|---|---|---|")
    for method in cases[0].scores:
        gains = [case.scores[method]["psnr"] - case.scores["input"]["psnr"] for case in cases]
        mean = {key: np.mean([case.scores[method][key] for case in cases]) for key in cases[0].scores["input"]}
        print(
            f"| {method} | {np.mean(gains):+.2f} ({min(gains):+.2f}) | {mean['ssim']:.3f} | {mean['bias']:+.2f} "
            f"| {mean['sigma_ratio']:.2f} | {mean['structure']:+.2f} | {mean['detail']:.3f} |"
        )


def run(modality: str, model: Path, slices: list[Path], report: Path | None) -> None:
    """Evaluates a model on DICOM files and prints one table per condition."""
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    torch.set_num_threads(1)
    network = OnnxNetwork(model)
    make, values = (ct_cases, (-1024.0, 3071.0)) if modality == "ct" else (mr_cases, (0.0, np.inf))
    cases = []
    for case in make(slices):
        started = time.monotonic()
        score_all(case, network, values)
        cases.append(case)
        gains = [f"{m} {s['psnr'] - case.scores['input']['psnr']:+.2f}" for m, s in list(case.scores.items())[1:]]
        print(
            f"{case.name}, {case.condition}: sigma {case.sigma_estimated:.1f} of {case.sigma_true:.1f}; "
            f"{'; '.join(gains)} ({time.monotonic() - started:.0f} s)",
            flush=True,
        )
    for condition in dict.fromkeys(case.condition for case in cases):
        _print_table(condition, [case for case in cases if case.condition == condition])
    if modality == "mr":
        _print_table("all", cases)
    if report is not None:
        rows = [
            dict(slice=c.name, condition=c.condition, sigma_true=c.sigma_true, sigma_estimated=c.sigma_estimated,
                 scores=c.scores)
            for c in cases
        ]  # fmt: skip
        report.write_text(json.dumps(rows, indent=1))
