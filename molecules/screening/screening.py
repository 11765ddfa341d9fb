"""The best molecules of a library of any size, part by part, in constant memory."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Self, cast

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.similarity import Fingerprints, fingerprints, nearest
from molecules.evaluation.splits import canonical_smiles, parse
from molecules.features.coordinates import Positions
from molecules.files.recognize import name_column, text_cells
from molecules.files.table import Table
from molecules.prediction.annotate import UNREADABLE
from molecules.screening.actives import Actives
from molecules.screening.filters import first_alert
from molecules.screening.fronts import ParetoFronts
from molecules.screening.histogram import Histogram
from molecules.screening.hits import Best, Hit, TopHits
from molecules.screening.identity import forms, identities
from molecules.screening.job import Job
from molecules.screening.objectives import SIMILARITY, Ranking
from molecules.tasks import Task
from sciml.errors import InputError

if TYPE_CHECKING:
    from molecules.features.features import Status
    from molecules.prediction.ensemble import AnyPredictor
    from molecules.prediction.prediction import Prediction

ATOM_INDEX = re.compile(r" # \d+")
EXCLUDED = cast("Status", "excluded")  # what a filter kept from the model
_BLOCK = 256  # molecules looked at together; bounds how many are looked at in vain

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Consecutive rows of one file of the library.

    Attributes:
        file: its number in the job.
        first_row: counted from 1.
        smiles, names: one per row; blank where there is none.
        unreadable: row of the part -> why the file hides its structure.
        positions: row of the part -> where its atoms are, in a file of three dimensions.
    """

    file: int
    first_row: int
    smiles: Sequence[str]
    names: Sequence[str]
    unreadable: dict[int, str] = field(default_factory=dict)
    positions: Positions = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, file: int, first_row: int) -> "Part":
        """The rows of a table."""
        column = name_column(table.frame, table.smiles_column)
        names = text_cells(table.frame[column]) if column else [""] * len(table)
        hidden = dict(table.unreadable)
        return cls(file, first_row, table.smiles, names, hidden, table.positions)


@dataclass
class Screen:
    """What a screen found.

    Attributes:
        best: the best molecules.
        counts: status -> rows of the library.
        reasons: reason -> rows, for those that have no prediction.
        histograms: of all predictions, one per objective.
    """

    best: Best
    histograms: list[Histogram]
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, job: Job) -> "Screen":
        """Nothing yet."""
        best = ParetoFronts(job.top) if job.combine == "pareto" else TopHits(job.top)
        return cls(best, [Histogram() for _ in job.objectives])

    def merge(self, other: "Screen") -> None:
        """Add what was found in other parts of the library."""
        self.best.add(other.best.kept())
        self.counts.update(other.counts)
        self.reasons.update(other.reasons)
        for mine, theirs in zip(self.histograms, other.histograms, strict=True):
            mine.merge(theirs)


