"""Heights and colors: equal to the plain per-pixel program, the same everywhere, and new for every seed."""

from __future__ import annotations

import hashlib

import noise
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from helpers import landscape
from tests import oracle

# SHA-256 of the bytes of heights (float64) and of the picture (uint8), by seed, for the default settings.
REFERENCE = {
    0: (
        "4b2707bfb5fe21530230d17e561ee8a31b1a16026ad91c53d9cceae7b7fb0cb2",
        "28458025d9d607a008fb24027ea3af066a9db4c26e49d9792ad7fc50fe4df31e",
    ),
    1: (
        "d4cc753cf330266f13895f465ffd4051f9068c6e32cc27e399317b8716c11cad",
        "b85c114bf83eb76acb7ab109ea80f5bec5bc6863173a149e3a8cc4bf660a1c0d",
    ),
    42: (
        "22f00be3c3c96f0f285ec2b2a13c6a0d742fa470e9e9796e032441a7dc4c44d3",
        "5e4fd31b8dbf670a3731fa25ee577d9b14fc26cc0760f8a2c9db26ef15c45eb8",
    ),
    2**32 - 1: (
        "a8c49ca6e5f8b07e706b16a4e3886f291abb0c0958f6461229092e79c09ea547",
        "527e32d7273653df6417b5f6dbaa57b78a05972dd3f9a4457f7c76b5d23d8df2",
    ),
}
# The first six entries of the permutation table and SHA-256 of all 256 as bytes, by seed.
TABLES = {
    0: ([151, 160, 137, 91, 90, 15], "3682c3d0020436c45462995a4f64438c144bbfeba725b00de5906ab322b6b915"),
    1: ([110, 234, 113, 4, 49, 98], "f3be8bdb8b8ddb46014b78f0d94dcf742433a4481382041cf9e01830fcb113e0"),
    2: ([149, 179, 75, 96, 178, 6], "8feedd62896ced2610797f44e6a68c657c6cbe3a6d63862217cf019e8b0d67ea"),
    7: ([124, 128, 126, 37, 20, 165], "5838aacf7ac5dec71ebefa7bc082f09be7fa7d148f7cc61a4f74cc9350b2d5fd"),
    2**32 - 1: (
        [142, 164, 143, 172, 131, 196],
        "85abaa2b7c7cac2d5714bcef685769dafd533eccf9eca1acf46a5ccea1374c0a",
    ),
}
PERLINS_TABLE = landscape.PERMUTATION.tolist()

noise_settings = st.fixed_dictionaries(
    {
        "size": st.integers(2, 40),
        "scale": st.one_of(
            st.floats(0.01, 0.1),  # beyond 1024 lattice cells, where the noise begins anew
            st.floats(0.1, 8192),
            st.sampled_from([1.5, 25.6, 100.0, 128.0]),
        ),
        "octaves": st.integers(1, 10),
        "persistence": st.floats(0.05, 1),
        "lacunarity": st.one_of(st.floats(0.5, 4), st.sampled_from([1.0, 2.0, 3.0])),
    }
)


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def tolerance() -> float:
    """Return 0, or 2e-7 where `noise` was built to fuse multiplications with additions."""
    points = [(row * 0.173, column * 0.291) for row in range(30) for column in range(30)]
    same = all(
        noise.pnoise2(x, y, 6, 0.5, 2.0) == oracle.perlin_point(x, y, 6, 0.5, 2.0, PERLINS_TABLE)
        for x, y in points
    )
    return 0.0 if same else 2e-7


@pytest.fixture(scope="module")
def article() -> np.ndarray:
    return landscape.heights()


# Heights


