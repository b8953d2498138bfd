"""Figures of merit with and without a reference, and the blend that limpid applies. Images are [row][column]."""

import numpy as np
from scipy import ndimage
from skimage.metrics import structural_similarity

LEAST_TISSUE = 2000
CLIP_SIGMA = 3.0
BORDER = 6
LEAST_INNER = 500


def blend(
    image: np.ndarray, output: np.ndarray, share: np.ndarray | float, sigma: np.ndarray, mask: np.ndarray, over_mask: bool = False
) -> np.ndarray:
    """Takes `share` of the removed residual, no pixel by more than 3 sigma, and keeps the mean inside the mask: by a constant over
    the slice (CT; not from fewer than LEAST_TISSUE pixels) or over the mask alone (MR, where air has a mean of its own); by what lies BORDER
    pixels and more inside it, of MR by all where that is less than LEAST_INNER."""
    removed = np.clip(share * (image - output), -CLIP_SIGMA * sigma, CLIP_SIGMA * sigma)
    result = image - removed
    inner = ndimage.binary_erosion(mask, iterations=BORDER)
    if over_mask and inner.sum() < LEAST_INNER:
        inner = mask
    back = image[inner].mean() - result[inner].mean() if inner.sum() >= (1 if over_mask else LEAST_TISSUE) else 0.0
    return result + (np.where(mask, back, 0) if over_mask else back)


def blend_for(ratios: dict[float, float], strength: float) -> float:
    """Blend at which the noise has fallen by `strength`, linear between the measured ratios (1 at 0); the highest where none does."""
    curve = [(0.0, 1.0), *sorted(ratios.items())]
    for (low, before), (high, after) in zip(curve, curve[1:]):
        if 1 - after >= strength:
            return low + (high - low) * (strength - 1 + before) / (before - after)
    return curve[-1][0]


def psnr(image: np.ndarray, reference: np.ndarray, window: tuple[float, float]) -> float:
    difference = np.clip(image, *window).astype(np.float64) - np.clip(reference, *window)
    return float(10 * np.log10((window[1] - window[0]) ** 2 / max((difference**2).mean(), 1e-12)))


def ssim(
    image: np.ndarray, reference: np.ndarray, window: tuple[float, float], region: np.ndarray | None = None
) -> float:
    """Mean over the image, or over a region of it."""
    mean, local = structural_similarity(
        np.clip(image, *window).astype(np.float64),
        np.clip(reference, *window).astype(np.float64),
        data_range=window[1] - window[0],
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return float(mean if region is None else local[region].mean())


def residual_structure(image: np.ndarray, output: np.ndarray, mask: np.ndarray) -> float:
    """Correlation, over the mask, of the local energy of what was removed and the edges of the output: above 0.3 anatomy
    went with the noise."""
    sigma = 1.5
    edges = np.hypot(ndimage.gaussian_filter(output, sigma, (0, 1)), ndimage.gaussian_filter(output, sigma, (1, 0)))
    removed = (image - output).astype(np.float64)
    energy = np.sqrt(np.maximum(ndimage.gaussian_filter(removed**2, sigma), 0))[mask]
    edges = np.minimum(edges, np.quantile(edges[mask], 0.99))[mask]
    if energy.std() < 1e-9 or edges.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(energy, edges)[0, 1])


def fine_detail_correlation(image: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Correlation of what lies below 1.5 pixels with that of the reference."""
    fine = [a - ndimage.gaussian_filter(a.astype(np.float64), 1.5) for a in (image, reference)]
    return float(np.corrcoef(fine[0][mask], fine[1][mask])[0, 1])


def noise_mean_frequency(noise: np.ndarray, pixel_mm: float, block: int = 32) -> float:
    """Mean frequency (1/mm) of the noise power spectrum of a uniform region, weighted by the area of frequencies."""
    axis = np.linspace(-1, 1, block)
    rows, columns = (a.ravel() for a in np.meshgrid(axis, axis, indexing="ij"))
    trend, _ = np.linalg.qr(np.stack([np.ones(block**2), rows, columns, rows**2, columns**2, rows * columns], axis=1))
    power = np.zeros((block, block))
    for i in range(0, noise.shape[0] - block + 1, block // 2):
        for j in range(0, noise.shape[1] - block + 1, block // 2):
            values = noise[i : i + block, j : j + block].astype(np.float64).ravel()
            power += np.abs(np.fft.fft2((values - trend @ (trend.T @ values)).reshape(block, block))) ** 2
    frequency = np.hypot(np.fft.fftfreq(block, pixel_mm)[:, None], np.fft.fftfreq(block, pixel_mm)[None])
    inside = frequency <= 0.5 / pixel_mm
    return float((frequency * power)[inside].sum() / power[inside].sum())


def half_height_frequency(image: np.ndarray, centre: tuple[float, float], radius: float) -> float:
    """Frequency (1/pixel) at which the transfer function of a disc's rim falls to 50 %; NaN if it does not."""
    reach, bins_per_pixel = 12, 10
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.hypot(rows - centre[0], columns - centre[1]) - radius
    near = np.abs(distance) < reach
    index = ((distance[near] + reach) * bins_per_pixel).astype(int)
    count = np.bincount(index, minlength=2 * reach * bins_per_pixel)
    total = np.bincount(index, image[near], 2 * reach * bins_per_pixel)
    filled = np.flatnonzero(count)
    edge = np.interp(np.arange(len(count)), filled, total[filled] / count[filled])
    line = np.gradient(ndimage.gaussian_filter1d(edge, 2)) * np.hanning(len(count))
    transfer = np.abs(np.fft.rfft(line, 4096))
    below = np.flatnonzero(transfer < 0.5 * transfer[0])
    return float(np.fft.rfftfreq(4096, 1 / bins_per_pixel)[below[0]]) if len(below) else float("nan")
