"""The figures of chapter 13 that are too long for a cell: the contest, and colors after several rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray


def contest(noise: int, generator: int, discriminator: int) -> None:
    """Draw what goes from noise through the generator to the discriminator, and what comes back.

    Parameters
    ----------
    noise, generator, discriminator : int
        How many numbers the noise has, and how many weights each network.
    """
    _, ax = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
    ax.set(xlim=(0, 10), ylim=(0, 6))
    ax.axis("off")
    boxes = {
        f"noise,\n{noise} numbers": (1.5, 4.9, "C5"), f"generator,\n{generator} weights": (5, 4.9, "C1"),
        "made\ncolor": (8.8, 4.9, "C5"), "real\ncolor": (8.8, 1.3, "C5"),
        f"discriminator,\n{discriminator} weights": (5, 1.3, "C0"), "probability\nthat it is real": (1.5, 1.3, "C5"),
    }  # fmt: skip
    texts = []
    for words, (x, y, color) in boxes.items():
        edge = {"boxstyle": "round", "facecolor": "none", "edgecolor": color, "linewidth": 1.6}
        texts.append(ax.text(x, y, words, ha="center", va="center", bbox=edge, fontsize=10))
    patches = [text.get_bbox_patch() for text in texts]  # an arrow ends where it meets one
    for start, end in [(0, 1), (1, 2), (2, 4), (3, 4), (4, 5), (4, 1)]:
        left, line = (0.4, "--") if end < start else (0, "-")
        (x, y), (from_x, from_y) = texts[end].get_position(), texts[start].get_position()
        arrow: dict[str, Any] = {
            "arrowstyle": "-|>",
            "color": "C3",
            "linestyle": line,
            "shrinkA": 1,
            "shrinkB": 1,
        }
        arrow |= {"patchA": patches[start], "patchB": patches[end]}
        ax.annotate("", (x - left, y), (from_x - left, from_y), arrowprops=arrow)
    ax.text(4.4, 3.1, "how to be taken\nfor real", ha="right", va="center", fontsize=10)


def rounds(sets: Mapping[str, NDArray[np.float64]], curve: NDArray[np.float64]) -> None:
    """Draw sets of colors by red and green, over the colors of the picture.

    Parameters
    ----------
    sets : mapping of str to ndarray of shape (n, 3)
        Colors from 0 to 255, by what they are.
    curve : ndarray of shape (m, 3)
        The distinct colors of the picture.
    """
    _, axes = plt.subplots(2, 2, figsize=(6, 6), layout="constrained")
    for (title, colors), ax in zip(sets.items(), axes.flat, strict=True):
        ax.plot(*curve[:, :2].T, ".", color="C5", markersize=2, alpha=0.5, rasterized=True)
        ax.scatter(*colors[:, :2].T, c=colors / 255, s=14, linewidths=0.3, edgecolors="gray", rasterized=True)
        ax.set(title=title, xlabel="red", ylabel="green", xlim=(-14, 269), ylim=(-14, 269), aspect="equal")
        ax.set(xticks=[0, 255], yticks=[0, 255])
