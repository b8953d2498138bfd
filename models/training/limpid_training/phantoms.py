"""Procedural clean images: CT sections in HU and MR magnitudes from 0 to about 1.

Nothing here comes from a patient: every structure is drawn from random numbers. What the networks learn is how edges,
plateaus, vessels and textures differ from scanner noise, not what an organ looks like.
"""

import numpy as np

from limpid_training.fields import blur, fractal_field, mean_blocks, smooth_field, unit_grid

AIR_HU = -1000.0


def ellipse(n: int, centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0) -> np.ndarray:
    """Quadratic form that is below 1 inside the ellipse; centre and radii (row, column) in units of half the image."""
    rows, columns = unit_grid(n)
    dy, dx = rows - centre[0], columns - centre[1]
    cos, sin = np.cos(angle), np.sin(angle)
    return ((dx * sin + dy * cos) / radii[0]) ** 2 + ((dx * cos - dy * sin) / radii[1]) ** 2


def dead_leaves(
    rng: np.random.Generator, n: int, low: float, high: float, count: int, smallest: float, largest: float
) -> np.ndarray:
    """Overlapping ellipses with power-law radii (pixels): edges of every size, contrast and direction."""
    image = np.full((n, n), rng.uniform(low, high), np.float32)
    radii = np.minimum(smallest / (1 - rng.random(count) * (1 - smallest / largest)), largest)
    for radius in np.sort(radii)[::-1]:
        row, column = rng.integers(0, n, 2)
        reach = int(radius) + 2
        window = (slice(max(0, row - reach), row + reach), slice(max(0, column - reach), column + reach))
        dy = np.arange(n)[window[0], None] - row
        dx = np.arange(n)[None, window[1]] - column
        angle, flatness = rng.uniform(0, np.pi), rng.uniform(0.35, 1)
        cos, sin = np.cos(angle), np.sin(angle)
        inside = (dx * cos + dy * sin) ** 2 + ((dy * cos - dx * sin) / flatness) ** 2 < radius**2
        image[window][inside] = rng.uniform(low, high)
    return image


def vessels(
    rng: np.random.Generator, n: int, count: int, thinnest: float, thickest: float, inside: np.ndarray | None = None
) -> np.ndarray:
    """Coverage (0 to 1) of random walks of slowly changing radius (pixels), begun where `inside` is true."""
    cover = np.zeros((n, n), np.float32)
    for _ in range(count):
        row, column = rng.uniform(0, n, 2)
        if inside is not None and not inside[int(row), int(column)]:
            continue
        heading = rng.uniform(0, 2 * np.pi)
        radius = max(thinnest, rng.uniform(thinnest, thickest) * rng.random())
        for _ in range(int(rng.uniform(8, 70))):
            stride = max(1.0, radius)
            row, column = row + np.sin(heading) * stride, column + np.cos(heading) * stride
            heading += rng.normal(0, 0.18)
            radius = max(thinnest, radius * rng.uniform(0.94, 1.04))
            y, x, reach = int(row), int(column), int(radius) + 2
            if min(y, x) < reach or max(y, x) >= n - reach:
                break
            patch = cover[y - reach : y + reach + 1, x - reach : x + reach + 1]
            distance = np.hypot(
                np.arange(y - reach, y + reach + 1)[:, None] - row, np.arange(x - reach, x + reach + 1)[None] - column
            )
            np.maximum(patch, np.clip(radius + 0.5 - distance, 0, 1), out=patch)
    return cover


def _lesions(rng: np.random.Generator, image: np.ndarray, inside: np.ndarray, count: int, largest: float) -> None:
    """Adds faint discs of 5 to 45 HU: contrasts near the noise that a network must not wipe away."""
    n = image.shape[0]
    for _ in range(count):
        radius = np.exp(rng.uniform(np.log(0.006), np.log(largest)))
        shape = ellipse(
            n, tuple(rng.uniform(-0.6, 0.6, 2)), (radius, radius * rng.uniform(0.7, 1.3)), rng.uniform(0, np.pi)
        )
        image[(shape < 1) & inside] += rng.choice([-1, 1]) * rng.uniform(5, 45)


def _head(rng: np.random.Generator, n: int, outline: np.ndarray) -> np.ndarray:
    image = np.full((n, n), AIR_HU, np.float32)
    image[outline < 1] = rng.uniform(20, 60)
    skull = (outline < 0.93) & (outline > 0.93 - rng.uniform(0.1, 0.2))
    image[skull] = rng.uniform(700, 1400)
    brain = outline < 0.75
    grey = smooth_field(rng, n, rng.uniform(6, 14)) > 0.2
    image[brain] = np.where(grey, 37, 30)[brain] + rng.normal(0, 2)
    image[brain & (smooth_field(rng, n, 22) > 1.6)] = rng.uniform(2, 12)
    return image


