import numpy as np
from scipy.spatial.distance import cdist

from claims import Claim, Names, agrees, measures

RECORD = ["in_picture", "judged", "rank", "path", "last", "bars", "settings", "right"]


def check(found: Names) -> list[Claim]:
    """Return the claims about colors, losses, and distances."""
    values, counts, made, judged = found.colors.values, found.colors.counts, found.made[-1, 0], found.judged
    nearest = cdist(values, measures.PALETTE).argmin(axis=1)
    shares = np.bincount(nearest, counts, len(measures.PALETTE)) / counts.sum()
    beyond = max(-found.made.min(), found.made.max() - 255, 0)
    distance = np.mean([measures.area_between(made @ line, values @ line, counts) for line in found.lines])
    old = np.isin(measures.codes(made.clip(0, 255).round()), measures.codes(found.image)).mean()
    start = found.history.discriminator_loss[0].reshape(len(found.rates), -1)
    return [
        agrees("Distinct colors stand for all pixels", counts.sum(), len(found.pixels), 0, "pixels"),
        agrees("The terrains' shares in the picture follow from counting", shares, found.in_picture),
        Claim("Made colors lie in the cube of colors", beyond, 1e-6, "color values"),
        agrees("The GAN's distance follows from areas", distance, found.path[-1], 1e-6, "color values"),
        agrees("Old colors are those in the picture's list", old, judged.loc["GAN", "old"]),
        agrees("Drawing pixels again makes nothing new", judged.loc["pixels again", "old"], 1, 0),
        Claim("Before the first step the rates make no difference", np.ptp(start, axis=0).max(), 1e-9),
    ]
