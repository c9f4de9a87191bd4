"""Which seeds make landscapes that are equally hard, so that every student of a class can have another one.

Steps: measure a landscape (`measure`, a row of `data/variants.csv`, which `course classroom vet` makes); compare the measures
with bands (`BANDS`); list the seeds that lie in all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from course.sweep import read
from helpers import landscape, regions, segmentation, selection

TABLE = Path(landscape.__file__).resolve().parents[1] / "data" / "variants.csv"
MIN_AREA = 30  # pixels: regions that count, as in chapter 5
KS = range(1, 11)


class Band(NamedTuple):
    """Between which values a measure must lie, and why."""

    low: float
    high: float
    why: str


BANDS = {
    "rarest": Band(0.02, 1, "each terrain covers enough pixels to be found"),
    "elbow": Band(3, 4, "the elbow of chapter 4 takes a usual number of clusters"),
    "clarity": Band(0.01, 0.06, "the elbow stands out from the other k, and not too much"),
    "best_agreement": Band(0.95, 1, "for some k the clusters are nearly the terrains"),
    "chosen_right": Band(0.945, 1, "with the chosen k, nearly all pixels get the right name"),
    "regions": Band(38, 66, "the map of chapter 5 has neither a few regions nor a crowd"),
    "steady": Band(1, 1, "two values of random_state give the same clusters, so that honest ways agree"),
}


def measure(seed: int, random_state: int = 0, transition_width: float = 0.06, **shape: Any) -> dict[str, Any]:
    """Return what `BANDS` looks at, for the landscape of a seed; `shape` is what else `landscape.heights` takes.

    Returns
    -------
    dict
        ``rarest``, the smallest share of a terrain; ``elbow``, its k; ``clarity``, of `clarity`; ``best_agreement``, the
        highest adjusted Rand index with the truth for k from 2 to 10; ``chosen_right``, the share of pixels that the
        chosen k names rightly; ``regions`` of at least 30 pixels; ``steady``, 1 if another random state changes no pixel.
    """
    h = landscape.heights(seed=seed, **shape)
    truth = landscape.terrain(h)
    colors = segmentation.distinct_colors(landscape.colorize(h, transition_width))
    most = min(KS[-1], len(colors.values))
    found = {
        k: segmentation.segment_colors(colors, k, random_state, selection.N_INIT) for k in range(1, most + 1)
    }
    wcss = [found[k].wcss for k in found]
    chosen = selection.elbow_or_silhouette(
        list(found), wcss, lambda k: selection.silhouette(colors, found[k].labels)
    )
    again = segmentation.segment_colors(colors, chosen, (random_state + 1) % 2**32, selection.N_INIT)
    named = segmentation.nearest_terrain(found[chosen].centers)[found[chosen].labels]
    area = np.bincount(regions.connected(found[chosen].labels).ravel())[1:]
    return {
        "seed": seed,
        "rarest": float(np.bincount(truth.ravel(), minlength=len(landscape.TERRAINS)).min() / truth.size),
        "elbow": selection.elbow(list(found), wcss),
        "clarity": clarity(wcss),
        "best_agreement": max(selection.agreement(truth, found[k].labels) for k in found if k > 1),
        "chosen_right": float((named == truth).mean()),
        "regions": int((area >= MIN_AREA).sum()),
        "steady": int((again.labels == found[chosen].labels).all()),
    }


def clarity(wcss: ArrayLike) -> float:
    """Return by how much the elbow of a curve leads, from 0 to 1.

    The curve is scaled to run from (0, 1) to (1, 0); each point lies so far below the line between the ends. The lead is the
    difference between the farthest point and the one that comes next.
    """
    curve = np.asarray(wcss, dtype=float)
    along = np.linspace(0, 1, len(curve))
    span = np.ptp(curve)
    if span == 0:
        return 0.0
    below = 1 - along - (curve - curve.min()) / span
    last, first = np.sort(below)[-2:]
    return float(first - last)


def passes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return, for each row and each of `BANDS`, whether its measure lies in the band."""
    return pd.DataFrame({name: rows[name].between(band.low, band.high) for name, band in BANDS.items()})


def vetted(path: Path = TABLE) -> list[int]:
    """Return the seeds whose landscapes lie in all bands, in order.

    Raises
    ------
    CourseError
        If there is no such table.
    """
    rows, _ = read(path)
    return sorted(int(seed) for seed in rows.loc[passes(rows).all(axis=1), "seed"])
