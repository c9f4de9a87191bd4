"""What chapter 8 claims of any run: its axes, its networks, its marks, its maps and its sheet."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from claims import Claim

RECORD = [
    "explained",
    "marks",
    "order",
    "pressed",
    "top",
    "stored",
    "flatness",
    "sheets",
    "keep",
    "width",
    "cleaned",
]


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 8, measured on the names that it left."""
    pixels, turned, straight = found.pixels.astype(float), found.turned, found.straight
    learned, n = found.patches[found.learned], found.numbers[0]
    spread = np.linalg.eigvalsh(np.cov(pixels.T))[::-1]
    angles = [
        np.abs(m.components_ @ m.components_.T - np.eye(len(m.components_))).max() for m in (turned, straight)
    ]
    lost = ((learned - found.by_pca(learned, n)) ** 2).sum() / (len(learned) - 1)
    whole = learned.var(axis=0, ddof=1).sum()
    rows = found.inputs_of_colors
    for layer, (weight, offset) in enumerate(zip(found.bent.coefs_, found.bent.intercepts_, strict=True)):
        rows = rows @ weight + offset if layer == 5 else np.tanh(rows @ weight + offset)
    squares = np.square(found.image.astype(int) - found.rebuilt[1]).mean()
    ranks = [rankdata(numbers) for numbers in (found.code[:, 0], found.mean_height)]
    height, width = found.image.shape[:2]
    cut = [found.image[y : y + 8, x : x + 8].ravel() for y in range(0, height, 8) for x in range(0, width, 8)]
    cells = found.sheet.reshape(-1, 3)
    distance = np.sort(cdist(found.some, cells), axis=1)
    said = found.sheets.loc["3", "quantization error"]
    return [
        Claim("The axes' shares of the variance are the eigenvalues of the covariance", np.abs(spread / spread.sum() - found.explained).max(), 1e-9),
        Claim("Principal axes are at right angles, and one unit long", max(angles), 1e-9),
        Claim("What PCA loses of patches learned from is the variance of the axes dropped", abs(lost - (whole - straight.explained_variance_[:n].sum())) / whole, 1e-9, "of the variance"),
        Claim("The PSNR follows from the squared error", abs(found.marks["one axis"] - 10 * np.log10(255**2 / max(squares, 0.065025))), 1e-6, "dB"),
        Claim("The network's layers by hand give what it predicts", np.abs((rows + 1) * 127.5 - found.restored).max(), 1e-6, "color values"),
        Claim("The rank correlation is the correlation of ranks", abs(abs(np.corrcoef(ranks)[0, 1]) - found.order["code"]), 1e-9),
        Claim("Patches are squares of the picture, and make it again", np.abs(np.array(cut) - found.patches).max() + np.abs(found.join(found.patches).astype(int) - found.image).max(), 0, "color values"),
        Claim("No patch is both learned from and held out", np.intersect1d(found.learned, found.held_out).size, 0, "patches"),
        Claim("The distance from a sheet is to the nearest cell", abs(255 * distance[:, 0].mean() - said), 1e-6, "color values"),
        Claim("The number kept of noisy patches is the best for those learned from", max(found.psnr(learned, found.denoised[k][found.learned]) for k in found.denoised) - found.psnr(learned, found.denoised[found.keep][found.learned]), 1e-9, "dB"),
    ]  # fmt: skip
