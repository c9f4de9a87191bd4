"""What chapter 7 claims of any run: its tree, its dense places, its clouds, and the marks that they get."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score

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
    "gaps",
    "compared",
]
RECORD += ["thin", "stretch", "soft_score", "by_doubt", "lowest", "methods"]


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 7, measured on the names that it left."""
    terrain = (found.heights[..., np.newaxis] >= (0.4, 0.6, 0.8)).sum(axis=-1)
    tree = found.cuts[found.k][found.colors.index]
    off_tree = adjusted_rand_score(terrain.ravel(), tree.ravel()) - found.on_picture(found.cuts[found.k])
    divided = [len(set(zip(b, a, strict=True))) - len(set(b)) for a, b in pairwise(found.cuts.values())]
    squares = ((found.sample - found.sample.mean(axis=0)) ** 2).sum()
    off_joins = abs((found.joins[:, 2] ** 2).sum() / 2 - squares) / max(squares, 1)
    near = cdist(found.colors.values, found.colors.values) <= 2
    core = near @ found.colors.counts >= found.min_samples
    dense = np.empty(len(core), dtype=int)
    dense[found.colors.index] = found.dense[2.0]
    torn = near[np.ix_(core, core)] & (dense[core][:, np.newaxis] != dense[core])
    missed = near[:, core].any(axis=1) != (dense >= 0)
    points, clouds = found.noisy["with noise"], found.mixture
    shapes = zip(clouds.means_, clouds.covariances_, strict=True)
    density = np.transpose([multivariate_normal(mean, shape).logpdf(points) for mean, shape in shapes])
    likelihood = logsumexp(density.reshape(len(points), -1) + np.log(clouds.weights_), axis=1).sum()
    bic = (10 * found.k - 1) * np.log(len(points)) - 2 * likelihood
    off_bic = abs(found.bic.loc[found.k, "with noise"] / bic - 1)
    lowest = [found.bic.loc[n, name] - found.bic[name].min() for name, n in found.lowest.items()]
    scored = [
        found.scores,
        found.by_k[["Ward", "k-means"]],
        found.by_radius["agreement"],
        found.gaps["index"],
    ]
    largest = max(float(np.abs(table.to_numpy()).max(initial=0)) for table in scored)
    too_thin = max(1 - found.thin[1], 1e-3 - found.thin[1e-6], 0)
    adds_up = np.abs(found.membership.sum(axis=1) - 1).max()
    return [
        Claim("The terrain follows from the thresholds", float(np.mean(terrain != found.truth))),
        Claim("The agreement of the tree's map is scikit-learn's", abs(off_tree), 1e-9),
        Claim("Each cluster of a cut lies within one of the next coarser cut", max(divided, default=0)),
        Claim("The rises of all joins add up to the sample's WCSS", off_joins, 1e-6),
        Claim("A color is noise exactly if no core point is near", int(missed.sum()), 0, "colors"),
        Claim("Core points near each other share a cluster", int(torn.sum()), 0, "pairs"),
        Claim("The memberships of a color add up to 1", adds_up, 1e-9),
        Claim("No cloud is thinner than the least width", too_thin, 1e-6, "color values"),
        Claim("The BIC follows from the clouds", off_bic, 1e-6),
        Claim("The lowest BIC is the one that is named", max(lowest)),
        Claim("Agreements lie between −1 and 1", max(largest - 1, 0), 1e-9),
    ]
