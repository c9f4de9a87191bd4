import numpy as np

from claims import Claim, Names, agrees, measures

RECORD = ["amounts", "n_odd", "base_rate", "accuracy", "accuracy_of_nothing", "k", "average", "depth"]
RECORD += ["by_another", "window", "patch_errors", "without", "pair", "leader", "found", "by_k"]
RECORD += ["planted_share", "best_k", "threshold", "automatic"]


def check(found: Names) -> list[Claim]:
    """Return the claims about what was planted, the scores, and how they are judged."""
    image, odd, scores, flags = found.image, found.odd, found.scores, found.flags
    changed = (found.before != image).any(axis=-1)
    ranks = [np.unique(scores[name], return_inverse=True)[1] for name in found.by_color]
    divided = sum(measures.divided_colors(image, rank) for rank in ranks)
    squares, directions = scores["one cloud"].mean(), np.linalg.matrix_rank(np.cov(image.reshape(-1, 3).T))
    step = max(1, len(odd) // 20)
    patches = found.patches[::step, ::step].reshape(-1, 147).astype(float)
    patches, axes = patches - found.pca.mean_, found.pca.components_
    left = patches - patches @ axes.T @ axes
    errors = np.linalg.norm(left[:, found.middle], axis=1)
    said = scores["patches"][::step, ::step].ravel()
    amounts = [np.sum(flags[name]) for name in scores]
    passed_over = sum(np.sum(s[~flags[name]] > s[flags[name]].min()) for name, s in scores.items())
    average = [measures.average_precision(odd, score) for score in scores.values()]
    cloud = found.average["cloud per cluster"]
    by_color = found.by_k[found.k - 1] if found.k <= len(found.by_k) else cloud
    flagged, classes = flags["rare color"], (True, False)
    outcomes = [[np.sum((odd == a) & (flagged == b)) for b in classes] for a in classes]
    return [
        measures.about_terrain(found),
        Claim("The picture was changed exactly where planted", np.sum(changed != odd), 0, "pixels"),
        Claim("A method of colors gives all pixels of a color one score", divided, 0, "colors"),
        agrees("With one cloud, squares average to the directions", squares, directions, 1e-6),
        agrees("The score of a patch is the error of its middle", errors, said, 1e-6, "color values"),
        agrees("Each method flags as many pixels as were planted", amounts, np.sum(odd), 0, "pixels"),
        Claim("Each method flags the oddest pixels", passed_over, 0, "pixels"),
        agrees("The average precision is the mean of precisions", average, [*found.average.values()]),
        agrees("Judged by colors or by pixels, clusters score the same", cloud, by_color),
        agrees("Pixels found, missed and left follow from counting", outcomes, found.outcomes, 0, "pixels"),
    ]
