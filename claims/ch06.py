"""What chapter 6 claims of any run: its marks, counted anew, its pieces, and what breaks when."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
from scipy import ndimage

from claims import Claim

RECORD = [
    "k", "marks", "thresholds", "color_agreement", "place_agreement", "piece_counts", "piece_agreement", "curves"
]  # fmt: skip


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 6, measured on the names that it left."""
    truth, labels = found.truth, found.by_color["CIELAB"]
    said = found.color_marks.loc["CIELAB"]
    terrain = (found.heights[:: found.step, :: found.step, np.newaxis] >= (0.4, 0.6, 0.8)).sum(axis=-1)
    kinds = [np.unique(part, return_inverse=True)[1].reshape(truth.shape) for part in (labels, truth)]
    table = np.zeros((kinds[0].max() + 1, kinds[1].max() + 1))
    np.add.at(table, tuple(kinds), 1)
    named = table.argmax(axis=1)[kinds[0]]
    both = np.array([np.sum((named == t) & (kinds[1] == t)) for t in range(table.shape[1])])
    either = np.array([np.sum((named == t) | (kinds[1] == t)) for t in range(table.shape[1])])
    cells, rows, columns = (_pairs(part) for part in (table, table.sum(axis=1), table.sum(axis=0)))
    chance = rows * columns / _pairs(np.array(truth.size))
    rand = 1.0 if (rows + columns) / 2 == chance else (cells - chance) / ((rows + columns) / 2 - chance)
    true, seen = (_edges(part) for part in (truth, labels))
    precision = np.mean(ndimage.distance_transform_edt(~true)[seen] <= 2) if seen.any() else 0.0
    recall = np.mean(ndimage.distance_transform_edt(~seen)[true] <= 2) if seen.any() and true.any() else 0.0
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    within = [
        np.var(found.gray[found.by_brightness == c]) * np.sum(found.by_brightness == c) for c in range(4)
    ]
    moved = [
        _spread(found.gray, found.thresholds, i, by) for i in range(len(found.thresholds)) for by in (-1, 1)
    ]
    torn = sum(_parts(piece) - len(np.unique(piece)) for piece in found.pieces.values())
    beyond = found.piece_marks["pixels right"] - found.piece_marks["achievable"]
    values = np.array([[lines[name] for name in found.methods] for lines in found.curves.values()])
    broken = [found.first[kind][name] for kind in found.curves for name in found.methods]
    at = [
        next(
            (s for s, v in zip(found.strengths[kind], found.curves[kind][name], strict=True) if v < 0.6), "–"
        )
        for kind in found.curves
        for name in found.methods
    ]
    return [
        Claim("The true terrain follows from the heights' thresholds", np.sum(terrain != truth), 0, "pixels"),
        Claim("The adjusted Rand index is the one that counting pairs gives", abs(rand - said["adjusted Rand index"]), 1e-9),
        Claim("The pixels right are those whose cluster is mostly their terrain", abs(np.mean(named == kinds[1]) - said["pixels right"]), 1e-9),
        Claim("The worst overlap is shared pixels over all pixels of a terrain", abs((both / either).min() - said["worst overlap"]), 1e-9),
        Claim("Boundaries within 2 pixels, measured by distance, give the F1", abs(f1 - said["boundary F1"]), 1e-9),
        Claim("No threshold of Otsu's is better one step to a side", max(0.0, sum(within) - min(moved)) / max(sum(within), 1), 1e-3),
        Claim("Each piece of neighbors hangs together", abs(torn), 0, "pieces"),
        Claim("No map from pieces is right for more pixels than achievable", max(0.0, beyond.max()), 1e-9),
        Claim("Every agreement lies between −0.5 and 1", max(0.0, values.max() - 1, -0.5 - values.min()), 1e-9),
        Claim("A method is broken at the first strength below the line", sum(a != b for a, b in zip(at, broken, strict=True)), 0, "methods"),
    ]  # fmt: skip


def _pairs(n: np.ndarray) -> float:
    return float((n * (n - 1) / 2).sum())


def _edges(labels: np.ndarray) -> np.ndarray:
    """Return the pixels beside which, across an edge, another label begins."""
    edges = np.zeros(labels.shape, dtype=bool)
    down, across = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edges[1:] |= down
    edges[:-1] |= down
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    return edges


def _spread(gray: np.ndarray, thresholds: np.ndarray, moved: int, by: int) -> float:
    """Return the squared distances to the means of their classes, with one threshold moved by a step."""
    bounds = [-1, *(int(t) + by * (i == moved) for i, t in enumerate(thresholds)), 255]
    classes = [gray[(gray > a) & (gray <= b)].astype(float) for a, b in itertools.pairwise(bounds)]
    return float(sum(((part - part.mean()) ** 2).sum() for part in classes if part.size))


def _parts(piece: np.ndarray) -> int:
    """Return how many parts the pieces have in all, of pixels that meet at edges or corners."""
    boxes = ndimage.find_objects(piece + 1)
    full = np.ones((3, 3))
    return sum(ndimage.label(piece[box] == i, full)[1] for i, box in enumerate(boxes) if box is not None)
