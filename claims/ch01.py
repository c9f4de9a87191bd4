"""What chapter 1 claims of any run: its two small examples, the landscape, and its segments."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace

import numpy as np
from scipy.spatial.distance import cdist

from claims import Claim

RECORD = ["right", "differ", "agreeing", "k", "right_share"]
PALETTE = np.array([(20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220)])


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 1, measured on the names that it left."""
    points, answers = found.points, found.answers
    taught = np.array([points[::2][answers[::2] == answer].mean(axis=0) for answer in range(3)])
    right = int((cdist(points[1::2], taught).argmin(axis=1) == answers[1::2]).sum())
    agree = max(
        int((np.array(order)[found.groups.labels_] == answers).sum()) for order in permutations(range(3))
    )
    scaled = found.tables["standardized"]
    by_hand = (found.customers.to_numpy() - scaled * found.customers.std(ddof=0).to_numpy()).std(axis=0)
    counted = max(
        int((np.array(order)[found.group["standardized"]] == found.kinds).sum())
        for order in permutations(range(3))
    )

    heights, image = found.heights, found.image
    thresholds = np.array([0.4, 0.6, 0.8])
    true = (heights[..., np.newaxis] >= thresholds).sum(axis=-1)
    blended = (np.abs(heights[..., np.newaxis] - thresholds) < found.transition_width).any(axis=-1)
    off_palette = (image != PALETTE[true]).any(axis=-1) & ~blended
    pixels, flat, centers = found.pixels.astype(float), found.model.labels_, found.model.cluster_centers_
    sizes = np.bincount(flat, minlength=found.k)
    means = (
        np.stack([np.bincount(flat, channel, found.k) for channel in pixels.T], axis=1)
        / np.maximum(sizes, 1)[:, None]
    )
    squared = ((pixels - centers[flat]) ** 2).sum(axis=1)
    nearest = cdist(pixels, centers, "sqeuclidean").min(axis=1)
    code = found.pixels.astype(int) @ (1 << 16, 1 << 8, 1)
    divided = len(np.unique(code * found.k + flat)) - len(np.unique(code))
    wcss = abs(squared.sum() - found.model.inertia_) / max(squared.sum(), 1e-3)
    return [
        Claim(
            "The rule's right answers are those of the nearest mean", abs(right - found.right), 0, "points"
        ),
        Claim(
            "No other pairing of groups and answers agrees in more points",
            abs(180 - agree - found.differ),
            0,
            "points",
        ),
        Claim(
            "Standardized columns have mean 0 and standard deviation 1",
            max(np.abs(scaled.mean(axis=0)).max(), np.abs(scaled.std(axis=0) - 1).max()),
            1e-9,
        ),
        Claim("Standardizing shifts and stretches each column, and no more", np.abs(by_hand).max(), 1e-6),
        Claim(
            "The customers in the group of their kind are counted right",
            abs(counted - found.agreeing["standardized"]),
            0,
            "customers",
        ),
        Claim(
            "The lowest height is 0 and the highest is 1", max(abs(heights.min()), abs(heights.max() - 1)), 0
        ),
        Claim(
            "The true terrain follows from the heights' thresholds", np.sum(true != found.truth), 0, "pixels"
        ),
        Claim("Pixels outside the blends have their terrain's color", np.sum(off_palette), 0, "pixels"),
        Claim("Each of the k clusters has pixels", np.sum(sizes == 0), 0, "clusters"),
        Claim("Pixels of one color share a cluster", divided, 0, "colors"),
        Claim("Each center is the mean of its pixels", np.abs(means - centers).max(), 0.5, "color values"),
        Claim("The WCSS adds up", wcss, 1e-6),
        Claim(
            "No pixel is nearer to another center",
            (np.sqrt(squared) - np.sqrt(nearest)).max(),
            1e-3,
            "color values",
        ),
    ]
