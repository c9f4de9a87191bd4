"""Make the landscape: heights, the colored picture, and the true terrain.

Steps: layers of Perlin noise are added up to heights; a palette turns heights into a picture; the
palette's thresholds, which we know, say what each pixel truly is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

TERRAINS = ("water", "grass", "mountain", "snow")
PALETTE = np.array([(20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220)], dtype=np.uint8)
THRESHOLDS = (0.4, 0.6, 0.8)  # heights between two neighboring terrains
ISOLINES = (0.3, 0.5, 0.7)

# Ken Perlin's permutation of 0 to 255 (Perlin, 2002), which `noise` uses too.
PERMUTATION = np.array([
    151, 160, 137, 91, 90, 15, 131, 13, 201, 95, 96, 53, 194, 233, 7, 225, 140, 36, 103, 30, 69, 142, 8, 99,
    37, 240, 21, 10, 23, 190, 6, 148, 247, 120, 234, 75, 0, 26, 197, 62, 94, 252, 219, 203, 117, 35, 11, 32,
    57, 177, 33, 88, 237, 149, 56, 87, 174, 20, 125, 136, 171, 168, 68, 175, 74, 165, 71, 134, 139, 48, 27,
    166, 77, 146, 158, 231, 83, 111, 229, 122, 60, 211, 133, 230, 220, 105, 92, 41, 55, 46, 245, 40, 244,
    102, 143, 54, 65, 25, 63, 161, 1, 216, 80, 73, 209, 76, 132, 187, 208, 89, 18, 169, 200, 196, 135, 130,
    116, 188, 159, 86, 164, 100, 109, 198, 173, 186, 3, 64, 52, 217, 226, 250, 124, 123, 5, 202, 38, 147,
    118, 126, 255, 82, 85, 212, 207, 206, 59, 227, 47, 16, 58, 17, 182, 189, 28, 42, 223, 183, 170, 213,
    119, 248, 152, 2, 44, 154, 163, 70, 221, 153, 101, 155, 167, 43, 172, 9, 129, 22, 39, 253, 19, 98, 108,
    110, 79, 113, 224, 232, 178, 185, 112, 104, 218, 246, 97, 228, 251, 34, 242, 193, 238, 210, 144, 12,
    191, 179, 162, 241, 81, 51, 145, 235, 249, 14, 239, 107, 49, 192, 214, 31, 181, 199, 106, 157, 184, 84,
    204, 176, 115, 121, 50, 45, 127, 4, 150, 254, 138, 236, 205, 93, 222, 114, 67, 29, 24, 72, 243, 141,
    128, 195, 78, 66, 215, 61, 156, 180,
], dtype=np.intp)  # fmt: skip
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

    Raises
    ------
    ValueError
        If every height is the same, so that there is no landscape.

    Notes
    -----
    K. Perlin, "Improving noise", SIGGRAPH 2002. With seed 0 this is ``noise.pnoise2(row / scale, column / scale, ...)``,
    rounded as that library rounds (in float32).
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


def noise_1d(place: ArrayLike, seed: int = 0) -> NDArray[np.float64]:
    """Return Perlin noise along a line, float64, to show how it is made.

    Every whole number is a lattice point with a slope in [-1, 1]; between two the noise fades from line to line.
    """
    place = np.asarray(place, dtype=float)
    slope = permutation(seed) / 127.5 - 1
    point = np.floor(place).astype(int)
    t = place - point
    fade = t**3 * (t * (t * 6 - 15) + 10)
    return (1 - fade) * slope[point & 255] * t + fade * slope[(point + 1) & 255] * (t - 1)


def colorize(h: NDArray[np.float64], transition_width: float = 0.06) -> NDArray[np.uint8]:
    """Return the picture, (..., 3) uint8: each height, from 0 to 1, in its terrain's color, blended near a threshold.

    Parameters
    ----------
    h : ndarray of float
        Heights of any shape.
    transition_width : float
        Half width of the blend around each threshold, from 0 (none) to 0.1 (half a band); outside it is a ValueError.
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


class _Lattice(NamedTuple):
    near: NDArray[np.intp]  # lattice point below each place
    far: NDArray[np.intp]  # the next one
    offset: NDArray[np.float32]  # distance from the first, in [0, 1)
    fade: NDArray[np.float32]  # Perlin's smooth step from 0 to 1 of that distance


def _lattice(place: NDArray[np.float32], repeat: np.float32) -> _Lattice:
    """Return where the places of one axis lie in the lattice."""
    near = np.floor(np.fmod(place, repeat))
    far = np.fmod(near + np.float32(1), repeat)
    t = place - np.floor(place)
    fade = t * t * t * (t * (t * 6 - 15) + 10)  # float32 stays float32 beside plain numbers
    return _Lattice(near.astype(np.intp) & 255, far.astype(np.intp) & 255, t, fade)


def _layer(
    rows: NDArray[np.float32], columns: NDArray[np.float32], repeat: np.float32, table: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return one layer of noise, float32: each lattice point pulls along its own gradient.

    Gradients are looked up once per lattice row and column of pixels, and repeated for the pixel rows between.
    """
    x, y = _lattice(rows, repeat), _lattice(columns, repeat)
    # the first pixel row of each lattice cell
    starts = np.flatnonzero(
        np.diff(x.near, prepend=-1).astype(bool) | np.diff(x.far, prepend=-1).astype(bool)
    )
    cells = x.near[starts], x.far[starts]
    row_of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    u, v = x.fade[:, np.newaxis], y.fade[np.newaxis, :]
    gradient = GRADIENTS[:, table & 15]

    def pull(side: int, points: NDArray[np.intp], dy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return offset · gradient for the lattice row on one `side` and the given column points."""
        corner = np.take(table, (table[cells[side]][:, np.newaxis] + points) & 255)
        result = np.take(np.take(gradient[0], corner), row_of, axis=0)
        result *= (x.offset - np.float32(side))[:, np.newaxis]
        result += np.take(np.take(gradient[1], corner) * dy, row_of, axis=0)
        return result

    def between(points: NDArray[np.intp], dy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the blend of the two lattice rows, for the given column points."""
        first = pull(0, points, dy)
        return _blend(u, first, pull(1, points, dy))

    return _blend(v, between(y.near, y.offset), between(y.far, y.offset - np.float32(1)))


def _blend(
    share: NDArray[np.float32], first: NDArray[np.float32], second: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return ``first + share * (second - first)``, worked out in the memory of `second`."""
    second -= first
    second *= share
    second += first
    return second
