"""Pools of training material on disk, made in parts so that a stopped build goes on where it stopped.

A CT part holds `clean` (int16, 8 x HU, [section][row][column]), `noise` (float16, [section][kernel][row][column], each of
deviation 1 in its centre) and `sigma` (float16, local deviation of that noise on a grid of 1/8). The level of the noise is
chosen when a patch is drawn. MR and ultrasound parts hold `noisy` (float16, delivered units or grey values,
[pair][draw][row][column]: draws differ in the noise alone; of stacks [pair][draw][slice][row][column], the middle slice first),
`target` and `sigma` (grid of 1/8).
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from limpid_training import ct_simulator, ct_stack, mr_simulator, mr_stack, phantoms, us_simulator
from limpid_training.fields import blur, mean_blocks

GRID = 8
KERNELS = 3
CT_STEPS = 8
PART = {"ct": 20, "ct-faint": 20, "ct-stack": 10, "mr": 50, "mr-stack": 20, "us": 50}
DENSE_SHARE = 0.5
FAINT_SHARE = 0.2
"""Of stacks; single sections have a pool of faint ones of their own."""
PAIR_DRAWS = 2


def local_sigma(noise: np.ndarray, window: float = 20.0) -> np.ndarray:
    """Local deviation of a noise image (Gaussian window in pixels) on a grid of 1/8."""
    return np.sqrt(np.maximum(mean_blocks(blur(noise * noise, window), GRID), 1e-6))


def _random_scan(rng: np.random.Generator, hu: np.ndarray) -> ct_simulator.Scan:
    pixel_mm = rng.uniform(0.5, 0.9)
    mu = ct_simulator.attenuation(hu)
    longest = max(mu.sum(0).max(), mu.sum(1).max()) * pixel_mm
    # The longest ray sees 40 to 4000 photons: from starvation with streaks to good statistics.
    photons = np.exp(longest + rng.uniform(np.log(40), np.log(4000)))
    return ct_simulator.Scan(
        pixel_mm=pixel_mm,
        photons=photons,
        views=int(rng.integers(280, 420)),
        electronic=rng.uniform(2, 12),
        bowtie_mm=hu.shape[0] * pixel_mm * rng.uniform(0.3, 0.45),
    )


def _ct_mixture(rng: np.random.Generator) -> np.ndarray:
    return phantoms.ct_dense(rng) if rng.random() < DENSE_SHARE else phantoms.ct_plain(rng)


def ct_part(
    rng: np.random.Generator, count: int, section: Callable[[np.random.Generator], np.ndarray] = _ct_mixture
) -> dict[str, np.ndarray]:
    clean, noise, sigma = [], [], []
    for _ in range(count):
        hu = section(rng)
        raw = ct_simulator.scan_noise(rng, hu, _random_scan(rng, hu))
        images = []
        for _ in range(KERNELS):
            image = ct_simulator.random_kernel(rng).apply(raw)
            images.append(image / image[128:384, 128:384].std())
        clean.append(np.round(np.clip(hu, -1024, 3000) * CT_STEPS).astype(np.int16))
        noise.append(np.stack(images).astype(np.float16))
        sigma.append(np.stack([local_sigma(image) for image in images]).astype(np.float16))
    return {"clean": np.stack(clean), "noise": np.stack(noise), "sigma": np.stack(sigma)}


def _stack_section(rng: np.random.Generator) -> np.ndarray:
    return phantoms.ct_faint(rng) if rng.random() < FAINT_SHARE else _ct_mixture(rng)


def ct_stack_part(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Stacks of three slices, the middle one first: `clean` and `noise` have a further axis, [section]([draw])[slice]."""
    clean, noise, sigma = [], [], []
    for _ in range(count):
        geometry = ct_stack.random_geometry(rng)
        hu, other = _stack_section(rng), _ct_mixture(rng)
        scan = _random_scan(rng, hu)
        slices = ct_stack.Anatomy(rng, hu, other, scan.pixel_mm).slices(geometry)
        drawn = []
        for _ in range(PAIR_DRAWS):
            raw = ct_stack.stack_noise(rng, slices[0], scan, geometry)
            kernel = ct_simulator.random_kernel(rng)
            images = np.stack([kernel.apply(image) for image in raw])
            drawn.append(images / images[0, 128:384, 128:384].std())
        clean.append(np.round(np.clip(slices, -1024, 3000) * CT_STEPS).astype(np.int16))
        noise.append(np.stack(drawn).astype(np.float16))
        sigma.append(np.stack([local_sigma(images[0]) for images in drawn]).astype(np.float16))
    return {"clean": np.stack(clean), "noise": np.stack(noise), "sigma": np.stack(sigma)}


