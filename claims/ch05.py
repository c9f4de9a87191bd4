import numpy as np
from scipy.spatial.distance import cdist

from claims import Claim, Names, agrees, measures

RECORD = ["k", "cluster_terrains", "n_regions", "n_left", "boundary_share", "counts", "deepest"]
RECORD += ["misnamed", "shares_mapped", "shares_true", "confusion", "pixels_right"]


def check(found: Names) -> list[Claim]:
    """Return the claims about clusters, boundaries, regions and their markers, and areas."""
    labels, truth, merged, region = found.seg.labels, found.truth, found.merged, found.region
    off_edges = np.sum(measures.on_boundary(labels) != found.edges)
    regions = measures.connected(labels)
    pairs = np.count_nonzero(measures.crossed(regions, region))
    areas = np.bincount(found.merged_region.ravel())[1:]
    small = np.sum(areas < found.min_area) if areas.max() >= found.min_area else 0
    moved = np.sum((found.labels != labels) & ~found.small)
    at_marker = found.merged_region[merged["marker row"], merged["marker column"]]
    mapped = cdist(found.seg.centers, measures.TARGETS).argmin(axis=1)[found.labels]
    confusion = [[np.sum((truth == row) & (mapped == column)) for column in range(4)] for row in range(4)]
    shares = np.sum(confusion, axis=0) / mapped.size
    return [
        *measures.about_segments(found),
        measures.about_terrain(found),
        Claim("Boundaries part clusters", off_edges, 0, "pixels"),
        agrees("Each connected part of a cluster is one region", [pairs, region.max()], regions.max(), 0),
        Claim("Merging leaves nothing too small, unless everything is", small, 0, "regions"),
        Claim("Merging changes small regions alone", moved, 0, "pixels"),
        Claim("Each marker lies inside its region", np.sum(at_marker != merged.index), 0, "regions"),
        agrees("Each area is the number of its pixels", areas[merged.index - 1], merged["area"], 0, "pixels"),
        agrees("The confusion matrix counts each pair", confusion, found.confusion, 0, "pixels"),
        agrees("The shares on the map follow from counting", shares, found.shares_mapped),
    ]
