"""From trained weights to the ONNX file that limpid ships."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

from limpid_training import onnx_file
from limpid_training.network import Ffdr, network_of

BLOCK = 16
"""Channels that onnxruntime computes together on a processor with AVX-512: fewer cost as much."""

TOLERANCE = 1e-4
"""Largest difference, in network units (0.1 HU), between the file and PyTorch."""


class Exported(nn.Module):
    """An FFDR whose last convolution, 3x3 to four channels, is taken apart: along the columns (3x1) to three parts of each of the
    four, then along the rows (1x3), which adds the parts up. The same sums; in blocks of BLOCK channels the one convolution
    computes 16 for its four, the two 16 for 12 of a third of the size.
    """

    def __init__(self, network: Ffdr) -> None:
        super().__init__()
        self.head, self.body, self.hidden = network.head, network.body, network.hidden
        tail = network.tail.weight.detach()
        outputs, width = tail.shape[:2]
        self.columns = nn.Conv2d(width, BLOCK, (3, 1), padding=(1, 0), bias=False)
        self.rows = nn.Conv2d(BLOCK, outputs, (1, 3), padding=(0, 1), bias=False)
        with torch.no_grad():
            for layer in (self.columns, self.rows):
                layer.weight.zero_()
            for output in range(outputs):
                for at in range(3):
                    self.columns.weight[3 * output + at, :, :, 0] = tail[output, :, :, at]
                    self.rows.weight[output, 3 * output + at, 0, at] = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise = functional.pixel_shuffle(self.rows(self.columns(functional.relu(self.hidden(x)))), 2)
        return x[:, :1] - noise


def export(network: Ffdr, path: Path) -> float:
    """Writes the file, reads it back and compares it with PyTorch on an odd batch of another size.

    Gives the largest difference in network units; raises ValueError beyond TOLERANCE.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx_file.write(Exported(network), path)
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.003, 0.09, (3, 1, 1, 1)) * np.ones((3, 1, 72, 104))
    image = rng.uniform(-1, 1, (3, 1, 1, 1)) + sigma * rng.standard_normal((3, 1, 72, 104))
    beside = image[:, [0] * (network.head.in_channels - 2)] + sigma * rng.standard_normal((3, network.head.in_channels - 2, 72, 104))
    x = np.concatenate([image, sigma, beside], axis=1).astype(np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(x)).numpy()
    difference = float(np.abs(onnx_file.OnnxNetwork(path)(x) - expected).max())
    if difference > TOLERANCE:
        raise ValueError(f"{path} differs from PyTorch by {difference:.2e} (allowed {TOLERANCE:.0e})")
    return difference


def load_weights(path: Path) -> Ffdr:
    """Of a .pt file or of an .onnx file that `export` wrote."""
    if path.suffix != ".onnx":
        return network_of(torch.load(path, map_location="cpu"))
    tensors = onnx.load(str(path)).graph.initializer
    weights = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in tensors}
    if "columns.weight" in weights:
        columns, outputs = weights.pop("columns.weight")[..., 0], len(weights.pop("rows.weight"))
        weights["tail.weight"] = columns[: 3 * outputs].unflatten(0, (outputs, 3)).permute(0, 2, 3, 1)
    return network_of(weights)


def average(first: Path, second: Path, out: Path) -> None:
    """Mean of the weights of two networks of which one was trained on from the other: between their strengths, often above both."""
    weights = [torch.load(path, map_location="cpu") for path in (first, second)]
    torch.save({name: (value + weights[1][name]) / 2 for name, value in weights[0].items()}, out)
