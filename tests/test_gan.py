"""Two tiny networks: their slopes are those of their losses, and training changes what it should."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from helpers import gan
from helpers.gan import Array, Network

STEP = 1e-6  # of a finite difference
RUNS, BATCH = 2, 5


def randoms(*states: int) -> list[np.random.RandomState]:
    return [np.random.RandomState(state) for state in states]


@pytest.fixture
def contest() -> tuple[Network, Network, Array, Array]:
    """Return a generator, a discriminator, real points and noise, with offsets that are not 0."""
    drawn = randoms(3, 4)
    generator = gan.new_network((2, 6, 5, 3), drawn)
    discriminator = gan.new_network((3, 6, 5, 1), drawn)
    for network in (generator, discriminator):
        for offsets in network[1::2]:
            offsets += drawn[0].uniform(-0.5, 0.5, offsets.shape)
    return generator, discriminator, drawn[1].uniform(-1, 1, (RUNS, BATCH, 3)), gan.draw_noise(BATCH, drawn)


def by_difference(loss: Callable[[], Array], network: Network) -> Network:
    """Return the slope of a loss in each weight, run by run, from moving that weight up and down."""
    slopes = [np.zeros_like(weights) for weights in network]
    for weights, slope in zip(network, slopes, strict=True):
        for place in np.ndindex(weights.shape):
            kept = weights[place]
            weights[place] = kept + STEP
            above = loss()[place[0]]
            weights[place] = kept - STEP
            slope[place] = (above - loss()[place[0]]) / (2 * STEP)
            weights[place] = kept
    return slopes


def assert_same(one: Network, other: Network) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.shape == b.shape
        assert_allclose(a, b, atol=1e-7)


WANTED = np.repeat([1.0, -1.0], BATCH)[:, np.newaxis]  # real points, then made ones


def test_slopes_are_those_of_the_losses(contest: tuple[Network, Network, Array, Array]) -> None:
    """Of the discriminator's, and of the generator's, which lead through the discriminator."""
    generator, discriminator, real, noise = contest

    def discriminated() -> tuple[Array, Network, Array]:
        both = np.concatenate([real, gan.generate(generator, noise)[-1]], axis=1)
        return gan.discriminate(discriminator, both, WANTED)

    def generated() -> tuple[Array, Network]:
        made = gan.generate(generator, noise)
        loss, _, slope = gan.discriminate(discriminator, made[-1], 1.0)
        return loss, gan.backward(generator, made, slope * (1 - made[-1] ** 2))[0]

    for network, lesson in ((discriminator, discriminated), (generator, generated)):
        slopes = lesson()[1]
        assert_same(slopes, by_difference(lambda lesson=lesson: lesson()[0], network))
        assert max(np.abs(slope).max() for slope in slopes) > 0.01


def test_the_losses_are_those_of_the_formulas(contest: tuple[Network, Network, Array, Array]) -> None:
    generator, discriminator, real, noise = contest
    made = gan.generate(generator, noise)[-1]
    on_real, on_made = (1 / (1 + np.exp(-gan.forward(discriminator, x)[-1][..., 0])) for x in (real, made))
    wanted = -(np.log(on_real).mean(axis=1) + np.log(1 - on_made).mean(axis=1)) / 2
    both = np.concatenate([real, made], axis=1)
    assert_allclose(gan.discriminate(discriminator, both, WANTED)[0], wanted)
    assert_allclose(gan.discriminate(discriminator, made, 1.0)[0], -np.log(on_made).mean(axis=1))


def test_an_extreme_score_makes_no_infinity() -> None:
    points = np.array([[[-700.0], [700.0]]])
    loss, _, slope = gan.discriminate([np.ones((1, 1, 1)), np.zeros((1, 1, 1))], points, 1.0)
    assert_allclose(loss, [350.0])
    assert_allclose(slope[0, :, 0], [-0.5, 0.0], atol=1e-12)


def two_colors() -> Array:
    return np.array([[-0.8, -0.8, 0.7], [-0.8, 0.7, -0.8]])


def test_training_brings_the_points_nearer_to_what_is_real() -> None:
    real = two_colors()[:1]
    history = gan.train(real, [0, 1], 0.003, 0.003, rounds=400, every=100, batch=32, n_points=50)
    apart = np.sqrt(((history.points - real[0]) ** 2).sum(axis=-1)).mean(axis=-1)  # (moments, runs)
    assert (apart[-1] < 0.25 * apart[0]).all()


def test_the_same_random_state_gives_the_same_result_and_another_does_not() -> None:
    one, other = (gan.train(two_colors(), [5, 6], rounds=30, every=10) for _ in range(2))
    assert_array_equal(one.points, other.points)
    assert_array_equal(one.discriminator_loss, other.discriminator_loss)
    assert np.abs(one.points[:, 0] - one.points[:, 1]).max() > 0.01


def test_runs_side_by_side_are_the_runs_alone() -> None:
    together = gan.train(two_colors(), [5, 6], [0.001, 0.01], [0.001, 0.002], rounds=30, every=10)
    alone = gan.train(two_colors(), [6], 0.01, 0.002, rounds=30, every=10)
    assert_allclose(together.points[:, 1], alone.points[:, 0], atol=1e-6)
    assert_allclose(together.discriminator_loss[:, 1], alone.discriminator_loss[:, 0], atol=1e-6)


def test_the_first_step_of_a_weight_is_as_long_as_the_rate() -> None:
    network = [np.zeros((2, 1, 3))]
    gan.Adam(network, [0.1, 0.5])([np.array([[[3.0, -0.01, 0.0]]] * 2)])
    assert_allclose(network[0], [[[-0.1, 0.1, 0]], [[-0.5, 0.5, 0]]], atol=1e-5)


def test_weights_are_rounded_so_that_machines_agree() -> None:
    """A change in the last bits of the real points, as another machine makes, is gone from the weights."""
    real = np.random.RandomState(0).uniform(-1, 1, (50, 3))
    one, other = (gan.train(points, [5], rounds=200, every=100) for points in (real, real * (1 + 4e-16)))
    for a, b in zip(one.generator, other.generator, strict=True):
        assert_array_equal(a, b)
