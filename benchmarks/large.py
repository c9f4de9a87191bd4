"""K-means of real pictures, up to a whole Sentinel-2 tile: time, memory and WCSS beside other libraries.

Steps: tile the Landsat picture to each size and add noise, so that it has colors as a large picture has; cluster
it with each library, in a process of its own; leave out what would take too long; draw time against pixels.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from benchmarks import measure
from helpers import raster

N_CLUSTERS = 6
SIDES = (1000, 2700, 5490, 10_980)  # the last is a Sentinel-2 tile of 10 m pixels
NOISE = 6  # uniform whole numbers up to this are added to each channel: about 1.2 million colors at full size
LIMIT = 150.0  # seconds: what would take longer, by its time on the size before, is left out
PLOT = measure.ROOT / "runs" / "bench" / "time-against-pixels.png"


def picture(side: int) -> np.ndarray:
    """Return the Landsat picture tiled to side × side pixels, noise added, (side, side, 3) uint8."""
    tile, random = raster.read().image, np.random.RandomState(0)
    repeats = (-(-side // tile.shape[0]), -(-side // tile.shape[1]), 1)
    image = np.tile(tile, repeats)[:side, :side].copy()
    for top in range(0, side, 512):
        rows = image[top : top + 512]
        rows[:] = (rows + random.randint(-NOISE, NOISE + 1, rows.shape)).clip(0, 255)
    return image


def save_as_tile(image: np.ndarray, path: Path) -> None:
    """Write a picture as a GeoTIFF with pixels of 10 m and without data where it is 0."""
    place = rasterio.Affine(10, 0, 300_000, 0, -10, 2_700_000)
    with rasterio.open(
        path, "w", driver="GTiff", height=len(image), width=image.shape[1], count=3, dtype="uint8", nodata=0,
        crs="EPSG:32618", transform=place, tiled=True,
    ) as dataset:  # fmt: skip
        for band in range(3):
            dataset.write(image[..., band], band + 1)


# Each way takes the picture and returns a label per pixel. What it imports, it imports itself: a process of its
# own should not hold the memory of other libraries.


def ours(image: np.ndarray) -> np.ndarray:
    from helpers import segmentation

    return segmentation.segment(image, N_CLUSTERS).labels


def sklearn_kmeans(image: np.ndarray, n_init: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    pixels = image.reshape(-1, 3).astype(np.float32)
    return KMeans(N_CLUSTERS, n_init=n_init, random_state=0, copy_x=False).fit(pixels).labels_


def sklearn_minibatch(image: np.ndarray) -> np.ndarray:
    from sklearn.cluster import MiniBatchKMeans

    pixels = image.reshape(-1, 3).astype(np.float32)
    return MiniBatchKMeans(N_CLUSTERS, n_init=10, random_state=0).fit(pixels).labels_


def opencv(image: np.ndarray) -> np.ndarray:
    import cv2

    cv2.setRNGSeed(0)
    until = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 100, 0.01)
    pixels = image.reshape(-1, 3).astype(np.float32)
    return cv2.kmeans(pixels, N_CLUSTERS, np.empty(0, np.int32), until, 10, cv2.KMEANS_PP_CENTERS)[1].ravel()


def faiss_kmeans(image: np.ndarray) -> np.ndarray:
    import faiss

    pixels = image.reshape(-1, 3).astype(np.float32)
    # By default it trains on 256 points per cluster; all pixels are what the others are given.
    kmeans = faiss.Kmeans(3, N_CLUSTERS, niter=50, nredo=10, seed=1, max_points_per_centroid=len(pixels))
    kmeans.train(pixels)
    return kmeans.index.search(pixels, 1)[1].ravel()


def pillow(image: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(image).quantize(N_CLUSTERS, kmeans=1))


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "helpers.segment": ours,
    "scikit-learn KMeans, 10 starts": lambda image: sklearn_kmeans(image, 10),
    "scikit-learn KMeans, 1 start": lambda image: sklearn_kmeans(image, 1),
    "scikit-learn MiniBatchKMeans, 10 starts": sklearn_minibatch,
    "OpenCV kmeans, 10 starts": opencv,
    "faiss Kmeans, 10 starts": faiss_kmeans,
    "Pillow quantize, kmeans=1": pillow,
}


def wcss(image: np.ndarray, labels: np.ndarray) -> float:
    """Return the squared distances of all pixels to their clusters' means, a few rows at a time."""
    labels = labels.reshape(image.shape[:2])
    size, total, squares = np.zeros(N_CLUSTERS), np.zeros((N_CLUSTERS, 3)), 0.0
    for top in range(0, len(image), 256):
        of, rows = labels[top : top + 256].ravel(), image[top : top + 256].reshape(-1, 3).astype(float)
        size += np.bincount(of, minlength=N_CLUSTERS)
        total += np.stack([np.bincount(of, channel, N_CLUSTERS) for channel in rows.T], axis=1)
        squares += float((rows**2).sum())
    return squares - float((total**2 / np.maximum(size, 1)[:, np.newaxis]).sum())


