"""Plant things that do not belong into a landscape, and map them: a road from the left edge to the right one, a lake of
the wrong color on the land beside it, and single pixels that are black or white or have a color from elsewhere.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Random = np.random.RandomState

KINDS = ("nothing", "road", "lake", "dead pixels", "stray pixels")  # what the numbers of the map mean
NOTHING, ROAD, LAKE, DEAD, STRAY = range(5)
ROAD_COLOR, LAKE_COLOR = (128, 128, 128), (150, 30, 150)
DEAD_COLORS = np.array([(0, 0, 0), (255, 255, 255)])  # no signal, or the most there can be
SHARE = 0.001  # of the pixels that die, and of those that stray
LEAST = 3  # pixels of each, in a small picture
APART = 3  # pixels between single ones, so that each is alone
DONORS = 16  # pixels of other terrains, of which the one most unlike lends its color to a stray one


def plant(image: Image, truth: NDArray[np.integer], seed: int = 0) -> tuple[Image, NDArray[np.int8]]:
    """Return a copy of the picture in which a few things do not belong, and a map of them.

    Parameters
    ----------
    image : ndarray of shape (h, w, 3), uint8
        The picture, from 32 × 32 pixels on.
    truth : ndarray of shape (h, w), int
        The terrain of each pixel, 0 for water.

    Returns
    -------
    planted : ndarray of shape (h, w, 3), uint8
    kinds : ndarray of shape (h, w), int8
        The place in `KINDS` of what was planted; 0 exactly where the color is as before.
    """
    if image.shape != (*truth.shape, 3) or min(truth.shape) < 32:
        wanted = "(h, w, 3), from 32 x 32 on, with a terrain (h, w) for each pixel"
        raise ValueError(f"the picture must be {wanted}; not {image.shape} with {truth.shape}")
    random = np.random.RandomState(seed)
    planted, kinds = image.copy(), np.zeros(truth.shape, dtype=np.int8)
    to_road = ndimage.distance_transform_edt(~_road(truth.shape, random))
    kinds[to_road <= max(0, min(truth.shape) / 340)] = ROAD
    kinds[_lake(truth > 0, to_road, random)] = LAKE

    free = ndimage.distance_transform_edt(kinds == NOTHING)[::APART, ::APART] > 1.5
    rows, columns = random.permutation(np.argwhere(free)).T * APART
    n = max(LEAST, round(SHARE * truth.size))
    kinds[rows[:n], columns[:n]] = DEAD
    kinds[rows[n : 2 * n], columns[n : 2 * n]] = STRAY

    planted[kinds == ROAD] = ROAD_COLOR
    planted[kinds == LAKE] = LAKE_COLOR
    planted[kinds == DEAD] = DEAD_COLORS[random.randint(0, 2, np.count_nonzero(kinds == DEAD))]
    for terrain in np.unique(truth):
        here = (kinds == STRAY) & (truth == terrain)
        planted[here] = _colors_from_elsewhere(image[here], image[truth != terrain], random)
    kinds[(planted == image).all(axis=-1)] = NOTHING  # what was not changed was not planted
    return planted, kinds


def _road(shape: tuple[int, ...], random: Random) -> Mask:
    """Return the middle line of the road: three waves of falling height, from the left edge to the right."""
    height, width = shape
    t = np.linspace(0, 1, 4 * (height + width))
    waves = ((0.7, 0.2), (1.6, 0.08), (3.3, 0.03))  # how many, and how high
    bend = sum(high * np.sin(2 * np.pi * (many * t + random.uniform())) for many, high in waves)
    line = np.zeros(shape, dtype=bool)
    row = np.clip((random.uniform(0.4, 0.6) + bend) * height, 0, height - 1)
    line[row.astype(int), np.round(t * (width - 1)).astype(int)] = True
    return line


def _lake(land: Mask, to_road: NDArray[np.float64], random: Random) -> Mask:
    """Return where the lake lies: a disc with a wavy rim, on land where that is possible, as near to the road as it fits."""
    radius = max(2.0, min(land.shape) / 22)
    away = to_road > radius / 4 + 2
    deep = ndimage.distance_transform_edt(np.pad(land & away, 1))[1:-1, 1:-1]
    fits = deep >= min(1.2 * radius, deep.max())  # the rim's waves reach so far
    row, column = np.unravel_index(np.where(fits, to_road, np.inf).argmin(), land.shape)
    y, x = np.indices(land.shape)
    angle = np.arctan2(y - row, x - column)
    rim = radius * (1 + 0.2 * np.sin(3 * angle + random.uniform(0, 2 * np.pi)))
    return np.asarray((np.hypot(y - row, x - column) <= rim) & away)


def _colors_from_elsewhere(here: Image, others: Image, random: Random) -> Image:
    """Return for each color that of one of the other pixels: of a few drawn ones, the color most unlike."""
    if not len(here) or not len(others):
        return here
    drawn = others[random.randint(0, len(others), (len(here), DONORS))]
    unlike = np.abs(drawn.astype(int) - here[:, np.newaxis]).sum(axis=2)
    return np.asarray(drawn[np.arange(len(here)), unlike.argmax(axis=1)])