@dataclass(frozen=True)
class Screener:
    """A job with all that it needs to look at a part of the library.

    Attributes:
        job: what is to be done.
        predictor: the model.
        ranking: turns predictions into scores.
        columns: of each objective in a prediction.
        known: fingerprints of the training set, or None.
        actives: if similarity to them is an objective.
    """

    job: Job
    predictor: "AnyPredictor"
    ranking: Ranking
    columns: list[int]
    known: Fingerprints | None
    actives: Actives | None = None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Load the model.

        Raises:
            InputError: the model cannot do what the job asks.
        """
        predictor = job.model.load()
        if predictor.known is None and job.min_similarity > 0:
            raise InputError("the model does not know its training set; leave out --min-similarity")
        names = [*predictor.tasks.names, SIMILARITY.name]
        columns = [names.index(objective.name) for objective in job.objectives]
        ranking = Ranking.of(predictor, job.objectives, job.by)
        actives = Actives.read(job.actives, predictor) if job.actives else None
        return cls(job, predictor, ranking, columns, predictor.known, actives)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Of the objectives."""
        known = (*self.predictor.tasks.tasks, SIMILARITY)
        return tuple(known[column] for column in self.columns)

    @property
    def predicted(self) -> list[bool]:
        """(objective,) whether the model predicts it."""
        return [column < len(self.predictor.tasks) for column in self.columns]

    def predict(self, smiles: Sequence[str], positions: Positions) -> "Prediction":
        """What the model predicts, and behind it the similarity to actives if it counts."""
        prediction = self.predictor.predict(
            smiles, domain=False, cache=self.job.cache, positions=positions
        )
        if self.actives is None:
            return prediction
        return self.actives.beside(prediction, self.predictor.standardized(smiles))

    def screen(self, part: Part, floor: Array | None = None) -> Screen:
        """Look at a part.

        Args:
            part: of the library.
            floor: what is known of the best in other parts; see `Best.chance`.
        """
        found = Screen.of(self.job)
        prediction = self._predict(part)
        found.counts.update(prediction.status)
        told = zip(prediction.status, prediction.reason, strict=True)
        found.reasons.update(
            ATOM_INDEX.sub("", why) for state, why in told if why and state != "ok"
        )
        for histogram, column in zip(found.histograms, self.columns, strict=True):
            values = prediction.mean[:, column]
            histogram.add(values[np.isfinite(values)])
        self._keep_best(
            found.best, part, prediction, found.best.floor() if floor is None else floor
        )
        return found

    def _predict(self, part: Part) -> "Prediction":
        hidden = {row: (UNREADABLE, why) for row, why in part.unreadable.items()}
        if self.job.exclude:
            hidden |= excluded(forms(self.predictor, part.smiles), self.job.exclude)
        shown = ["" if row in hidden else text for row, text in enumerate(part.smiles)]
        prediction = self.predict(shown, part.positions)
        for row, (status, why) in hidden.items():
            prediction.status[row], prediction.reason[row] = status, why
        return prediction

    def _keep_best(self, kept: Best, part: Part, prediction: "Prediction", floor: Array) -> None:
        goods = self.ranking.goods(prediction)
        scores = self.ranking.scores(goods)
        rows = np.argsort(-scores, kind="stable")
        rows = rows[kept.chance(scores[rows], goods[rows], floor)]
        for first in range(0, len(rows), _BLOCK):
            block = rows[first : first + _BLOCK]
            block = block[kept.chance(scores[block], goods[block], kept.floor())]
            if len(block):
                kept.add(self._hits(block, scores, goods, part, prediction))

    def _hits(
        self, rows: Rows, scores: Array, goods: Array, part: Part, prediction: "Prediction"
    ) -> Iterator[Hit]:
        smiles = [text or "" for text in canonical_smiles([part.smiles[row] for row in rows])]
        assert all(smiles), "a row with a prediction holds a molecule"
        places = [part.positions.get(row) for row in rows.tolist()]
        keys, near = identities(self.predictor, smiles, places), self._similarity(smiles)
        for row, text, key, similarity in zip(rows, smiles, keys, near, strict=True):
            if not similarity < self.job.min_similarity:
                mean, lower, upper = (
                    tuple(values[row, self.columns].tolist())
                    for values in (prediction.mean, prediction.lower, prediction.upper)
                )
                place = part.file, part.first_row + int(row), part.names[row]
                good = float(scores[row]), tuple(goods[row].tolist())
                yield Hit(*place, text, key, *good, mean, lower, upper, float(similarity))

    def _similarity(self, smiles: Sequence[str]) -> Array:
        if self.known is None:
            return np.full(len(smiles), np.nan)
        return nearest(fingerprints(self.predictor.standardized(smiles)), self.known)


@lru_cache(maxsize=1)
def screener(job: Job) -> Screener:
    """The job's screener; made once in each process."""
    return Screener.of(job)


def screen_part(job: Job, task: tuple[Part, Array]) -> Screen:
    """What a worker does: `Screener.screen` of a part and a floor."""
    return screener(job).screen(*task)


def excluded(smiles: Sequence[str], filters: Sequence[str]) -> dict[int, tuple["Status", str]]:
    """Row -> status and reason of the molecules that one of the filters flags."""
    found = ((row, first_alert(mol, filters)) for row, mol in enumerate(parse(smiles)) if mol)
    return {row: (EXCLUDED, alert) for row, alert in found if alert}
