import numpy as np
from skimage.measure import label

from claims import Claim, Names, agrees, measures

RECORD = ["k", "marks", "thresholds", "color_agreement", "place_agreement"]
RECORD += ["piece_counts", "piece_agreement", "curves"]


def check(found: Names) -> list[Claim]:
    """Return the claims about scores, counted anew, thresholds, pieces, and what breaks when."""
    truth, labels, said = found.truth, found.by_color["CIELAB"], found.color_marks.loc["CIELAB"]
    heights = found.heights[:: found.step, :: found.step]
    present = np.unique(truth)
    named = present[measures.crossed(labels, truth).argmax(axis=1)][labels]
    shared = [np.sum((named == t) & (truth == t)) / np.sum((named == t) | (truth == t)) for t in present]
    rand, f1 = measures.adjusted_rand(truth, labels), measures.boundary_f1(truth, labels, 2)
    otsu = np.array(found.thresholds, dtype=int)
    steps = [otsu + by * (np.arange(len(otsu)) == i) for i in range(len(otsu)) for by in (-1, 1)]
    least = min((measures.squares_within(found.gray, step) for step in steps), default=np.inf)
    better = max(0, measures.squares_within(found.gray, otsu) - least) / max(
        measures.squares_within(found.gray, []), 1e-3
    )
    parts = [label(piece, background=-1, connectivity=2).max() for piece in found.pieces.values()]
    beyond = (found.piece_marks["pixels right"] - found.piece_marks["achievable"]).max()
    return [
        measures.about_terrain(Names(heights=heights, truth=truth)),
        agrees("The adjusted Rand index follows from counting pairs", rand, said["adjusted Rand index"]),
        agrees(
            "The share of right pixels follows from counting", np.mean(named == truth), said["pixels right"]
        ),
        agrees("The worst overlap follows from counting", min(shared), said["worst overlap"]),
        agrees("The boundary F1 matches boundaries within 2 pixels", f1, said["boundary F1"]),
        Claim("No threshold of Otsu's is better one step to a side", better, 1e-4, "of the variance"),
        agrees("Each piece hangs together", parts, [*found.piece_counts.values()], 0, "pieces"),
        Claim("No map from pieces is right for more pixels than achievable", max(0, beyond), 1e-9),
    ]
