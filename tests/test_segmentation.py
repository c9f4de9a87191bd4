"""Clusters: the best there are, the same from every start, in one order; and pictures of every kind."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image
from sklearn.cluster import KMeans

from course.run import processors
from helpers import kmeans, landscape, raster, segmentation
from tests import oracle

FULL_SWEEP = [3, 17, 21, *range(100, 110)]


@pytest.fixture(scope="module")
def article() -> np.ndarray:
    return landscape.colorize(landscape.heights())


def landscape_of(seed: int) -> np.ndarray:
    return landscape.colorize(landscape.heights(seed=seed))


def photo(side: int, step: int, seed: int = 5) -> np.ndarray:
    """Return a picture of smooth color that is no landscape; a larger `step` leaves fewer colors."""
    channels = [landscape.heights(side, side / 3, seed=seed + channel) for channel in range(3)]
    return (np.stack(channels, axis=2) * 255 / step).round().astype(np.uint8) * np.uint8(step)


def best_of_scikit_learn(image: np.ndarray, n_clusters: int, starts: int = 100) -> float:
    """Return the least WCSS that scikit-learn finds on the weighted colors."""
    colors, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    fitted = KMeans(n_clusters, n_init=starts, tol=0, max_iter=1000, random_state=0)
    return float(fitted.fit(colors.astype(float), sample_weight=counts).inertia_)


# The best result, from every start


@pytest.mark.parametrize("k", range(2, 9))
def test_same_map_from_twenty_random_states(article, k):
    check_same_map(article, k)


def check_landscape(seed: int, k: int) -> None:
    """Hold the map of a landscape against those from other random states, and its WCSS against scikit-learn's best."""
    image = landscape_of(seed)
    check_same_map(image, k)
    best = best_of_scikit_learn(image, k)
    assert segmentation.segment(image, k).wcss <= best * (1 + 1e-6)


@pytest.fixture(scope="module")
def checked(request: pytest.FixtureRequest) -> Iterator[dict[tuple[int, int], Future[None]]]:
    """The checks of the landscapes that are asked for, made side by side: each takes one processor."""
    asked = [item for item in request.session.items if "checked" in getattr(item, "fixturenames", [])]
    cases = [(item.callspec.params["seed"], item.callspec.params["k"]) for item in asked]  # type: ignore[attr-defined]
    with ProcessPoolExecutor(processors(), get_context("spawn")) as pool:
        yield {case: pool.submit(check_landscape, *case) for case in cases}
        pool.shutdown(cancel_futures=True)


@pytest.mark.long
@pytest.mark.parametrize("k", range(2, 9))
@pytest.mark.parametrize("seed", FULL_SWEEP)
def test_same_map_from_twenty_random_states_on_many_landscapes(checked, seed, k):
    checked[seed, k].result()


@pytest.mark.parametrize(("seed", "k"), [(3, 7), (17, 5), (21, 8)])
def test_same_map_where_it_is_hard(seed, k):
    check_same_map(landscape_of(seed), k)


def check_same_map(image: np.ndarray, k: int) -> None:
    colors = segmentation.distinct_colors(image)
    first, *others = [segmentation.segment_colors(colors, k, random_state) for random_state in range(20)]
    for other in others:
        assert np.array_equal(other.labels, first.labels)
        assert np.array_equal(other.centers, first.centers)
        assert other.wcss == first.wcss


@pytest.mark.parametrize("k", range(2, 9))
def test_no_worse_than_the_best_of_hundred_starts(article, k):
    assert segmentation.segment(article, k).wcss <= best_of_scikit_learn(article, k) * (1 + 1e-6)


@pytest.mark.parametrize("k", [9, 16])
def test_many_clusters_within_two_thousandths(article, k):
    best = best_of_scikit_learn(article, k)
    for random_state in range(2):
        assert segmentation.segment(article, k, random_state).wcss <= best * 1.002


@pytest.mark.parametrize(("step", "k"), [(1, 3), (1, 10), (16, 5), (16, 10)])
def test_any_picture_within_two_thousandths(step, k):
    image = photo(80, step)
    assert (len(segmentation.distinct_colors(image).values) > kmeans.MANY_COLORS) == (step == 1)
    best = best_of_scikit_learn(image, k)
    for random_state in range(3):
        assert segmentation.segment(image, k, random_state).wcss <= best * 1.002


def test_wcss_shares_of_the_article(article):
    wcss = np.array([segmentation.segment(article, k).wcss for k in range(1, 11)])
    expected = [1.0000, 0.4349, 0.2197, 0.1096, 0.0631, 0.0446, 0.0338, 0.0233, 0.0189, 0.0147]
    np.testing.assert_allclose(wcss / wcss[0], expected, atol=0.5e-4)


