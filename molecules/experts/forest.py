"""Random forests (Breiman 2001) on Morgan counts and descriptors: what any model must beat.

The classical model that wins or ties most published ones on small tables. It is compared
with, and stands beside the networks too, so that the whole does not lose to it.

scikit-learn grows the trees; here they are plain arrays. The nodes of a tree follow each
other from the root down, left before right: the left child of a node is the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from molecules.experts.inputs import Inputs
from molecules.experts.units import Units
from molecules.tasks import Tasks
from sciml.errors import InputError

TREES = 500
DRAFT = 100  # trees tell well enough how much a forest counts
MOST_NODES = 2_000_000  # of all trees in a model file, 8 bytes each
SHARE = 1 / 3  # of the features that a split of a quantity is chosen from
_LEAF = -1
_BLOCK = 128  # molecules led through all trees at once

Array = NDArray[np.float64]


class Tree(NamedTuple):
    """Nodes of one tree.

    Attributes:
        feature: (node,) int16 column that a node asks for, or `_LEAF`.
        number: (node,) float32; a molecule with at most so much goes left. Of a leaf, its
            answer.
        skip: (node,) int32 from a node to its right child; of a leaf, zero.
    """

    feature: NDArray[np.int16]
    number: NDArray[np.float32]
    skip: NDArray[np.int32]


@dataclass(frozen=True)
class Forest:
    """Some trees for each property, whose mean is the answer.

    Attributes:
        trees: of all properties, those of one together.
        counts: (task,) number of trees.
        units: of what the leaves say.
    """

    trees: Sequence[Tree]
    counts: NDArray[np.int32]
    units: Units

    @classmethod
    def fit(
        cls,
        inputs: Inputs,
        labels: Array,
        weights: Array,
        tasks: Tasks,
        seed: int,
        threads: int = 1,
        trees: int | None = None,
    ) -> Self:
        """Learn.

        Args:
            inputs: of the molecules.
            labels: (molecule, task), NaN where unmeasured.
            weights: (molecule,) how much each counts.
            tasks: kinds of the properties.
            seed: of the molecules and features that are drawn.
            threads: to work with; the trees do not depend on it.
            trees: of each property; default `TREES`.
        """
        table, units = _table(inputs), Units.of(labels, weights, tasks.binary)
        labels, grown = units.learned(labels), []
        for task, binary in enumerate(tasks.binary):
            rows = np.flatnonzero(np.isfinite(labels[:, task]) & (weights > 0))
            y = labels[rows, task]
            if len(np.unique(y)) < 2:  # a fold may have no label of a sparse property
                grown.append([_leaf(float(y[0]) if len(y) else 0.0)])
                continue
            model = _unfitted(bool(binary), trees or TREES, seed, threads)
            model.fit(table[rows], y, _uneven(weights[rows]))
            grown.append([_tree(made.tree_) for made in model.estimators_])
        return cls._of(grown, units)

    @classmethod
    def _of(cls, grown: Sequence[Sequence[Tree]], units: Units) -> Self:
        counts = np.array([len(trees) for trees in grown], np.int32)
        return cls([tree for trees in grown for tree in trees], counts, units)

    def predict(self, inputs: Inputs) -> Array:
        """(molecule, task) on the scale of the labels, or the probability of 1."""
        table = _table(inputs)
        told = np.empty((len(table), len(self.counts)))
        for first in range(0, len(table), _BLOCK):
            block = slice(first, first + _BLOCK)
            answers = self._answers(table[block]).astype(np.float64)
            told[block] = np.add.reduceat(answers, self._first, axis=1) / self.counts
        return self.units.told(told)

    def cut(self, most: int = MOST_NODES) -> "Forest":
        """As many of the first trees of each property as have at most so many nodes."""
        kept = np.split(np.arange(len(self.trees)), self._first[1:])
        sizes = np.array([len(tree.feature) for tree in self.trees])
        few = max(self.counts)
        while few > 1 and sum(sizes[of[:few]].sum() for of in kept) > most:
            few -= 1
        return self._of([[self.trees[i] for i in of[:few]] for of in kept], self.units)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays for a model file: nodes of all trees, skips that are not zero, and units."""
        feature, number, skip = self._nodes
        sizes = np.array([len(tree.feature) for tree in self.trees], np.int32)
        inner = skip[feature != _LEAF]
        parts = {"feature": feature, "number": number, "skip": inner}
        return parts | {"sizes": sizes, "counts": self.counts} | self.units._asdict()

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` gave.

        Raises:
            InputError: they are damaged.
        """
        feature, sizes, jumps = arrays["feature"], arrays["sizes"], arrays["skip"]
        inner, ends = feature != _LEAF, np.cumsum(sizes)
        if ends[-1] != len(feature) or inner.sum() != len(jumps) or inner[ends - 1].any():
            raise InputError("the forest in the model file is damaged: its parts do not fit")
        to_end = np.repeat(ends, sizes)[inner] - np.flatnonzero(inner)
        if (jumps < 2).any() or (jumps >= to_end).any():
            raise InputError(
                "the forest in the model file is damaged: a node leads out of its tree"
            )
        skip = np.zeros(len(feature), np.int32)
        skip[inner] = jumps
        parts = [np.split(part, ends[:-1]) for part in (feature, arrays["number"], skip)]
        trees, counts = [Tree(*tree) for tree in zip(*parts, strict=True)], arrays["counts"]
        return cls(trees, counts, Units.of_arrays(arrays, len(counts)))

    @cached_property
    def _nodes(self) -> Tree:
        """Those of all trees, one after the other."""
        return Tree(*(np.concatenate(parts) for parts in zip(*self.trees, strict=True)))

    @cached_property
    def _roots(self) -> NDArray[np.int64]:
        return np.cumsum([0, *(len(tree.feature) for tree in self.trees[:-1])])

    @property
    def _first(self) -> NDArray[np.int64]:
        """(task,) its first tree."""
        return np.cumsum([0, *self.counts[:-1]])

    def _answers(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """(molecule, tree): all go down one node at a time, until none is above a leaf."""
        feature, number, skip = self._nodes
        node = np.tile(self._roots, len(table))
        row = np.repeat(np.arange(len(table)), len(self._roots))
        going = np.flatnonzero(feature[node] != _LEAF)
        while len(going):
            at = node[going]
            left = table[row[going], feature[at]] <= number[at]
            node[going] = at = np.where(left, at + 1, at + skip[at])
            going = going[feature[at] != _LEAF]
        return number[node].reshape(len(table), -1)


def _unfitted(binary: bool, trees: int, seed: int, threads: int) -> Any:
    """Settings that are usual for molecules: any number of leaves, some features a split."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    made = RandomForestClassifier if binary else RandomForestRegressor
    share = "sqrt" if binary else SHARE
    return made(trees, max_features=share, n_jobs=threads, random_state=seed)


def _uneven(weights: Array) -> Array | None:
    """None if all are alike: molecules are then drawn as everywhere else."""
    return None if (weights == weights[0]).all() else weights


def _tree(grown: Any) -> Tree:
    """A tree of scikit-learn, whose nodes have this order already.

    A float32 is at most a threshold exactly if it is at most the largest float32 that is
    not above it.
    """
    leaf = grown.children_left == -1
    value = grown.value[:, 0]  # (node, class), or (node, 1) of a quantity
    answer = value[:, 1] / value.sum(axis=1) if value.shape[1] == 2 else value[:, 0]
    least = grown.threshold.astype(np.float32)
    above = least > grown.threshold
    least[above] = np.nextafter(least[above], np.float32(-np.inf))
    right = np.where(leaf, 0, grown.children_right - np.arange(len(leaf)))
    return Tree(
        np.where(leaf, _LEAF, grown.feature).astype(np.int16),
        np.where(leaf, answer.astype(np.float32), least),
        right.astype(np.int32),
    )


def _leaf(answer: float) -> Tree:
    """A tree that says the same of every molecule."""
    nothing = np.full(1, _LEAF, np.int16)
    return Tree(nothing, np.full(1, answer, np.float32), np.zeros(1, np.int32))


def _table(inputs: Inputs) -> NDArray[np.float32]:
    """(molecule, feature); unknown descriptors are zero."""
    counts = inputs.counts.astype(np.float32)
    return np.concatenate([counts, np.nan_to_num(inputs.descriptors)], axis=1)
