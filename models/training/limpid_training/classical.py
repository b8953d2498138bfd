"""Classical filters for comparison. Each is given the true noise and, per slice, the parameter with the best PSNR: an
oracle that no product has."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import ndimage
from skimage import restoration

Filter = Callable[[np.ndarray, float], np.ndarray]


def _gaussian(width: float) -> Filter:
    return lambda image, _: ndimage.gaussian_filter(image, width)


def _nlm(strength: float) -> Filter:
    return lambda image, sigma: restoration.denoise_nl_means(
        image, patch_size=5, patch_distance=7, h=strength * sigma, sigma=sigma, fast_mode=True
    )


def _total_variation(weight: float) -> Filter:
    def run(image: np.ndarray, sigma: float) -> np.ndarray:
        # Chambolle's stopping rule is relative to the image's range, so the image is brought near 0..1.
        scale = 2500.0
        return scale * restoration.denoise_tv_chambolle(image / scale, weight=weight * sigma / scale, max_num_iter=80)

    return run


def candidates() -> Iterator[tuple[str, list[tuple[float, Filter]]]]:
    """Name and parameters with their filters; each takes image and noise deviation."""
    yield "gaussian, oracle", [(p, _gaussian(p)) for p in (0.4, 0.55, 0.7, 0.9, 1.2, 1.6)]
    yield "NLM, oracle", [(p, _nlm(p)) for p in (0.4, 0.6, 0.8, 1.1)]
    yield "TV, oracle", [(p, _total_variation(p)) for p in (0.4, 0.7, 1.0, 1.3)]
