"""The best molecules of a library of any size, found in constant memory."""

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from molecules.evaluation.similarity import Fingerprints, fingerprints, nearest
from molecules.evaluation.splits import canonical_smiles
from molecules.files.recognize import name_column, text_cells
from molecules.files.table import Table
from molecules.prediction.annotate import predict, require_molecules
from molecules.screening.histogram import Histogram

if TYPE_CHECKING:
    from molecules.prediction.prediction import Prediction
    from molecules.prediction.predictor import PropertyPredictor

ATOM_INDEX = re.compile(r" # \d+")
SAME_VALUE = 1e-5  # relative; one molecule in two batches may differ in the last digits


@dataclass(frozen=True)
class Hit:
    """A molecule among the best.

    Attributes:
        row: of the library, counted from 1, where it occurs first.
        name: as the library has it; may be empty.
        smiles: canonical.
        value, lower, upper: prediction and interval in the unit of the task.
        similarity: to the nearest training molecule, 0 to 1; NaN if unknown.
        copies: rows of the library that hold this molecule.
    """

    row: int
    name: str
    smiles: str
    value: float
    lower: float
    upper: float
    similarity: float = np.nan
    copies: int = 1

    @property
    def bounded(self) -> bool:
        """Whether the interval has two ends."""
        return bool(np.isfinite([self.lower, self.upper]).all())


class TopHits:
    """The best distinct molecules seen so far.

    Args:
        size: how many to keep.
        minimize: whether small values are good.
    """

    def __init__(self, size: int, minimize: bool) -> None:
        self.size = size
        self.sign = -1.0 if minimize else 1.0
        self._heap: list[tuple[float, int, str]] = []  # (goodness, -row, smiles), worst first
        self._hits: dict[str, Hit] = {}

    def __len__(self) -> int:
        return len(self._hits)

    def may_enter(self, value: float) -> bool:
        """Whether a value is as good as the worst hit; NaN is not."""
        if len(self._heap) < self.size:
            return bool(np.isfinite(value))
        worst = self._heap[0][0]
        return bool(self.sign * value >= worst - SAME_VALUE * max(1.0, abs(worst)))

    def add(self, hit: Hit) -> None:
        """Keep a molecule if it is better than the worst, or count it again if it is known."""
        known = self._hits.get(hit.smiles)
        if known:
            first = min(known, hit, key=lambda hit: hit.row)
            self._hits[hit.smiles] = replace(first, copies=known.copies + 1)
            return
        entry = (self.sign * hit.value, -hit.row, hit.smiles)
        if len(self._heap) < self.size:
            heapq.heappush(self._heap, entry)
        elif entry > self._heap[0]:
            del self._hits[heapq.heapreplace(self._heap, entry)[2]]
        else:
            return
        self._hits[hit.smiles] = hit

    def ranked(self) -> list[Hit]:
        """Best first; of equal values the earlier row."""
        return [self._hits[smiles] for _, _, smiles in sorted(self._heap, reverse=True)]


@dataclass(frozen=True)
class Screen:
    """What a screen found.

    Attributes:
        hits: the best molecules, best first.
        counts: status -> rows of the library.
        reasons: reason -> rows, for those that have no prediction.
        histogram: of all predictions.
    """

    hits: list[Hit]
    counts: Counter[str]
    reasons: Counter[str]
    histogram: Histogram


def screen(
    model: "PropertyPredictor",
    library: Iterable[Table],
    task: int,
    top: int,
    minimize: bool = False,
    known: Fingerprints | None = None,
    min_similarity: float = 0.0,
) -> Screen:
    """Predict a whole library and keep the best molecules.

    Args:
        model: the trained model.
        library: consecutive parts of the library.
        task: which of the model's tasks to rank by.
        top: how many distinct molecules to keep.
        minimize: whether small values are good.
        known: fingerprints of the training set.
        min_similarity: pass over molecules that are less similar to the nearest of `known`.

    Raises:
        InputError: no row holds a molecule that can be predicted.
    """
    hits = TopHits(top, minimize)
    histogram, counts, reasons = Histogram(), Counter[str](), Counter[str]()
    rows = 0
    for table in library:
        prediction = predict(model, table, domain=False)
        counts.update(prediction.status)
        reasons.update(ATOM_INDEX.sub("", reason) for reason in prediction.reason if reason)
        values = prediction.mean[:, task]
        histogram.add(values[np.isfinite(values)])
        for hit in _candidates(hits, table, prediction, task, rows):
            similarity = np.nan
            if known is not None:
                similarity = float(nearest(fingerprints([hit.smiles]), known)[0])
            if not similarity < min_similarity:
                hits.add(replace(hit, similarity=similarity))
        rows += len(table)
    require_molecules(counts, reasons)
    return Screen(hits.ranked(), counts, reasons, histogram)


def _candidates(
    hits: TopHits, table: Table, prediction: "Prediction", task: int, rows_before: int
) -> Iterator[Hit]:
    """What may be among the best, best first, so that the rest need no second look."""
    column = name_column(table.frame, table.smiles_column)
    names = text_cells(table.frame[column]) if column else [""] * len(table)
    values, lower, upper = (
        part[:, task] for part in (prediction.mean, prediction.lower, prediction.upper)
    )
    for i in np.argsort(-hits.sign * values, kind="stable"):
        if not hits.may_enter(values[i]):
            return
        smiles = canonical_smiles([table.smiles[i]])[0]
        assert smiles, "a row with a prediction holds a molecule"
        row = rows_before + int(i) + 1
        yield Hit(row, names[i], smiles, float(values[i]), float(lower[i]), float(upper[i]))
