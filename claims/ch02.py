import numpy as np
from noise import pnoise2

from claims import Claim, Names, agrees, measures

RECORD = ["last_layer_share", "compared", "largest_difference", "median_height", "below_isolines"]
RECORD += ["colors_used", "shares", "blended_share", "correlation_shifted", "correlation_seeds"]


def check(found: Names) -> list[Claim]:
    """Return the claims about noise, heights, colors and the true terrain."""
    pixels = [(found.size * part // 7, found.size * (7 - part) // 8) for part in range(7)]
    given = (found.octaves, found.persistence, found.lacunarity)
    noise = [pnoise2(row / found.scale, column / found.scale, *given) for row, column in pixels]
    shares = [np.mean(found.truth == terrain) for terrain in range(4)]
    apart = np.abs(found.heights[..., np.newaxis] - measures.THRESHOLDS).min(axis=-1)
    blended = np.mean(apart < found.transition_width)
    colors = len(set(measures.codes(found.image).flat))
    said = [found.at_once[pixel] for pixel in pixels]
    return [
        agrees("Noise along a line is 0 at each mark", found.noise_along(np.arange(9.0)), 0, 1e-12),
        agrees("With seed 0 the noise is that of the package `noise`", noise, said, 1e-6),
        *measures.about_landscape(found),
        agrees("The distinct colors are counted right", colors, found.colors_used, 0, "colors"),
        agrees("The shares of the terrains follow from counting", shares, found.shares),
        agrees("The share of blended pixels is right", blended, found.blended_share),
    ]
