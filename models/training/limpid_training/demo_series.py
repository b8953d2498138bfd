"""The demo's two simulated series, each with its noise-free truth: FOLDER/{ct-low-dose,mr-accelerated}/{input,truth}.

Everything is seeded: the same code writes the same pixels.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from limpid_training import chest_phantom, ct_simulator, dicom_objects, head_phantom, mr_simulator

SEED_CHEST, SEED_HEAD, SEED_NOISE = 2026, 2027, 2028
SCAN = ct_simulator.Scan(pixel_mm=chest_phantom.PIXEL_MM, photons=2.5e5, views=720, electronic=8, bowtie_mm=160)
KERNEL = ct_simulator.Kernel(0.30, 2.0)
MAS = 12
ACQUISITION = mr_simulator.Acquisition(r=2, zero_filling=1.0, sigma=0.045)
LOWEST_CT_MM, LOWEST_MR_MM = -180.0, 20.0


def _write(folder: Path, count: int, make: Callable[[int], Dataset]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.dcm"):
        old.unlink()
    for index in range(count):
        dicom_objects.write_compressed(make(index), folder / f"{index + 1:03d}.dcm")


def _write_ct(folder: Path) -> None:
    sharp = chest_phantom.draw_chest(SEED_CHEST)
    truth = np.stack([KERNEL.apply(image) for image in sharp])
    noise = [
        KERNEL.apply(ct_simulator.scan_noise(np.random.default_rng([SEED_NOISE, i]), image, SCAN))
        for i, image in enumerate(sharp)
    ]
    positions = LOWEST_CT_MM + chest_phantom.THICKNESS_MM * np.arange(len(sharp))
    soft = (truth > -20) & (truth < 250)
    print(f"CT: noise {np.std(np.stack(noise)[soft]):.1f} HU in soft tissue")
    for kind, number, words, pixels in (
        ("input", 2, "Chest low dose, simulated", truth + np.stack(noise)),
        ("truth", 3, "Chest, simulated without noise", truth),
    ):
        series = dicom_objects.Series(
            "chest", kind, number, words, "090500", pixels, positions, chest_phantom.PIXEL_MM, chest_phantom.THICKNESS_MM
        )
        _write(folder / kind, len(pixels), lambda i: dicom_objects.ct_object(series, i, MAS))


def _write_mr(folder: Path) -> None:
    clean = head_phantom.draw_head(SEED_HEAD)
    receiver = mr_simulator.random_receiver(np.random.default_rng(SEED_NOISE), head_phantom.SIZE, ACQUISITION)
    pairs = [
        mr_simulator.acquire(np.random.default_rng([SEED_NOISE, i]), image, ACQUISITION, receiver)
        for i, image in enumerate(clean)
    ]
    positions = LOWEST_MR_MM + head_phantom.SPACING_MM * np.arange(len(pairs))
    print(f"MR: noise {np.median([pair.sigma for pair in pairs]):.1f} of {clean.max() * mr_simulator.SCALE:.0f}")
    for kind, number, words, pixels in (
        ("input", 2, f"T2 TSE axial R {ACQUISITION.r}, simulated", np.stack([pair.noisy for pair in pairs])),
        ("truth", 3, "T2 TSE axial, simulated without noise", np.stack([pair.target for pair in pairs])),
    ):
        series = dicom_objects.Series(
            "head", kind, number, words, "091500", pixels, positions, head_phantom.PIXEL_MM, head_phantom.THICKNESS_MM
        )
        _write(
            folder / kind,
            len(pixels),
            lambda i: dicom_objects.mr_object(series, i, head_phantom.SPACING_MM, ACQUISITION.r),
        )


def write_all(folder: Path) -> None:
    """Writes both series with their truths; takes about two minutes."""
    _write_ct(folder / "ct-low-dose")
    _write_mr(folder / "mr-accelerated")
    size = sum(file.stat().st_size for file in folder.rglob("*.dcm"))
    print(f"{folder}: {size / 1e6:.2f} MB")
