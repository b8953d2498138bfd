"""Noise level without a reference, as limpid estimates it at run time. Images are [row][column], in HU or counts."""

import itertools

import numpy as np
from scipy import ndimage

QUARTILE_BIAS = 1.16
"""Sigma over the lower quartile of plane-corrected deviations of 12 x 12 blocks, for smooth to standard kernels."""

MIN_BLOCKS = 12
BLOCK, BLOCK_STEP = 12, 6

TILE = 32
FINENESS = 1.0
RATIO_BIAS = 1.2
MAP_LIMITS = (0.4, 6.0)
MAP_PRIOR = 0.05
STARVED, SPREAD = 2.5, 1.2
"""Of the CT noise map: what a Gaussian of FINENESS pixels takes away is nearly all noise; the lowest tenth over the blocks of
(deviation over that of what is fine), times RATIO_BIAS, is sigma over the tiles' lower quartile of what is fine; limits in levels of the middle tile; weight of that
level where tiles are smoothed. Where a tile's upper quartile, over its SPREAD, is above STARVED middle levels, it is taken."""

REGION_FROM, LOUD_FROM, LOUD_HU_LEAST, LOUD_EXTENT = 1.5, 2.25, 30.0, (0.1, 0.18)
"""A region above the one multiple of the slice's level is starved where the largest of its parts above the other has a share of the tissue of
at least the first, wholly from the second on. Below LOUD_HU_LEAST it is dense anatomy of a quiet slice: starved rays leave 60 HU and more."""

LOUD_HU, LOUD_TILE = 50.0, 64
"""Deviation of what is fine above which noise breaks the mask of soft tissue: anatomy keeps below 30."""


def soft_tissue(hu: np.ndarray) -> np.ndarray:
    """Mask of -150 to 200 HU after smoothing by 2 pixels, so that noise does not break it; in tiles where the noise is too strong
    for that (between the shoulders at low dose), also after smoothing by 6."""

    def within(width: float) -> np.ndarray:
        smooth = ndimage.gaussian_filter(hu.astype(np.float32), width)
        return (smooth > -150) & (smooth < 200)

    mask = within(2)
    fine = np.abs(hu - ndimage.gaussian_filter(hu.astype(np.float32), 1))
    loud = np.zeros(hu.shape, bool)
    for top, left in itertools.product(*(range(0, side, LOUD_TILE) for side in hu.shape)):
        window = (slice(top, top + LOUD_TILE), slice(left, left + LOUD_TILE))
        inside = fine[window][mask[window]]
        loud[window] = inside.size >= 0.3 * mask[window].size and 1.4826 * np.median(inside) > LOUD_HU
    return mask | (loud & within(6)) if loud.any() else mask


def mr_foreground(image: np.ndarray) -> np.ndarray:
    """Mask above a tenth of the 99th percentile after smoothing, holes filled, eroded by 2 pixels."""
    smooth = ndimage.gaussian_filter(image.astype(np.float32), 2)
    filled = ndimage.binary_fill_holes(smooth > 0.1 * np.quantile(smooth, 0.99))
    return ndimage.binary_erosion(filled, iterations=2)


def _block_grid(image: np.ndarray, mask: np.ndarray, share: float) -> np.ndarray:
    """Deviations of 12 x 12 blocks (step 6) after removing a plane, [block row][block column]; NaN where less than `share` of the
    block is inside the mask."""
    rows, columns = np.mgrid[:BLOCK, :BLOCK].reshape(2, -1) - (BLOCK - 1) / 2
    plane, _ = np.linalg.qr(np.stack([np.ones(BLOCK * BLOCK), rows, columns], axis=1))

    def blocks(of: np.ndarray) -> np.ndarray:
        view = np.lib.stride_tricks.sliding_window_view(of, (BLOCK, BLOCK))[::BLOCK_STEP, ::BLOCK_STEP]
        return view.reshape(*view.shape[:2], -1)

    inside = blocks(mask).mean(2) >= share
    values = blocks(image)[inside].astype(np.float64)
    rest = values - (values @ plane) @ plane.T
    grid = np.full(inside.shape, np.nan)
    grid[inside] = np.sqrt((rest**2).sum(1) / (BLOCK * BLOCK - 3))
    return grid


def block_deviations(image: np.ndarray, mask: np.ndarray, share: float = 0.98) -> np.ndarray:
    """Deviations of the blocks with at least `share` inside the mask."""
    grid = _block_grid(image, mask, share)
    return grid[np.isfinite(grid)]


def sigma_blocks(image: np.ndarray, mask: np.ndarray) -> float:
    """Lower quartile of the block deviations, corrected for its bias; NaN without enough blocks."""
    for share in (0.98, 0.85):
        deviations = block_deviations(image, mask, share)
        if len(deviations) >= MIN_BLOCKS:
            return float(np.quantile(deviations, 0.25)) * QUARTILE_BIAS
    return float("nan")


WINDOW = 9
ALIKE = (0.6, 1.0)
"""Windows whose deviation is so many times the mode show the noise of a slice with the least anatomy."""


def _local_deviations(image: np.ndarray) -> np.ndarray:
    values = image.astype(np.float64)
    mean = ndimage.uniform_filter(values, WINDOW)
    return np.sqrt(np.maximum(ndimage.uniform_filter(values**2, WINDOW) - mean**2, 0))


