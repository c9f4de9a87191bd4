"""What chapter 9 claims of any run: what was planted, the scores, and how they are judged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy import ndimage

from claims import Claim

RECORD = [
    "amounts", "n_odd", "base_rate", "accuracy", "accuracy_of_nothing", "k", "average", "depth", "by_another", "window", "patch_errors",
    "without", "pair", "leader", "found", "by_k", "planted_share", "best_k", "threshold", "automatic",
]  # fmt: skip


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 9, measured on the names that it left."""
    image, odd = found.image, found.odd
    terrain = (found.heights[..., np.newaxis] >= (0.4, 0.6, 0.8)).sum(axis=-1)
    code = image.astype(int) @ (65536, 256, 1)
    each, number = np.unique(code, return_inverse=True)
    number = number.reshape(code.shape)
    unlike: float = 0
    for name in found.by_color:
        high, low = (
            of(found.scores[name], number, np.arange(len(each))) for of in (ndimage.maximum, ndimage.minimum)
        )
        unlike += np.count_nonzero(high != low)
    rank = np.linalg.matrix_rank(np.cov(image.reshape(-1, 3).T))
    patches = (
        found.patches[:: max(1, len(odd) // 20), :: max(1, len(odd) // 20)].reshape(-1, 147).astype(float)
    )
    mean, axes = found.pca.mean_, found.pca.components_
    rebuilt = mean + (patches - mean) @ axes.T @ axes
    whole, part, left = (
        ((a - b) ** 2).sum(axis=1) for a, b in ((patches, mean), (rebuilt, mean), (patches, rebuilt))
    )
    wrong: float = 0
    off = [0.0]
    for name, score in found.scores.items():
        flagged = found.flags[name]
        wrong += abs(np.count_nonzero(flagged) - odd.sum()) + np.count_nonzero(
            score[~flagged] > score[flagged].min()
        )
        _, place = np.unique(score, return_inverse=True)
        hits, n = (np.bincount(place.ravel(), weights)[::-1] for weights in (odd.ravel(), None))
        off.append(abs(found.average[name] - (hits * hits.cumsum() / n.cumsum()).sum() / odd.sum()))
    same = (
        abs(found.average["cloud per cluster"] - found.by_k[found.k - 1])
        if found.k <= len(found.by_k)
        else 0.0
    )
    return [
        Claim("The true terrain follows from the heights' thresholds", np.mean(terrain != found.truth), 0, "of the pixels"),
        Claim(
            "The picture was changed exactly where something was planted",
            int(np.count_nonzero((found.before != image).any(axis=-1) != odd)), 0, "pixels",
        ),
        Claim("Each of the k clusters has colors", found.k - len(np.unique(found.labels)), 0, "clusters"),
        Claim("A method that sees only colors gives all pixels of a color one score", unlike, 0, "colors"),
        Claim(
            "With one cloud, the squared distances average to the number of directions in which the colors vary",
            abs(found.scores["one cloud"].mean() - rank), 1e-6,
        ),
        Claim("What is rebuilt and what is left over are at right angles", np.abs(whole - part - left).max() / max(whole.max(), 1e-3), 1e-9),
        Claim("Each method flags as many pixels as were planted, and the oddest", wrong, 0, "pixels"),
        Claim("The average precision is the mean precision at which a planted pixel is found", max(off), 1e-9),
        Claim("Judged by colors or by pixels, the clusters of this page score the same", same, 1e-9),
        Claim("As many pixels are found, missed and left as there are", abs(int(found.outcomes.sum()) - odd.size), 0, "pixels"),
    ]  # fmt: skip
