"""The plain program: each step of the article pixel by pixel, with the libraries that the article uses.

Nothing here is fast, and nothing is shared with `helpers`: the tests hold `helpers` against it, and the
benchmarks measure how much longer it takes.

Steps: heights from `noise.pnoise2`; a color for each height; k-means on all pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import noise
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

COLORS = ((20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220))  # water, grass, mountain, snow
BORDERS = (0.4, 0.6, 0.8)


def perlin(
    size: int = 512, scale: float = 128.0, octaves: int = 6, persistence: float = 0.5, lacunarity: float = 2.0
) -> NDArray[np.float64]:
    """Return the noise of the `noise` package, asked for pixel by pixel."""
    field = np.empty((size, size))
    for row in range(size):
        for column in range(size):
            field[row, column] = noise.pnoise2(
                row / scale, column / scale, octaves=octaves, persistence=persistence, lacunarity=lacunarity
            )
    return field


def heights(
    size: int = 512, scale: float = 128.0, octaves: int = 6, persistence: float = 0.5, lacunarity: float = 2.0
) -> NDArray[np.float64]:
    """Return the noise stretched to [0, 1]."""
    field = perlin(size, scale, octaves, persistence, lacunarity)
    return (field - field.min()) / (field.max() - field.min())


def color(height: float, width: float) -> tuple[int, ...]:
    """Return the color of one height: the terrain's, or near a border a blend, truncated.

    Where two blends touch (a half width of 0.1, halfway between two borders) the upper one counts.
    """
    found: tuple[int, ...] = COLORS[sum(height >= border for border in BORDERS)]
    for border, low, high in zip(BORDERS, COLORS, COLORS[1:], strict=False):
        if abs(height - border) < width:
            share = (height - (border - width)) / (2 * width)
            found = tuple(
                int((1 - share) * below + share * above) for below, above in zip(low, high, strict=True)
            )
    return found


def color_exact(height: float, width: float) -> tuple[float, ...]:
    """Return the same color in exact fractions, before truncation."""
    h, w = Fraction(height), Fraction(width)
    for border, low, high in zip((Fraction(b, 10) for b in (4, 6, 8)), COLORS, COLORS[1:], strict=False):
        if abs(h - border) < w:
            share = (h - (border - w)) / (2 * w)
            return tuple(
                float(below + share * (above - below)) for below, above in zip(low, high, strict=True)
            )
    return tuple(map(float, COLORS[sum(h >= Fraction(b, 10) for b in (4, 6, 8))]))


def colorize(h: NDArray[np.float64], width: float = 0.06) -> NDArray[np.uint8]:
    """Return the picture, colored pixel by pixel."""
    picture = np.empty((*h.shape, 3), dtype=np.uint8)
    for place in np.ndindex(h.shape):
        picture[place] = color(float(h[place]), width)
    return picture


def fit(
    image: NDArray[np.uint8], n_clusters: int, random_state: int = 42, n_init: int | str = "auto"
) -> KMeans:
    """Return scikit-learn's k-means of all pixels, as the article calls it."""
    return KMeans(n_clusters=n_clusters, random_state=random_state, n_init=n_init).fit(image.reshape(-1, 3))


def wcss_loop(image: NDArray[np.uint8], ks: Sequence[int]) -> list[float]:
    """Return the WCSS of one fit on all pixels for each k: the article's elbow loop."""
    return [float(fit(image, k).inertia_) for k in ks]


def wcss(image: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Return the squared distances of all labeled pixels to the mean of their cluster, added up."""
    total = 0.0
    for cluster in np.unique(labels[labels >= 0]):
        members = image[labels == cluster].astype(float)
        total += float(((members - members.mean(axis=0)) ** 2).sum())
    return total


def perlin_point(
    x: float,
    y: float,
    octaves: int,
    persistence: float,
    lacunarity: float,
    table: Sequence[int],
) -> float:
    """Return Perlin noise at one point from any permutation table, every step rounded to float32.

    `noise` has one table only; this is the check for the others, and tells whether `noise` was built so
    that the compiler fused multiplications with additions.
    """
    one = np.float32
    total, norm, frequency, amplitude = one(0), one(0), one(1), one(1)
    for _ in range(octaves):
        layer = _layer_point(one(x) * frequency, one(y) * frequency, one(1024) * frequency, table)
        total += layer * amplitude
        norm += amplitude
        frequency *= one(lacunarity)
        amplitude *= one(persistence)
    return float(total / norm)


def _layer_point(x: np.float32, y: np.float32, repeat: np.float32, table: Sequence[int]) -> np.float32:
    one = np.float32
    directions = [(1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (1, 0), (-1, 0)]
    directions += [(0, 1), (0, -1), (0, 1), (0, -1), (1, 0), (-1, 0), (0, -1), (0, 1)]

    def lattice(place: np.float32) -> tuple[int, int, np.float32, np.float32]:
        near = math.floor(math.fmod(place, repeat))
        far = int(math.fmod(float(one(near + 1)), repeat))
        t = place - np.floor(place)
        return near & 255, far & 255, t, t * t * t * (t * (t * one(6) - one(15)) + one(10))

    i, ii, dx, u = lattice(x)
    j, jj, dy, v = lattice(y)

    def pull(row: int, column: int, a: np.float32, b: np.float32) -> np.float32:
        down, right = directions[table[table[(table[row] + column) % 256]] % 16]
        return a * one(down) + b * one(right)

    def blend(share: np.float32, first: np.float32, second: np.float32) -> np.float32:
        return first + share * (second - first)

    top = blend(u, pull(i, j, dx, dy), pull(ii, j, dx - one(1), dy))
    bottom = blend(u, pull(i, jj, dx, dy - one(1)), pull(ii, jj, dx - one(1), dy - one(1)))
    return blend(v, top, bottom)