def _organ_value(rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.30:
        return rng.uniform(-115, -80)  # fat
    if kind < 0.42:
        return rng.uniform(-5, 20)  # fluid
    if kind < 0.52:
        return rng.uniform(80, 220)  # enhanced
    return rng.uniform(25, 80)


def _lungs(rng: np.random.Generator, image: np.ndarray, inner: np.ndarray, radii, wobble) -> np.ndarray:
    n = image.shape[0]
    for side in (-1, 1):
        centre = (rng.uniform(-0.1, 0.1), side * radii[1] * rng.uniform(0.4, 0.5))
        size = (radii[0] * rng.uniform(0.45, 0.68), radii[1] * rng.uniform(0.25, 0.38))
        lung = (ellipse(n, centre, size, -side * 0.15) + wobble < 1) & inner
        image[lung] = rng.uniform(-900, -780) + 40 * fractal_field(rng, n, 1.4)[lung]
        tree = vessels(rng, n, 200, 0.5, 5, lung) * lung
        image = image + tree * (rng.uniform(0, 60) - image)
    return image


def _skeleton(rng: np.random.Generator, image: np.ndarray, radii, rim: float, wobble: np.ndarray) -> None:
    n = image.shape[0]
    for _ in range(rng.integers(3, 14)):
        around = rng.uniform(0, 2 * np.pi)
        depth = rng.uniform(0.75, 0.9) * (1 - rim)
        centre = (radii[0] * depth * np.sin(around), radii[1] * depth * np.cos(around))
        rib = ellipse(n, centre, (rng.uniform(0.015, 0.05), rng.uniform(0.03, 0.12)), -around - np.pi / 2)
        image[rib < 1] = rng.uniform(400, 1100)
        image[rib < 0.5] = rng.uniform(100, 400)
    spine = ellipse(n, (radii[0] * rng.uniform(0.45, 0.62), 0), (rng.uniform(0.1, 0.16), rng.uniform(0.12, 0.18)))
    spine = spine + 0.3 * wobble
    image[spine < 1] = rng.uniform(500, 1100)
    marrow = spine < 0.8
    image[marrow] = (rng.uniform(120, 260) + 60 * fractal_field(rng, n, 1.2))[marrow]


def _trunk(rng: np.random.Generator, n: int, outline: np.ndarray, radii, wobble: np.ndarray) -> np.ndarray:
    image = np.full((n, n), AIR_HU, np.float32)
    rim = rng.uniform(0.02, 0.3)
    inner = outline < 1 - rim
    image[outline < 1] = rng.uniform(-115, -85)
    image[inner] = rng.uniform(20, 60)
    for _ in range(rng.integers(5, 14)):
        organ = (smooth_field(rng, n, rng.uniform(6, 45)) > rng.uniform(0.6, 1.8)) & inner
        image[organ] = _organ_value(rng)
    if rng.random() < 0.45:
        image = _lungs(rng, image, inner, radii, wobble)
    tree = vessels(rng, n, int(rng.integers(10, 50)), 1, 8, inner) * inner
    image = image + tree * (rng.uniform(-100, 320) - image)
    _skeleton(rng, image, radii, rim, wobble)
    return image


def body_section(rng: np.random.Generator, n: int) -> np.ndarray:
    """One section of a trunk (four fifths) or a head, in HU, before the scanner blurs it."""
    wobble = 0.06 * smooth_field(rng, n, 60)
    is_head = rng.random() < 0.2
    radii = (rng.uniform(0.7, 0.9), rng.uniform(0.6, 0.8)) if is_head else (rng.uniform(0.5, 0.75), rng.uniform(0.65, 0.92))
    outline = ellipse(n, (rng.uniform(-0.05, 0.05), 0), radii, rng.normal(0, 0.05)) + wobble
    image = _head(rng, n, outline) if is_head else _trunk(rng, n, outline, radii, wobble)
    body = outline < 1
    _lesions(rng, image, body, int(rng.integers(4, 16)), 0.05)
    texture = fractal_field(rng, n, rng.uniform(0.8, 2)) * np.clip(0.6 * smooth_field(rng, n, 30) + 0.6, 0, 2)
    image[body] += rng.uniform(0, 5) * texture[body]
    return np.clip(image, -1024, 2000)


def _within_field_of_view(image: np.ndarray) -> np.ndarray:
    image[ellipse(image.shape[0], (0, 0), (0.95, 0.95)) > 1] = AIR_HU
    return image


def _leaves_section(rng: np.random.Generator, n: int) -> np.ndarray:
    low, high = (-150, 250) if rng.random() < 0.6 else (-1000, 1000)
    image = dead_leaves(rng, n, low, high, 350, 2, 90)
    texture = fractal_field(rng, n, rng.uniform(1, 2.4)) * np.clip(0.5 * smooth_field(rng, n, 40) + 0.5, 0, 1.5)
    return _within_field_of_view(image + rng.uniform(0, 8) * texture)


def _faint_section(rng: np.random.Generator, n: int) -> np.ndarray:
    """A quiet plateau full of faint discs and faint texture, as in a liver."""
    image = rng.uniform(-60, 110) + rng.uniform(0, 12) * smooth_field(rng, n, rng.uniform(20, 60))
    _lesions(rng, image, np.ones((n, n), bool), int(rng.integers(60, 200)), 0.08)
    image += rng.uniform(0, 6) * fractal_field(rng, n, rng.uniform(0.8, 2))
    return _within_field_of_view(image)


def _texture_section(rng: np.random.Generator, n: int) -> np.ndarray:
    return _within_field_of_view(
        rng.uniform(-60, 80) + rng.uniform(5, 40) * fractal_field(rng, n, rng.uniform(1.4, 2.8))
    )


def ct_plain(rng: np.random.Generator, n: int = 512) -> np.ndarray:
    """Clean CT section in HU with anatomy-like plateaus, or dead leaves, faint discs or texture."""
    kind = rng.random()
    if kind < 0.66:
        image = body_section(rng, n)
    elif kind < 0.80:
        image = _leaves_section(rng, n)
    elif kind < 0.92:
        image = _faint_section(rng, n)
    else:
        image = _texture_section(rng, n)
    return blur(image, rng.uniform(0.45, 1.3))


def ct_dense(rng: np.random.Generator, n: int = 512) -> np.ndarray:
    """Clean CT section in HU with as much fine detail per pixel as a real abdomen.

    Real anatomy is far richer than hand-drawn plateaus; a network that has not seen such density smooths it away. A body
    of twice the size is crossed with small leaves, thin vessels and fat strands and then halved.
    """
    if rng.random() < 0.4:
        image = dead_leaves(rng, n, rng.uniform(-150, 0), rng.uniform(50, 250), 2500, 1, 60)
        image += rng.uniform(0, 10) * fractal_field(rng, n, rng.uniform(1, 2.4))
        return blur(_within_field_of_view(image), rng.uniform(0.35, 0.9))
    m = 2 * n
    image = body_section(rng, m)
    inner = blur(((image > -60) & (image < 200)).astype(np.float32), 2.0) > 0.6
    leaves = dead_leaves(rng, m, rng.uniform(-120, 20), rng.uniform(60, 260), 2500, 2, 60)
    covered = (smooth_field(rng, m, rng.uniform(30, 90)) > rng.uniform(-0.3, 1)) & inner
    image = np.where(covered, leaves, image)
    tree = vessels(rng, m, int(rng.integers(50, 250)), 0.8, 5, inner) * inner
    image = image + tree * (rng.uniform(-110, 250) - image)
    strands = np.abs(smooth_field(rng, m, rng.uniform(8, 25))) < rng.uniform(0.02, 0.12)
    image = np.where(strands & inner, image + rng.uniform(-90, 60), image)
    return blur(mean_blocks(image, 2), rng.uniform(0.35, 0.9))


def ct_faint(rng: np.random.Generator, n: int = 512) -> np.ndarray:
    """Clean CT section in HU strewn with faint discs and blobs of every size, on quiet and on dense ground.

    At the noise of a low dose these contrasts lie at the border of what can be seen. A network that meets them seldom takes
    them for noise; here they are common, sharp and soft, so that it must look.
    """
    image = ct_dense(rng, n) if rng.random() < 0.5 else body_section(rng, n)
    if rng.random() < 0.4:
        image = rng.uniform(-60, 110) + rng.uniform(0, 8) * smooth_field(rng, n, rng.uniform(20, 60))
    soft = (image > -140) & (image < 220)
    for blurred in (rng.uniform(0.3, 0.7), rng.uniform(1, 3)):
        marks = np.zeros((n, n), np.float32)
        for _ in range(int(rng.integers(80, 240))):
            radius = np.exp(rng.uniform(np.log(1.5), np.log(14))) / (n / 2)
            shape = ellipse(
                n, tuple(rng.uniform(-0.9, 0.9, 2)), (radius, radius * rng.uniform(0.6, 1.4)), rng.uniform(0, np.pi)
            )
            marks[shape < 1] += rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(4), np.log(40)))
        image = image + soft * blur(marks, blurred)
    return blur(_within_field_of_view(image), rng.uniform(0.35, 0.9))


