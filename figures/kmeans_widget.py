"""k-means that a reader steps through: the small picture that chapter 3's page gives to `assets/k-means.js`.

Steps: make the picture small, each block its mean color; cluster it for each k, so that a reader's result can be compared
with the best that is known; show both as data that only the site uses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from IPython.display import display
from numpy.typing import NDArray

from figures.ch03 import CLUSTERS
from helpers.segmentation import distinct_colors, segment

STEPS = "application/vnd.course.steps+json"  # staging makes a box of it, which the script fills
SIDE = 24  # pixels: few enough to follow, enough to see the landscape
KS = range(2, 9)
ELSEWHERE = (
    "This part is interactive on the course's site, in a browser with JavaScript. The figure [above](#fig-lloyd) shows the "
    "same steps."
)


def show(image: NDArray[np.uint8], k: int, random_state: int = 0) -> None:
    """Show a small copy of a picture with k centers: on the site to step through, elsewhere a sentence."""
    small = small_picture(image)
    if len(distinct_colors(small).values) == 1:
        display({"text/markdown": "This picture has a single color: there is nothing to sort."}, raw=True)
    else:
        display({STEPS: task(small, k, random_state), "text/markdown": ELSEWHERE}, raw=True)


def small_picture(image: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """Return the picture with its longer side cut into `side` blocks, each in its mean color.

    Blocks are of all but equal size; the shorter side has as many as keep them square, at least 1. A smaller picture is
    returned as it is.
    """
    longest = max(image.shape[:2])
    if longest <= side:
        return image
    edges = [
        np.linspace(0, n, max(1, round(n * side / longest)) + 1).round().astype(int) for n in image.shape[:2]
    ]
    small = np.empty((len(edges[0]) - 1, len(edges[1]) - 1, 3), dtype=np.uint8)
    for i, j in np.ndindex(small.shape[:2]):
        block = image[edges[0][i] : edges[0][i + 1], edges[1][j] : edges[1][j + 1]]
        small[i, j] = block.reshape(-1, 3).mean(axis=0).round()
    return small


def task(picture: NDArray[np.uint8], k: int, random_state: int = 0) -> dict[str, Any]:
    """Return what the script needs for a small picture of two colors or more.

    Returns
    -------
    dict
        ``rows``, ``columns``, ``pixels`` (row by row), ``plane`` (the two channels that vary most), ``best`` (the
        least WCSS known, by k), ``shades`` (the clusters' colors), ``k`` to begin with.
    """
    n_colors = len(distinct_colors(picture).values)
    best = {n: segment(picture, n, random_state).wcss for n in KS if n <= n_colors}
    pixels = picture.reshape(-1, 3)
    return {
        "rows": picture.shape[0],
        "columns": picture.shape[1],
        "pixels": pixels.tolist(),
        "plane": sorted(np.argsort(-pixels.var(axis=0), kind="stable")[:2].tolist()),
        "best": best,
        "shades": list(CLUSTERS),
        "k": min(k, max(best)),
    }
