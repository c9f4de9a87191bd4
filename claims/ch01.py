"""What chapter 1 claims of any run: its two small examples, the landscape, and its segments."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from claims import Claim

RECORD = ["right", "differ", "agreeing", "k", "right_share"]
THRESHOLDS = (0.4, 0.6, 0.8)
PALETTE = np.array([(20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220)])


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 1, measured on the names that it left."""
    points, answers, customers = found.points, found.answers, found.customers.to_numpy()
    taught = np.array([points[::2][answers[::2] == answer].mean(axis=0) for answer in range(3)])
    right = int((cdist(points[1::2], taught).argmin(axis=1) == answers[1::2]).sum())
    agree = most_agreeing(found.groups.labels_, answers)
    in_kind = most_agreeing(found.group["standardized"], found.kinds)
    scaled = found.tables["standardized"]
    unscaled = max(np.abs(scaled.mean(axis=0)).max(), np.abs(scaled.std(axis=0) - 1).max())
    bent = (customers - scaled * customers.std(axis=0)).std(axis=0).max()

    heights, image = found.heights[..., np.newaxis], found.image
    true = (heights >= THRESHOLDS).sum(axis=-1)
    blended = (np.abs(heights - THRESHOLDS) < found.transition_width).any(axis=-1)
    off_palette = (image != PALETTE[true]).any(axis=-1) & ~blended
    span_off = max(abs(heights.min()), abs(heights.max() - 1))
    pixels, flat, centers = found.pixels.astype(float), found.model.labels_, found.model.cluster_centers_
    sizes = np.bincount(flat, minlength=found.k)
    totals = np.stack([np.bincount(flat, channel, found.k) for channel in pixels.T], axis=1)
    mean_off = np.abs(totals / np.maximum(sizes, 1)[:, np.newaxis] - centers).max()
    squared = ((pixels - centers[flat]) ** 2).sum(axis=1)
    excess = (np.sqrt(squared) - cdist(pixels, centers).min(axis=1)).max()
    code = found.pixels.astype(int) @ (1 << 16, 1 << 8, 1)
    divided = len(np.unique(code * found.k + flat)) - len(np.unique(code))
    wcss_off = abs(squared.sum() - found.model.inertia_) / max(squared.sum(), 1e-3)
    return [
        Claim("The rule's answers are those of the nearest mean", abs(right - found.right), 0, "points"),
        Claim("Groups are paired with answers in the best way", abs(180 - agree - found.differ), 0, "points"),
        Claim("Standardized columns have mean 0 and standard deviation 1", unscaled, 1e-9),
        Claim("Standardizing shifts and stretches each column, and no more", bent, 1e-6),
        Claim("Customers are counted right", abs(in_kind - found.agreeing["standardized"]), 0, "customers"),
        Claim("The lowest height is 0 and the highest is 1", span_off, 0),
        Claim("The true terrain follows from the heights", np.sum(true != found.truth), 0, "pixels"),
        Claim("Pixels outside the blends have their terrain's color", np.sum(off_palette), 0, "pixels"),
        Claim("Each of the k clusters has pixels", np.sum(sizes == 0), 0, "clusters"),
        Claim("Pixels of one color share a cluster", divided, 0, "colors"),
        # scikit-learn stops once the centers move by less than about this.
        Claim("Each center is nearly the mean of its pixels", mean_off, 1, "color values"),
        Claim("The WCSS adds up", wcss_off, 1e-6),
        Claim("No pixel is nearer to another center", excess, 1e-3, "color values"),
    ]


def most_agreeing(labels: NDArray[np.integer], answers: NDArray[np.integer]) -> int:
    """Return how many agree with their answer, for the best of all ways to pair three groups with three answers."""
    return max(int((np.array(order)[labels] == answers).sum()) for order in permutations(range(3)))
