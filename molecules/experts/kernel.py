"""Gaussian processes on Morgan counts and descriptors: the expert for some hundred molecules.

The covariance of two molecules is (Rasmussen & Williams 2006, section 2.2)

    k(a, b) = m T(a, b) + (1 - m) exp(-|d_a - d_b|^2 / (2 s D)) + noise [a = b]

with T the Tanimoto similarity of counts, sum min / sum max (Ralaivola et al. 2005), and d
the D standardized descriptors. The mix m, the scale s and the noise are those with the
least error when each molecule is predicted from all others, which needs no refitting
(section 5.4.2); of a molecule that was measured repeatedly one measurement takes part, as its
others would tell it. A yes/no property is regressed as 0 and 1, and a sigmoid fitted to these
left-out predictions makes probabilities of them (Platt 1999).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from molecules.experts.inputs import Inputs
from molecules.experts.similarity import logarithmic, squared_distance, standardized, tanimoto
from molecules.features.encoding import FINGERPRINT
from molecules.tasks import Tasks

MIXES = (0.0, 0.25, 0.5, 0.75, 1.0)
SCALES = (0.3, 1.0, 3.0)
NOISES = tuple(10.0 ** np.arange(-3, 1.1, 0.5))
MOST = 4000  # molecules learned from: time grows with their cube
CHOOSE_ON = 800  # molecules that mix, scale and noise are chosen on
ANCHORS = 300  # molecules whose nearness tells how unsure a prediction is
_LEAST_NOISE = 1e-6  # keeps a matrix with repeated molecules invertible

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Chosen:
    """What was chosen for one property.

    Attributes:
        mix, scale, noise: see the module.
        slope, intercept: of the sigmoid of a yes/no property.
    """

    mix: float = 0.5
    scale: float = 1.0
    noise: float = 1.0
    slope: float = 0.0
    intercept: float = 0.0


@dataclass(frozen=True)
class Kernel:
    """One Gaussian process for each property.

    Attributes:
        binary: (task,) whether each is yes/no.
        counts: (point, FINGERPRINT) uint8 of the molecules learned from.
        descriptors: (point, descriptor) float32, standardized.
        centre, spread: (descriptor,) that standardize; a spread of zero leaves one out.
        coefficients: (point, task) of the covariances; zero where unmeasured.
        means: (task,) of the labels.
        chosen: (task, 5) mix, scale, noise, slope and intercept.
    """

    binary: NDArray[np.bool_]
    counts: NDArray[np.uint8]
    descriptors: NDArray[np.float32]
    centre: Array
    spread: Array
    coefficients: Array
    means: Array
    chosen: Array

    @classmethod
    def fit(cls, inputs: Inputs, labels: Array, weights: Array, tasks: Tasks, seed: int) -> Self:
        """Learn.

        Args:
            inputs: of the molecules.
            labels: (molecule, task), NaN where unmeasured.
            weights: (molecule,) how much each counts: the noise is divided by it.
            tasks: kinds of the properties.
            seed: of the molecules that are drawn: those that mix, scale and noise are chosen
                on, and the `MOST` that a larger table is cut to, where labels of
                properties of which there are few are kept.
        """
        if len(inputs) > MOST:
            few = _drawn(np.isfinite(labels) & (weights[:, None] > 0), seed)
            return cls.fit(inputs.rows(few), labels[few], weights[few], tasks, seed)
        values = logarithmic(inputs.descriptors)
        centre, spread = values.mean(axis=0), values.std(axis=0)
        known = standardized(inputs.descriptors, centre, spread)
        similarity, distance = (
            tanimoto(inputs.counts, inputs.counts),
            squared_distance(known, known),
        )
        alike = _alike(inputs.counts, known)
        coefficients, means, chosen = np.zeros(labels.shape), [], []
        for task, binary in enumerate(tasks.binary):
            rows = np.flatnonzero(np.isfinite(labels[:, task]) & (weights > 0))
            if not len(rows):  # a fold may have no label of a sparse property
                means.append(0.0)
                chosen.append(list(vars(Chosen()).values()))
                continue
            single = rows[np.unique(alike[rows], return_index=True)[1]]
            few = np.sort(np.random.default_rng(seed).permutation(single)[: _how_many(len(tasks))])
            place = np.ix_(few, few)
            best = choose(similarity[place], distance[place], labels[few, task], bool(binary))
            place, y = np.ix_(rows, rows), labels[rows, task]
            mean = float(np.average(y, weights=weights[rows]))
            covariance = _covariance(similarity[place], distance[place], best)
            covariance[np.diag_indices_from(covariance)] += (
                np.maximum(best.noise, _LEAST_NOISE) / weights[rows]
            )
            coefficients[rows, task] = cho_solve(cho_factor(covariance, lower=True), y - mean)
            means.append(mean)
            chosen.append(list(vars(best).values()))
        parts = inputs.counts, known, centre, spread, coefficients
        return cls(tasks.binary, *parts, np.array(means), np.array(chosen))

    def predict(self, inputs: Inputs) -> Array:
        """(molecule, task) on the scale of the labels, or the probability of 1."""
        return self._means(*self._near(inputs))

    def tell(self, inputs: Inputs) -> tuple[Array, Array]:
        """What `predict` says, and how unsure it is, (molecule, task) each.

        Unsure is the standard deviation of a new measurement (R & W, eq. 2.26) over that of
        the process before it has seen any, as far as `ANCHORS` of the molecules learned from
        can tell: least beside one of them, sqrt(1 + noise) far from all. Zero for yes/no.
        """
        near = self._near(inputs)
        return self._means(*near), self._deviations(*near)

    def _near(self, inputs: Inputs) -> tuple[NDArray[np.float32], Array]:
        """Similarity and squared distance to the points, (molecule, point) each."""
        described = standardized(inputs.descriptors, self.centre, self.spread)
        return tanimoto(inputs.counts, self.counts), squared_distance(described, self.descriptors)

    def _means(self, similarity: NDArray[np.float32], distance: Array) -> Array:
        told = np.empty((len(similarity), len(self.means)))
        for task, row in enumerate(self.chosen):
            best = Chosen(*row)
            covariance = _covariance(similarity, distance, best)
            score = covariance @ self.coefficients[:, task] + self.means[task]
            told[:, task] = _sigmoid(best, score) if self.binary[task] else score
        return told

    def _deviations(self, similarity: NDArray[np.float32], distance: Array) -> Array:
        told = np.zeros((len(similarity), len(self.means)))
        for task, (points, factor) in self._anchors.items():
            best = Chosen(*self.chosen[task])
            explained = _covariance(similarity[:, points], distance[:, points], best) @ factor.T
            variance = 1 + best.noise - np.square(explained).sum(axis=1)
            told[:, task] = np.sqrt(np.maximum(variance, 0))
        return told

    @cached_property
    def _anchors(self) -> dict[int, tuple[NDArray[np.int64], Array]]:
        """Of each quantity, some of its points and the inverse Cholesky factor of theirs."""
        found = {}
        for task in np.flatnonzero(~self.binary).tolist():
            measured = np.flatnonzero(self.coefficients[:, task])
            points = np.sort(np.random.default_rng(0).permutation(measured)[:ANCHORS])
            counts, descriptors = self.counts[points], self.descriptors[points]
            best = Chosen(*self.chosen[task])
            distance = squared_distance(descriptors, descriptors)
            covariance = _covariance(tanimoto(counts, counts), distance, best)
            covariance[np.diag_indices_from(covariance)] += max(best.noise, _LEAST_NOISE)
            factor = np.linalg.cholesky(covariance)
            found[task] = points, solve_triangular(factor, np.eye(len(points)), lower=True)
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays for a model file; counts as the places and values that are not zero."""
        row, bit = np.nonzero(self.counts)
        return {
            "binary": self.binary,
            "count_row": row.astype(np.int32),
            "count_bit": bit.astype(np.int16),
            "count": self.counts[row, bit],
            "descriptors": self.descriptors,
            "centre": self.centre,
            "spread": self.spread,
            "coefficients": self.coefficients,
            "means": self.means,
            "chosen": self.chosen,
        }

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` gave."""
        rest = dict(arrays)
        row, bit, count = (rest.pop(name) for name in ("count_row", "count_bit", "count"))
        counts = np.zeros((len(rest["descriptors"]), FINGERPRINT), np.uint8)
        counts[row, bit] = count
        return cls(counts=counts, **rest)


def choose(similarity: NDArray[np.float32], distance: Array, y: Array, binary: bool) -> Chosen:
    """Mix, scale and noise with the least squared error of left-out predictions.

    Args:
        similarity, distance: (molecule, molecule).
        y: (molecule,) labels.
        binary: fit a sigmoid too.
    """
    best, least, scores = Chosen(), np.inf, np.full(len(y), y.mean())
    for mix in MIXES:
        for scale in SCALES if mix < 1 else SCALES[:1]:
            covariance = _covariance(similarity, distance, Chosen(mix, scale, 0))
            for noise, told in _left_out(covariance, y):
                error = float(np.mean((told - y) ** 2))
                if error < least:
                    best, least, scores = Chosen(mix, scale, noise), error, told
    return replace(best, **_platt(scores, y)) if binary else best


def _left_out(covariance: Array, y: Array) -> Iterator[tuple[float, Array]]:
    """For each noise, the prediction of every molecule from all others (R & W, eq. 5.12)."""
    values, vectors = np.linalg.eigh(covariance)
    centred = y - y.mean()
    along = vectors.T @ centred
    for noise in NOISES:
        inverse = 1 / np.maximum(values + noise, _LEAST_NOISE)
        yield noise, y - (vectors @ (inverse * along)) / (np.square(vectors) @ inverse)


def _drawn(known: NDArray[np.bool_], seed: int) -> NDArray[np.int64]:
    """`MOST` rows, those first that have a label of a property of which there are few.

    Args:
        known: (molecule, task) whether there is a label that counts.
        seed: of the order of all others.
    """
    labels = np.minimum(known.sum(axis=0), MOST)
    fewest = np.where(known, labels, len(known) + 1).min(axis=1)
    order = np.random.default_rng(seed).permutation(len(known))
    return np.sort(order[np.argsort(fewest[order], kind="stable")][:MOST])


def _alike(counts: NDArray[np.uint8], descriptors: NDArray[np.float32]) -> NDArray[np.int64]:
    """(molecule,) the first one that has the same counts and descriptors."""
    first: dict[bytes, int] = {}
    keys = (a.tobytes() + b.tobytes() for a, b in zip(counts, descriptors, strict=True))
    return np.array([first.setdefault(key, row) for row, key in enumerate(keys)], np.int64)


def _platt(scores: Array, y: Array) -> dict[str, float]:
    """Slope and intercept of a sigmoid of the scores; a flat one if they tell nothing."""
    from sklearn.linear_model import LogisticRegression

    share = (y.sum() + 1) / (len(y) + 2)
    flat = {"slope": 0.0, "intercept": float(np.log(share / (1 - share)))}
    if len(np.unique(y)) < 2:
        return flat
    fitted = LogisticRegression(C=100.0).fit(scores[:, None], y)
    slope = float(fitted.coef_[0, 0])
    return {"slope": slope, "intercept": float(fitted.intercept_[0])} if slope > 0 else flat


def _sigmoid(chosen: Chosen, score: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(chosen.slope * score + chosen.intercept, -30, 30)))


def _covariance(similarity: NDArray[np.float32], distance: Array, chosen: Chosen) -> Array:
    near = np.exp(-distance / (2 * chosen.scale))
    return chosen.mix * similarity + (1 - chosen.mix) * near


def _how_many(tasks: int) -> int:
    """Molecules to choose on: fewer where there is much to choose."""
    return CHOOSE_ON if tasks <= 3 else CHOOSE_ON // 2