def measure_way(name: str, path: str) -> None:
    """Print, as JSON, what one way takes on a picture that is in memory: seconds, bytes above it, WCSS."""
    image = np.load(path)
    WAYS[name](image[:64, :64].copy())  # what is imported and set up once is not what is compared
    before = measure.peak_memory()
    found: list[np.ndarray] = []
    taken = measure.seconds(lambda: found.append(WAYS[name](image)))
    above = measure.peak_memory() - before
    print(json.dumps([taken, above, wcss(image, found[0])]))


def compare(quick: bool, limit: float = LIMIT) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield a row per size and way: pixels, way, seconds, memory above the picture, WCSS above the least."""
    taken: dict[str, dict[int, float]] = {name: {} for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for side in (300,) if quick else SIDES:
            image = picture(side)
            path = Path(folder) / f"{side}.npy"
            np.save(path, image)
            del image
            found: dict[str, Any] = {}
            for name in WAYS:
                expected = max(
                    ((side / other) ** 2 * s for other, s in list(taken[name].items())[-1:]), default=0
                )
                if expected > limit:
                    found[name] = f"left out: about {expected:.0f} s"
                elif not isinstance(result := _measured(name, path), str):
                    taken[name][side] = result[0]
                    found[name] = result
                else:
                    found[name] = result
            path.unlink()
            least = min(result[2] for result in found.values() if not isinstance(result, str))
            for number, (name, result) in enumerate(found.items()):
                pixels = f"{side:,}²" if number == 0 else ""
                if isinstance(result, str):
                    yield pixels, name, result, "", ""
                else:
                    seconds, above, found_wcss = result
                    yield (
                        pixels,
                        name,
                        f"{seconds:.2f} s",
                        f"{above / 1e9:.2f} GB",
                        f"+{found_wcss / least - 1:.4%}",
                    )
    if not quick:
        draw(taken)


def chapter_on_a_tile() -> Iterator[tuple[str, str, str]]:
    """Yield the row about chapter 11 on a picture of a whole tile: seconds and peak memory of its kernel."""
    with tempfile.TemporaryDirectory() as folder:
        tile = Path(folder) / "tile.tif"
        save_as_tile(picture(SIDES[-1]), tile)
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "course", "run", "11-satellite-image", "-p", "image_path", str(tile)]
        subprocess.run([*command, "--out", str(out)], cwd=measure.ROOT, check=True, capture_output=True)
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        about = manifest["chapters"]["11-satellite-image"]
    yield (
        f"chapter 11 whole, {SIDES[-1]:,}² GeoTIFF: k chosen, map, regions, areas",
        f"{about['seconds']:.0f} s",
        f"{about['peak_memory_mb'] / 1e3:.2f} GB (target < 6 GB)",
    )


def draw(taken: dict[str, dict[int, float]]) -> None:
    """Draw the seconds of each way against pixels, both on logarithmic scales, into `PLOT`."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for (name, points), marker in zip(taken.items(), "os^vDPX", strict=True):
        sides = sorted(points)
        if sides:
            ax.loglog([s**2 for s in sides], [points[s] for s in sides], marker=marker, label=name)
    ax.set(
        xlabel="pixels",
        ylabel="seconds",
        title=f"k-means of the Landsat picture with noise, k = {N_CLUSTERS}",
    )
    ax.legend(fontsize=8)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=150)


def _measured(name: str, path: Path) -> Any:
    """Return what `measure_way` finds in a process of its own, or, in words, why it found nothing."""
    code = f"from benchmarks import large; large.measure_way({name!r}, {str(path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=measure.ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return f"failed: {said[-1][:60] if said else f'ended by signal {-done.returncode}'}"
    return json.loads(done.stdout.splitlines()[-1])
