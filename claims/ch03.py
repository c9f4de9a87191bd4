import numpy as np
from scipy.spatial.distance import cdist

from claims import Claim, Names, agrees, measures

RECORD = ["k", "shares", "same_labels", "stretched_agreement", "wcss_rounds", "lowest", "raw_differ"]
RECORD += ["raw_agreement", "ordered_differ", "segment_differ", "cluster_shares"]
RECORD += ["terrains_painted", "root_mean_square"]


def check(found: Names) -> list[Claim]:
    """Return the claims about clusters, the WCSS, and k-means on pixels and on weighted colors."""
    seg, pixels, size = found.seg, found.pixels.astype(float), max(found.seg.wcss, 1)
    rises = measures.rise(found.wcss_rounds) / size
    beaten = max(seg.wcss - found.lowest, 0) / size
    by_color = found.by_color.labels_[found.colors.index].ravel()
    differ = np.mean(found.by_pixel.labels_ != by_color)
    if differ and measures.lloyd_is_ambiguous(pixels, found.start):
        differ = 0
    nearest = measures.TARGETS[cdist(seg.centers, measures.TARGETS).argmin(axis=1)][seg.labels]
    wrong = np.sum((found.nearest_terrain != nearest).any(axis=-1))
    shares = [np.mean(seg.labels == cluster) for cluster in range(found.k)]
    sums = [measures.squares_within(pixels, labels) / size for labels in (found.by_pixel.labels_, by_color)]
    stated = [model.inertia_ / size for model in (found.by_pixel, found.by_color)]
    return [
        *measures.about_segments(found),
        Claim("The WCSS never rises from round to round", rises, 1e-9, "of the WCSS"),
        Claim("No start ends more than 0.1 % below the solver", beaten, 1e-3, "of the WCSS"),
        agrees("By pixels and by colors, the WCSS is that of all pixels", sums, stated, 1e-9, "of the WCSS"),
        Claim("Without ties and empty clusters, both ways end alike", differ, 0.001, "of the pixels"),
        agrees("The shares of the clusters follow from counting", shares, found.cluster_shares),
        Claim("Pixels are painted in the color of the nearest terrain", wrong, 0, "pixels"),
    ]
