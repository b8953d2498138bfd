"""A branching tree in three dimensions, drawn where a plane cuts it."""

from dataclasses import dataclass

import numpy as np

from limpid_training.volumes import Plane

THINNEST_MM = 0.45


@dataclass(frozen=True)
class Branch:
    start: np.ndarray
    end: np.ndarray
    radius_start: float
    radius_end: float


def grow(
    rng: np.random.Generator, start: tuple[float, float, float], heading: tuple[float, float, float], radius: float
) -> list[Branch]:
    """Branches in two at angles of 15 to 60 degrees; a child has 0.6 to 0.9 of its parent's radius. Lengths in mm."""
    branches: list[Branch] = []
    tips = [(np.array(start, float), np.array(heading, float) / np.linalg.norm(heading), radius)]
    while tips:
        place, direction, width = tips.pop()
        if width < THINNEST_MM:
            continue
        for _ in range(3):
            direction = direction + rng.normal(0, 0.16, 3)
            direction /= np.linalg.norm(direction)
            reach = place + direction * rng.uniform(1.0, 1.9) * (1.4 + 0.8 * width)
            branches.append(Branch(place, reach, width, 0.97 * width))
            place, width = reach, 0.97 * width
        across = np.cross(direction, rng.standard_normal(3))
        across /= np.linalg.norm(across)
        share = rng.uniform(0.62, 0.88)
        for side, ratio in ((1, share), (-1, np.cbrt(max(1 - share**3, 0.12)))):
            turn = np.radians(rng.uniform(15, 35) if ratio > 0.75 else rng.uniform(30, 60))
            tips.append((place, direction * np.cos(turn) + side * across * np.sin(turn), width * ratio))
    return branches


def narrowed(branches: list[Branch], share: float) -> list[Branch]:
    """The same tree with all radii multiplied: the lumen of a tree of walls."""
    return [Branch(b.start, b.end, share * b.radius_start, share * b.radius_end) for b in branches]


def coverage(section: Plane, branches: list[Branch]) -> np.ndarray:
    """How much of each grid point the cut branches cover, 0 to 1, with soft edges of one grid step."""
    columns, rows = section.x.size, section.y.size
    cover = np.zeros((rows, columns), np.float32)
    for branch in branches:
        low, high = sorted((branch.start[2], branch.end[2]))
        if not low - branch.radius_start < section.z < high + branch.radius_start:
            continue
        length = np.linalg.norm(branch.end - branch.start)
        for share in np.linspace(0, 1, max(2, int(2 * length / branch.radius_start) + 1)):
            point = branch.start + share * (branch.end - branch.start)
            radius = branch.radius_start + share * (branch.radius_end - branch.radius_start)
            cut = radius**2 - (section.z - point[2]) ** 2
            if cut > 0:
                centre = point[1] / section.step_mm + (rows - 1) / 2, point[0] / section.step_mm + (columns - 1) / 2
                _add_disc(cover, centre, np.sqrt(cut) / section.step_mm)
    return cover


def _add_disc(cover: np.ndarray, centre: tuple[float, float], radius: float) -> None:
    reach = int(radius) + 2
    top, left = (int(place) - reach for place in centre)
    if top < 0 or left < 0 or top + 2 * reach >= cover.shape[0] or left + 2 * reach >= cover.shape[1]:
        return
    window = (slice(top, top + 2 * reach + 1), slice(left, left + 2 * reach + 1))
    rows = np.arange(top, top + 2 * reach + 1)[:, None] - centre[0]
    columns = np.arange(left, left + 2 * reach + 1)[None] - centre[1]
    np.maximum(cover[window], np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1), out=cover[window])
