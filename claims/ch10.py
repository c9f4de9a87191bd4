"""What chapter 10 claims of any run: its baskets, its rules, and what chance gives."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from claims import Claim

RECORD = ["k", "side", "n_tiles", "tiles_told", "found", "passes", "side_by_side", "any_two"]
RECORD += ["with_left", "trap"]


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 10, measured on the names that it left."""
    side, across = found.side, found.across
    cut = found.terrain_map[: side * across, : side * across]
    at = np.arange(across) * side
    sums = [
        np.add.reduceat(np.add.reduceat((cut == t).astype(int), at), at, 1) for t in range(len(found.held))
    ]
    wrong = sum(
        np.count_nonzero((n.ravel() >= 0.1 * side**2) != h)
        for n, h in zip(sums, found.held.values(), strict=True)
    )
    unused = max(abs(share - 0.5) - 0.48 for share in found.baskets.mean())
    off = [_off(found.baskets, rule) for rule in found.rules.itertuples()]
    off += [
        _off(found.shop, rule) for rule in found.rules_of(found.apriori(found.shop, 0.25, True)).itertuples()
    ]
    supports = [
        abs(found.baskets[list(s)].all(axis=1).mean() - n) for n, s in found.frequent.to_numpy().tolist()
    ]
    columns = found.baskets.to_numpy()
    pairs = [(i, j) for i in range(columns.shape[1]) for j in range(i)]
    whole = {(i, j) for i, j in pairs if (columns[:, i] & columns[:, j]).mean() >= 0.02}
    mined = sum(len(s) == 2 for s in found.frequent["itemsets"])
    n, counts = len(columns), columns.sum(axis=0)
    overlap = np.outer(counts * (n - counts), counts * (n - counts)) / (n**2 * (n - 1))
    spread = n / np.outer(counts, counts) * np.sqrt(overlap)
    drift = np.abs(found.shuffled.mean(axis=0) - 1) / spread * np.sqrt(len(found.shuffled))
    outside = []
    for name, by_chance in (("shuffled tiles", found.shuffled), ("shifted layers", found.shifted)):
        chance = by_chance[:, found.one, found.other].round(9)
        beyond = np.minimum(
            (chance <= found.found.to_numpy()).mean(axis=0), (chance >= found.found.to_numpy()).mean(axis=0)
        )
        outside += [*(beyond[found.passes[name]] - 0.025 - 1 / len(chance))]
    return [
        Claim("Each of the k clusters has pixels", found.k - len(np.unique(found.seg.labels)), 0, "clusters"),
        Claim("A tile's basket holds a terrain exactly if it covers a tenth of the tile", wrong, 0, "items"),
        Claim("Each item is in 0.02 to 0.98 of the tiles", max(unused, 0), 1e-9),
        Claim("Support, confidence and lift of each rule follow from counting", max(off, default=0), 1e-9),
        Claim("The support of each frequent set follows from counting", max(supports, default=0), 1e-9),
        Claim("Every frequent pair was found", abs(len(whole) - mined), 0, "pairs"),
        Claim("The mean lift of all shifts is 1", np.abs(found.shifted.mean(axis=0) - 1).max(), 1e-9),
        Claim("The mean lift of shuffled tiles is 1 but for luck", drift.max(), 6, "standard errors"),
        Claim("What passes is beyond all but a fortieth of what chance gives", max([*outside, 0]), 1e-9),
    ]  # fmt: skip


def _off(baskets, rule) -> float:
    """Return how far a rule's three numbers are from those that counting gives."""
    a, c = (baskets[list(items)].all(axis=1) for items in (rule.antecedents, rule.consequents))
    n, both = len(baskets), (a & c).sum()
    counted = (both / n, both / a.sum(), both * n / (a.sum() * c.sum()))
    return max(abs(x - y) for x, y in zip(counted, (rule.support, rule.confidence, rule.lift), strict=True))
