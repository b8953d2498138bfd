"""What a CT model keeps of edges and faint discs: a water cylinder of 30 cm with known inserts, many realisations."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from limpid_training import ct_simulator, noise_estimate, quality
from limpid_training.onnx_file import OnnxNetwork

SIZE, PIXEL_MM = 512, 0.75
BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
LEVELS_HU = (12.0, 25.0)
EDGES_HU = (20, 40, 80, 200, 500)
EDGE_RADIUS = 14
FAINT = tuple((radius, hu) for radius in (3, 5, 8) for hu in (10, 20))
REPEATS = 4
KERNEL = ct_simulator.Kernel(0.25)


@dataclass(frozen=True)
class Insert:
    radius: float
    hu: float
    centre: tuple[float, float]

    def distance(self) -> np.ndarray:
        rows, columns = np.ogrid[:SIZE, :SIZE]
        return np.hypot(rows - self.centre[0], columns - self.centre[1])


def _on_ring(radius: float, turn: float) -> tuple[float, float]:
    middle = (SIZE - 1) / 2
    return middle + radius * np.sin(2 * np.pi * turn), middle + radius * np.cos(2 * np.pi * turn)


def _inserts() -> tuple[list[Insert], list[Insert]]:
    edges = [Insert(EDGE_RADIUS, hu, _on_ring(95, i / len(EDGES_HU))) for i, hu in enumerate(EDGES_HU)]
    places = len(FAINT) * REPEATS
    faint = [
        Insert(radius, hu, _on_ring(155, (i * REPEATS + k + 0.3) / places))
        for i, (radius, hu) in enumerate(FAINT)
        for k in range(REPEATS)
    ]
    return edges, faint


def _contrast(image: np.ndarray, insert: Insert) -> float:
    distance = insert.distance()
    inside = image[distance < max(1.5, 0.6 * insert.radius)].mean()
    around = image[(distance > insert.radius + 4) & (distance < insert.radius + 8)].mean()
    return float(inside - around)


def run(model: Path, realisations: int) -> None:
    """Prints a table: noise and its texture, edge sharpness and faint contrast kept at each blend, relative to blend 0."""
    torch.set_num_threads(1)
    network = OnnxNetwork(model)
    edges, faint = _inserts()
    middle = (SIZE - 1) / 2
    rows, columns = np.ogrid[:SIZE, :SIZE]
    phantom = np.where(np.hypot(rows - middle, columns - middle) < 200, 0.0, -1000.0)
    for insert in edges + faint:
        phantom[insert.distance() < insert.radius] = insert.hu
    phantom = ct_simulator.Kernel(0.32, 2.0).apply(phantom)
    centre = (slice(208, 304), slice(208, 304))
    scan = ct_simulator.Scan(PIXEL_MM, photons=2e6, views=360)
    print("| noise HU | blend | noise kept | texture | edge kept " + "/".join(map(str, EDGES_HU))
          + " HU | disc kept " + ", ".join(f"r{r} {hu} HU" for r, hu in FAINT) + " |")  # fmt: skip
    for level in LEVELS_HU:
        rng = np.random.default_rng(4)
        images: dict[float, list[np.ndarray]] = {share: [] for share in BLENDS}
        for _ in range(realisations):
            noise = KERNEL.apply(ct_simulator.scan_noise(rng, phantom, scan))
            noisy = phantom + noise * (level / noise[centre].std())
            mask = noise_estimate.soft_tissue(noisy)
            sigma = noise_estimate.noise_map(noisy, mask, noise_estimate.sigma_mode(noisy, mask), 2.0)
            output = quality.denoise(network, noisy, sigma)
            for share in BLENDS:
                images[share].append(quality.blend(noisy, output, share, sigma, mask))
        base = None
        for share, results in images.items():
            errors = [(image - phantom)[centre] for image in results]
            mean = np.mean(results, axis=0)
            figures = (
                np.mean([error.std() for error in errors]),
                np.mean([quality.noise_mean_frequency(error, PIXEL_MM) for error in errors]),
                np.array([quality.half_height_frequency(mean, e.centre, e.radius) for e in edges]),
                np.array([_contrast(mean, f) for f in faint]).reshape(-1, REPEATS).mean(1),
            )
            base = base or figures
            kept = [now / before for now, before in zip(figures, base)]
            print(
                f"| {level:.0f} | {share:.2f} | {kept[0]:.2f} | {kept[1]:.2f} | "
                f"{' / '.join(f'{v:.2f}' for v in kept[2])} | {', '.join(f'{v:.2f}' for v in kept[3])} |",
                flush=True,
            )
