"""GRAPPA and SENSE for real, fully sampled k-space that is undersampled afterwards. k-space is [coil][ky][kx], centre in the middle."""

import numpy as np
from scipy import ndimage

from limpid_training.mr_simulator import sense_unfold

CALIBRATION_LINES = 24
KERNEL = (4, 5)
"""GRAPPA: acquired lines and readout samples that a missing sample is made of."""
RIDGE = 1e-4


def to_images(kspace: np.ndarray) -> np.ndarray:
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes), norm="ortho"), axes)


def to_kspace(images: np.ndarray) -> np.ndarray:
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(images, axes), norm="ortho"), axes)


def root_sum_of_squares(images: np.ndarray) -> np.ndarray:
    return np.sqrt((np.abs(images) ** 2).sum(0)).astype(np.float32)


def whitened(kspace: np.ndarray) -> np.ndarray:
    """Coils mixed so that their noise, as seen in the corners of k-space, is of deviation 1 per real channel and independent."""
    rows, columns = (side // 8 for side in kspace.shape[1:])
    corner = kspace[:, :rows, :columns].reshape(len(kspace), -1)
    covariance = corner @ corner.conj().T / corner.shape[1]
    mixing = np.linalg.inv(np.linalg.cholesky(covariance)) * np.sqrt(2)
    return np.einsum("ij,jrc->irc", mixing, kspace)


def sampled_lines(lines: int, r: int) -> np.ndarray:
    """Every r-th line, the centre line among them, and the calibration lines in the middle."""
    taken = np.zeros(lines, bool)
    taken[lines // 2 % r :: r] = True
    taken[calibration(lines)] = True
    return taken


def calibration(lines: int) -> slice:
    return slice(lines // 2 - CALIBRATION_LINES // 2, lines // 2 + CALIBRATION_LINES // 2)


def _neighbourhoods(kspace: np.ndarray, line_offsets: list[int]) -> np.ndarray:
    """[line][column][coil x offset x readout]: what a kernel sees around each sample; beyond the border 0."""
    reach, width = max(abs(offset) for offset in line_offsets), KERNEL[1] // 2
    padded = np.pad(kspace, ((0, 0), (reach, reach), (width, width)))
    lines, columns = kspace.shape[1:]
    parts = [
        padded[:, reach + offset : reach + offset + lines, width + shift : width + shift + columns]
        for offset in line_offsets
        for shift in range(-width, width + 1)
    ]
    return np.stack(parts, -1).transpose(1, 2, 0, 3).reshape(lines, columns, -1)


def grappa(kspace: np.ndarray, r: int) -> np.ndarray:
    """Fills the lines that `sampled_lines` leaves out. For each distance to the line above, the weights of the KERNEL's acquired
    neighbours are fitted on the calibration lines by ridge least squares."""
    taken = sampled_lines(kspace.shape[1], r)
    centre = kspace.shape[1] // 2
    regular = np.where(((np.arange(kspace.shape[1]) - centre) % r == 0)[None, :, None], kspace, 0)
    filled = np.where(taken[None, :, None], kspace, 0)
    for missing in range(1, r):
        first = -(KERNEL[0] // 2 - 1)
        offsets = [r * (first + i) - missing for i in range(KERNEL[0])]
        training = kspace[:, calibration(kspace.shape[1])]
        reach = max(abs(offset) for offset in offsets)
        sources = _neighbourhoods(training, offsets)[reach:-reach, KERNEL[1] // 2 : -(KERNEL[1] // 2)]
        targets = training[:, reach:-reach, KERNEL[1] // 2 : -(KERNEL[1] // 2)].transpose(1, 2, 0)
        a, b = sources.reshape(-1, sources.shape[-1]), targets.reshape(-1, targets.shape[-1])
        normal = a.conj().T @ a
        weights = np.linalg.solve(normal + RIDGE * np.trace(normal).real / len(normal) * np.eye(len(normal)), a.conj().T @ b)
        made = (_neighbourhoods(regular, offsets) @ weights).transpose(2, 0, 1)
        lines = ((np.arange(kspace.shape[1]) - centre) % r == missing) & ~taken
        filled[:, lines] = made[:, lines]
    return filled


def coil_maps(kspace: np.ndarray) -> np.ndarray:
    """Sensitivities from the calibration lines alone: coil images of low resolution over their root sum of squares, smoothed."""
    lines, columns = kspace.shape[1:]
    window = np.zeros(lines)
    window[calibration(lines)] = np.hanning(CALIBRATION_LINES + 2)[1:-1]
    across = np.zeros(columns)
    middle = slice(columns // 2 - CALIBRATION_LINES, columns // 2 + CALIBRATION_LINES)
    across[middle] = np.hanning(2 * CALIBRATION_LINES)
    low = to_images(kspace * window[None, :, None] * across[None, None])
    total = root_sum_of_squares(low)
    support = ndimage.gaussian_filter(total, 4) > 0.05 * np.quantile(total, 0.99)
    return (low / np.maximum(total, 1e-6 * total.max()) * ndimage.binary_dilation(support, iterations=4)).astype(np.complex64)


def sense(kspace: np.ndarray, r: int) -> np.ndarray:
    """Magnitude by unfolding the regular lines alone, with maps from the calibration lines. Lines must be a multiple of r."""
    maps = coil_maps(kspace)
    lines = kspace.shape[1]
    start = lines // 2 % r
    # Regular sampling folds the image r times; starting at another line than 0 turns the phase of each fold.
    folded = to_images(np.where((np.arange(lines) % r == start)[None, :, None], kspace, 0)) * r
    height = lines // r
    # Each aliased row holds the sum of r rows `height` apart.
    phases = np.exp(2j * np.pi * np.arange(r) * (start - lines // 2) / r)
    turned = maps.reshape(len(maps), r, height, -1) * phases[None, :, None, None]
    unfolded = sense_unfold(folded[:, :height], turned.reshape(maps.shape).astype(np.complex64), r, 1e-3)
    return np.abs(unfolded)
