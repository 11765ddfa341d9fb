"""What a model predicts: named properties, each measured on a scale or yes/no."""

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from sciml.config import Config
from sciml.errors import InputError

TaskKind = Literal["regression", "binary"]


class Task(Config):
    """One property.

    Attributes:
        name: column of the table.
        kind: `regression` for a measured quantity, `binary` for 0/1; a binary
            prediction is the probability of 1.
        unit: unit of the column, for headers and figures; empty if dimensionless.
    """

    name: str
    kind: TaskKind = "regression"
    unit: str = ""


class Tasks(Config):
    """The properties of one model, in the order of its output columns."""

    tasks: tuple[Task, ...]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if not self.tasks:
            raise ValueError("no task; give at least one")
        if len(set(self.names)) < len(self.tasks):
            raise ValueError(f"a task is named twice: {', '.join(self.names)}")
        return self

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names."""
        return tuple(task.name for task in self.tasks)

    @property
    def binary(self) -> NDArray[np.bool_]:
        """(task,) whether each task is yes/no."""
        return np.array([task.kind == "binary" for task in self.tasks])

    @classmethod
    def infer(cls, names: Sequence[str], labels: NDArray[np.floating]) -> Self:
        """Tasks of a table: binary where every measured value is 0 or 1.

        Args:
            names: column names.
            labels: (row, task), NaN where unmeasured.

        Raises:
            InputError: if a column has no measured value, or one value only.
        """
        return cls(tasks=tuple(_infer(n, labels[:, i]) for i, n in enumerate(names)))


def _infer(name: str, column: NDArray[np.floating]) -> Task:
    values = np.unique(column[np.isfinite(column)])
    if not values.size:
        raise InputError(f"column {name!r} has no number to learn from; choose another --target")
    if values.size == 1:
        raise InputError(
            f"column {name!r} holds the single value {values[0]:g}; expected at least two"
        )
    return Task(name=name, kind="binary" if set(values) <= {0.0, 1.0} else "regression")
