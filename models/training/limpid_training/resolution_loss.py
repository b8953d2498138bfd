"""What a coarser scan shows of a fine image: for super-resolution, whose gain must be judged on a true loss of resolution.

CT: the modulation transfer of detector and kernel, then the mean over the coarser pixel's area. MR: the part of k-space that was
acquired, with the window of the reconstruction. Rows and columns are even.
"""

import numpy as np

from limpid_training.ct_simulator import Kernel
from limpid_training.fields import mean_blocks


def ct_coarser(image: np.ndarray, half_frequency: float, order: float = 2.0) -> np.ndarray:
    """Half the matrix, square images. half_frequency: cycles per fine pixel at which the scanner's transfer is 1/2; 0.25 is the Nyquist
    frequency of the coarse pixels, so 0.15 to 0.3 leave the little aliasing that scanners leave."""
    return mean_blocks(Kernel(half_frequency, order).apply(image), 2)


def ct_transfer(frequency: np.ndarray, half_frequency: float, order: float = 2.0) -> np.ndarray:
    """Modulation transfer of `ct_coarser` along an axis, in cycles per fine pixel: kernel times the aperture of two pixels."""
    return np.exp2(-((frequency / half_frequency) ** order)) * np.abs(np.cos(np.pi * frequency))


def mr_coarser(image: np.ndarray, window: np.ndarray | None = None) -> np.ndarray:
    """Half the matrix from the central half of k-space along each axis; `window` is laid over it, both [row][column]. Coarse pixels lie
    in the middle of 2 x 2 fine ones. The mean is kept."""
    rows, columns = image.shape
    spectrum = np.fft.fftshift(np.fft.fft2(image))[rows // 4 : 3 * rows // 4, columns // 4 : 3 * columns // 4]
    spectrum = spectrum / 4 * (1 if window is None else window)
    # Centres of 2 x 2 fine pixels lie half a fine pixel, a quarter of a coarse one, towards the end.
    shifts = [np.fft.fftshift(np.fft.fftfreq(side // 2)) for side in image.shape]
    spectrum = spectrum * np.exp(0.5j * np.pi * (shifts[0][:, None] + shifts[1][None]))
    return np.fft.ifft2(np.fft.ifftshift(spectrum)).real
