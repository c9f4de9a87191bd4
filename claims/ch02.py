"""What chapter 2 claims of any run: its noise, heights, colors and true terrain."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from noise import pnoise2

from claims import Claim

RECORD = [
    "last_layer_share", "compared", "largest_difference", "median_height", "below_isolines", "colors_used", "shares",
    "blended_share", "correlation_shifted", "correlation_seeds",
]  # fmt: skip
THRESHOLDS = np.array([0.4, 0.6, 0.8])
PALETTE = np.array([(20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220)])


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 2, measured on the names that it left."""
    heights, image, width = found.heights, found.image, found.transition_width
    band = (heights[..., np.newaxis] >= THRESHOLDS).sum(axis=-1)
    apart = np.abs(heights[..., np.newaxis] - THRESHOLDS).min(axis=-1)
    wrong = (image != PALETTE[band]).any(axis=-1) & (apart >= width)
    # The same palette as one line through the ends of all blends, in each channel.
    ends = np.sort(np.concatenate([THRESHOLDS - width, THRESHOLDS + width]))
    lines = [np.interp(heights, ends, PALETTE[[0, 1, 1, 2, 2, 3], c]) for c in range(3)]
    uneven = max(np.abs(image + 0.5 - np.stack(lines, axis=-1)).max() - 0.5, 0) if width > 0 else 0
    pixels = [(found.size * part // 7, found.size * (7 - part) // 8) for part in range(7)]
    given = (found.octaves, found.persistence, found.lacunarity)
    noise = [pnoise2(row / found.scale, column / found.scale, *given) for row, column in pixels]
    marks = found.noise_along(np.arange(9.0))
    counted = len(np.unique(image @ [65536, 256, 1]))
    off_noise = max(abs(found.at_once[pixel] - value) for pixel, value in zip(pixels, noise, strict=True))
    return [
        Claim("Noise along a line is 0 at each mark", np.abs(marks).max(), 1e-12),
        Claim("With seed 0 the noise is that of the package `noise`", off_noise, 1e-6),
        Claim("The lowest height is 0 and the highest is 1", max(abs(heights.min()), abs(heights.max() - 1))),
        Claim("The true terrain follows from the heights' thresholds", np.sum(band != found.truth), 0, "pixels"),
        Claim("Outside of blends each pixel has its terrain's color", wrong.sum(), 0, "pixels"),
        Claim("In a blend the color is interpolated linearly, and rounded down", uneven, 1e-6, "color values"),
        Claim("The distinct colors are counted right", abs(counted - found.colors_used), 0, "colors"),
        Claim("The shares of the terrains add up to 1", abs(found.shares.sum() - 1), 1e-9),
        Claim("The share of blended pixels is right", abs((apart < width).mean() - found.blended_share), 1e-9),
    ]  # fmt: skip