def test_same_as_scikit_learn_on_all_pixels(article):
    plain = KMeans(4, n_init=3, tol=0, random_state=42).fit(article.reshape(-1, 3))
    found = segmentation.segment(article, 4)
    order = segmentation.canonical_order(plain.cluster_centers_)
    assert np.array_equal(found.labels.ravel(), np.argsort(order)[plain.labels_])
    assert found.wcss == pytest.approx(plain.inertia_, rel=1e-9)
    np.testing.assert_allclose(found.centers, plain.cluster_centers_[order], rtol=1e-6)


# What a segmentation is


@pytest.mark.parametrize("k", [1, 2, 4, 7])
def test_centers_are_means_and_wcss_is_counted_on_all_pixels(article, k):
    mask = np.zeros(article.shape[:2], dtype=bool)
    mask[100:300, 50:] = True
    for masked in (None, mask):
        found = segmentation.segment(article, k, mask=masked)
        assert (found.labels.dtype, found.labels.shape) == (np.int32, article.shape[:2])
        assert np.array_equal(found.labels == -1, mask if masked is not None else np.zeros_like(mask))
        assert sorted(set(found.labels.ravel()) - {-1}) == list(range(k))
        means = [article[found.labels == cluster].mean(axis=0) for cluster in range(k)]
        np.testing.assert_allclose(found.centers, means, rtol=1e-12)
        assert found.wcss == pytest.approx(oracle.wcss(article, found.labels), rel=1e-12)


def test_the_order_of_pixels_changes_nothing(article):
    shuffle = np.random.RandomState(0).permutation(article.shape[0] * article.shape[1])
    shuffled = article.reshape(-1, 3)[shuffle].reshape(article.shape)
    found, other = segmentation.segment(article, 5), segmentation.segment(shuffled, 5)
    assert np.array_equal(found.labels.ravel()[shuffle], other.labels.ravel())
    assert np.array_equal(found.centers, other.centers)
    assert found.wcss == other.wcss


def test_canonical_order_is_of_terrains_then_of_lightness():
    centers = np.array([(210, 210, 210), (139, 69, 19), (20, 240, 20), (20, 200, 20), (30, 30, 230)], float)
    for seed in range(10):
        shuffle = np.random.RandomState(seed).permutation(5)
        order = segmentation.canonical_order(centers[shuffle])
        assert shuffle[order].tolist() == [4, 3, 2, 1, 0]
    equal_luma = np.array([(20, 20, 220), (20, 20, 220), (20, 20, 220)], float)
    assert segmentation.canonical_order(equal_luma).tolist() == [0, 1, 2]


def test_recolor_gives_each_cluster_the_nearest_target(article):
    found = segmentation.segment(article, 7)
    picture = segmentation.recolor(found)
    assert (picture.dtype, picture.shape) == (np.uint8, article.shape)
    for cluster, center in enumerate(found.centers):
        nearest = min(segmentation.TARGETS.tolist(), key=lambda t: ((np.array(t) - center) ** 2).sum())
        assert (picture[found.labels == cluster] == nearest).all()


def test_masked_pixels_are_painted_black():
    labels = np.array([[0, 1, -1]])
    painted = segmentation.paint(labels, np.array([(1.5, 2.4, 254.6), (9, 9, 9)]))
    assert painted.tolist() == [[[2, 2, 255], [9, 9, 9], [0, 0, 0]]]


def test_moving_single_colors_never_makes_it_worse(article):
    colors = segmentation.distinct_colors(article)
    weighted = colors.values, colors.counts
    for of_color in kmeans.lloyd(*weighted, kmeans.plus_plus_starts(*weighted, 9, 10, 0)):
        moved = kmeans.move_single_colors(*weighted, of_color)
        assert kmeans.wcss(*weighted, moved, 9) <= kmeans.wcss(*weighted, of_color, 9)
        assert len(np.unique(moved)) == 9


@pytest.mark.parametrize("k", [1, 2, 4, 8])
def test_the_quick_way_ends_close_to_the_best(article, k):
    colors = segmentation.distinct_colors(article)
    weighted = colors.values, colors.counts
    centers, wcss = kmeans.quick(*weighted, kmeans.plus_plus_starts(*weighted, k, 10, 0))
    best = segmentation.segment(article, k).wcss
    assert best * (1 - 1e-12) <= wcss <= 1.03 * best
    nearest = ((colors.values[:, np.newaxis] - centers) ** 2).sum(axis=2).min(axis=1) @ colors.counts
    assert wcss == pytest.approx(nearest, rel=1e-12)


