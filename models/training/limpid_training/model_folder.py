"""A model as limpid runs it: the ONNX file and what its card says of the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from scipy import ndimage

from limpid_training import noise_estimate
from limpid_training.network import UNIT
from limpid_training.onnx_file import OnnxNetwork


LOUD_STEP, LOUD_EXTENT = 8, noise_estimate.LOUD_EXTENT
"""Regions of loud noise are found on every eighth row and column; nothing grows in those of a smaller share of the tissue than the one,
all from the other on."""


@dataclass(frozen=True)
class Kept:
    """Share of the residual's low frequencies (Gaussian of sigma pixels) that always stays in the image."""

    sigma: float
    share: float


@dataclass(frozen=True)
class Edges:
    """What the residual took from edges (the result less itself smoothed by sigma pixels) that are stronger than `noise` times the noise
    goes back: its least squares fit to them within a Gaussian of `window` pixels."""

    sigma: float
    window: float
    noise: float

    def restore(self, image: np.ndarray, output: np.ndarray, sigma: np.ndarray | float) -> np.ndarray:
        edges = output - ndimage.gaussian_filter(output, self.sigma, truncate=3)
        common, strength = (
            ndimage.gaussian_filter(product, self.window, truncate=3) for product in (edges * (image - output), edges**2)
        )
        return output + np.clip(common / (strength + (self.noise * sigma) ** 2), 0, 1) * edges


@dataclass(frozen=True)
class Excess:
    """Where the residual's root mean square within a Gaussian of `window` pixels is above `least` times the noise, noise does not explain
    it: less is taken away there and up to three pixels beside it, and nothing from `most` times the noise on."""

    window: float
    least: float
    most: float

    def restore(self, image: np.ndarray, output: np.ndarray, sigma: np.ndarray | float) -> np.ndarray:
        residual = image - output
        level = np.sqrt(ndimage.gaussian_filter(residual**2, self.window, truncate=3)) / np.maximum(sigma, 1e-6)
        level = ndimage.maximum_filter(level, 7)
        return image - np.clip((self.most - level) / (self.most - self.least), 0, 1) * residual


@dataclass(frozen=True)
class Loud:
    """Where the noise is above `least` times the slice's level in a region of a good part of the tissue (LOUD_EXTENT), the share that is
    taken away grows with it, up to `most`. Smaller regions may be structure that the map takes for noise."""

    least: float
    most: float

    def shares(self, share: float, sigma: np.ndarray, level: float, mask: np.ndarray) -> np.ndarray:
        louder = sigma / (self.least * level)
        thinned = (slice(None, None, LOUD_STEP), slice(None, None, LOUD_STEP))
        regions, count = ndimage.label(louder[thinned] > 1)
        tissue = mask[thinned]
        inside = ndimage.sum_labels(tissue, regions, range(count + 1)) / max(1, tissue.sum())
        weights = np.clip((inside - LOUD_EXTENT[0]) / (LOUD_EXTENT[1] - LOUD_EXTENT[0]), 0, 1)
        weights[0] = 0
        weight = weights[regions].repeat(LOUD_STEP, 0).repeat(LOUD_STEP, 1)[: sigma.shape[0], : sigma.shape[1]]
        grown = share * (1 + weight * np.maximum(0, louder - 1))
        return np.maximum(share, np.minimum(grown, self.most))


@dataclass(frozen=True)
class EvenBlend:
    """Blends above the card's highest where the whole residual leaves at most `least` of the measured noise: up to `most`; from a share
    of `to` on none."""

    most: float
    least: float
    to: float

    def most_blend(self, otherwise: float, left: float) -> float:
        return otherwise + float(np.clip((self.to - left) / (self.to - self.least), 0, 1)) * (self.most - otherwise)


@dataclass(frozen=True)
class Card:
    """Of a model.yaml: strength is the default, no blend is above most_blend but for even_blend, the network is told map_gain times the
    noise."""

    kept: Kept | None = None
    edges: Edges | None = None
    excess: Excess | None = None
    loud: Loud | None = None
    strength: float = 0.5
    most_blend: float = 1.0
    even_blend: EvenBlend | None = None
    map_gain: float = 1.0

    @classmethod
    def read(cls, file: Path) -> "Card":
        card = yaml.safe_load(file.read_text())
        numbers = card.get("parameters", {})
        kept = Kept(numbers["keptSigma"], numbers["keptShare"]) if "keptSigma" in numbers else None
        edges = [numbers[name] for name in ("edgeSigma", "edgeWindow", "edgeNoise") if name in numbers]
        excess = [numbers[name] for name in ("excessWindow", "excessFrom", "excessTo") if name in numbers]
        return cls(
            kept,
            Edges(*edges) if edges else None,
            Excess(*excess) if excess else None,
            Loud(numbers["loudFrom"], card.get("mostBlend", 1.0)) if "loudFrom" in numbers else None,
            card.get("defaultStrength", 0.5),
            card.get("mostBlend", 1.0),
            EvenBlend(even["most"], even["from"], even["to"]) if (even := card.get("evenBlend")) else None,
            numbers.get("mapGain", 1.0),
        )


class Denoiser:
    """Full output of a network for one slice."""

    def __init__(self, model: Path, card: Card = Card()) -> None:
        self._network, self._card = OnnxNetwork(model), card
        self.slices = self._network.inputs - 1
        self.strength = card.strength

    @classmethod
    def read(cls, model: Path) -> "Denoiser":
        """All but the network from the model.yaml beside the file, if there is one."""
        file = model.with_name("model.yaml")
        return cls(model, Card.read(file) if file.exists() else Card())

    def most_blend(self, left: float) -> float:
        """The highest blend of a slice of whose measured noise the whole residual leaves a share of `left`."""
        even = self._card.even_blend
        return self._card.most_blend if even is None else even.most_blend(self._card.most_blend, left)

    def shares(self, share: float, image: np.ndarray, sigma: np.ndarray, mask: np.ndarray) -> np.ndarray | float:
        """What of the residual is taken away at a blend of `share`, place by place; mask: tissue of a CT slice, whose noise is its mode there."""
        if self._card.loud is None:
            return share
        level = noise_estimate.sigma_mode(image, mask)
        return self._card.loud.shares(share, sigma, level, mask) if level > 0 else share

    def __call__(self, image: np.ndarray, sigma: np.ndarray | float, beside: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Sizes are padded by their edge to multiples of 8; sigma: noise deviation in the image's unit; beside: the slices before and
        after for a network that sees them, else the slice itself stands in."""
        padding = [(0, -side % 8) for side in image.shape]
        planes = [image, self._card.map_gain * sigma]
        if self.slices > 1:
            planes.extend([image, image] if beside is None else beside)
        channels = [np.pad(np.broadcast_to(plane, image.shape), padding, mode="edge") for plane in planes]
        output = self._network(np.stack(channels)[None].astype(np.float32) / UNIT)[0, 0] * UNIT
        output = output[: image.shape[0], : image.shape[1]]
        if self._card.kept is not None:
            low = ndimage.gaussian_filter(image - output, self._card.kept.sigma, truncate=3)
            output = output + self._card.kept.share * low
        for rule in (self._card.edges, self._card.excess):
            output = output if rule is None else rule.restore(image, output, sigma)
        return output
