"""Noise level without a reference, as limpid estimates it at run time. Images are [row][column], in HU or counts."""

import numpy as np
from scipy import ndimage

QUARTILE_BIAS = 1.16
"""Sigma over the lower quartile of plane-corrected deviations of 12 x 12 blocks, for smooth to standard kernels."""

MIN_BLOCKS = 12
TILE = 64


def soft_tissue(hu: np.ndarray) -> np.ndarray:
    """Mask of -150 to 200 HU after a little smoothing, so that noise does not break it."""
    smooth = ndimage.gaussian_filter(hu.astype(np.float32), 2)
    return (smooth > -150) & (smooth < 200)


def mr_foreground(image: np.ndarray) -> np.ndarray:
    """Mask above a tenth of the 99th percentile after smoothing, holes filled, eroded by 2 pixels."""
    smooth = ndimage.gaussian_filter(image.astype(np.float32), 2)
    filled = ndimage.binary_fill_holes(smooth > 0.1 * np.quantile(smooth, 0.99))
    return ndimage.binary_erosion(filled, iterations=2)


def block_deviations(image: np.ndarray, mask: np.ndarray, share: float = 0.98) -> np.ndarray:
    """Deviations of 12 x 12 blocks (step 6) after removing a plane, of blocks with at least `share` inside the mask."""
    size, step = 12, 6
    rows, columns = np.mgrid[:size, :size].reshape(2, -1) - (size - 1) / 2
    plane, _ = np.linalg.qr(np.stack([np.ones(size * size), rows, columns], axis=1))

    def blocks(of: np.ndarray) -> np.ndarray:
        view = np.lib.stride_tricks.sliding_window_view(of, (size, size))[::step, ::step]
        return view.reshape(-1, size * size)

    values = blocks(image)[blocks(mask).mean(1) >= share].astype(np.float64)
    rest = values - (values @ plane) @ plane.T
    return np.sqrt((rest**2).sum(1) / (size * size - 3))


def sigma_blocks(image: np.ndarray, mask: np.ndarray) -> float:
    """Lower quartile of the block deviations, corrected for its bias; NaN without enough blocks."""
    for share in (0.98, 0.85):
        deviations = block_deviations(image, mask, share)
        if len(deviations) >= MIN_BLOCKS:
            return float(np.quantile(deviations, 0.25)) * QUARTILE_BIAS
    return float("nan")


def sigma_mode(image: np.ndarray, mask: np.ndarray) -> float:
    """CT: mode of the deviations in 9 x 9 windows inside the mask; NaN without enough windows."""
    size = 9
    values = image.astype(np.float64)
    mean = ndimage.uniform_filter(values, size)
    deviation = np.sqrt(np.maximum(ndimage.uniform_filter(values**2, size) - mean**2, 0))
    inside = deviation[ndimage.minimum_filter(mask.astype(np.uint8), size) > 0]
    if len(inside) < 600:
        return float("nan")
    counts, edges = np.histogram(inside, 80, (0, np.quantile(inside, 0.9)))
    peak = int(ndimage.gaussian_filter1d(counts.astype(float), 2).argmax())
    return float(edges[peak] + edges[peak + 1]) / 2


def sigma_laplace(image: np.ndarray, mask: np.ndarray) -> float:
    """MAD of Immerkaer's second-difference mask: right for white noise only."""
    response = ndimage.convolve(image.astype(np.float32), np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32))
    inside = response[mask]
    return float(1.4826 * np.median(np.abs(inside - np.median(inside)))) / 6


def sigma_flat(image: np.ndarray, of: np.ndarray, foreground: np.ndarray) -> float:
    """MR before and after: second differences over the half of the foreground where `of` is flattest."""
    gradient = ndimage.gaussian_gradient_magnitude(of.astype(np.float32), 1.5)
    return sigma_laplace(image, foreground & (gradient <= np.median(gradient[foreground])))


