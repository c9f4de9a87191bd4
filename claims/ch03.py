import numpy as np
from scipy.spatial.distance import cdist

from claims import Claim, Names, agrees, measures

RECORD = ["k", "shares", "same_labels", "stretched_agreement", "wcss_rounds", "lowest", "raw_differ"]
RECORD += ["raw_agreement", "ordered_differ", "segment_differ", "cluster_shares", "terrains_painted"]
RECORD += ["root_mean_square"]


def check(found: Names) -> list[Claim]:
    """Return the claims about clusters, the WCSS, and k-means on pixels and on weighted colors."""
    seg, by_pixel, by_color = found.seg, found.by_pixel, found.by_color
    size = max(seg.wcss, 1)
    rises = max(np.diff(found.wcss_rounds).max(initial=0), 0) / size
    beaten = max(seg.wcss - found.lowest, 0) / size
    two_sums = abs(by_pixel.inertia_ - by_color.inertia_) / size
    differ = np.mean(by_pixel.labels_ != by_color.labels_[found.colors.index].ravel())
    nearest = measures.TARGETS[cdist(seg.centers, measures.TARGETS).argmin(axis=1)][seg.labels]
    wrong = np.sum((found.nearest_terrain != nearest).any(axis=-1))
    shares = [np.mean(seg.labels == cluster) for cluster in range(found.k)]
    return [
        *measures.about_segments(found),
        Claim("The WCSS never rises from round to round", rises, 1e-9, "of the WCSS"),
        Claim("No start ends more than 0.1 % below the solver", beaten, 1e-3, "of the WCSS"),
        Claim("Pixels and weighted colors end at the same WCSS", two_sums, 1e-9, "of the WCSS"),
        Claim("Pixels and weighted colors end at the same clusters", differ, 0.001, "of the pixels"),
        agrees("The shares of the clusters follow from counting", shares, found.cluster_shares),
        Claim("Pixels are painted in the color of the nearest terrain", wrong, 0, "pixels"),
    ]
