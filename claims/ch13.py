"""What chapter 13 claims of any run: its colors, its losses, and its measures."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from claims import Claim

RECORD = ["in_picture", "judged", "rank", "path", "last", "bars", "settings", "right"]


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 13, measured on the names that it left."""
    values, counts = found.colors.values, found.colors.counts
    made = found.made[-1, 0]
    palette = np.array(found.landscape.PALETTE, dtype=float)
    nearest = ((values[:, np.newaxis] - palette) ** 2).sum(axis=2).argmin(axis=1)
    terrain = np.array([counts[nearest == t].sum() for t in range(len(palette))]) / counts.sum()
    by_areas = np.mean([_moved(made @ line, values @ line, counts) for line in found.lines])
    code = np.array([65536, 256, 1])
    old = np.isin(made.clip(0, 255).round() @ code, np.unique(found.pixels @ code)).mean()
    kinds = found.judged[["old", "near", "off"]].sum(axis=1).to_numpy()
    start = found.history.discriminator_loss[0].reshape(len(found.rates), -1)
    return [
        Claim("The distinct colors stand for all pixels", abs(counts.sum() - len(found.pixels)), 0, "pixels"),
        Claim("The terrains' shares in the picture follow from counting", np.abs(terrain - found.in_picture).max(), 1e-9),
        Claim("Made colors lie in the cube of colors", max(-found.made.min(), found.made.max() - 255, 0), 1e-6, "color values"),
        Claim("The distance of the GAN's colors follows from areas", abs(by_areas - found.path[-1]), 1e-6, "color values"),
        Claim("The share of old colors follows from a list of the picture's", abs(old - found.judged.loc["GAN", "old"]), 1e-9),
        Claim("Each color is old, near or off", np.abs(kinds - 1).max(), 1e-9),
        Claim("Drawing pixels again makes nothing new", abs(found.judged.loc["pixels again", "old"] - 1), 0),
        Claim("The discriminator's loss follows from its answers", _loss_off(found), 1e-6),
        Claim("Before the first step the rates make no difference", np.ptp(start, axis=0).max(), 1e-9),
    ]  # fmt: skip


def _moved(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> float:
    """Return the area between the cumulative shares of two sets of numbers."""
    ends = np.sort(np.concatenate([one, other]))
    order = np.argsort(other)
    reached = np.concatenate([[0], np.cumsum(weights[order])]) / weights.sum()
    below = np.searchsorted(np.sort(one), ends[:-1], "right") / len(one)
    below_other = reached[np.searchsorted(other[order], ends[:-1], "right")]
    return float((np.abs(below - below_other) * np.diff(ends)).sum())


def _loss_off(found: SimpleNamespace) -> float:
    """Return how far the discriminator's loss is from its formula, on real colors and those of the first run."""
    points = [np.stack([colors]) / 127.5 - 1 for colors in (found.real, found.made[-1, 0])]
    first = [w[:1] for w in found.history.discriminator]
    real, made = (1 / (1 + np.exp(-_score(first, p[0]))) for p in points)
    mine = -0.5 * np.log(real).mean() - 0.5 * np.log(1 - made).mean()
    return abs(float(found.gan.discriminator_lesson(first, *points)[0][0]) - mine)


def _score(network: list[np.ndarray], values: np.ndarray) -> np.ndarray:
    """Return the scores that a network gives: layer by layer, sums below zero times 0.2 but in the last."""
    for i in range(0, len(network), 2):
        values = values @ network[i][0] + network[i + 1][0]
        if i + 2 < len(network):
            values = np.where(values < 0, 0.2 * values, values)
    return values
