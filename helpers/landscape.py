"""Make the landscape: heights out of layers of Perlin noise, the colored picture, and the true terrain."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

TERRAINS = ("water", "grass", "mountain", "snow")
PALETTE = np.array([(20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220)], dtype=np.uint8)
THRESHOLDS = (0.4, 0.6, 0.8)  # heights between two neighboring terrains
ISOLINES = (0.3, 0.5, 0.7)

# Ken Perlin's permutation of 0 to 255 (Perlin, 2002), which `noise` uses too.
_HEXADECIMAL = """
    97a0895b5a0f830dc95f6035c2e907e18c24671e458e086325f0150a17be0694f778ea4b001ac53e5efcdb
    cb75230b2039b12158ed953857ae147d88aba844af4aa547868b301ba64d929ee7536fe57a3cd385e6dc69
    5c29372ef528f4668f3641193fa101d85049d14c84bbd05912a9c8c4878274bc9f56a4646dc6adba034034
    d9e2fa7c7b05ca2693767eff5255d4cfce3be32f103a11b6bd1c2adfb7aad577f898022c9aa346dd99659b
    a72bac09811627fd13626c6e4f71e0e8b2b97068daf661e4fb22f2c1eed2900cbfb3a2f1513391ebf90eef
    6b31c0d61fb5c76a9db854ccb07379322d7f0496fe8aeccd5dde72431d1848f38d80c34e42d73d9cb4
"""
PERMUTATION = np.frombuffer(bytes.fromhex(_HEXADECIMAL), dtype=np.uint8).astype(np.intp)
# The 16 gradient directions of `noise`: its three-dimensional ones, seen from above.
GRADIENTS = np.array([
    (1, -1, 1, -1, 1, -1, 1, -1, 0, 0, 0, 0, 1, -1, 0, 0),  # down the rows
    (1, 1, -1, -1, 0, 0, 0, 0, 1, -1, 1, -1, 0, 0, -1, 1),  # along the columns
], dtype=np.float32)  # fmt: skip
REPEAT = 1024  # lattice cells after which the noise repeats, as in `noise`
BLOCK = 128  # rows worked on at once: their arrays stay in the processor's cache


def heights(
    size: int = 512,
    scale: float = 128.0,
    octaves: int = 6,
    persistence: float = 0.5,
    lacunarity: float = 2.0,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return heights from 0, the lowest, to 1, the highest: (size, size) float64, made of layers of Perlin noise.

    K. Perlin, "Improving noise", SIGGRAPH 2002. With seed 0 this is ``noise.pnoise2(row / scale, column / scale, ...)``,
    rounded as that library rounds (in float32). ValueError if every height is the same.

    Parameters
    ----------
    size : int
        Rows and columns, in pixels.
    scale : float
        Pixels per cell of the first layer's lattice; larger is smoother.
    octaves : int
        Number of layers, at least 1.
    persistence, lacunarity : float
        Amplitude and frequency of each layer, as multiples of the one before.
    seed : int
        Which landscape: 0 uses Perlin's own permutation table, any other seed a shuffle of it.
    """
    raw = perlin(size, scale, octaves, persistence, lacunarity, seed)
    low, high = raw.min(), raw.max()
    if low == high:
        raise ValueError(
            f"the landscape is flat: with scale={scale:g} and lacunarity={lacunarity:g} every pixel falls on a "
            "point of the noise's lattice, where noise is 0; choose a larger or a fractional scale"
        )
    raw -= low
    raw /= high - low
    return raw


