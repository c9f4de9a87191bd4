"""Write the part of *Run it again* about seeds worth trying, from the committed tables `data/sweep.csv` and `data/variants.csv`.

Each rule ranks the landscapes of the sweep by one number, and takes the first.
"""

from __future__ import annotations

import numpy as np

from course import sweep
from helpers import landscape, selection
from sweeps import variants

# Where the part had a page of its own; the address leads to where it is now.
OLD_PAGE = "chapters/13-seeds-worth-trying.html"
REDIRECT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="0; url=../rerun.html#seeds">
<link rel="icon" href="../assets/favicon.svg">
<title>Seeds worth trying</title>
</head>
<body>
<main>
<h1>Seeds worth trying</h1>
<p>This page is now a part of <a href="../rerun.html#seeds">Run it again, differently</a>.</p>
</main>
</body>
</html>
"""


def as_markdown() -> str:
    """Return the rules' seeds as a table, what they show, and the bands of landscapes that are equally hard."""
    rows = sweep.read(selection.SWEEP)[0].set_index("seed")
    best, usual = rows["best"].astype(int), int(rows["best"].mode()[0])
    at_best = np.array([row[f"agreement_{k}"] for (_, row), k in zip(rows.iterrows(), best, strict=True)])
    elbows = rows["elbow_1_10"].map("{:.0f}".format)
    at_elbow = np.array([row[f"agreement_{k}"] for (_, row), k in zip(rows.iterrows(), elbows, strict=True)])
    against = f"the clearest case against k = {usual}"
    rules = {
        "the least snow": -rows["snow"],
        "the most snow": rows["snow"],
        "the most water": rows["water"],
        "the most even shares": -rows[list(landscape.TERRAINS)].std(axis=1),
        "the easiest": at_best,
        "the hardest": -at_best,
        "the costliest elbow": at_best - at_elbow,
        against: at_best - rows[f"agreement_{usual}"],
    }
    picked = {name: int(np.argmax(np.asarray(score))) for name, score in rules.items()}
    lines = [
        "| seed | picked for | water | snow | k of the elbow | agreement | best k | agreement there |",
        "|---:|:-------------------|---:|---:|---:|---:|---:|---:|",
    ]
    for at in dict.fromkeys(picked.values()):
        row = rows.iloc[at]
        names = ", ".join(name for name in picked if picked[name] == at)
        lines.append(
            f"| {rows.index[at]} | {names} | {row['water']:.1%} | {row['snow']:.1%} | {elbows.iloc[at]} | {at_elbow[at]:.2f} "
            f"| {best.iloc[at]} | {at_best[at]:.2f} |"
        )
    costly, unlike = picked["the costliest elbow"], picked[against]
    measured, _ = sweep.read(variants.TABLE)
    within = variants.passes(measured)
    bands = [
        f"| `{name}` | {band.low:g} | {band.high:g} | {band.why} | {within[name].mean():.1%} |"
        for name, band in variants.BANDS.items()
    ]
    return "\n".join(
        [
            *lines,
            "",
            f": Seeds that rules pick out of {len(rows)}. The agreement is the adjusted Rand index with the true terrain. {{#tbl-picked}}",
            "",
            f"- To someone who trusts the elbow, show **seed {rows.index[costly]}**. Its elbow costs {at_best[costly] - at_elbow[costly]:.2f} of the "
            f"best agreement; the median over all {len(rows)} is {np.median(at_best - at_elbow):.3f}.",
            f"- To someone who always says k = {usual}, show **seed {rows.index[unlike]}**, where k = {best.iloc[unlike]} agrees better by "
            f"{at_best[unlike] - rows[f'agreement_{usual}'].iloc[unlike]:.2f}. k = {usual} is the best on {(best == usual).sum()} of {len(rows)} landscapes.",
            f"- The best agreement ranges from {at_best.min():.2f} to {at_best.max():.2f}. So much of a score belongs to the landscape, not to the method.",
            "",
            "In a class everybody may get another landscape, but none should be harder than the next. For that, other seeds were measured, and each "
            "measure has a band in which it must lie.",
            "",
            "| measure | from | to | so that | lie within |",
            "|:--------|---:|---:|:-----------------------------|---:|",
            *bands,
            "",
            ": The bands, and the share of the measured landscapes within each. {#tbl-bands}",
            "",
            f"Of {len(measured):,} landscapes, {int(within.all(axis=1).sum()):,} lie within all bands. "
            "[A class of your own](classroom.qmd) draws its seeds from these.",
        ]
    ) + "\n"  # fmt: skip