def _acquired_share(power: np.ndarray, axis: int) -> float:
    """Share of one axis of k-space that was acquired: where its power drops by more than a factor of 4."""
    n, across = power.shape[axis], power.shape[1 - axis]
    lines = np.r_[5 * across // 16 : 7 * across // 16, 9 * across // 16 : 11 * across // 16]
    profile = np.log(np.median(power.take(lines, axis=1 - axis), axis=1 - axis) + 1e-12)
    half = (profile[n // 2 :][: n // 2] + profile[: n - n // 2][::-1][: n // 2]) / 2
    half = ndimage.uniform_filter1d(half, 3)
    drops = {k: half[k - 4 : k].mean() - half[k + 2 : k + 6].mean() for k in range(len(half) // 4, len(half) - 3)}
    edge = max(drops, key=drops.__getitem__)
    return (edge + 1) / len(half) if drops[edge] > np.log(4) else 1.0


def sigma_mr(image: np.ndarray, foreground: np.ndarray) -> float:
    """MR: from the air where it is Rayleigh-like; else the Laplacian after cutting the image back to its k-space support."""
    air = image[~ndimage.binary_dilation(foreground, iterations=8)]
    if air.size > 400 and (air == 0).mean() < 0.02 and 1.5 < air.mean() / max(air.std(), 1e-9) < 2.3:
        return float(np.median(air)) / 1.1774
    kspace = np.fft.fftshift(np.fft.fft2(image))
    power = np.abs(kspace) ** 2
    kept = [int(round(image.shape[axis] * _acquired_share(power, axis) / 2)) * 2 for axis in (0, 1)]
    if tuple(kept) == image.shape:
        return sigma_laplace(image, foreground)
    window = tuple(slice((full - keep) // 2, (full - keep) // 2 + keep) for full, keep in zip(image.shape, kept))
    cut = np.fft.ifft2(np.fft.ifftshift(kspace[window])).real * (kept[0] * kept[1] / image.size)
    inside = ndimage.zoom(foreground.astype(float), [keep / full for full, keep in zip(image.shape, kept)], order=1) > 0.9
    return sigma_laplace(cut, inside) if inside.sum() > 300 else sigma_laplace(image, foreground)


def noise_map(image: np.ndarray, mask: np.ndarray, level: float, highest: float) -> np.ndarray:
    """Smooth local noise level around the global `level`, limited to half and `highest` times it.

    Per tile of 64 pixels the lower quartile of the block deviations, scaled so that the whole slice gives `level`; tiles
    with too few blocks take `level`; smoothed, then interpolated.
    """
    whole = sigma_blocks(image, mask)
    scale = QUARTILE_BIAS * level / whole if np.isfinite(whole) and whole > 0 else QUARTILE_BIAS
    counts = [-(-side // TILE) for side in image.shape]
    tiles = np.full(counts, level)
    for i, j in np.ndindex(*counts):
        window = tuple(slice(max(0, k * TILE - TILE // 4), (k + 1) * TILE + TILE // 4) for k in (i, j))
        if mask[window].mean() < 0.3 or min(image[window].shape) < 32:
            continue
        deviations = block_deviations(image[window], mask[window])
        if len(deviations) >= MIN_BLOCKS:
            tiles[i, j] = np.quantile(deviations, 0.25) * scale
    tiles = ndimage.gaussian_filter(np.clip(tiles, 0.5 * level, highest * level), 0.7)
    zoom = [side / count for side, count in zip(image.shape, counts)]
    return ndimage.zoom(tiles, zoom, order=1, mode="nearest", grid_mode=True).astype(np.float32)


def mr_noise_map(image: np.ndarray, foreground: np.ndarray, level: float) -> np.ndarray:
    """MR: mean second difference of the flattest 80 % of the tissue within about 30 pixels, over that of the whole slice, times the
    global `level`; limited to half and twice it."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(ndimage.convolve(image.astype(np.float32), kernel))
    gradient = ndimage.gaussian_gradient_magnitude(image.astype(np.float32), 1.5)
    flat = foreground & (gradient <= np.quantile(gradient[foreground], 0.8))
    sizes = np.minimum(response, 4 * np.median(response[flat])) * flat
    mean, width, prior = sizes[flat].mean(), 30, 0.02
    around = ndimage.gaussian_filter(sizes, width) + prior * mean
    ratio = around / (ndimage.gaussian_filter(flat.astype(np.float32), width) + prior) / mean
    return (level * np.clip(ratio, 0.5, 2)).astype(np.float32)
