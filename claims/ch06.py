import numpy as np
from skimage.measure import label

from claims import Claim, Names, agrees, measures

RECORD = ["k", "marks", "thresholds", "color_agreement", "place_agreement"]
RECORD += ["piece_counts", "piece_agreement", "curves"]


def check(found: Names) -> list[Claim]:
    """Return the claims about scores, counted anew, thresholds, pieces, and what breaks when."""
    truth, labels, said = found.truth, found.by_color["CIELAB"], found.color_marks.loc["CIELAB"]
    present = np.unique(truth)
    named = present[measures.crossed(labels, truth).argmax(axis=1)][labels]
    shared = [np.sum((named == t) & (truth == t)) / np.sum((named == t) | (truth == t)) for t in present]
    right, rand = np.mean(named == truth), measures.adjusted_rand(truth, labels)
    f1 = measures.boundary_f1(truth, labels, 2)
    otsu = np.array(found.thresholds, dtype=int)
    steps = [otsu + by * (np.arange(len(otsu)) == i) for i in range(len(otsu)) for by in (-1, 1)]
    classes = [np.digitize(found.gray, cuts, right=True) for cuts in ([], otsu, *steps)]
    squares = [measures.squares_within(found.gray, labels) for labels in classes]
    better = (squares[1] - min(squares[1:])) / max(squares[0], 1e-3)
    pieces = found.pieces.values()
    parts = [label(piece, background=-1, connectivity=2).max() for piece in pieces]
    beyond = (found.piece_marks["pixels right"] - found.piece_marks["achievable"]).max()
    return [
        measures.about_terrain(Names(heights=found.heights[:: found.step, :: found.step], truth=truth)),
        agrees("The adjusted Rand index follows from counting pairs", rand, said["adjusted Rand index"]),
        agrees("The share of right pixels follows from counting", right, said["pixels right"]),
        agrees("The worst overlap follows from counting", min(shared), said["worst overlap"]),
        agrees("The boundary F1 matches boundaries within 2 pixels", f1, said["boundary F1"]),
        Claim("No threshold of Otsu's is better one step to a side", better, 1e-4, "of the variance"),
        agrees("Each piece hangs together", parts, [len(np.unique(piece)) for piece in pieces], 0, "pieces"),
        Claim("No map from pieces is right for more pixels than achievable", max(0, beyond), 1e-9),
    ]
