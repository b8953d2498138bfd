"""What a CT model keeps of edges and faint discs: a water cylinder of 30 cm with known inserts, many realisations.

A model that sees three slices is shown the same inserts in all of them, then inserts that one slice has alone: in the middle one they
must stay, in a neighbour they must not show.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from limpid_training import ct_simulator, noise_estimate, quality
from limpid_training.model_folder import Denoiser

SIZE, PIXEL_MM = 512, 0.75
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
LEVELS_HU = (12.0, 25.0)
EDGES_HU = (20, 40, 80, 200, 500)
EDGE_RADIUS = 14
FAINT = tuple((radius, hu) for radius in (3, 5, 8) for hu in (10, 20))
REPEATS = 4
KERNEL = ct_simulator.Kernel(0.25)
SCAN = ct_simulator.Scan(PIXEL_MM, photons=2e6, views=360)
CENTRE = (slice(208, 304), slice(208, 304))


@dataclass(frozen=True)
class Insert:
    radius: float
    hu: float
    centre: tuple[float, float]

    def distance(self) -> np.ndarray:
        rows, columns = np.ogrid[:SIZE, :SIZE]
        return np.hypot(rows - self.centre[0], columns - self.centre[1])


@dataclass(frozen=True)
class Figures:
    """noise: HU; texture: mean frequency, 1/mm; edges: frequency of 50 % for each of EDGES_HU, 1/pixel; discs: contrast for
    each of FAINT, HU; shift: mean of the centre, HU."""

    noise: float
    texture: float
    edges: np.ndarray
    discs: np.ndarray
    shift: float


def on_ring(radius: float, turn: float, size: int = SIZE) -> tuple[float, float]:
    """Row and column of a place around the middle of a size x size image; turn from 0 to 1."""
    middle = (size - 1) / 2
    return middle + radius * np.sin(2 * np.pi * turn), middle + radius * np.cos(2 * np.pi * turn)


def _contrast(image: np.ndarray, insert: Insert) -> float:
    distance = insert.distance()
    inside = image[distance < max(1.5, 0.6 * insert.radius)].mean()
    around = image[(distance > insert.radius + 4) & (distance < insert.radius + 8)].mean()
    return float(inside - around)


class Phantom:
    """The cylinder as a scanner with a soft kernel would show it without noise, `image` in HU; `empty`: without its inserts."""

    def __init__(self) -> None:
        self._edges = [Insert(EDGE_RADIUS, hu, on_ring(95, i / len(EDGES_HU))) for i, hu in enumerate(EDGES_HU)]
        places = len(FAINT) * REPEATS
        self._faint = [
            Insert(radius, hu, on_ring(155, (i * REPEATS + k + 0.3) / places))
            for i, (radius, hu) in enumerate(FAINT)
            for k in range(REPEATS)
        ]
        middle = (SIZE - 1) / 2
        rows, columns = np.ogrid[:SIZE, :SIZE]
        drawn = np.where(np.hypot(rows - middle, columns - middle) < 200, 0.0, -1000.0)
        for insert in self._edges + self._faint:
            drawn[insert.distance() < insert.radius] = insert.hu
        soft = ct_simulator.Kernel(0.32, 2.0)
        self.empty = soft.apply(np.where(np.hypot(rows - middle, columns - middle) < 200, 0.0, -1000.0))
        self.image = soft.apply(drawn)

    def noise(self, rng: np.random.Generator, level: float) -> np.ndarray:
        """Of a scan, `level` HU in the centre."""
        noise = KERNEL.apply(ct_simulator.scan_noise(rng, self.image, SCAN))
        return noise * (level / noise[CENTRE].std())

    def contrasts(self, images: list[np.ndarray]) -> np.ndarray:
        """Of the mean of realisations, HU: each of FAINT, then each of EDGES_HU."""
        mean = np.mean(images, axis=0)
        faint = np.array([_contrast(mean, insert) for insert in self._faint]).reshape(-1, REPEATS).mean(1)
        return np.append(faint, [_contrast(mean, insert) for insert in self._edges])

    def figures(self, images: list[np.ndarray]) -> Figures:
        """Of realisations: noise and texture of each, edges and discs of their mean."""
        errors = [(image - self.image)[CENTRE] for image in images]
        mean = np.mean(images, axis=0)
        return Figures(
            noise=float(np.mean([error.std() for error in errors])),
            texture=float(np.mean([quality.noise_mean_frequency(error, PIXEL_MM) for error in errors])),
            edges=np.array([quality.half_height_frequency(mean, e.centre, e.radius) for e in self._edges]),
            discs=np.array([_contrast(mean, f) for f in self._faint]).reshape(-1, REPEATS).mean(1),
            shift=float(np.mean([error.mean() for error in errors])),
        )


def enhanced(network: Denoiser, noisy: np.ndarray, beside: list[np.ndarray], blends: Sequence[float] = STRENGTHS) -> dict[float, np.ndarray]:
    """At each blend. beside: the slices before and after; none: the slice stands in for them."""
    mask, sigma = noise_estimate.ct_tissue_and_noise(noisy)
    output = network(noisy, sigma, beside or None)
    return {share: quality.blend(noisy, output, network.shares(share, noisy, sigma, mask), sigma, mask) for share in blends}


def _gathered(made: Iterable[dict[float, np.ndarray]]) -> dict[float, list[np.ndarray]]:
    images: dict[float, list[np.ndarray]] = {share: [] for share in STRENGTHS}
    for each in made:
        for share, image in each.items():
            images[share].append(image)
    return images


def _kept_everywhere(network: Denoiser, phantom: Phantom, noises: list[list[np.ndarray]], level: float) -> None:
    """noises: of each realisation the slice's, then its neighbours'."""
    stacks = [[phantom.image + noise for noise in stack] for stack in noises]
    noisy = [stack[0] for stack in stacks]
    images = _gathered(enhanced(network, middle, beside) for middle, *beside in stacks)
    base = phantom.figures(images[0.0])
    for share, results in images.items():
        now = phantom.figures(results)
        shifts = [float((result - before)[CENTRE].mean()) for result, before in zip(results, noisy)]
        print(
            f"| {level:.0f} | {share:.2f} | {now.noise / base.noise:.2f} | {now.texture / base.texture:.2f} | "
            f"{' / '.join(f'{v:.2f}' for v in now.edges / base.edges)} | "
            f"{', '.join(f'{v:.2f}' for v in now.discs / base.discs)} | {np.mean(shifts):+.2f} ({max(shifts, key=abs):+.2f}) |",
            flush=True,
        )


def _in_one_slice(network: Denoiser, phantom: Phantom, noises: list[list[np.ndarray]], level: float) -> None:
    """Inserts of the middle slice alone, of the slice before alone, of both neighbours: what shows of them, by the difference from a
    stack without inserts under the same noise."""

    def seen(*has: int) -> dict[float, np.ndarray]:
        stacks = ([(phantom.image if of else phantom.empty) + noise for of, noise in zip(has, stack)] for stack in noises)
        images = _gathered(enhanced(network, middle, beside) for middle, *beside in stacks)
        return {share: phantom.contrasts(of) for share, of in images.items()}

    whole, without = phantom.contrasts([phantom.image]), seen(0, 0, 0)
    for place, has in {"this slice": (1, 0, 0), "the slice before": (0, 1, 0), "both neighbours": (0, 1, 1)}.items():
        for share, contrasts in seen(*has).items():
            cells = (", ".join(f"{v:+.3f}" for v in part) for part in np.split((contrasts - without[share]) / whole, [len(FAINT)]))
            print(f"| {place} | {level:.0f} | {share:.2f} | {' | '.join(cells)} |", flush=True)


def run(model: Path, realisations: int, alone: bool = False) -> None:
    """Prints a table: noise and its texture, edge sharpness and faint contrast kept at each blend, relative to blend 0; for a model that
    sees three slices a second one of inserts in one slice alone. `alone`: it is shown single slices."""
    torch.set_num_threads(1)
    network, phantom = Denoiser.read(model), Phantom()
    faint = ", ".join(f"r{r} {hu} HU" for r, hu in FAINT)
    stacked = network.slices > 1 and not alone
    print("| noise HU | blend | noise kept | texture | edge kept " + "/".join(map(str, EDGES_HU))
          + f" HU | disc kept {faint} | shift HU, mean (worst) |")  # fmt: skip
    noises = {}
    for level in LEVELS_HU:
        rng, other = np.random.default_rng(4), np.random.default_rng(14)
        noises[level] = [
            [phantom.noise(rng, level), *(phantom.noise(other, level) for _ in range(2 if stacked else 0))] for _ in range(realisations)
        ]
        _kept_everywhere(network, phantom, noises[level], level)
    if stacked:
        print(f"\n| inserts in | noise HU | blend | share seen of discs {faint} | of cylinders " + "/".join(map(str, EDGES_HU)) + " HU |")
        for level, drawn in noises.items():
            _in_one_slice(network, phantom, drawn, level)
