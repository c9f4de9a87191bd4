"""k-means to step through by hand: the small picture that chapter 3's page brings to `assets/k-means.js`.

Steps: make the picture small, each block its mean color; cluster it for each k, so that a reader's end can be held
against the best that is known; show both as data that only the site uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from IPython.display import display
from numpy.typing import NDArray
from scipy import ndimage

from helpers.segmentation import distinct_colors, segment

STEPS = "application/vnd.course.steps+json"  # the stage step makes a box of it, which the script fills
SHADES = (  # of the clusters
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#BBBBBB",
)  # fmt: skip
SIDE = 24  # pixels: few enough to follow, enough to see the landscape
KS = range(2, 9)


def whole_square(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the picture; where pixels are missing (`mask` is True), the largest square of odd side without any."""
    if not mask.any():
        return image
    # How many steps, corners included, a pixel is from the nearest missing one or from beyond the border.
    steps = ndimage.distance_transform_cdt(np.pad(~mask, 1), "chessboard")[1:-1, 1:-1]
    row, col = np.unravel_index(steps.argmax(), steps.shape)
    reach = int(steps[row, col]) - 1
    return image[row - reach : row + reach + 1, col - reach : col + reach + 1]


def small_picture(image: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """Return the picture with its longer side cut into `side` blocks, each in its mean color.

    Parameters
    ----------
    image : ndarray of shape (h, w, 3), uint8
        The picture.
    side : int
        Pixels of the longer side; a smaller picture is returned as it is.

    Returns
    -------
    ndarray of shape (rows, columns, 3), uint8
        Blocks of all but equal size; the shorter side has as many as keep them square, at least 1.
    """
    longest = max(image.shape[:2])
    if longest <= side:
        return image
    small = np.empty((*(max(1, round(n * side / longest)) for n in image.shape[:2]), 3), dtype=np.uint8)
    rows, columns = (
        np.linspace(0, n, m + 1).round().astype(int)
        for n, m in zip(image.shape[:2], small.shape[:2], strict=True)
    )
    for i, j in np.ndindex(small.shape[:2]):
        block = image[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
        small[i, j] = block.reshape(-1, 3).mean(axis=0).round()
    return small


def task(picture: NDArray[np.uint8], k: int, ks: Iterable[int] = KS, random_state: int = 0) -> dict[str, Any]:
    """Return what the script needs: the pixels, the plane to draw them in, and the best WCSS for each k.

    Parameters
    ----------
    picture : ndarray of shape (rows, columns, 3), uint8
        A small picture.
    k : int
        The number of clusters to begin with.
    ks : iterable of int
        Those that can be chosen; of a picture with fewer colors only as many.
    random_state : int
        Where the starts of the best are drawn from.

    Returns
    -------
    dict
        ``rows``, ``columns``, ``pixels`` (row by row), ``plane`` (the two channels that vary most), ``best`` (the
        least WCSS known, by k), ``shades`` (the clusters' colors), ``k``.

    Raises
    ------
    ValueError
        If the picture has a single color, so that there is nothing to sort.
    """
    n_colors = len(distinct_colors(picture).values)
    listed = [n for n in ks if n <= n_colors]
    if not listed:
        raise ValueError("by_hand: the picture has a single color, so there is nothing to sort")
    pixels = picture.reshape(-1, 3)
    plane = sorted(np.argsort(-pixels.var(axis=0), kind="stable")[:2].tolist())
    best = {n: segment(picture, n, random_state).wcss for n in listed}
    return {
        "rows": picture.shape[0],
        "columns": picture.shape[1],
        "pixels": pixels.tolist(),
        "plane": plane,
        "best": best,
        "shades": list(SHADES),
        "k": min(k, max(listed)),
    }


def show(task: dict[str, Any], text: str) -> None:
    """Show a task: on the site, where scripts run, as k-means to step through; elsewhere as `text`."""
    display({STEPS: task, "text/markdown": text}, raw=True)


def offer(image: NDArray[np.uint8], k: int, random_state: int = 0) -> None:
    """Show a small copy of a picture on which k-means can be stepped through, on the course's site; else where that is."""
    small = small_picture(image)
    if len(distinct_colors(small).values) == 1:
        display({"text/markdown": "This picture has a single color: there is nothing to sort."}, raw=True)
        return
    text = "This part is interactive on the course's site, in a browser with JavaScript. The figure [above](#fig-lloyd) shows the same steps."
    show(task(small, k, random_state=random_state), text)
