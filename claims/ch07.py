"""What chapter 7 claims of any run: its tree, its dense places, its clouds, and the marks that they get."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from claims import Claim

RECORD = [
    "k",
    "scores",
    "best",
    "linkages",
    "by_k",
    "tree_nested",
    "plain_nested",
    "knee",
    "by_radius",
    "gap_scores",
]
RECORD += ["gap_clusters", "thin", "soft_score", "held", "by_doubt", "lowest", "methods"]


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 7, measured on the names that it left."""
    terrain = (found.heights[..., np.newaxis] >= (0.4, 0.6, 0.8)).sum(axis=-1)
    tree = found.cuts[found.k][found.colors.index]
    parts = [
        len(set(zip(found.cuts[n], found.cuts[n - 1], strict=True))) - len(set(found.cuts[n]))
        for n in found.ks
    ]
    squares = ((found.sample - found.sample.mean(axis=0)) ** 2).sum()
    values, counts = found.colors.values, found.colors.counts
    near = cdist(values, values) <= 2
    core = near @ counts >= found.min_samples
    dense = np.empty(len(values), dtype=int)
    dense[found.colors.index] = found.dense[2.0]
    reached = near[:, core].any(axis=1)
    linked = near[np.ix_(core, core)] & (dense[core][:, np.newaxis] != dense[core])
    off = found.mixture
    points = found.noisy["with noise"]
    logs = np.empty((len(points), found.k))
    for cloud, (mean, spread) in enumerate(zip(off.means_, off.covariances_, strict=True)):
        away = points - mean
        mahalanobis = (away @ np.linalg.inv(spread) * away).sum(axis=1)
        logs[:, cloud] = np.log(off.weights_[cloud]) - 0.5 * (
            mahalanobis + np.linalg.slogdet(2 * np.pi * spread)[1]
        )
    bic = (10 * found.k - 1) * np.log(len(points)) - 2 * logsumexp(logs, axis=1).sum()
    scored = [*found.scores.to_numpy().ravel(), *found.by_radius["agreement"], *found.gap_scores.values()]
    scored += [*found.by_k[["Ward", "k-means"]].to_numpy().ravel(), found.soft_score]
    least = min(found.widths(found.mixture).min() - 1, found.thin[1] - 1, found.thin[1e-6] - 1e-3)
    return [
        Claim("The true terrain follows from the heights' thresholds", np.mean(terrain != found.truth), 0, "of the pixels"),
        Claim("The agreement of the tree's map follows from counting pairs", abs(adjusted_rand(terrain, tree) - found.here["Ward"]), 1e-9),
        Claim("Each cluster of a cut lies within one of the next coarser cut", max(parts, default=0), 0, "clusters"),
        Claim("The rises of all joins add up to the sample's WCSS", abs((found.joins[:, 2] ** 2).sum() / 2 - squares) / max(squares, 1), 1e-6),
        Claim("A color is noise exactly if no core point is within the radius", np.count_nonzero(reached != (dense >= 0)), 0, "colors"),
        Claim("Core points within each other's radius share a cluster", np.count_nonzero(linked), 0, "pairs"),
        Claim("The memberships of each color add up to 1", np.abs(found.membership.sum(axis=1) - 1).max(), 1e-9),
        Claim("No cloud is thinner than the least width", max(-least, 0), 1e-6, "color values"),
        Claim("The BIC follows from the clouds", abs(bic - found.bic.loc[found.k, "with noise"]) / max(abs(bic), 1), 1e-6),
        Claim("The lowest BIC is the one that is named", max(found.bic[name].loc[n] - found.bic[name].min() for name, n in found.lowest.items()), 0),
        Claim("Agreements lie between −1 and 1", max(np.abs(scored).max() - 1, 0), 1e-9),
    ]  # fmt: skip


def adjusted_rand(a: np.ndarray, b: np.ndarray) -> float:
    """Return the adjusted Rand index of two labelings, from the pairs that they put together."""
    table = np.histogram2d(a.ravel(), b.ravel(), bins=(np.arange(a.max() + 2), np.arange(b.max() + 2)))[0]
    both, first, second, every = (
        (n * (n - 1) / 2).sum() for n in (table, table.sum(axis=1), table.sum(axis=0), table.sum())
    )
    expected, most = first * second / every, (first + second) / 2
    return float((both - expected) / (most - expected)) if most != expected else 1.0