def _paired_part(pairs: Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    noisy, target, sigma = (np.stack(images).astype(np.float16) for images in zip(*pairs))
    return {"noisy": noisy, "target": target, "sigma": sigma}


def mr_part(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        clean, how = phantoms.mr_clean(rng), mr_simulator.random_acquisition(rng)
        receiver = mr_simulator.random_receiver(rng, clean.shape[0], how)
        drawn = [mr_simulator.acquire(rng, clean, how, receiver) for _ in range(PAIR_DRAWS)]
        axes = (1, 0) if rng.random() < 0.5 else (0, 1)
        sigma = np.sqrt(np.mean([each.sigma**2 for each in drawn], axis=0))
        return (
            np.stack([each.noisy.transpose(axes) for each in drawn]),
            drawn[0].target.transpose(axes),
            mean_blocks(sigma, GRID).transpose(axes),
        )

    return _paired_part(pair() for _ in range(count))


def mr_stack_part(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Stacks of three slices, the middle one first; target and sigma are the middle one's."""

    def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        how = mr_simulator.random_acquisition(rng)
        stack = mr_stack.random_stack(rng)
        receiver = mr_simulator.random_receiver(rng, stack.slices.shape[-1], how)
        drawn = [mr_simulator.acquire_stack(rng, stack.slices, how, receiver, stack.noise_factor) for _ in range(PAIR_DRAWS)]
        sigma = np.sqrt(np.mean([middle.sigma**2 for middle, *_ in drawn], axis=0))
        turned = (1, 0) if rng.random() < 0.5 else (0, 1)
        return (
            np.stack([[each.noisy.transpose(turned) for each in pairs] for pairs in drawn]),
            drawn[0][0].target.transpose(turned),
            mean_blocks(sigma, GRID).transpose(turned),
        )

    return _paired_part(pair() for _ in range(count))


def us_part(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cine = us_simulator.simulate(rng, draws=PAIR_DRAWS)
        error = ((cine.noisy - cine.target) ** 2).mean(0)
        return cine.noisy, cine.target, np.sqrt(np.maximum(mean_blocks(blur(error, 10.0), GRID), 0.25))

    return _paired_part(pair() for _ in range(count))


MAKERS: dict[str, Callable[[np.random.Generator, int], dict[str, np.ndarray]]] = {
    "ct": ct_part,
    "ct-faint": lambda rng, count: ct_part(rng, count, phantoms.ct_faint),
    "ct-stack": ct_stack_part,
    "mr": mr_part,
    "mr-stack": mr_stack_part,
    "us": us_part,
}


def build(modality: str, folder: Path, count: int, seed: int) -> list[Path]:
    """Makes what is missing of `count` sections or pairs; each part has its own seed, so the pool does not depend on how
    often the build was stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    make = MAKERS[modality]
    parts = []
    for number in range(-(-count // PART[modality])):
        path = folder / f"{modality}-{seed}-{number:03d}.npz"
        parts.append(path)
        if path.exists():
            continue
        started = time.monotonic()
        arrays = make(np.random.default_rng([seed, number]), PART[modality])
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez(file, **arrays)
        unfinished.rename(path)
        print(f"{path.name}: {PART[modality]} in {time.monotonic() - started:.0f} s", flush=True)
    return parts


def load(parts: list[Path]) -> dict[str, np.ndarray]:
    """All parts joined."""
    opened = [np.load(part) for part in parts]
    return {name: np.concatenate([part[name] for part in opened]) for name in opened[0].files}
