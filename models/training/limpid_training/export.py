"""From trained weights to the ONNX file that limpid ships."""

from pathlib import Path

import numpy as np
import torch

from limpid_training import onnx_file
from limpid_training.network import Ffdr, network_of

TOLERANCE = 1e-4
"""Largest difference, in network units (0.1 HU), between the file and PyTorch."""


def export(network: Ffdr, path: Path) -> float:
    """Writes the file, reads it back and compares it with PyTorch on an odd batch of another size.

    Gives the largest difference in network units; raises ValueError beyond TOLERANCE.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx_file.write(network, path)
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.003, 0.09, (3, 1, 1, 1)) * np.ones((3, 1, 72, 104))
    image = rng.uniform(-1, 1, (3, 1, 1, 1)) + sigma * rng.standard_normal((3, 1, 72, 104))
    x = np.concatenate([image, sigma], axis=1).astype(np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(x)).numpy()
    difference = float(np.abs(onnx_file.OnnxNetwork(path)(x) - expected).max())
    if difference > TOLERANCE:
        raise ValueError(f"{path} differs from PyTorch by {difference:.2e} (allowed {TOLERANCE:.0e})")
    return difference


def load_weights(path: Path) -> Ffdr:
    return network_of(torch.load(path, map_location="cpu"))


def average(first: Path, second: Path, out: Path) -> None:
    """Mean of the weights of two networks of which one was trained on from the other: between their strengths, often above both."""
    weights = [torch.load(path, map_location="cpu") for path in (first, second)]
    torch.save({name: (value + weights[1][name]) / 2 for name, value in weights[0].items()}, out)
