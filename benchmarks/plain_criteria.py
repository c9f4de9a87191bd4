"""The criteria of chapter 4 as one would write them with scikit-learn, one fit after the other.

On the same counted colors, with as many starts, references and resamples as `sweeps.criteria`.
"""

from __future__ import annotations

import numpy as np
from kneed import KneeLocator
from sklearn.cluster import KMeans
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from helpers import landscape
from helpers.segmentation import distinct_colors


def of_landscape(seed: int) -> dict[str, int | None]:
    """Return what each criterion says of a landscape."""
    h = landscape.heights(seed=seed)
    image, truth = landscape.colorize(h), landscape.terrain(h)
    colors = distinct_colors(image)
    pixels, random = image.reshape(-1, 3).astype(float), np.random.RandomState(0)

    def fit(points: np.ndarray, weights: np.ndarray | None, k: int) -> KMeans:
        return KMeans(k, n_init=10, tol=0, random_state=0).fit(points, sample_weight=weights)

    found = {k: fit(colors.values, colors.counts, k) for k in range(1, 16)}
    wcss = {k: fitted.inertia_ for k, fitted in found.items()}
    labels = {k: fitted.labels_[colors.index].ravel() for k, fitted in found.items()}
    sample = random.choice(len(pixels), 1000, replace=False)
    ks = range(2, 11)
    silhouette = {k: silhouette_score(pixels[sample], labels[k][sample]) for k in ks}
    between = {k: calinski_harabasz_score(pixels, labels[k]) for k in ks}
    likeness = {k: davies_bouldin_score(pixels, labels[k]) for k in ks}
    agree = {k: adjusted_rand_score(truth.ravel(), labels[k]) for k in ks}

    low, high = pixels.min(axis=0), pixels.max(axis=0)
    references = [random.uniform(low, high, (1000, 3)) for _ in range(10)]
    logs = np.log([[fit(points, None, k).inertia_ / 1000 for k in range(1, 11)] for points in references])
    gap = logs.mean(axis=0) - np.log([wcss[k] / len(pixels) for k in range(1, 11)])
    enough = np.flatnonzero(gap[:-1] >= gap[1:] - logs.std(axis=0)[1:] * np.sqrt(1.1))

    samples = [pixels[random.choice(len(pixels), 500)] for _ in range(10)]
    alike = {}
    for k in ks:
        told = [fit(points, None, k).predict(colors.values)[colors.index].ravel() for points in samples]
        pairs = [(i, j) for i in range(10) for j in range(i)]
        alike[k] = np.mean([adjusted_rand_score(told[i], told[j]) for i, j in pairs])
    knee = KneeLocator(list(ks), [wcss[k] for k in ks], curve="convex", direction="decreasing").knee
    return {
        "elbow": knee,
        "silhouette": max(silhouette, key=lambda k: silhouette[k]),
        "calinski_harabasz": max(between, key=lambda k: between[k]),
        "davies_bouldin": min(likeness, key=lambda k: likeness[k]),
        "stability": max(alike, key=lambda k: alike[k]),
        "gap_statistic": int(enough[0]) + 1 if len(enough) else None,
        "best": max(agree, key=lambda k: agree[k]),
    }
