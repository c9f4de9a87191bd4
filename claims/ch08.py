import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from claims import Claim, Names, agrees

RECORD = ["explained", "marks", "order", "pressed", "top", "stored", "flatness", "sheets", "keep"]
RECORD += ["width", "cleaned"]


def check(found: Names) -> list[Claim]:
    """Return the claims about principal axes, networks, scores, and the sheet of colors."""
    image, learned, n, straight = found.image, found.patches[found.learned], found.numbers[0], found.straight
    eigenvalues = np.linalg.eigvalsh(np.cov(found.pixels.T.astype(float)))[::-1]
    lost = ((learned - found.by_pca(learned, n)) ** 2).sum() / (len(learned) - 1)
    kept, whole = straight.explained_variance_[:n].sum(), learned.var(axis=0, ddof=1).sum()
    squares = np.square(image.astype(int) - found.rebuilt[1]).mean()
    psnr = 10 * np.log10(255**2 / max(squares, 0.065025))
    rows = found.inputs_of_colors
    for layer, (weight, offset) in enumerate(zip(found.bent.coefs_, found.bent.intercepts_, strict=True)):
        rows = rows @ weight + offset if layer == 5 else np.tanh(rows @ weight + offset)
    order = np.corrcoef([rankdata(found.code[:, 0]), rankdata(found.mean_height)])[0, 1]
    corners = [(y, x) for y in range(0, len(image), 8) for x in range(0, image.shape[1], 8)]
    cut = [image[y : y + 8, x : x + 8].ravel() for y, x in corners]
    apart = 255 * cdist(found.some, found.sheet.reshape(-1, 3)).min(axis=1).mean()
    said = found.sheets.loc["3", "quantization error"]
    reached = {kept: found.psnr(learned, rows[found.learned]) for kept, rows in found.denoised.items()}
    best = max(reached.values())
    return [
        agrees("Shares of variance are eigenvalues", eigenvalues / eigenvalues.sum(), found.explained),
        agrees("PCA loses the variance of the axes that it drops", lost / whole, 1 - kept / whole),
        agrees("The PSNR follows from the squared error", psnr, found.marks["one axis"], 1e-6, "dB"),
        agrees("Layers by hand predict the same", (rows + 1) * 127.5, found.restored, 1e-6, "color values"),
        agrees("The rank correlation is the correlation of ranks", abs(order), found.order["code"]),
        agrees("Patches are squares of the picture", cut, found.patches, 0, "color values"),
        agrees("Patches make the picture again", found.join(found.patches), image, 0, "color values"),
        agrees("The distance from a sheet is to the nearest cell", apart, said, 1e-6, "color values"),
        agrees("As many axes are kept as are best for noisy patches", best, reached[found.keep], 1e-9, "dB"),
    ]