def _new_contrast(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Sends 0..1 through a random curve of 3 to 7 knots: one drawing gives many MR contrasts."""
    knots = int(rng.integers(3, 8))
    positions = np.r_[0, np.sort(rng.random(knots)), 1]
    values = np.r_[rng.uniform(0, 0.05), rng.random(knots + 1)]
    return np.interp(image, positions, values).astype(np.float32)


def _shell_head(rng: np.random.Generator, n: int) -> np.ndarray:
    """Nested wobbling shells with a folded cortex, ventricles and vessels, in arbitrary contrast."""
    wobble = 0.05 * smooth_field(rng, n, 30) + 0.02 * smooth_field(rng, n, 10)
    shell = ellipse(n, (0, 0), (rng.uniform(0.75, 0.92), rng.uniform(0.58, 0.75)), rng.normal(0, 0.1)) + wobble
    tone = rng.random(8)
    image = np.zeros((n, n), np.float32)
    image[shell < 1] = 0.3 + 0.7 * tone[0]  # scalp fat
    image[shell < 0.93] = 0.05 * tone[1]  # bone
    image[shell < 0.82] = tone[2]  # fluid
    image[(shell < 0.79) & (smooth_field(rng, n, rng.uniform(3, 6)) > -1.1)] = tone[3]
    folds = np.abs(smooth_field(rng, n, rng.uniform(4, 8))) > 0.35 * shell / 0.6
    image[(shell < 0.73) & folds] = tone[4]
    for _ in range(rng.integers(1, 4)):
        pool = smooth_field(rng, n, rng.uniform(8, 20)) > rng.uniform(1.3, 2)
        image[pool & (shell < 0.6)] = tone[rng.integers(2, 8)]
    tree = vessels(rng, n, 15, 0.5, 2) * (shell < 0.8)
    image += tree * (rng.random() - image) * rng.random()
    image += (shell < 0.8) * fractal_field(rng, n, rng.uniform(1, 2)) * rng.uniform(0, 0.03)
    return image


class Fibres:
    """Strong fine texture, as of trabecular bone, muscle or cerebellum: one kind of it in one place, its fibres drawn as often as asked."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self._n, self._slope, self._is_ridged = n, rng.uniform(0.5, 1.7), rng.random() < 0.5
        self._mesh_pixels, self._mesh_width = rng.uniform(1.5, 4), rng.uniform(0.15, 0.5)
        self._grain_share, self._mesh_share = rng.uniform(0.03, 0.25), rng.uniform(-0.5, 0.5)
        self._where = np.clip(smooth_field(rng, n, 25) + 0.5, 0, 1)

    def drawn(self, rng: np.random.Generator) -> np.ndarray:
        """What tissue is multiplied with, [row][column]."""
        grain = fractal_field(rng, self._n, self._slope)
        if self._is_ridged:
            grain = np.abs(grain)
        mesh = np.exp(-((smooth_field(rng, self._n, self._mesh_pixels) / self._mesh_width) ** 2))
        return 1 + self._where * (self._grain_share * grain + self._mesh_share * mesh)


def _fibrous(rng: np.random.Generator, n: int) -> np.ndarray:
    return dead_leaves(rng, n, 0.1, 0.9, 120, 4, 60) * Fibres(rng, n).drawn(rng)


def _mr_leaves(rng: np.random.Generator, n: int) -> np.ndarray:
    image = dead_leaves(rng, n, 0, 1, int(rng.choice([250, 2000])), rng.uniform(1, 2), 50)
    image += rng.uniform(0, 0.06) * fractal_field(rng, n, rng.uniform(1, 2.4))
    if rng.random() < 0.5:
        image *= ellipse(n, (0, 0), tuple(rng.uniform(0.6, 0.95, 2))) < 1
    return image


def mr_clean(rng: np.random.Generator, n: int = 256) -> np.ndarray:
    """Clean MR magnitude, 0 to about 1: heads, bodies and dense detail in random contrasts, fibres, dead leaves."""
    kind = rng.random()
    if kind < 0.30:
        image = _shell_head(rng, n)
    elif kind < 0.45:
        section = body_section(rng, n)
        image = _new_contrast(rng, np.clip((section + 1000) / 1600, 0, 1)) * (section > -990)
    elif kind < 0.60:
        section = ct_dense(rng, n)
        image = _new_contrast(rng, np.clip((section + 200) / 500, 0, 1)) * (section > -990)
    elif kind < 0.78:
        image = _fibrous(rng, n)
    else:
        image = _mr_leaves(rng, n)
    return np.maximum(blur(np.clip(image, 0, 1.3), rng.uniform(0.3, 0.7)), 0)