def perlin(
    size: int = 512,
    scale: float = 128.0,
    octaves: int = 6,
    persistence: float = 0.5,
    lacunarity: float = 2.0,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the noise itself, before `heights` stretches it to [0, 1]: (size, size) float64, around 0."""
    table = permutation(seed)
    place = (np.arange(size) / scale).astype(np.float32)
    result = np.empty((size, size))
    for start in range(0, size, BLOCK):
        rows = slice(start, min(start + BLOCK, size))
        total = np.zeros((rows.stop - rows.start, size), dtype=np.float32)
        frequency = amplitude = np.float32(1)
        norm = np.float32(0)
        for _ in range(octaves):
            repeat = np.float32(REPEAT) * frequency
            total += _layer(place[rows] * frequency, place * frequency, repeat, table) * amplitude
            norm += amplitude
            frequency *= np.float32(lacunarity)
            amplitude *= np.float32(persistence)
        result[rows] = total / norm
    return result


def permutation(seed: int) -> NDArray[np.intp]:
    """Return the permutation of 0 to 255 that belongs to `seed`; RandomState never changes its streams."""
    return PERMUTATION if seed == 0 else np.random.RandomState(seed).permutation(PERMUTATION)


def colorize(h: NDArray[np.float64], transition_width: float = 0.06) -> NDArray[np.uint8]:
    """Return the picture, (..., 3) uint8: each height, from 0 to 1, in its terrain's color, blended near a threshold.

    `transition_width` is half the width of the blends, from 0 (none) to 0.1 (half a band); beyond, it is a ValueError.
    A blended value is truncated, not rounded, as in the article.
    """
    if not 0 <= transition_width <= 0.1:
        raise ValueError(f"transition_width must be from 0 to 0.1 (half a band), not {transition_width!r}")
    h = np.asarray(h, dtype=float)
    picture = PALETTE[terrain(h)]
    for below, threshold in enumerate(THRESHOLDS if transition_width > 0 else ()):
        near = np.abs(h - threshold) < transition_width
        share = ((h[near] - (threshold - transition_width)) / (2 * transition_width))[:, np.newaxis]
        low, high = PALETTE[below].astype(float), PALETTE[below + 1].astype(float)
        picture[near] = ((1 - share) * low + share * high).astype(np.uint8)
    return picture


def terrain(h: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return what each pixel truly is: 0 water, 1 grass, 2 mountain, 3 snow; same shape as `h`, int64."""
    return np.digitize(h, THRESHOLDS).astype(np.int64)


def _lattice(place: NDArray[np.float32], repeat: np.float32) -> tuple[NDArray[Any], ...]:
    """Return, for places of one axis, the lattice points below and above, the way from the first, and its fade."""
    below = np.floor(np.fmod(place, repeat))
    above = np.fmod(below + np.float32(1), repeat)
    t = place - np.floor(place)
    fade = t * t * t * (t * (t * 6 - 15) + 10)  # float32 stays float32 beside plain numbers
    return below.astype(np.intp) & 255, above.astype(np.intp) & 255, t, fade


def _layer(
    rows: NDArray[np.float32], columns: NDArray[np.float32], repeat: np.float32, table: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return one layer of noise, float32: each lattice point pulls along its own gradient.

    Gradients are looked up once per lattice row and column of pixels, and repeated for the pixel rows between.
    """
    above, below, dx, fade_x = _lattice(rows, repeat)
    left, right, dy, fade_y = _lattice(columns, repeat)
    starts = np.flatnonzero(
        np.diff(above, prepend=-1) | np.diff(below, prepend=-1)
    )  # rows where a cell begins
    cells = above[starts], below[starts]
    row_of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    gradient = GRADIENTS[:, table & 15]

    def pull(side: int, points: NDArray[np.intp], away: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return offset · gradient for the lattice row on one `side` and the given column points."""
        corner = np.take(table, (table[cells[side]][:, np.newaxis] + points) & 255)
        result = np.take(np.take(gradient[0], corner), row_of, axis=0)
        result *= (dx - np.float32(side))[:, np.newaxis]
        result += np.take(np.take(gradient[1], corner) * away, row_of, axis=0)
        return result

    def blend(share: Any, first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
        second -= first
        second *= share
        second += first
        return second

    first, second = (
        blend(fade_x[:, np.newaxis], pull(0, points, away), pull(1, points, away))
        for points, away in ((left, dy), (right, dy - np.float32(1)))
    )
    return blend(fade_y, first, second)
