"""Gain of a model on real slices of scanners that took no part in training, against oracle-tuned classical filters.

CT: noise is added so that the slice has the total noise of a quarter and of a tenth of its dose; its kernel is matched to
the slice. MR: the slice is acquired anew with R = 2 and 3. The reference is the slice as delivered, which is itself noisy:
a perfect denoiser loses here, so the best strength lies below 1. The network sees the noise map that is estimated from the
noisy slice, as at run time.
"""

import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from limpid_training import classical, ct_simulator, ct_stack, mr_simulator, noise_estimate, quality
from limpid_training.dicom_slices import modality_values, neighbours
from limpid_training.model_folder import Denoiser

BLENDS = (0.25, 0.5, 0.75, 1.0)
HIGH_STRENGTH = 0.7
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
    """One degraded slice. region is scored; mask is where noise is measured and the mean is kept; `estimate` gives the figure of the
    table, `compare` what the run time compares before and after to reach a strength; beside: the slices before and after, with noise of
    their own."""

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
    estimate: Callable[[np.ndarray, np.ndarray], float]
    compare: Callable[[np.ndarray], float]
    beside: list[np.ndarray] | None = None
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
            "sigma_ratio": self.estimate(image, self.mask) / self.estimate(self.noisy, self.mask),
            "structure": quality.residual_structure(self.noisy, image, self.region & self.mask),
            "detail": quality.fine_detail_correlation(image, self.reference, self.region & self.mask),
        }
        if parameter is not None:
            self.scores[method]["parameter"] = parameter
        return gain


def body_region(hu: np.ndarray) -> np.ndarray:
    """The largest body, lungs included."""
    body = ndimage.gaussian_filter(hu, 2) > -400
    labels, count = ndimage.label(ndimage.binary_opening(body, iterations=3))
    largest = 1 + int(np.argmax(ndimage.sum_labels(body, labels, range(1, count + 1))))
    return ndimage.binary_fill_holes(labels == largest)


def _ct_case(name: str, condition: str, noisy: np.ndarray, reference: np.ndarray, sigma_true: float) -> Case:
    mask = noise_estimate.soft_tissue(noisy)
    level = noise_estimate.sigma_mode(noisy, mask)
    sigma_map = noise_estimate.noise_map(noisy, mask, level)
    region, estimate = body_region(reference), noise_estimate.sigma_blocks

    def compare(image: np.ndarray) -> float:
        return noise_estimate.sigma_in_windows(image, noisy, mask)

    return Case(
        name, condition, noisy, reference, region, mask, sigma_map, sigma_true, level, CT_WINDOW, estimate, compare
    )


def _mr_case(name: str, condition: str, noisy: np.ndarray, reference: np.ndarray, sigma_true: float) -> Case:
    mask, region = noise_estimate.mr_foreground(noisy), noise_estimate.mr_foreground(reference)
    level = noise_estimate.sigma_mr(noisy, mask)
    sigma_map = noise_estimate.mr_noise_map(noisy, mask, level)
    estimate = noise_estimate.sigma_mr

    def compare(image: np.ndarray) -> float:
        return noise_estimate.sigma_flat(image, noisy, mask)

    return Case(
        name, condition, noisy, reference, region, mask, sigma_map, sigma_true, level, MR_WINDOW, estimate, compare
    )


def _short_name(path: Path) -> str:
    return path.stem if path.parent.name in ("odd", "transfer-syntaxes") else f"{path.parent.name}/{path.stem}"


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


def _beside(
    rng: np.random.Generator, path: Path, full: np.ndarray, noise: np.ndarray, scan: ct_simulator.Scan, kernel: ct_simulator.Kernel
) -> list[np.ndarray] | None:
    """Neighbours of a slice to which `noise` is added, with noise of the same kind, which shares with it what their overlap says."""
    stack = neighbours(path, full, lambda file: np.maximum(modality_values(file)[0], -1024))
    if stack is None:
        return None
    factor = ct_stack.Geometry(stack.thickness_mm, stack.spacing_mm, max(stack.thickness_mm, 0.1)).noise_factor()
    own = [kernel.apply(ct_simulator.scan_noise(rng, image, scan)) for image in stack.values]
    scale = noise.std() / own[0].std()
    drawn = [noise, *(scale * each for each in own)]
    return [
        full + noise if image is full else image + sum(share * each for share, each in zip(row, drawn))
        for image, row in zip(stack.values, factor[1:])
    ]


def ct_cases(paths: list[Path], louder: float = 1.0, stacks: bool = False) -> Iterator[Case]:
    """`louder`: factor of the noise, whose pattern stays the same; `stacks`: with the slices before and after, of series."""
    rng, other = np.random.default_rng(11), np.random.default_rng(12)
    for path in paths:
        full, pixel_mm = modality_values(path)
        full = np.maximum(full, -1024)
        soft = noise_estimate.soft_tissue(full)
        own = noise_estimate.sigma_blocks(full, soft)
        if not np.isfinite(own):
            raise ValueError(f"{path}: too little soft tissue to tell its own noise, of which the added noise is a multiple: take another slice")
        kernel = matching_kernel(full, soft)
        longest = np.percentile(ct_simulator.attenuation(full).sum(0), 99) * pixel_mm
        scan = ct_simulator.Scan(pixel_mm, photons=300 * np.exp(0.9 * longest), electronic=5)
        for dose in DOSES:
            noise = kernel.apply(ct_simulator.scan_noise(rng, full, scan))
            added = louder * own * np.sqrt(1 / dose - 1)
            noise *= added / noise[soft].std()
            case = _ct_case(_short_name(path), f"dose {dose}", full + noise, full, float(np.hypot(own, added)))
            if stacks:
                case.beside = _beside(other, path, full, noise, scan, kernel)
            yield case


