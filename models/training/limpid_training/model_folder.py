"""A model as limpid runs it: the ONNX file and what its card says of the run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from scipy import ndimage

from limpid_training.network import UNIT
from limpid_training.onnx_file import OnnxNetwork


@dataclass(frozen=True)
class Kept:
    """Share of the residual's low frequencies (Gaussian of sigma pixels) that always stays in the image."""

    sigma: float
    share: float


class Denoiser:
    """Full output of a network for one slice; strength is the card's default, no blend is above most_blend."""

    def __init__(
        self,
        model: Path,
        kept: Kept | None = None,
        strength: float = 0.5,
        most_blend: float = 1.0,
        map_gain: float = 1.0,
    ) -> None:
        self._network, self._map_gain = OnnxNetwork(model), map_gain
        self.kept, self.strength, self.most_blend = kept, strength, most_blend

    @classmethod
    def read(cls, model: Path) -> "Denoiser":
        """All but the network from the model.yaml beside the file, if there is one."""
        card_file = model.with_name("model.yaml")
        card = yaml.safe_load(card_file.read_text()) if card_file.exists() else {}
        numbers = card.get("parameters", {})
        kept = Kept(numbers["keptSigma"], numbers["keptShare"]) if "keptSigma" in numbers else None
        strength, most_blend = card.get("defaultStrength", 0.5), card.get("mostBlend", 1.0)
        return cls(model, kept, strength, most_blend, numbers.get("mapGain", 1.0))

    def __call__(self, image: np.ndarray, sigma: np.ndarray | float) -> np.ndarray:
        """Sizes are padded by their edge to multiples of 8; sigma: noise deviation in the image's unit."""
        padding = [(0, -side % 8) for side in image.shape]
        channels = [np.pad(np.broadcast_to(part, image.shape), padding, mode="edge") for part in (image, self._map_gain * sigma)]
        output = self._network(np.stack(channels)[None].astype(np.float32) / UNIT)[0, 0] * UNIT
        output = output[: image.shape[0], : image.shape[1]]
        if self.kept is None:
            return output
        return output + self.kept.share * ndimage.gaussian_filter(image - output, self.kept.sigma, truncate=3)
