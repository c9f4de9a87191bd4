"""A generative adversarial network on points: two tiny networks, their gradients by hand, and their contest.

Several runs are trained at once: every array of weights or points has an axis for them.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Network = list[Array]  # weights and offsets of each layer in turn: (runs, n_in, n_out), (runs, 1, n_out)

NOISE, HIDDEN, SLOPE = 2, 16, 0.2  # numbers to start from; units in a hidden layer; their slope below zero
MEMORY, SQUARES, TINY = 0.5, 0.999, 1e-8  # Adam's, with the short memory that is usual for such contests
DIGITS = 6  # weights are rounded, so that a last bit in which two machines differ does not grow


class History(NamedTuple):
    """What came out of `train`, for several runs, with points kept at m moments."""

    discriminator_loss: Array  # (rounds, runs), before each round's step; log 2 where all scores are 0
    generator_loss: Array
    moments: NDArray[np.int64]  # (m,), rounds done when points were kept
    points: Array  # (m, runs, n_points, 3), made from the same noise at each moment, in [-1, 1]
    generator: Network  # as they are at the end
    discriminator: Network


def train(
    points: Array,
    random_states: Sequence[int],
    generator_rates: ArrayLike = 0.001,
    discriminator_rates: ArrayLike = 0.001,
    rounds: int = 3000,
    every: int = 100,
    batch: int = 64,
    n_points: int = 500,
) -> History:
    """Train a generator and a discriminator against each other, several runs side by side.

    Parameters
    ----------
    points : ndarray of shape (n, 3), float64
        The real points: colors, in [-1, 1].
    random_states : sequence of int
        The seed of each run, for its first weights, noise and real examples.
    generator_rates, discriminator_rates : float, or one per run
        The learning rates: about how far a weight moves in a step.
    rounds, every, batch, n_points : int
        Rounds in all; rounds from one moment at which points are kept to the next; real examples in a step; points kept.
    """  # I. Goodfellow and others, 2014; weights move as D. P. Kingma and J. Ba, 2015, have it
    randoms = [np.random.RandomState(state) for state in random_states]
    generator = new_network((NOISE, HIDDEN, HIDDEN, 3), randoms)
    discriminator = new_network((3, HIDDEN, HIDDEN, 1), randoms)
    step_generator = Adam(generator, generator_rates)
    step_discriminator = Adam(discriminator, discriminator_rates)
    wanted = np.repeat([1.0, -1.0], batch)[:, np.newaxis]
    shown = draw_noise(n_points, randoms)
    losses, kept = np.empty((2, rounds, len(randoms))), [generate(generator, shown)[-1]]
    for i in range(rounds):
        real = np.stack([points[random.randint(0, len(points), batch)] for random in randoms])
        made = generate(generator, draw_noise(batch, randoms))
        both = np.concatenate([real, made[-1]], axis=1)
        losses[0, i], slopes, _ = discriminate(discriminator, both, wanted)
        step_discriminator(slopes)
        losses[1, i], _, through = discriminate(discriminator, made[-1], 1.0)
        step_generator(backward(generator, made, through * (1 - made[-1] ** 2))[0])
        if (i + 1) % every == 0:
            kept.append(generate(generator, shown)[-1])
    moments = every * np.arange(len(kept))
    return History(losses[0], losses[1], moments, np.array(kept), generator, discriminator)


def discriminate(network: Network, points: Array, wanted: Array | float) -> tuple[Array, Network, Array]:
    """Return the loss of points that should be taken for real where `wanted` is 1, for made where it is -1.

    The loss, (runs,), is the mean of -log of the probability 1 / (1 + exp(-score)) of what is wanted. After it come its
    slopes in the discriminator's weights, and in the points.
    """
    layers = forward(network, points)
    score = wanted * layers[-1]
    slope = wanted * (-1 / (1 + np.exp(score)) / score.shape[1])
    return np.logaddexp(0, -score).mean(axis=(1, 2)), *backward(network, layers, slope)


def generate(generator: Network, noise: Array) -> list[Array]:
    """Return each layer's values; the last, bent into [-1, 1], are the points that noise becomes."""
    *layers, last = forward(generator, noise)
    return [*layers, np.tanh(last)]


def forward(network: Network, values: Array) -> list[Array]:
    """Return the values, (runs, n, n_in), and after them those of each layer."""
    layers = [values]
    for i in range(0, len(network), 2):
        total = layers[-1] @ network[i] + network[i + 1]
        layers.append(np.maximum(total, SLOPE * total) if i + 2 < len(network) else total)
    return layers


def backward(network: Network, layers: list[Array], slope: Array) -> tuple[Network, Array]:
    """Return how the loss changes with each weight, and with the first values, from its `slope` in the last."""
    slopes: Network = []
    for i in reversed(range(0, len(network), 2)):
        values = layers[i // 2]
        slopes = [values.swapaxes(1, 2) @ slope, slope.sum(axis=1, keepdims=True), *slopes]
        slope = slope @ network[i].swapaxes(1, 2) * (np.maximum(values > 0, SLOPE) if i else 1)
    return slopes, slope


class Adam:
    """Moves a network's weights: by the mean of recent slopes over the root of their mean square."""

    def __init__(self, network: Network, rates: ArrayLike) -> None:
        self.network, self.rates, self.steps = network, np.reshape(rates, (-1, 1, 1)), 0
        self.means, self.squares = ([np.zeros_like(w) for w in network] for _ in range(2))

    def __call__(self, slopes: Network) -> None:
        self.steps += 1
        young, younger = 1 - MEMORY**self.steps, 1 - SQUARES**self.steps  # the means start from 0
        for weights, slope, mean, square in zip(self.network, slopes, self.means, self.squares, strict=True):
            mean += (1 - MEMORY) * (slope - mean)
            square += (1 - SQUARES) * (slope**2 - square)
            weights -= self.rates * (mean / young) / (np.sqrt(square / younger) + TINY)
            np.round(weights, DIGITS, out=weights)


def new_network(sizes: Sequence[int], randoms: Sequence[np.random.RandomState]) -> Network:
    """Return layers from each of the `sizes` to the next, weights uniformly distributed, offsets 0."""
    network: Network = []
    for n_in, n_out in pairwise(sizes):
        drawn = np.stack([random.uniform(-1, 1, (n_in, n_out)) for random in randoms])
        network += [drawn * np.sqrt(6 / n_in), np.zeros((len(randoms), 1, n_out))]
    return network


def draw_noise(n: int, randoms: Sequence[np.random.RandomState]) -> Array:
    """Return noise, uniformly distributed in [-1, 1], (runs, n, NOISE)."""
    return np.stack([random.uniform(-1, 1, (n, NOISE)) for random in randoms])
