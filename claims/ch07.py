from itertools import pairwise

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from claims import Claim, Names, agrees, measures

RECORD = ["k", "scores", "best", "linkages", "by_k", "tree_nested", "plain_nested", "knee", "by_radius"]
RECORD += ["gaps", "compared", "thin", "stretch", "soft_score", "by_doubt", "lowest", "methods"]


def check(found: Names) -> list[Claim]:
    """Return the claims about the tree, the dense places, the clouds, and the scores that they get."""
    colors, k, points, clouds = found.colors, found.k, found.noisy["with noise"], found.mixture
    agreement = measures.adjusted_rand(found.truth, found.cuts[k][colors.index])
    said = found.on_picture(found.cuts[k])
    divided = [len(set(zip(b, a, strict=True))) - len(set(b)) for a, b in pairwise(found.cuts.values())]
    wcss = ((found.sample - found.sample.mean(axis=0)) ** 2).sum()
    off_joins = abs((found.joins[:, 2] ** 2).sum() / 2 - wcss) / max(wcss, 1)
    near = cdist(colors.values, colors.values) <= 2
    core = near @ colors.counts >= found.min_samples
    dense = np.empty(len(core), dtype=int)
    dense[colors.index] = found.dense[2.0]
    torn = near[np.ix_(core, core)] & (dense[core][:, np.newaxis] != dense[core])
    noise = ~near[:, core].any(axis=1)
    shapes = zip(clouds.means_, clouds.covariances_, clouds.weights_, strict=True)
    log = [multivariate_normal(mean, shape).logpdf(points) + np.log(w) for mean, shape, w in shapes]
    bic = (10 * k - 1) * np.log(len(points)) - 2 * logsumexp(log, axis=0).sum()
    missed = [found.bic[name][n] - found.bic[name].min() for name, n in found.lowest.items()]
    too_thin = max(1 - found.thin[1], 1e-3 - found.thin[1e-6], 0)
    return [
        measures.about_terrain(found),
        agrees("The tree's agreement follows from counting pairs", agreement, said),
        Claim("Each cluster of a cut lies within one of the next coarser cut", max(divided, default=0)),
        Claim("The rises of all joins add up to the sample's WCSS", off_joins, 1e-6, "of the WCSS"),
        Claim("A color is noise exactly if no core point is near", np.sum(noise != (dense < 0)), 0, "colors"),
        Claim("Core points near each other share a cluster", np.sum(torn), 0, "pairs"),
        agrees("The memberships of a color add up to 1", found.membership.sum(axis=1), 1),
        Claim("No cloud is thinner than the least width", too_thin, 1e-6, "color values"),
        agrees("The BIC follows from the clouds", found.bic["with noise"][k] / bic, 1, 1e-6),
        Claim("The lowest BIC is the one that is named", max(missed)),
    ]