def _whole_windows(mask: np.ndarray) -> np.ndarray:
    """Centres of the windows that lie inside the mask."""
    return ndimage.minimum_filter(mask.astype(np.uint8), WINDOW) > 0


def sigma_mode(image: np.ndarray, mask: np.ndarray) -> float:
    """CT: mode of the deviations in 9 x 9 windows inside the mask; NaN without enough windows."""
    inside = _local_deviations(image)[_whole_windows(mask)]
    if len(inside) < 600:
        return float("nan")
    counts, edges = np.histogram(inside, 80, (0, np.quantile(inside, 0.9)))
    peak = int(ndimage.gaussian_filter1d(counts.astype(float), 2).argmax())
    return float(edges[peak] + edges[peak + 1]) / 2


def sigma_in_windows(image: np.ndarray, of: np.ndarray, mask: np.ndarray) -> float:
    """Before and after: the middle deviation of `image` in the windows that show the noise of `of`."""
    level, deviations = sigma_mode(of, mask), _local_deviations(of)
    alike = _whole_windows(mask) & (deviations >= ALIKE[0] * level) & (deviations <= ALIKE[1] * level)
    return float(np.median(_local_deviations(image)[alike])) if alike.any() else float("nan")


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


def noise_map(image: np.ndarray, mask: np.ndarray, level: float) -> np.ndarray:
    """CT: smooth local noise level. Anatomy is told from noise by what is fine (the image less itself smoothed by a pixel), of which it
    has little: per tile the lower quartile of its block deviations, times their ratio to the whole deviation in the blocks with the least
    anatomy.

    Tiles without tissue take their neighbours' level, then the middle one; `level` is taken where there is no tissue at all.
    """
    image = image.astype(np.float32)
    blocks = _block_grid(image - ndimage.gaussian_filter(image, FINENESS, truncate=3), mask, 0.98)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = _block_grid(image, mask, 0.98) / blocks
    ratios = ratios[np.isfinite(ratios)]
    if len(ratios) < MIN_BLOCKS:
        return np.full(image.shape, level, np.float32)
    scale = RATIO_BIAS * np.quantile(ratios, 0.1)
    counts = [-(-side // TILE) for side in image.shape]
    tiles, upper = np.full(counts, np.nan), np.full(counts, np.nan)
    for place in np.ndindex(*counts):
        window = []
        for at, side in zip(place, image.shape):
            start, stop = max(0, at * TILE - TILE // 2), min(side, at * TILE + 3 * TILE // 2)
            window.append(slice(-(-start // BLOCK_STEP), max(0, (stop - BLOCK) // BLOCK_STEP + 1)))
        found = blocks[tuple(window)]
        found = found[np.isfinite(found)]
        if len(found) >= MIN_BLOCKS:
            tiles[place], upper[place] = np.quantile(found, (0.25, 0.75)) * scale
    known = np.isfinite(tiles)
    if not known.any():
        return np.full(image.shape, level, np.float32)
    middle = np.median(tiles[known])
    upper /= SPREAD
    tiles = np.where(known & (upper > STARVED * middle), upper, tiles)
    sums = ndimage.gaussian_filter(np.where(known, np.clip(tiles, *(limit * middle for limit in MAP_LIMITS)), 0), 0.5)
    weights = ndimage.gaussian_filter(known.astype(float), 0.5)
    tiles = (sums + MAP_PRIOR * middle) / (weights + MAP_PRIOR)
    zoom = [side / count for side, count in zip(image.shape, counts)]
    whole = ndimage.zoom(tiles, zoom, order=1, mode="nearest", grid_mode=True)
    return _with_starved(whole, blocks * scale, level).astype(np.float32)


def _with_starved(tiles: np.ndarray, blocks: np.ndarray, level: float) -> np.ndarray:
    """The map where starved rays cross a good part of the tissue: there noise differs within a tile, and the middle deviation of 3 x 3
    blocks tells it. Smaller places may be structure."""
    around = np.stack([np.pad(blocks, 1, constant_values=np.nan)[r : r + blocks.shape[0], c : c + blocks.shape[1]] for r, c in np.ndindex(3, 3)])
    known = np.isfinite(around).sum(0) >= 4
    local = np.where(known, np.nanmedian(np.where(known, around, 0), axis=0), 0)
    regions, count = ndimage.label(local > max(REGION_FROM * level, LOUD_HU_LEAST))
    if not level > 0 or count == 0:
        return tiles
    cores, cored = ndimage.label(local > max(LOUD_FROM * level, LOUD_HU_LEAST))
    sizes = np.bincount(cores.ravel(), minlength=cored + 1) / known.sum()
    sizes[0] = 0
    largest = ndimage.maximum(sizes[cores], regions, range(count + 1))
    largest[0] = 0
    weights = np.clip((largest - LOUD_EXTENT[0]) / (LOUD_EXTENT[1] - LOUD_EXTENT[0]), 0, 1)[regions]
    places = np.meshgrid(*((np.arange(side) - (BLOCK - 1) / 2) / BLOCK_STEP for side in tiles.shape), indexing="ij")
    weight, fine = (ndimage.map_coordinates(of, places, order=1, mode="nearest") for of in (weights, local))
    return tiles + weight * np.maximum(0, fine - tiles)


def ct_tissue_and_noise(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a CT slice, as at run time: the mask of soft tissue and the map of the noise."""
    mask = soft_tissue(image)
    return mask, noise_map(image, mask, sigma_mode(image, mask))


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
