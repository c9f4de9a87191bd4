"""What every criterion of chapter 4 says of one landscape: a row of `data/sweep.csv`, which `course sweep` makes.

Steps: make the landscape of a seed; cluster its colors for each k; read a k off each criterion; compare with the true
terrain.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from helpers import landscape, selection
from helpers.segmentation import Colors, Segmentation, distinct_colors, nearest_terrain, segment_colors

# Numbers of clusters over which a knee is looked for, by column.
ELBOWS = {"elbow_1_8": (1, 8), "elbow_1_10": (1, 10), "elbow_2_15": (2, 15)}
MOST = 10  # every other criterion looks at k up to here


def of_landscape(
    seed: int, random_state: int = 0, transition_width: float = 0.06, **shape: Any
) -> dict[str, Any]:
    """Return what every criterion says of the landscape of a seed, and what would have been right.

    Parameters
    ----------
    seed, transition_width
        Which landscape, and its blends; `shape` is what else `landscape.heights` takes.
    random_state : int
        Where starts and samples are drawn from.

    Returns
    -------
    dict
        A row as ``data/README.md`` describes it; None where a criterion names no k.
    """
    h = landscape.heights(seed=seed, **shape)
    truth = landscape.terrain(h)
    colors = distinct_colors(landscape.colorize(h, transition_width))
    selection.refuse_single_color(colors)
    largest = min(max(high for _, high in ELBOWS.values()), len(colors.values))
    found = {k: segment_colors(colors, k, random_state, selection.N_INIT) for k in range(1, largest + 1)}
    wcss = [seg.wcss for seg in found.values()]
    most = min(MOST, largest)
    ks = range(2, most + 1)
    shares = np.bincount(truth.ravel(), minlength=len(landscape.TERRAINS)) / truth.size
    agree = {k: selection.agreement(truth, found[k].labels) for k in ks}
    width = {k: selection.silhouette(colors, found[k].labels, random_state=random_state) for k in ks}
    # Where every color has a center of its own, clusters have no width, and the index has no value.
    between = {k: calinski_harabasz(colors, found[k]) for k in ks if k < len(colors.values)}
    likeness = {k: davies_bouldin(colors, found[k]) for k in ks}
    steady = {k: selection.stability(colors, k, random_state=random_state) for k in ks}
    chosen = selection.elbow_or_silhouette(range(1, most + 1), wcss[:most], width.__getitem__)
    named = nearest_terrain(found[chosen].centers)[found[chosen].labels]
    return {
        "seed": seed,
        "colors": len(colors.values),
        **{name: float(share) for name, share in zip(landscape.TERRAINS, shares, strict=True)},
        "terrains": int((shares > 0).sum()),
        **{
            name: selection.elbow(range(low, high + 1), wcss[low - 1 : high]) if high <= largest else None
            for name, (low, high) in ELBOWS.items()
        },
        "silhouette": max(width, key=width.__getitem__),
        "calinski_harabasz": max(between, key=between.__getitem__, default=None),
        "davies_bouldin": min(likeness, key=likeness.__getitem__),
        "stability": max(steady, key=steady.__getitem__),
        "gap_statistic": selection.gap_statistic(colors, range(1, most + 1), random_state=random_state)[2],
        "best": max(agree, key=agree.__getitem__),
        "chosen": chosen,
        "chosen_right": float((named == truth).mean()),
        **{f"agreement_{k}": agree.get(k) for k in range(2, MOST + 1)},
    }


def calinski_harabasz(colors: Colors, seg: Segmentation) -> float:
    """Return the index of T. Caliński and J. Harabasz, 1974: how far clusters lie apart, over how wide they are.

    Where the clusters have no width at all it is 1, as in scikit-learn.
    """
    mean = np.average(colors.values, axis=0, weights=colors.counts)
    whole = float(((colors.values - mean) ** 2).sum(axis=1) @ colors.counts)
    n, k = float(colors.counts.sum()), len(seg.centers)
    return 1.0 if seg.wcss == 0 else (whole - seg.wcss) / seg.wcss * (n - k) / (k - 1)


def davies_bouldin(colors: Colors, seg: Segmentation) -> float:
    """Return the index of D. L. Davies and D. W. Bouldin, 1979, of two clusters or more; low is good.

    It compares the mean distances in clusters with the distance to the cluster that each is most alike.
    """
    of_color = np.empty(len(colors.values) + 1, dtype=np.int64)
    of_color[colors.index] = seg.labels  # a masked pixel's -1 lands in the last place
    of_color = of_color[:-1]
    distance = np.sqrt(((colors.values - seg.centers[of_color]) ** 2).sum(axis=1))
    width = np.bincount(of_color, colors.counts * distance) / np.bincount(of_color, colors.counts)
    apart = cdist(seg.centers, seg.centers)
    np.fill_diagonal(apart, np.inf)
    return float(((width[:, np.newaxis] + width) / apart).max(axis=1).mean())