def _central_square(image: np.ndarray) -> np.ndarray:
    side = min(image.shape) // 8 * 8
    top, left = ((full - side) // 2 for full in image.shape)
    return image[top : top + side, left : left + side]


def mr_cases(paths: list[Path], louder: float = 1.0, stacks: bool = False) -> Iterator[Case]:
    """As `ct_cases`; the slices before and after are acquired by the same receiver, with noise of their own."""
    for number, path in enumerate(paths):
        image = _central_square(modality_values(path)[0])
        top = np.quantile(image, 0.995)
        stack = neighbours(path, image, lambda file: _central_square(modality_values(file)[0])) if stacks else None
        for how in ACQUISITIONS:
            how = replace(how, sigma=louder * how.sigma)
            rng, other = (np.random.default_rng([number, how.r, *further]) for further in ((), (1,)))
            clean = np.maximum(image / top, 0)
            receiver = mr_simulator.random_receiver(rng, clean.shape[0], how)
            pair = mr_simulator.acquire(rng, clean, how, receiver)
            region = noise_estimate.mr_foreground(pair.target)
            sigma_true = float(np.sqrt((pair.sigma[region] ** 2).mean()))
            condition = f"R {how.r}, zero filling {how.zero_filling}"
            case = _mr_case(_short_name(path), condition, pair.noisy, pair.target, sigma_true)
            if stack is not None:
                case.beside = [
                    pair.noisy if each is image else mr_simulator.acquire(other, np.maximum(each / top, 0), how, receiver).noisy
                    for each in stack.values
                ]
            yield case


def paired_cases(modality: str, paths: list[Path], truths: list[Path]) -> Iterator[Case]:
    """Slices with their noise-free truth, as those of the demo: nothing is added."""
    make, region = (_ct_case, body_region) if modality == "ct" else (_mr_case, noise_estimate.mr_foreground)
    for path, truth in zip(paths, truths, strict=True):
        noisy, reference = modality_values(path)[0], modality_values(truth)[0]
        sigma_true = float((noisy - reference)[region(reference)].std())
        yield make(_short_name(path), "with truth", noisy, reference, sigma_true)


def score_network(case: Case, network: Denoiser, values: tuple[float, float]) -> None:
    """Scores input and network, which sees the image limited to `values`."""
    case.score("input", case.noisy)
    beside = None if case.beside is None else [np.clip(image, *values) for image in case.beside]
    output = network(np.clip(case.noisy, *values), case.sigma_map, beside)

    def blended(share: float) -> np.ndarray:
        shares = network.shares(share, case.noisy, case.sigma_map, case.mask)
        return quality.blend(case.noisy, output, shares, case.sigma_map, case.mask)

    before = case.compare(case.noisy)
    ratios = {share: case.compare(blended(share)) / before for share in BLENDS}
    for share in BLENDS:
        case.score(f"network, blend {share:.2f}", blended(share))
    for strength in (network.strength, HIGH_STRENGTH):
        share = min(quality.blend_for(ratios, strength), network.most_blend(ratios[1.0]))
        case.score(f"network, strength {strength:.2f}", blended(share), share)


def score_classical(case: Case) -> None:
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


def run(modality: str, model: Path, slices: list[Path], truths: list[Path] | None, report: Path | None) -> None:
    """Evaluates a model on DICOM files and prints one table per condition."""
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    torch.set_num_threads(1)
    network = Denoiser.read(model)
    values = (-1024.0, 3071.0) if modality == "ct" else (0.0, np.inf)
    if truths is not None:
        found = paired_cases(modality, slices, truths)
    else:
        found = (ct_cases if modality == "ct" else mr_cases)(slices, stacks=network.slices > 1)
    cases = []
    for case in found:
        started = time.monotonic()
        score_network(case, network, values)
        score_classical(case)
        cases.append(case)
        gains = [f"{m} {s['psnr'] - case.scores['input']['psnr']:+.2f}" for m, s in list(case.scores.items())[1:]]
        print(
            f"{case.name}, {case.condition}: sigma {case.sigma_estimated:.1f} of {case.sigma_true:.1f}; "
            f"{'; '.join(gains)} ({time.monotonic() - started:.0f} s)",
            flush=True,
        )
    conditions = list(dict.fromkeys(case.condition for case in cases))
    for condition in conditions:
        _print_table(condition, [case for case in cases if case.condition == condition])
    if len(conditions) > 1:
        _print_table("all", cases)
    if report is not None:
        keys = ("name", "condition", "sigma_true", "sigma_estimated", "scores")
        report.write_text(json.dumps([{key: getattr(case, key) for key in keys} for case in cases], indent=1))


LOUDER = 1.1


def robustness(modality: str, model: Path, slices: list[Path]) -> None:
    """Prints how far the figures of the result at the card's strength fall when the noise grows by 10 %, the mean over the cases."""
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    torch.set_num_threads(1)
    network = Denoiser.read(model)
    values = (-1024.0, 3071.0) if modality == "ct" else (0.0, np.inf)
    stacks = network.slices > 1
    method = f"network, strength {network.strength:.2f}"
    figures: dict[float, list[dict[str, float]]] = {}
    for louder in (1.0, LOUDER):
        figures[louder] = []
        for case in (ct_cases if modality == "ct" else mr_cases)(slices, louder, stacks):
            score_network(case, network, values)
            figures[louder].append(case.scores[method])
    print("| figure | as it is | 10 % more noise | fall |\n|---|---|---|---|")
    for name in ("psnr", "ssim", "detail"):
        before, after = (float(np.mean([scores[name] for scores in figures[louder]])) for louder in figures)
        print(f"| {name} | {before:.3f} | {after:.3f} | {100 * (before - after) / before:.1f} % |")
