"""Bundles of fine lines in a water cylinder and in the air beside it: what a CT model keeps of them.

Trained for long, a network takes lines that lie side by side for streaks: folds of cloth, septa, line pairs. No mean over an image shows it.
"""

from pathlib import Path

import numpy as np
import torch

from limpid_training.contrast_phantom import Phantom, enhanced, on_ring
from limpid_training.line_bundles import line_bundle
from limpid_training.model_folder import Denoiser

SIDE = 48
CONTRASTS_HU, PERIODS_PIXELS = (30.0, 100.0, 200.0), (4.0, 6.0, 10.0)
RING_PIXELS = 120
CORNERS = ((28, 28), (28, 436), (436, 28), (436, 436))
IN_AIR = ((100.0, 4.0), (100.0, 8.0), (200.0, 4.0), (200.0, 8.0))
"""Contrast and period in each of CORNERS."""
LEVELS_HU = (12.0, 25.0)
BLENDS = (0.5, 1.0)


def _bundles() -> list[tuple[str, tuple[slice, slice], np.ndarray]]:
    """Name, place and lines in HU."""
    rng, found = np.random.default_rng(41), []

    def add(where: str, contrast: float, period: float, top: float, left: float) -> None:
        lines = line_bundle(rng, SIDE, period, contrast)(0.0)
        window = (slice(int(top), int(top) + SIDE), slice(int(left), int(left) + SIDE))
        found.append((f"{where}, {contrast:.0f} HU, every {period:.0f} pixels", window, lines))

    kinds = [(contrast, period) for contrast in CONTRASTS_HU for period in PERIODS_PIXELS]
    for at, (contrast, period) in enumerate(kinds):
        row, column = on_ring(RING_PIXELS, at / len(kinds))
        add("water", contrast, period, row - SIDE / 2, column - SIDE / 2)
    for (contrast, period), corner in zip(IN_AIR, CORNERS):
        add("air", contrast, period, *corner)
    return found


def _stack(image: np.ndarray, noises: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    middle, *beside = (image + noise for noise in noises)
    return middle, beside


def run(model: Path, realisations: int) -> None:
    """Prints for each bundle what stays of it: the fit of its lines to the difference from the phantom without lines under the same
    noise. A model of three slices sees the same lines in all of them."""
    torch.set_num_threads(1)
    network, phantom, bundles = Denoiser.read(model), Phantom(), _bundles()
    with_lines = phantom.empty.copy()
    for _, window, lines in bundles:
        with_lines[window] += lines
    kept: dict[tuple[float, float], list[np.ndarray]] = {}
    for level in LEVELS_HU:
        rng = np.random.default_rng(42)
        for _ in range(realisations):
            noises = [phantom.noise(rng, level) for _ in range(network.slices)]
            results = [enhanced(network, *_stack(image, noises), BLENDS) for image in (with_lines, phantom.empty)]
            for blend in BLENDS:
                difference = results[0][blend] - results[1][blend]
                shares = []
                for _, window, lines in bundles:
                    wave = lines - lines.mean()
                    shares.append(float((difference[window] * wave).sum() / (wave**2).sum()))
                kept.setdefault((level, blend), []).append(np.array(shares))
    heads = [f"{level:.0f} HU, blend {blend:.2f}" for level, blend in kept]
    print(f"| lines in | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|")
    means = [np.mean(of, axis=0) for of in kept.values()]
    for at, (name, _, _) in enumerate(bundles):
        print(f"| {name} | {' | '.join(f'{mean[at]:.2f}' for mean in means)} |", flush=True)
