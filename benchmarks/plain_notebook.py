"""One plain notebook with the article's steps and nine figures, as a reader of the article would write it.

Steps: write the cells; put them in a notebook; execute it through papermill.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

CELLS = (
    # Heights: figures 1 and 2
    """
import matplotlib.pyplot as plt
import noise
import numpy as np
from kneed import KneeLocator
from skimage.measure import label, regionprops
from skimage.segmentation import find_boundaries
from sklearn.cluster import KMeans

%matplotlib inline
SIZE, SCALE = 512, 128.0
h = np.zeros((SIZE, SIZE))
for i in range(SIZE):
    for j in range(SIZE):
        h[i, j] = noise.pnoise2(i / SCALE, j / SCALE, octaves=6, persistence=0.5, lacunarity=2.0)
h = (h - h.min()) / (h.max() - h.min())
""",
    """
plt.figure(figsize=(8, 8))
plt.imshow(h, cmap="terrain")
plt.colorbar()
plt.show()
""",
    """
plt.figure(figsize=(8, 8))
plt.imshow(h, cmap="terrain")
plt.contour(h, levels=[0.3, 0.5, 0.7], colors="black")
plt.show()
""",
    # The picture: figure 3
    """
PALETTE = np.array([(20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220)])
BORDERS, WIDTH = (0.4, 0.6, 0.8), 0.06

def color(height):
    for n, border in enumerate(BORDERS):
        if abs(height - border) < WIDTH:
            share = (height - (border - WIDTH)) / (2 * WIDTH)
            return [int(a * (1 - share) + b * share) for a, b in zip(PALETTE[n], PALETTE[n + 1])]
        if height < border:
            return PALETTE[n]
    return PALETTE[-1]

image = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
for i in range(SIZE):
    for j in range(SIZE):
        image[i, j] = color(h[i, j])
plt.figure(figsize=(8, 8))
plt.imshow(image)
plt.show()
""",
    # k-means with k = 7: figures 4 and 5
    """
pixels = image.reshape(-1, 3)
seven = KMeans(n_clusters=7, random_state=42).fit(pixels)
labels = seven.labels_.reshape(SIZE, SIZE)
plt.figure(figsize=(8, 8))
plt.imshow(labels, cmap="tab10")
plt.legend(handles=[plt.Rectangle((0, 0), 1, 1, color=plt.cm.tab10(c / 6), label=f"cluster {c}") for c in range(7)])
plt.show()
""",
    """
TARGETS = np.array([(20, 20, 220), (20, 255, 20), (139, 69, 19), (220, 220, 220)])

def recolor(fitted):
    nearest = [int(np.argmin(np.linalg.norm(TARGETS - center, axis=1))) for center in fitted.cluster_centers_]
    return TARGETS[np.array(nearest)[fitted.labels_]].reshape(SIZE, SIZE, 3).astype(np.uint8)

figure, axes = plt.subplots(1, 2, figsize=(12, 6))
axes[0].imshow(image)
axes[1].imshow(recolor(seven))
plt.show()
""",
    # Choosing k: figures 6 and 7
    """
figure, axes = plt.subplots(3, 3, figsize=(12, 12))
for k, ax in zip(range(2, 11), axes.flat):
    ax.imshow(recolor(KMeans(n_clusters=k, random_state=42).fit(pixels)))
    ax.set_title(f"k = {k}")
plt.show()
""",
    """
wcss = [KMeans(n_clusters=k, random_state=42).fit(pixels).inertia_ for k in range(1, 11)]
print(KneeLocator(range(1, 11), wcss, curve="convex", direction="decreasing").knee)
plt.figure(figsize=(8, 5))
plt.plot(range(1, 11), wcss, marker="o")
plt.show()
""",
    # The map: figures 8 and 9
    """
boundaries = find_boundaries(labels, mode="thick")
plt.figure(figsize=(8, 8))
plt.imshow(image)
plt.imshow(boundaries, cmap="gray", alpha=0.5)
plt.show()
""",
    """
SHAPES = ["o", "s", "^", "p"]
nearest = [int(np.argmin(np.linalg.norm(TARGETS - center, axis=1))) for center in seven.cluster_centers_]
plt.figure(figsize=(8, 8))
plt.imshow(image)
plt.imshow(boundaries, cmap="gray", alpha=0.5)
for region in regionprops(label(labels)):
    row, column = region.centroid
    terrain = nearest[labels[int(row), int(column)]]
    plt.plot(column, row, SHAPES[terrain], color="salmon", markeredgecolor="black")
plt.show()
""",
)


def write(path: Path) -> None:
    """Write the notebook."""
    cells = [new_code_cell(source.strip()) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)


def execute(folder: Path) -> None:
    """Execute the notebook through papermill, in a process of its own, as its command line does."""
    source = folder / "plain.ipynb"
    write(source)
    # so that the kernel named python3 is this Python's, also where it is not the active one
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    subprocess.run(
        [sys.executable, "-m", "papermill", "--no-progress-bar", str(source), str(folder / "executed.ipynb")],
        check=True,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "PATH": path},
    )
