"""What chapter 4 claims of any run: its clusters, its criteria, and the k that it chooses."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy.spatial.distance import cdist

from claims import Claim

RECORD = ["wcss", "knee", "knees", "takes", "scores", "chosen", "best", "agreement"]


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 4, measured on the names that it left."""
    values, counts = found.colors.values, found.colors.counts
    model = found.models[found.chosen]
    labels, centers = model.labels_, model.cluster_centers_
    own = [labels == cluster for cluster in range(found.chosen)]
    means = np.array([np.average(values[part], axis=0, weights=counts[part]) for part in own if part.any()])
    distance = cdist(values, centers)
    excess = distance[np.arange(len(values)), labels] - distance.min(axis=1)
    wcss = np.array(found.wcss)
    terrain = (found.heights[..., np.newaxis] >= (0.4, 0.6, 0.8)).sum(axis=-1)
    bounded = found.scores[["silhouette", "agreement"]].to_numpy(dtype=float)
    bounded = bounded[~np.isnan(bounded)]
    taken = found.scores.drop(columns=["gap statistic", "Davies–Bouldin"])
    missed = [taken[name].max() - taken.loc[found.takes[name], name] for name in taken if name in found.takes]
    expected = found.knee if found.knee is not None and found.knee >= 2 else found.takes["silhouette"]
    return [
        Claim(
            "The true terrain follows from the heights' thresholds",
            np.mean(terrain != found.truth),
            0,
            "of the pixels",
        ),
        Claim("The distinct colors stand for all pixels", abs(counts.sum() - len(found.pixels)), 0, "pixels"),
        Claim("Each of the k clusters has colors", found.chosen - len(means), 0, "clusters"),
        Claim("Each center is the mean of its cluster", np.abs(means - centers).max(), 0.5, "color values"),
        Claim("Each color is in the cluster of its nearest center", excess.max(), 0.5, "color values"),
        Claim("The WCSS never rises with k", max(np.diff(wcss).max(initial=0), 0) / max(wcss[0], 1), 1e-9),
        Claim("Silhouettes and agreements lie between −1 and 1", max(np.abs(bounded).max() - 1, 0), 1e-9),
        Claim("Each criterion takes the k of its best value", max(missed), 0),
        Claim("The silhouette by hand lies between −1 and 1", max(abs(found.by_hand) - 1, 0), 1e-9),
        Claim("k is chosen by the stated rule", abs(found.chosen - expected), 0),
    ]
