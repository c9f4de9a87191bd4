"""What chapter 6 claims of any run: its marks, counted anew, its thresholds, its pieces, and what breaks when."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from scipy import ndimage
from skimage.measure import label

from claims import Claim

RECORD = ["k", "marks", "thresholds", "color_agreement", "place_agreement"]
RECORD += ["piece_counts", "piece_agreement", "curves"]


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 6, measured on the names that it left."""
    heights, said = found.heights[:: found.step, :: found.step], found.color_marks.loc["CIELAB"]
    terrain = (heights[..., np.newaxis] >= (0.4, 0.6, 0.8)).sum(axis=-1)
    truth, labels = found.truth, found.by_color["CIELAB"]
    table = np.zeros((labels.max() + 1, 4))
    np.add.at(table, (labels, truth), 1)
    named = table.argmax(axis=1)[labels]
    overlap = [
        np.sum((named == t) & (truth == t)) / np.sum((named == t) | (truth == t)) for t in set(truth.flat)
    ]
    both, rows, columns, all_pairs = (
        (n * (n - 1) / 2).sum() for n in (table, table.sum(axis=1), table.sum(axis=0), table.sum())
    )
    chance, most = rows * columns / all_pairs, (rows + columns) / 2
    rand = 1.0 if most == chance else (both - chance) / (most - chance)
    true, seen = (
        ndimage.maximum_filter(x, footprint=CROSS) > ndimage.minimum_filter(x, footprint=CROSS)
        for x in (truth, labels)
    )
    near = [
        np.sum(ndimage.distance_transform_edt(~b)[a] <= 2) if b.any() else 0
        for a, b in [(seen, true), (true, seen)]
    ]
    precision, recall = (n / max(edges.sum(), 1) for n, edges in zip(near, (seen, true), strict=True))
    otsu = [int(t) for t in found.thresholds]
    moved = [[t + by * (i == j) for j, t in enumerate(otsu)] for i in range(len(otsu)) for by in (-1, 1)]
    spread = _spread(found.gray, otsu)
    torn = [
        label(piece, background=-1, connectivity=2).max() - len(np.unique(piece))
        for piece in found.pieces.values()
    ]
    beyond = found.piece_marks["pixels right"] - found.piece_marks["achievable"]
    values = [v for lines in found.curves.values() for line in lines.values() for v in line]
    wrong = 0
    for kind, lines in found.curves.items():
        for name, line in lines.items():
            below = [s for s, v in zip([0, *found.strengths[kind]], line, strict=True) if v < 0.6]
            wrong += (below or ["–"])[0] != found.first[kind][name]
    return [
        Claim("The true terrain follows from the heights' thresholds", np.sum(terrain != truth), 0, "pixels"),
        Claim("The adjusted Rand index is the one that counting pairs gives", abs(rand - said["adjusted Rand index"]), 1e-9),
        Claim("A pixel is right if its terrain is the most frequent of its cluster", abs(np.mean(named == truth) - said["pixels right"]), 1e-9),
        Claim("The worst overlap is a terrain's shared pixels over all of its pixels", abs(min(overlap) - said["worst overlap"]), 1e-9),
        Claim("Boundaries within 2 pixels of each other, by distance, give the F1", abs(2 * precision * recall / max(precision + recall, 1e-9) - said["boundary F1"]), 1e-9),
        Claim("No threshold of Otsu's is better one step to a side, measured by the variance", max(0.0, *(spread - _spread(found.gray, m) for m in moved)) / _spread(found.gray, []), 1e-4),
        Claim("Each piece of neighbors hangs together", np.abs(torn).max(), 0, "pieces"),
        Claim("No map from pieces is right for more pixels than achievable", max(0.0, beyond.max()), 1e-9),
        Claim("Every agreement lies between −0.5 and 1", max(0.0, max(values) - 1, -0.5 - min(values)), 1e-9),
        Claim("A method is broken at the first strength below the line", wrong, 0, "methods"),
    ]  # fmt: skip


CROSS = ndimage.generate_binary_structure(2, 1)


def _spread(gray: np.ndarray, thresholds: list[int]) -> float:
    """Return the squared distances of values to the means of their classes, added up."""
    classes = [gray[(gray > a) & (gray <= b)].astype(float) for a, b in pairwise([-1, *thresholds, 255])]
    return float(sum(((part - part.mean()) ** 2).sum() for part in classes if part.size))
