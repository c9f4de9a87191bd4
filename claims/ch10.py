import numpy as np

from claims import Claim, Names, agrees, measures

RECORD = ["k", "side", "n_tiles", "tiles_told", "found", "passes", "side_by_side", "any_two"]
RECORD += ["with_left", "trap"]


def check(found: Names) -> list[Claim]:
    """Return the claims about baskets, rules, and what chance gives."""
    baskets, side, sets = found.baskets, found.side, found.frequent["itemsets"]
    columns, n, length = baskets.to_numpy(), len(baskets), found.side * found.across
    whole = found.terrain_map[:length, :length]
    held = [measures.block_sums(whole == t, side).ravel() >= 0.1 * side**2 for t in range(len(found.held))]
    unused = np.abs(columns.mean(axis=0) - 0.5).max() - 0.48
    off, in_shop = [0.0], found.rules_of(found.apriori(found.shop, 0.25, True))
    for table, rules in ((baskets, found.rules), (found.shop, in_shop)):
        for rule in rules.itertuples():
            a, c = (table[list(items)].all(axis=1) for items in (rule.antecedents, rule.consequents))
            both = (a & c).mean()
            counted = both, both / a.mean(), both / a.mean() / c.mean()
            off.append(np.abs(np.subtract(counted, (rule.support, rule.confidence, rule.lift))).max())
    supports = [baskets[list(items)].all(axis=1).mean() for items in sets]
    frequent = np.sum(np.triu(columns.T.astype(int) @ columns, 1) >= 0.02 * n)
    outside = [0]
    for name, by_chance in (("shuffled tiles", found.shuffled), ("shifted layers", found.shifted)):
        chance, lift = by_chance[:, found.one, found.other].round(9), found.found.to_numpy()
        beyond = np.minimum((chance <= lift).mean(axis=0), (chance >= lift).mean(axis=0))
        outside += [*(beyond[found.passes[name]] - 0.025 - 1 / len(chance))]
    pairs = sum(len(items) == 2 for items in sets)
    return [
        agrees("A basket holds a terrain exactly on a tenth of the tile", held, [*found.held.values()], 0),
        Claim("Each item is in 0.02 to 0.98 of the tiles", max(unused, 0), 1e-9),
        Claim("Support, confidence and lift of each rule follow from counting", max(off), 1e-9),
        agrees("The support of frequent sets follows from counting", supports, found.frequent["support"]),
        agrees("Every frequent pair was found", frequent, pairs, 0, "pairs"),
        agrees("The mean lift of all shifts is 1", found.shifted.mean(axis=0), 1),
        Claim("What passes is beyond all but a fortieth of what chance gives", max(outside), 1e-9),
    ]
