"""Several model files of the same properties as one: their mean, and how far they differ."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.similarity import Fingerprints
from molecules.features.coordinates import Positions
from molecules.prediction.prediction import Prediction
from molecules.prediction.reading import texts_of
from molecules.prediction.training_set import TrainingSet
from molecules.tasks import Task, Tasks
from sciml.errors import InputError

if TYPE_CHECKING:
    from molecules.prediction.predictor import PropertyPredictor

AnyPredictor: TypeAlias = "PropertyPredictor | Ensemble"

Array = NDArray[np.float64]


class Ensemble:
    """Predictors that count alike; has what a screen asks of a `PropertyPredictor`.

    Args:
        predictors: of the same properties in the same units.
        names: of each, for messages; by number if left out.

    Raises:
        InputError: there is none, or they predict different things.
    """

    def __init__(
        self, predictors: "Iterable[PropertyPredictor]", names: Sequence[str] = ()
    ) -> None:
        self.predictors = list(predictors)
        if not self.predictors:
            raise InputError("an ensemble of no predictors; give at least one")
        _require_same([p.tasks for p in self.predictors], names or _numbered(len(self.predictors)))

    @property
    def tasks(self) -> Tasks:
        """What is predicted."""
        return self.predictors[0].tasks

    @property
    def scales(self) -> Array:
        """(task,) mean of the predictors' standard deviations of the measured values."""
        return np.mean([predictor.scales for predictor in self.predictors], axis=0)

    @property
    def learned_scales(self) -> Array:
        """(task,) mean of the predictors'; see `PropertyPredictor.learned_scales`."""
        return np.mean([predictor.learned_scales for predictor in self.predictors], axis=0)

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What can be said of all: tables, and ranges of the measured values."""
        every = [predictor.metadata for predictor in self.predictors]
        tables = dict.fromkeys(known["table"] for known in every if "table" in known)
        found: dict[str, Any] = {"table": ", ".join(tables)} if tables else {}
        ranges = [known.get("label_range", {}) for known in every]
        told = [name for name in self.tasks.names if all(name in ends for ends in ranges)]
        if told:
            found["label_range"] = {name: _range(name, ranges) for name in told}
        return found

    @cached_property
    def known(self) -> Fingerprints | None:
        """Fingerprints of all training sets, (molecule, 256); None if a file keeps none."""
        parts = [one.known for one in self.predictors if one.known is not None]
        whole = len(parts) == len(self.predictors)
        return np.unique(np.concatenate(parts), axis=0) if whole else None

    @cached_property
    def training_set(self) -> TrainingSet | None:
        """All measured molecules that the files keep, each once; None if there are none."""
        found: dict[tuple[str, bytes], Array] = {}
        for predictor in self.predictors:
            if (kept := predictor.training_set) is not None:
                keys = zip(kept.smiles, (row.tobytes() for row in kept.labels), strict=True)
                found |= dict(zip(keys, kept.labels, strict=True))
        smiles = [smiles for smiles, _ in found]
        return TrainingSet(smiles, np.stack(list(found.values()))) if found else None

    @property
    def makes_conformers(self) -> bool:
        """Whether one of them sees conformers, and makes them itself."""
        return any(predictor.makes_conformers for predictor in self.predictors)

    def standardized(self, smiles: Sequence[str | None]) -> list[str]:
        """SMILES in the form that the first predictor was trained on."""
        return self.predictors[0].standardized(smiles)

    def predict(
        self,
        smiles: Iterable[str | None],
        batch_size: int = 128,
        domain: bool = True,
        cache: Path | None = None,
        positions: Positions | None = None,
    ) -> Prediction:
        """Predict every row; arguments as of `PropertyPredictor.predict`, see `together`."""
        texts = texts_of(smiles)  # once: a generator has them once
        options = batch_size, domain, cache, positions
        parts = [one.predict(texts, *options) for one in self.predictors]
        return together(parts)


def each(predictor: AnyPredictor) -> "list[PropertyPredictor]":
    """The predictors that one is made of."""
    return predictor.predictors if isinstance(predictor, Ensemble) else [predictor]


def together(parts: Sequence[Prediction]) -> Prediction:
    """What several predictors, which count alike, say of the same rows.

    Mean and spread are those of an even mixture, on the scale that is learned: the variance
    is the mean of the parts' own variances plus the variance of their means. An interval
    reaches from the lowest to the highest end, and a conformal set holds what one of them
    holds: they miss the truth at most as often as those of any one part, and are wider than
    they need be where the parts err apart. A molecule is as near to the training sets as to
    the nearest of them. A row needs all parts.
    """
    first, tasks = parts[0], parts[0].tasks
    means = tasks.learned(np.stack([part.mean for part in parts]))
    own = [0.0 if p.spread is None else (p.spread / tasks.slope(p.mean)) ** 2 for p in parts]
    mean = tasks.in_units(means.mean(axis=0))
    variance = sum(own) / len(parts) + means.var(axis=0)
    statuses = list(zip(*(part.status for part in parts), strict=True))
    reasons = zip(*(part.reason for part in parts), strict=True)
    return Prediction(
        tasks=tasks,
        smiles=first.smiles,
        mean=mean,
        lower=np.min([part.lower for part in parts], axis=0),
        upper=np.max([part.upper for part in parts], axis=0),
        sets=_united([part.sets for part in parts]),
        status=[next((s for s in row if s != "ok"), "ok") for row in statuses],
        reason=["; ".join(filter(None, dict.fromkeys(row))) for row in reasons],
        spread=np.sqrt(variance) * tasks.slope(mean),
        similarity=_nearest([part.similarity for part in parts], np.max),
        distance=_nearest([part.distance for part in parts], np.min),
    )


def _united(sets: Sequence[NDArray[np.str_]]) -> NDArray[np.str_]:
    """Conformal sets with what one of several holds; blank where one is blank."""
    zero, one = (np.any([np.char.find(s, c) >= 0 for s in sets], axis=0) for c in "01")
    named = np.array(["{}", "{0}", "{1}", "{0 1}"])[zero + 2 * one]
    return np.where(np.all([s != "" for s in sets], axis=0), named, "")


def _range(name: str, ranges: Sequence[dict[str, Sequence[float]]]) -> list[float]:
    low, high = zip(*(ends[name] for ends in ranges), strict=True)
    return [min(low), max(high)]


def _nearest(parts: Sequence[Array | None], best: Callable[..., Array]) -> Array | None:
    known = [part for part in parts if part is not None]
    return best(known, axis=0) if len(known) == len(parts) else None


def _numbered(number: int) -> list[str]:
    return [f"model {i + 1}" for i in range(number)]


def _require_same(tasks: Sequence[Tasks], names: Sequence[str]) -> None:
    for other, name in zip(tasks[1:], names[1:], strict=True):
        if other != tasks[0]:
            mine, theirs = _difference(tasks[0], other)
            raise InputError(
                f"{name} predicts {theirs}; {names[0]} predicts {mine}: several files "
                "need the same properties, kinds and units, in the same order"
            )


def _difference(mine: Tasks, theirs: Tasks) -> tuple[str, str]:
    """All names if they differ, else the first property that does."""
    if mine.names != theirs.names:
        return ", ".join(mine.names), ", ".join(theirs.names)
    pairs = zip(mine.tasks, theirs.tasks, strict=True)
    return next((_described(a), _described(b)) for a, b in pairs if a != b)


def _described(task: Task) -> str:
    return f"{task.name} ({task.meaning or 'no unit'})"
