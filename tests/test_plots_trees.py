"""The figures of chapter 7: what they compute themselves, and that their alt texts say it."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from helpers import plots_trees

POINTS = np.array([[0.0, 0, 0], [1, 0, 0], [100, 0, 0], [101, 0, 0], [255, 255, 255]])
JOINS = linkage(POINTS, "ward")


def test_the_points_below_a_node_are_those_of_its_cluster() -> None:
    n = len(POINTS)
    assert sorted(plots_trees._members(JOINS, 2 * n - 2)) == list(range(n))  # below the root, all
    cut = fcluster(JOINS, 3, "maxclust")
    for node in (n, n + 1):  # the two pairs are joined first
        below = plots_trees._members(JOINS, node)
        assert len(below) == 2
        assert len(set(cut[below])) == 1


def test_noise_is_gray_and_a_cluster_has_its_mean_color() -> None:
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    image[:4, :, 0] = 100
    image[:2, :, 0] = 200
    labels = np.where(np.arange(8)[:, np.newaxis] < 4, 0, -1) * np.ones((8, 8), dtype=int)
    shown = plots_trees.striped(image, labels)
    assert (shown[:4] == (150, 0, 0)).all()
    assert (shown[4:] == shown[4:, :, :1]).all()
    assert len(np.unique(shown[4:])) == 2  # stripes, not a plain color


def test_the_alt_text_of_the_tree_tells_the_highest_joins() -> None:
    _, alt = plots_trees.tree(JOINS, POINTS, 2)
    assert f"{JOINS[-1, 2]:,.0f}" in alt
    assert "cuts it into 2 clusters" in alt


def test_the_alt_text_of_the_reach_tells_the_share_within_each_radius() -> None:
    _, alt = plots_trees.reach(
        np.array([0.0, 1.0, 9.0]), np.array([0.5, 0.8, 1.0]), {"radius 2": 2}, "4 pixels"
    )
    assert "80.0% within 2" in alt


def test_the_alt_text_of_the_cuts_tells_what_is_above_k_means_and_never_less_than_nothing() -> None:
    _, alt = plots_trees.cuts([2, 3], {"Ward": [0.5, -0.001]}, [0.25, -1e-12])
    assert "Ward: 0.50, 0.00" in alt
    assert "25.0%, 0.0%" in alt


def test_samples_are_told_with_their_clusters_and_their_noise() -> None:
    labels = np.array([0, 0, 1, 1, -1])
    _, alt = plots_trees.in_color({"a": POINTS}, {"a": labels}, {"a": 0.5})
    assert "a, 2 clusters and 20.0% noise, adjusted Rand index 0.50" in alt
