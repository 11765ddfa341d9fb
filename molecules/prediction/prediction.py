"""What a model says about some molecules: one row for each input row, in its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from molecules.features.features import Status
from molecules.tasks import Tasks

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """One row for each input row, in its order.

    Attributes:
        tasks: names, kinds and units of the columns.
        smiles: as they came.
        mean: (row, task) in the unit of the task, or the probability of 1; NaN where
            the status is not `ok`.
        lower, upper: (row, task), ends of the interval.
        sets: (row, task) conformal set of a yes/no property: `{0}`, `{1}`, `{0 1}`, or
            `{}`; blank for a quantity, and where the status is not `ok`. In words of the
            table by `yes_no_sets`.
        status, reason: one per row.
        spread: (row, task) standard deviation of the ensemble's members; None for one.
        similarity: (row,) Tanimoto, to the nearest training molecule; None if not asked
            for, or the model file does not tell.
        distance: (row,) to the nearest training molecules in the encoder's vectors, 1
            being usual among them; None as `similarity`.
    """

    tasks: Tasks
    smiles: Sequence[str | None]
    mean: Array
    lower: Array
    upper: Array
    sets: NDArray[np.str_]
    status: list[Status]
    reason: list[str]
    spread: Array | None = None
    similarity: Array | None = None
    distance: Array | None = None

    def __len__(self) -> int:
        return len(self.status)

    def of(self, rows: NDArray[np.int64], tasks: NDArray[np.int64]) -> "Prediction":
        """What is said of some rows, and of some tasks."""
        both = np.ix_(rows, tasks)
        return Prediction(
            tasks=Tasks(tasks=tuple(self.tasks.tasks[i] for i in tasks.tolist())),
            smiles=[self.smiles[row] for row in rows.tolist()],
            mean=self.mean[both],
            lower=self.lower[both],
            upper=self.upper[both],
            sets=self.sets[both],
            status=[self.status[row] for row in rows.tolist()],
            reason=[self.reason[row] for row in rows.tolist()],
            spread=None if self.spread is None else self.spread[both],
            similarity=None if self.similarity is None else self.similarity[rows],
            distance=None if self.distance is None else self.distance[rows],
        )

    def columns(self) -> dict[str, object]:
        """Name -> values of the columns that stand beside a table, in float32.

        For each task `<task>_pred`, `<task>_lower`, `<task>_upper`, and where there is one
        `<task>_std` and `<task>_set`; for a property of several classes the most probable
        one and the conformal set; then `similarity_to_train`, `distance_to_train`, `status`,
        `reason`.
        """
        columns: dict[str, object] = {}
        for number, task in enumerate(self.tasks.tasks):
            parts = {"pred": self.mean, "lower": self.lower, "upper": self.upper}
            if self.spread is not None:
                parts["std"] = self.spread
            for part, values in parts.items():
                columns[f"{task.name}_{part}"] = values[:, number].astype(np.float32)
            if task.kind == "binary" and not task.of:
                columns[f"{task.name}_set"] = self.yes_no_sets(number)
        sets = self.class_sets()
        for name, chosen in self.most_probable().items():
            columns[f"{name}_pred"] = chosen
            columns[f"{name}_set"] = [_braced(members) for members in sets[name]]
        for name, value in (("similarity", self.similarity), ("distance", self.distance)):
            if value is not None:
                columns[f"{name}_to_train"] = value.astype(np.float32)
        return columns | {"status": list(self.status), "reason": list(self.reason)}

    def yes_no_sets(self, task: int) -> list[str]:
        """Each row's conformal set of a yes/no task, with the words of the table if it has any."""
        words, sets = self.tasks.tasks[task].words, self.sets[:, task].tolist()
        if not words:
            return sets
        return [
            _braced([word for number, word in enumerate(words) if str(number) in held])
            if held
            else ""
            for held in sets
        ]

    def most_probable(self) -> dict[str, list[str]]:
        """Property of several classes -> each row's most probable one; blank without one."""
        found = {}
        for name, columns in self.tasks.classes.items():
            labels = self.labels(name)
            chances = self.mean[:, columns]
            found[name] = [
                labels[row.argmax()] if np.isfinite(row).all() else "" for row in chances
            ]
        return found

    def class_sets(self) -> dict[str, list[list[str] | None]]:
        """Property of several classes -> each row's conformal set; None without a prediction.

        A class is in the set if it would not be left out as the answer of its own yes/no
        task, so that each class, where it is the true one, is in the set with a probability
        of at least `LEVEL` (see `Calibration`); one of which too few were held out is in
        every set. The empty set says that the molecule is like none of them.
        """
        found: dict[str, list[list[str] | None]] = {}
        for name, columns in self.tasks.classes.items():
            labels = self.labels(name)
            found[name] = [
                [label for label, held in zip(labels, row, strict=True) if "1" in held]
                if all(row)
                else None
                for row in self.sets[:, columns]
            ]
        return found

    def labels(self, name: str) -> list[str]:
        """The classes of a property."""
        columns = self.tasks.classes[name]
        return [self.tasks.names[i].removeprefix(f"{name}=") for i in columns]

    def frame(self) -> "pd.DataFrame":
        """The SMILES and all columns as a table."""
        import pandas as pd

        return pd.DataFrame({"smiles": list(self.smiles), **self.columns()})

    def _repr_html_(self) -> str:
        """A grid of structures with their predictions, for notebooks."""
        from molecules.prediction.grid import grid

        return grid(self)


def _braced(members: Sequence[str] | None) -> str:
    return "" if members is None else "{" + ", ".join(members) + "}"


@dataclass(frozen=True)
class Embedding:
    """One vector for each input row, in its order.

    Attributes:
        vectors: (row, members * dim); NaN where the status is not `ok`.
        status, reason: one per row.
    """

    vectors: Array
    status: list[Status]
    reason: list[str]