def test_lloyd_ends_where_scikit_learn_does_from_the_same_starts(article):
    colors = segmentation.distinct_colors(article)
    weighted = colors.values, colors.counts
    starts = kmeans.plus_plus_starts(*weighted, 6, 5, 3)
    for start, of_color in zip(starts, kmeans.lloyd(*weighted, starts), strict=True):
        fitted = KMeans(6, init=start, n_init=1, tol=0, max_iter=1000)
        assert (fitted.fit(colors.values, sample_weight=colors.counts).labels_ == of_color).all()
        assert kmeans.wcss(*weighted, of_color, 6) == pytest.approx(fitted.inertia_, rel=1e-9)


# Pictures of every kind


def colors_of(*colors: tuple[int, ...]) -> np.ndarray:
    return np.repeat(np.array(colors, dtype=np.uint8)[:, np.newaxis], 6, axis=1)


THREE = colors_of((0, 0, 0), (250, 0, 0), (0, 0, 250))


def test_grayscale_counts_as_three_equal_channels():
    gray = (landscape.heights(64, 16.0) * 255).astype(np.uint8)
    expected = segmentation.segment(np.repeat(gray[..., np.newaxis], 3, axis=2), 3)
    for image in (gray, gray[..., np.newaxis]):
        found = segmentation.segment(image, 3)
        assert np.array_equal(found.labels, expected.labels)
        assert np.array_equal(found.centers, expected.centers)


def test_alpha_is_left_out_and_alpha_0_is_masked():
    alpha = np.full((3, 6, 1), 7, dtype=np.uint8)
    alpha[0, 0] = 0
    mask = np.zeros((3, 6), dtype=bool)
    mask[2, 5] = True
    found = segmentation.segment(np.concatenate([THREE, alpha], axis=2), 3, mask=mask)
    assert np.argwhere(found.labels == -1).tolist() == [[0, 0], [2, 5]]
    assert found.wcss == 0


def test_a_mask_hides_colors():
    mask = np.zeros((3, 6), dtype=bool)
    mask[0] = True
    colors = segmentation.distinct_colors(THREE, mask)
    assert colors.values.tolist() == [[0, 0, 250], [250, 0, 0]]
    assert colors.counts.tolist() == [6, 6]
    assert (colors.index[0] == -1).all()
    with pytest.raises(ValueError, match="cannot make 3 clusters of a picture with 2 distinct colors"):
        segmentation.segment(THREE, 3, mask=mask)


@pytest.mark.filterwarnings("error")
def test_one_cluster_one_color_and_a_cluster_for_each_color():
    assert segmentation.segment(THREE, 1).centers.tolist() == [[250 / 3, 0, 250 / 3]]
    each = segmentation.segment(THREE, 3)
    assert each.wcss == 0
    assert np.array_equal(each.centers[each.labels], THREE)
    single = segmentation.segment(colors_of((9, 8, 7)), 1)
    assert (single.wcss, single.centers.tolist()) == (0, [[9, 8, 7]])


@pytest.mark.parametrize("k", [0, -1, 4])
def test_too_many_or_too_few_clusters(k):
    with pytest.raises(
        ValueError, match=rf"cannot make {k} clusters .* 3 distinct colors; choose from 1 to 3"
    ):
        segmentation.segment(THREE, k)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 3), dtype=np.uint16),
        np.zeros((4, 4, 2), dtype=np.uint8),
        np.zeros((4, 4, 5), dtype=np.uint8),
        np.zeros(4, dtype=np.uint8),
        np.zeros((1, 4, 4, 3), dtype=np.uint8),
    ],
    ids=lambda image: f"{image.dtype}{image.shape}",
)
def test_an_array_that_is_no_picture(image):
    with pytest.raises(ValueError, match=r"the image must be uint8 of shape .* not "):
        segmentation.segment(image, 2)


@pytest.mark.parametrize("mask", [np.zeros((3, 6), dtype=int), np.zeros((6, 3), dtype=bool)])
def test_a_mask_that_does_not_fit(mask):
    with pytest.raises(ValueError, match=r"the mask must be bool of shape \(3, 6\), not "):
        segmentation.segment(THREE, 2, mask=mask)


def test_everything_masked():
    with pytest.raises(ValueError, match="every pixel is masked"):
        segmentation.segment(THREE, 1, mask=np.ones((3, 6), dtype=bool))
    with pytest.raises(ValueError, match="every pixel is masked"):
        segmentation.segment(np.zeros((3, 6, 4), dtype=np.uint8), 1)


def test_the_input_is_left_as_it_was(article):
    before = article.copy()
    article.flags.writeable = False
    segmentation.segment(article, 3, mask=np.zeros(article.shape[:2], dtype=bool))
    article.flags.writeable = True
    assert np.array_equal(article, before)