def test_seed_0_is_the_article_landscape(article, tolerance):
    np.testing.assert_allclose(article, oracle.heights(), rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", REFERENCE)
def test_heights_and_picture_equal_the_reference(seed):
    h = landscape.heights(seed=seed)
    assert (h.dtype, h.shape, h.min(), h.max()) == (np.float64, (512, 512), 0, 1)
    assert (sha256(h), sha256(landscape.colorize(h))) == REFERENCE[seed]


@settings(max_examples=250, deadline=None)
@example({"size": 300, "scale": 0.1, "octaves": 2, "persistence": 0.5, "lacunarity": 2.0})
@example({"size": 40, "scale": 0.017, "octaves": 3, "persistence": 0.9, "lacunarity": 1.7})
@example({"size": 130, "scale": 8192.0, "octaves": 1, "persistence": 0.5, "lacunarity": 2.0})
@example({"size": 257, "scale": 64.0, "octaves": 3, "persistence": 1.0, "lacunarity": 1.0})
@given(noise_settings)
def test_heights_equal_pnoise2_pixel_by_pixel(tolerance, given_settings):
    expected = oracle.perlin(**given_settings)
    np.testing.assert_allclose(landscape.perlin(**given_settings), expected, rtol=0, atol=tolerance)
    spread = np.ptp(expected)
    assume(spread > 1e-3)  # stretching to [0, 1] would stretch the rounding too
    stretched = oracle.heights(**given_settings)
    np.testing.assert_allclose(
        landscape.heights(**given_settings), stretched, rtol=0, atol=2 * tolerance / spread
    )


@pytest.mark.parametrize("seed", [1, 7, 2**32 - 1])
def test_other_seeds_are_perlin_noise_of_a_shuffled_table(seed):
    table = landscape.permutation(seed).tolist()
    expected = [
        [oracle.perlin_point(row / 5.3, column / 5.3, 3, 0.5, 2.0, table) for column in range(24)]
        for row in range(24)
    ]
    assert np.array_equal(landscape.perlin(24, 5.3, 3, 0.5, 2.0, seed), expected)


@pytest.mark.parametrize("seed", TABLES)
def test_permutation_is_the_same_on_every_numpy(seed):
    table = landscape.permutation(seed)
    first, digest = TABLES[seed]
    assert table[:6].tolist() == first
    assert hashlib.sha256(bytes(table.tolist())).hexdigest() == digest
    assert sorted(table) == list(range(256))


def test_size_alone_crops(article):
    small = landscape.perlin(size=256)
    assert np.array_equal(small, landscape.perlin()[:256, :256])
    assert np.ptp(landscape.heights(size=256)) == 1


@pytest.mark.parametrize("seed", [0, 5])
def test_a_flat_field_is_an_error(seed):
    with pytest.raises(ValueError, match="the landscape is flat: with scale=1 and lacunarity=2"):
        landscape.heights(size=16, scale=1, seed=seed)


# Colors


def edges(width: float) -> list[float]:
    """Return the heights where the palette's reading changes, and their neighbors in float64."""
    found = [b + sign * width for b in oracle.BORDERS for sign in (-1, 0, 1)]
    return [
        float(x)
        for at in found
        for x in (np.nextafter(at, -1), at, np.nextafter(at, 2), at - 1e-12, at + 1e-12)
        if 0 <= x <= 1
    ]


widths = st.one_of(st.floats(0, 0.1), st.sampled_from([0.0, 0.06, 0.05, 0.1, 1e-9]))
heights_of_any_shape = arrays.arrays(np.float64, arrays.array_shapes(max_dims=2), elements=st.floats(0, 1))


@settings(max_examples=300, deadline=None)
@given(heights_of_any_shape, widths)
def test_colorize_equals_the_palette_pixel_by_pixel(h, width):
    picture = landscape.colorize(h, width)
    assert (picture.dtype, picture.shape) == (np.uint8, (*h.shape, 3))
    assert np.array_equal(picture, oracle.colorize(h, width))


@settings(max_examples=200, deadline=None)
@example(0.06)
@example(0.1)
@example(0.0)
@given(widths)
def test_colorize_equals_the_palette_at_its_edges(width):
    h = np.array([*edges(width), 0.0, 0.5, 0.7, 1.0])
    assert np.array_equal(landscape.colorize(h, width), oracle.colorize(h, width))


def test_colorize_of_the_article(article):
    picture = landscape.colorize(article)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 937


@pytest.mark.parametrize("width", [-0.01, 0.100001, float("nan")])
def test_colorize_refuses_a_width_beyond_half_a_band(width):
    with pytest.raises(ValueError, match=r"transition_width must be from 0 to 0\.1"):
        landscape.colorize(np.zeros((2, 2)), width)


def test_terrain_shares_of_the_article(article):
    truth = landscape.terrain(article)
    assert truth.dtype == np.int64
    shares = np.bincount(truth.ravel()) / truth.size * 100
    np.testing.assert_allclose(shares, [28.64, 46.30, 19.93, 5.13], atol=0.005)


def test_terrain_and_unblended_colors_agree_at_the_borders():
    h = np.array([0, 0.4, np.nextafter(0.4, 0), 0.6, np.nextafter(0.6, 0), 0.8, np.nextafter(0.8, 0), 1])
    assert landscape.terrain(h).tolist() == [0, 1, 0, 2, 1, 3, 2, 3]
    assert np.array_equal(landscape.colorize(h, 0), landscape.PALETTE[landscape.terrain(h)])
