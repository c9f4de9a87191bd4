import numpy as np

from claims import Claim, Names, agrees, measures

RECORD = ["k", "clean", "with_noise", "same", "pieces", "shuffled_pieces", "pure"]


def check(found: Names) -> list[Claim]:
    """Return the claims about clusters, their scores, and what shuffling does to them."""
    truth, k, plain = found.truth, found.k, found.clean_maps["k-means"]
    pixels, labels = found.image.reshape(-1, 3), plain.ravel()
    excess = measures.beyond_nearest(pixels, labels, measures.means(pixels, labels, np.ones(len(labels))))
    maps = [maps[name] for maps in (found.clean_maps, found.noisy_maps) for name in found.methods]
    agreement = [measures.adjusted_rand(truth, labels) for labels in maps]
    clouds = [found.clean_maps["Gaussian mixture"], found.noisy_maps["Gaussian mixture"]]
    pure = [measures.crossed(labels, truth).max(axis=1).sum() / truth.size for labels in clouds]
    return [
        measures.about_terrain(found),
        agrees("k-means makes k clusters, and each has pixels", len(set(labels)), k, 0, "clusters"),
        Claim("Each pixel is in the k-means cluster of the nearest mean", excess, 0.5, "color values"),
        agrees("Agreements follow from counting pairs", agreement, [*found.clean, *found.with_noise]),
        agrees("Shuffling the pixels changes nothing for k-means", found.same["k-means"], 1),
        agrees("The purity follows from counting", pure, found.pure),
        agrees("Regions are counted right", measures.connected(plain).max(), found.pieces, 0, "regions"),
    ]
