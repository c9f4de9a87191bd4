"""Ask every criterion of chapter 4 about one landscape: its k, the scores, and the truth.

Steps: make the landscape of a seed; cluster its colors for each k; read a k off each criterion; compare
with the true terrain. `course sweep` does this for many seeds; `read_sweep` reads what it wrote.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers import landscape, selection
from helpers.segmentation import (
    Colors,
    Segmentation,
    color_labels,
    distinct_colors,
    nearest_terrain,
    segment_colors,
)

# In a checkout; `read_sweep` finds it in an installed wheel, too.
SWEEP = Path(__file__).resolve().parent.parent / "data" / "sweep.csv"
# Numbers of clusters over which a knee is looked for, by the name that the sweep has for it.
ELBOWS = {"elbow_1_8": (1, 8), "elbow_1_10": (1, 10), "elbow_2_15": (2, 15)}
MOST = 10  # every other criterion looks at k up to here
STEADY = 0.95  # from this stability on, samples are said to repeat the clusters
SAMPLED = 5000  # distinct colors beyond which the silhouette is that of so many pixels, drawn at random
SCORES = ["silhouette", "calinski_harabasz", "davies_bouldin", "stability", "gap_statistic"]
NAMES = {  # as a reader sees them
    **{name: f"elbow, k from {low} to {high}" for name, (low, high) in ELBOWS.items()},
    "silhouette": "silhouette",
    "calinski_harabasz": "Calinski–Harabasz index",
    "davies_bouldin": "Davies–Bouldin index",
    "stability": "stability",
    "gap_statistic": "gap statistic",
    "best": "best agreement with the truth",
}


def of_landscape(seed: int, random_state: int = 0, **parameters: Any) -> dict[str, Any]:
    """Return what every criterion says of the landscape of a seed, and what would have been right.

    Parameters
    ----------
    seed : int
        Which landscape.
    random_state : int
        Where starts and samples are drawn from.
    **parameters
        As `landscape.heights` and `landscape.colorize` take them.

    Returns
    -------
    dict
        A row of the sweep, as ``data/README.md`` describes it; None where a criterion names no k.
    """
    width = {k: parameters[k] for k in parameters if k == "transition_width"}
    h = landscape.heights(seed=seed, **{k: v for k, v in parameters.items() if k not in width})
    truth = landscape.terrain(h)
    colors = distinct_colors(landscape.colorize(h, **width))
    shares = np.bincount(truth.ravel(), minlength=len(landscape.TERRAINS)) / truth.size
    found = clusterings(colors, max(high for _, high in ELBOWS.values()), random_state)
    agree = {k: selection.agreement(truth, found[k].labels) for k in found if 2 <= k <= MOST}
    asked = scores(colors, found, random_state)
    most = min(MOST, max(found))
    chosen = selection.elbow_or_silhouette(
        range(1, most + 1),
        [found[k].wcss for k in range(1, most + 1)],
        asked["silhouette"][0].__getitem__,
    )
    knee = elbows(found)
    named = nearest_terrain(found[chosen].centers)[found[chosen].labels]
    return {
        "seed": seed,
        "colors": len(colors.values),
        **{name: float(share) for name, share in zip(landscape.TERRAINS, shares, strict=True)},
        "terrains": int((shares > 0).sum()),
        **{name: knee.get(name) for name in ELBOWS},
        **{name: best for name, (_, best) in asked.items()},
        "best": max(agree, key=lambda k: agree[k]),
        "chosen": chosen,
        "chosen_right": float((named == truth).mean()),
        **{f"agreement_{k}": agree.get(k) for k in range(2, MOST + 1)},
    }


def clusterings(colors: Colors, most: int, random_state: int = 0) -> dict[int, Segmentation]:
    """Return the clusters for each k from 1 to `most`, or to the number of colors if that is smaller.

    Raises
    ------
    ValueError
        If there is a single color.
    """
    selection.refuse_single_color(colors)
    ks = range(1, min(most, len(colors.values)) + 1)
    return {k: segment_colors(colors, k, random_state, selection.N_INIT) for k in ks}


def elbows(found: dict[int, Segmentation]) -> dict[str, int | None]:
    """Return the knee of the WCSS over each range of `ELBOWS` for which there are clusters."""
    return {
        name: selection.elbow(range(low, high + 1), [found[k].wcss for k in range(low, high + 1)])
        for name, (low, high) in ELBOWS.items()
        if high in found
    }


def scores(
    colors: Colors, found: dict[int, Segmentation], random_state: int = 0
) -> dict[str, tuple[dict[int, float], int | None]]:
    """Return, for each of `SCORES`, its value for each k and the k that it takes.

    Parameters
    ----------
    colors : Colors
        The distinct colors of a picture.
    found : dict
        Its clusters for each k from 1 on, as `clusterings` makes them; k up to `MOST` are looked at.
    random_state : int
        Where starts and samples are drawn from.

    Returns
    -------
    dict
        Of equal values the smallest k is taken. The gap statistic looks at k = 1, too, and may take none.
    """
    ks = [k for k in found if 2 <= k <= MOST]
    if len(colors.values) <= SAMPLED:
        divisions = [color_labels(colors, found[k]) for k in ks]
        width = selection.mean_silhouettes(colors.values, colors.counts, divisions).tolist()
    else:
        width = [selection.silhouette(colors, found[k].labels, SAMPLED, random_state) for k in ks]
    values = {
        "silhouette": dict(zip(ks, width, strict=True)),
        # Where every color has a center of its own, clusters have no width, and the index has no value.
        "calinski_harabasz": {
            k: selection.calinski_harabasz(colors, found[k]) for k in ks if k < len(colors.values)
        },
        "davies_bouldin": {k: selection.davies_bouldin(colors, found[k]) for k in ks},
        "stability": {k: selection.stability(colors, k, random_state=random_state) for k in ks},
    }
    gap, _, gap_k = selection.gap_statistic(colors, [1, *ks], random_state=random_state)
    return {
        **{name: (found_values, best_k(found_values, name)) for name, found_values in values.items()},
        "gap_statistic": (dict(zip([1, *ks], map(float, gap), strict=True)), gap_k),
    }


def best_k(values: dict[int, float], name: str) -> int | None:
    """Return the smallest k of the best value, for the Davies–Bouldin index the lowest; None where there is none."""
    sign = -1 if name == "davies_bouldin" else 1
    return max(values, key=lambda k: sign * values[k], default=None)


def how_sure(
    stability: Mapping[int, float], named: Mapping[str, int | None], knees: Iterable[int | None]
) -> str:
    """Return in words what may be said of the number of clusters: how far it is steady, and what was named.

    Parameters
    ----------
    stability : mapping of int to float
        As `scores` gives it, for each k.
    named : mapping of str to int or None
        The k that each criterion takes.
    knees : iterable of int or None
        The elbow over each range of k in which it was looked for.
    """
    ks, steady = sorted(stability), sorted(k for k, value in stability.items() if value >= STEADY)
    until = (
        "for no k"
        if not steady
        else f"for each k up to {ks[-1]}"
        if steady == ks
        else f"up to k = {steady[-1]}; beyond, they do not"
        if steady == ks[: len(steady)]
        else f"for k = {join(list(map(str, steady)))}, and for no other"
    )
    criteria, elbows = (sorted({k for k in given if k is not None}) for given in (named.values(), knees))
    told = [join([f"k = {ks[0]}", *map(str, ks[1:])]) if ks else "no k" for ks in (criteria, elbows)]
    every = sorted({*criteria, *elbows})
    samples = inspect.signature(selection.stability).parameters["n_samples"].default
    return (
        f"Samples of `{samples}` pixels repeat the clusters (adjusted Rand index at least `{STEADY}`) {until}. The elbow, over "
        f"several ranges, names {told[1]}, the other criteria {told[0]}. "
        + (
            "Report the range, not one number."
            if len(every) > 1
            else "They agree, so report that number, and by which rules."
            if every
            else "So report that no number stands out."
        )
    )


def read_sweep(path: Path = SWEEP) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return what `course sweep` wrote: a row per seed, and how it was made.

    Returns
    -------
    rows : pandas.DataFrame
        A row per seed; a criterion that names no k holds NaN.
    made : dict
        The parameters, the hash of the code, the versions of the packages.

    Raises
    ------
    ValueError
        If there is no such file, or it was not written by `course sweep`.
    """
    from helpers import files  # here, as no row of a sweep depends on it: see `course.sweep.code_hash`

    path = files.locate(path)
    try:
        with path.open(encoding="utf-8") as file:
            made = json.loads(file.readline().removeprefix("#"))
        rows = pd.read_csv(path, comment="#")
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: no sweep to read ({error}); `course sweep` makes one") from None
    return rows, made


def join(words: Sequence[str]) -> str:
    """Return words as a list in prose: a; a and b; a, b and c."""
    return " and ".join([", ".join(words[:-1]), *words[-1:]]) if len(words) > 1 else "".join(words)
