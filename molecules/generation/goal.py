"""What a proposal must be: good by one or several models, in their domain, and allowed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molecules.choices import RankBy
from molecules.evaluation.similarity import FAR, fingerprints
from molecules.generation.similarity_window import Window, check_window
from molecules.generation.synthesis import check_hardest, synthetic_accessibility
from molecules.prediction.domain import FARTHEST
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor import PropertyPredictor
from molecules.screening.diversity import tanimoto
from molecules.screening.filters import alerts, check_names
from molecules.screening.objectives import (
    FORM,
    Objective,
    Ranking,
    check_sense,
    read_objectives,
    require_weight,
)
from molecules.tasks import Task
from sciml.config import nearest
from sciml.errors import InputError

Array = NDArray[np.float64]
HARDEST = 6.0  # SA score from which molecules are hard to make (Ertl and Schuffenhauer 2009)


@dataclass(frozen=True)
class Limits:
    """What a proposal must keep to.

    Attributes:
        window: least and largest Tanimoto similarity to the start.
        filters: names of filters that it must pass.
        hardest: largest SA score.
        min_similarity, max_distance: to each model's training set, where its file tells.
    """

    window: Window = (0.4, 0.9)
    filters: tuple[str, ...] = ("pains",)
    hardest: float = HARDEST
    min_similarity: float = FAR
    max_distance: float = FARTHEST


@dataclass(frozen=True)
class Judged:
    """A molecule and what is to be said of it.

    Attributes:
        smiles: canonical.
        values, lower, upper: (objective,) prediction and interval, in the unit of the task.
        score: what is maximized, in standard deviations of the measured values.
        similarity: to the start.
        similarity_to_train, distance_to_train: of the model for which it is least at home;
            NaN where no file tells.
        difficulty: SA score.
        alerts: what the filters flagged.
        reason: why it is no proposal; empty for one.
    """

    smiles: str
    values: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    score: float
    similarity: float
    similarity_to_train: float
    distance_to_train: float
    difficulty: float
    alerts: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Model:
    """A model with what is asked of it.

    Attributes:
        predictor: the model.
        objectives: those of its properties that are told.
        ranking: by those of them that have a weight.
    """

    predictor: PropertyPredictor
    objectives: tuple[Objective, ...]
    ranking: Ranking

    @property
    def columns(self) -> list[int]:
        """Of each objective in a prediction."""
        return [self.predictor.tasks.names.index(o.name) for o in self.objectives]


class Goal:
    """Judges molecules.

    Args:
        start: SMILES that proposals are compared with.
        models: with what is asked of each.
        limits: see `Limits`.
    """

    def __init__(self, start: str, models: Sequence[Model], limits: Limits) -> None:
        self.models, self.limits = models, limits
        self.start = fingerprints([start])

    @classmethod
    def of(
        cls,
        start: str,
        predictors: Sequence[PropertyPredictor],
        targets: Sequence[str],
        by: RankBy,
        limits: Limits,
    ) -> Self:
        """Targets as `read_objectives` reads them, each of the model that predicts it.

        Raises:
            InputError: a target that no model, or more than one, predicts, no weight above
                zero, or limits that let nothing pass.
        """
        check_window(limits.window)
        check_hardest(limits.hardest)
        limits = replace(limits, filters=check_names(limits.filters))
        shares = _shared_out(targets, predictors)
        asked = [
            read_objectives(own, False, predictor.tasks)
            for predictor, own in zip(predictors, shares, strict=True)
        ]
        require_weight([objective for own in asked for objective in own])
        models = [
            Model(predictor, own, Ranking.of(predictor, own, by))
            for predictor, own in zip(predictors, asked, strict=True)
        ]
        return cls(start, models, limits)

    @property
    def tasks(self) -> list[Task]:
        """Of the objectives, in the order of `Judged.values`."""
        return [m.predictor.tasks.tasks[column] for m in self.models for column in m.columns]

    @property
    def wishes(self) -> list[str]:
        """`logS:max`, one per objective that has a weight."""
        return [
            f"{o.name}:{'min' if o.minimize else 'max'}"
            + (f":{o.weight:g}" if o.weight != 1 else "")
            for model in self.models
            for o in model.ranking.objectives
        ]

    def judge(self, smiles: Sequence[str]) -> list[Judged]:
        """Molecules that RDKit reads, one judgement each."""
        if not smiles:
            return []
        told = [model.predictor.predict(smiles) for model in self.models]
        similarity = tanimoto(self.start, fingerprints(smiles))[0]
        near = _worst([p.similarity for p in told], np.fmin, len(smiles))
        far = _worst([p.distance for p in told], np.fmax, len(smiles))
        mean, lower, upper = (self._columns(told, end) for end in ("mean", "lower", "upper"))
        scores = np.sum(
            [
                model.ranking.scores(model.ranking.goods(p))
                for p, model in zip(told, self.models, strict=True)
            ],
            axis=0,
        )
        found = []
        for i, text in enumerate(smiles):
            molecule = Chem.MolFromSmiles(text)
            flags = alerts(molecule, self.limits.filters)
            difficulty = synthetic_accessibility(molecule)
            failed = _failed(told, i)
            judged = Judged(
                smiles=text,
                values=tuple(mean[i].tolist()),
                lower=tuple(lower[i].tolist()),
                upper=tuple(upper[i].tolist()),
                score=float(scores[i]),
                similarity=float(similarity[i]),
                similarity_to_train=float(near[i]),
                distance_to_train=float(far[i]),
                difficulty=difficulty,
                alerts=flags,
                reason=failed,
            )
            found.append(judged if failed else replace(judged, reason=self._reason(judged)))
        return found

    def _columns(self, told: Sequence[Prediction], name: str) -> Array:
        """(row, objective) of all models side by side."""
        parts = [
            getattr(prediction, name)[:, model.columns]
            for prediction, model in zip(told, self.models, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def _reason(self, judged: Judged) -> str:
        """Why a molecule is no proposal, all of it."""
        limits, (low, high) = self.limits, self.limits.window
        start, near = judged.similarity, judged.similarity_to_train
        reasons = {
            f"similarity to the start {start:.2f} is below {low:g}": start < low,
            f"similarity to the start {start:.2f} is above {high:g}": start > high,
            f"flagged: {', '.join(judged.alerts)}": bool(judged.alerts),
            f"SA score {judged.difficulty:.1f} is above {limits.hardest:g}": (
                judged.difficulty > limits.hardest
            ),
            f"similarity to the training set {near:.2f} is below {limits.min_similarity:g}": (
                near < limits.min_similarity
            ),
            f"distance to the training set {judged.distance_to_train:.1f} is above "
            f"{limits.max_distance:g}": judged.distance_to_train > limits.max_distance,
        }
        return "; ".join(reason for reason, holds in reasons.items() if holds)


def _failed(told: Sequence[Prediction], row: int) -> str:
    """Why models have no prediction of a row; a reason beside `ok` is a remark."""
    reasons = (p.reason[row] for p in told if p.status[row] != "ok")
    return "; ".join(filter(None, dict.fromkeys(reasons)))


def _shared_out(targets: Sequence[str], predictors: Sequence[PropertyPredictor]) -> list[list[str]]:
    """Targets of each predictor; with none given, each must predict one property."""
    if not targets:
        return [[] for _ in predictors]
    shares: list[list[str]] = [[] for _ in predictors]
    every = [name for predictor in predictors for name in predictor.tasks.names]
    for text in targets:
        match = FORM.fullmatch(text)
        name = text if text in every or match is None else match["name"]
        owners = [i for i, p in enumerate(predictors) if name in p.tasks.names]
        if not owners:
            check_sense(text, every)
            hint = nearest(name, every) or f"; they predict {', '.join(every)}"
            raise InputError(f"no model predicts {name!r}{hint}")
        if len(owners) > 1:
            raise InputError(f"{len(owners)} models predict {name!r}; give the model once")
        shares[owners[0]].append(text)
    for predictor, share in zip(predictors, shares, strict=True):
        if not share:
            names = ", ".join(predictor.tasks.names)
            raise InputError(f"no --target is of the model of {names}; leave it out or add one")
    return shares


def _worst(columns: Sequence[Array | None], pick: np.ufunc, rows: int) -> Array:
    """The worst over models that tell; NaN where none does."""
    worst = np.full(rows, np.nan)
    for column in columns:
        if column is not None:
            worst = pick(worst, column)
    return worst