# Files


def png_header(width: int, height: int, depth: int = 8, kind: int = 2, rows: bytes = b"") -> bytes:
    """Return a PNG whose header says what it likes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read_image(path):
    return raster.read(path, max_pixels=64_000_000).image


PICTURE = Image.fromarray(landscape.colorize(landscape.heights(32, 16.0, octaves=1)))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("PNG", mode) for mode in ("RGB", "L", "LA", "P", "RGBA", "1")]
    + [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK")],
)
def test_read_image(tmp_path, kind, mode):
    path = tmp_path / "picture"
    picture = PICTURE.convert(mode)
    path.write_bytes(encoded(picture, kind, quality=95, subsampling=0))
    image = read_image(path)
    assert (image.dtype, image.shape) == (np.uint8, (32, 32, 3))
    assert np.array_equal(read_image(str(path)), image)
    if kind == "PNG":
        assert np.array_equal(image, np.asarray(picture.convert("RGB")))
    else:
        assert np.abs(image.astype(int) - np.asarray(picture.convert("RGB"))).mean() < 4  # lossy
    segmentation.segment(image, 2)


def test_transparency_is_laid_over_white(tmp_path):
    path = tmp_path / "clear.png"
    Image.fromarray(np.array([[(0, 0, 0, 0), (0, 0, 0, 255), (0, 0, 0, 51)]], dtype=np.uint8)).save(path)
    assert read_image(path).tolist() == [[[255] * 3, [0] * 3, [204] * 3]]
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([0, 1])
    palette.save(path, transparency=0)
    assert read_image(path).tolist() == [[[255] * 3, [0, 0, 255]]]


BROKEN = {
    "text": (b"not a picture\n", "not a PNG, JPEG or TIFF picture"),
    "empty": (b"", "not a PNG, JPEG or TIFF picture"),
    "gif": (encoded(PICTURE.convert("P"), "GIF"), "not a PNG, JPEG or TIFF picture"),
    "truncated-png": (encoded(PICTURE, "PNG")[:-300], "cannot be read"),
    "truncated-jpeg": (encoded(PICTURE, "JPEG")[:-300], "cannot be read"),
    "short-header": (b"\x89PNG\r\n\x1a\n\0\0\0\x05IHDR" + bytes(9), "cannot be read|not a PNG, JPEG or TIFF"),
    "too-large": (png_header(9000, 9000), "9,000 × 9,000 pixels are more than 64,000,000"),
    "larger": (png_header(12000, 9000), "12,000 × 9,000 pixels are more than 64,000,000"),
    "deep and too large": (png_header(9000, 9000, 16), "9,000 × 9,000 pixels are more than 64,000,000"),
    "bomb": (
        png_header(100_000, 100_000),
        "100,000 × 100,000 pixels are more than 64,000,000; make it smaller ",
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_read(tmp_path, case):
    data, reason = BROKEN[case]
    path = tmp_path / f"{case}.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=reason) as error:
        read_image(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="there is no such file; give the path of a PNG, JPEG or TIFF"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ValueError, match="a folder, not a picture; give the path of a PNG"):
        read_image(tmp_path)


def test_damaged_files_are_one_line_or_a_picture(tmp_path):
    path, random, said = tmp_path / "damaged", np.random.RandomState(0), []
    for kind in ("PNG", "JPEG"):
        whole = encoded(PICTURE, kind)
        for _ in range(150):
            data = bytearray(whole[: random.randint(len(whole))] if random.randint(2) else whole)
            for place in random.randint(max(len(data), 1), size=3) if data else ():
                data[place] = random.randint(256)
            path.write_bytes(bytes(data))
            try:
                read_image(path)
            except ValueError as error:
                said.append(str(error))
    assert len(said) > 100
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in said)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_large_picture_is_taken_in_strips_with_the_same_result(monkeypatch, channels):
    random = np.random.RandomState(channels)
    image = random.randint(0, 6, (37, 23, channels)).astype(np.uint8) * 40
    mask = random.random_sample((37, 23)) < 0.3
    whole = segmentation.segment(image, 4, mask=mask), segmentation.distinct_colors(image, mask)
    monkeypatch.setattr(segmentation, "STRIP", 50)  # two rows at a time, and the table of all colors
    parts = segmentation.segment(image, 4, mask=mask), segmentation.distinct_colors(image, mask)
    for one, other in zip(whole, parts, strict=True):
        for name in vars(one):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
            assert np.asarray(getattr(one, name)).dtype == np.asarray(getattr(other, name)).dtype, name
