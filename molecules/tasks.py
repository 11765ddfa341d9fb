"""What a model predicts: named properties, each measured on a scale, yes/no, or a class."""

import re
from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sciml.config import Config
from sciml.errors import InputError
from sciml.wording import count

TaskKind = Literal["regression", "binary"]
Direction = Literal["", "higher", "lower"]
Scale = Literal["linear", "log"]

STRAY = 0.05  # share of other numbers up to which a column of 0 and 1 is held for yes/no
SKEWED = 2.0  # skewness from which a logarithm that has less than half of it is the better scale
LARGEST = 80.0  # natural logarithm of what a float32 can hold
FEW = 20  # values whose skewness tells little
DECADES = 3.0  # that so few values span before their logarithm is learned
FEWEST = 8  # values that tell a scale
BELOW = 0.05  # share of values of zero and less up to which they may be what is not detected
UNIT_IN_NAME = re.compile(r"[(\[]\s*([^()\[\],;:=?]+)[)\]]\s*$")  # no list, no `n = 3`
CONDITION = re.compile(  # what a unit does not begin with: 37 °C, 24h, pH 7.4
    r"\d+([.,]\d+)?\s*([\s°]|[CKhd]\b)|pH(?![a-z])"
)


class TaskOptions(Config):
    """What a user says of a column to learn.

    Attributes:
        kind: `auto` is `binary` where every value is 0 or 1, `regression` for other
            numbers, and `multiclass` for words; of two words it is `binary`.
        unit: of the column; empty takes it from a name that ends in it, `EC50 (nM)`.
        better: which values are wanted, for rankings.
        scale: `log` learns the logarithm of a quantity; `auto` where all values are positive
            and a few large ones would rule the error, see `spread_out`.
        positive: of two words, the one that counts as 1; empty chooses, see `two_words`.
    """

    kind: Literal["auto", "regression", "binary", "multiclass"] = "auto"
    unit: str = ""
    better: Direction = ""
    scale: Literal["auto", "linear", "log"] = "auto"
    positive: str = Field("", coerce_numbers_to_str=True)


class Task(Config):
    """One output column of a model.

    A property of several exclusive classes is one yes/no task for each class, whose
    probabilities sum to one.

    Attributes:
        name: column of the table; of a class `<column>=<class>`.
        kind: `regression` for a measured quantity, `binary` for 0/1; a binary
            prediction is the probability of 1.
        unit: unit of the column, for headers and figures; empty if dimensionless.
        better: which values are wanted; empty if nothing is said.
        of: the column whose class this is; empty if it is none.
        scale: on which a quantity is learned; what is said of it is in its unit.
        words: that stand for 0 and for 1 in the table; empty where numbers do.
    """

    name: str
    kind: TaskKind = "regression"
    unit: str = ""
    better: Direction = ""
    of: str = ""
    scale: Scale = "linear"
    words: tuple[()] | tuple[str, str] = ()

    @property
    def one(self) -> str:
        """What 1 stands for: a word of the table, or `1` itself."""
        return self.words[1] if self.words else "1"

    @property
    def meaning(self) -> str:
        """What a predicted value is, in words: `log10 mol/L, higher is better`."""
        what = self.unit if self.kind == "regression" else "probability"
        if self.words:
            what += f" of {self.one}"
        wanted = f"{self.better} is better" if self.better else ""
        return ", ".join(filter(None, (what, wanted)))


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

    @property
    def logarithmic(self) -> NDArray[np.bool_]:
        """(task,) whether the logarithm of each is learned."""
        return np.array([task.scale == "log" for task in self.tasks])

    def learned(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., task) in units -> on the scale that is learned; NaN without a logarithm."""
        positive = np.where(self.logarithmic & (values > 0), values, 1.0)
        logarithms = np.where(values > 0, np.log(positive), np.nan)
        return np.where(self.logarithmic, logarithms, values)

    def in_units(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The inverse of `learned`."""
        exponents = np.where(self.logarithmic, values, 0.0)
        clipped = np.clip(exponents, -LARGEST, LARGEST)  # but an open end of an interval stays so
        exponents = np.where(np.isinf(exponents), exponents, clipped)
        return np.where(self.logarithmic, np.exp(exponents), values)

    def slope(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Change of `values` (..., task), in units, per change on the scale that is learned."""
        return np.where(self.logarithmic, values, 1.0)  # d exp(x) = exp(x) dx

    @property
    def classes(self) -> dict[str, list[int]]:
        """Property of several classes -> the tasks that are its classes."""
        found: dict[str, list[int]] = {}
        for column, task in enumerate(self.tasks):
            if task.of:
                found.setdefault(task.of, []).append(column)
        return found

    @classmethod
    def infer(cls, names: Sequence[str], labels: NDArray[np.floating]) -> Self:
        """Tasks of a table of numbers: binary where every measured value is 0 or 1.

        Args:
            names: column names.
            labels: (row, task), NaN where unmeasured.

        Raises:
            InputError: if a column has no measured value, or one value only.
        """
        return cls(tasks=tuple(infer_task(n, labels[:, i]) for i, n in enumerate(names)))


def infer_task(name: str, column: NDArray[np.floating], options: TaskOptions | None = None) -> Task:
    """The task of a column of numbers.

    Args:
        name: of the column.
        column: (row,), NaN where unmeasured.
        options: what the user says of it.

    Raises:
        InputError: no measured value, one value only, or none that fits kind or scale.
    """
    options = options or TaskOptions()
    values = np.unique(column[np.isfinite(column)])
    if not values.size:
        raise InputError(f"column {name!r} has no number to learn from; choose another --target")
    if values.size == 1:
        raise InputError(
            f"column {name!r} holds the single value {values[0]:g}; expected at least two"
        )
    yes_no = set(values) <= {0.0, 1.0}
    if options.kind == "binary" and not yes_no:
        odd = next(value for value in values if value not in (0, 1))
        raise InputError(f"column {name!r} is to be binary but holds {odd:g}; expected 0 and 1")
    kind: TaskKind = "binary" if yes_no and options.kind != "regression" else "regression"
    unit = options.unit or (_unit_in(name) if kind == "regression" else "")
    scale = _scale(name, column[np.isfinite(column)], kind, options)
    return Task(name=name, kind=kind, unit=unit, better=options.better, scale=scale)


def _scale(name: str, values: NDArray[np.floating], kind: TaskKind, options: TaskOptions) -> Scale:
    positive = bool((values > 0).all()) and kind == "regression"
    if options.scale == "log" and not positive:
        raise InputError(
            f"column {name!r} is to be learned as a logarithm but holds {values.min():g}; "
            "expected a quantity above zero: for what is below detection write < and its limit"
        )
    if options.scale != "auto":
        return options.scale
    return "log" if positive and spread_out(values) else "linear"


def spread_out(values: NDArray[np.floating]) -> bool:
    """Whether a few large ones of these positive values would rule the error.

    They do with a skewness above `SKEWED` of which the logarithms have less than half; of fewer
    than `FEW` values, over more than `DECADES` where the logarithms are the less skewed.
    """
    if len(values) < FEWEST:
        return False
    skew, of_logarithms = skewness(values), abs(skewness(np.log(values)))
    if len(values) < FEW:
        return bool(np.log10(values.max() / values.min()) > DECADES and of_logarithms < skew)
    return skew > SKEWED and of_logarithms < skew / 2


def nearly_positive(task: Task, values: NDArray[np.float64]) -> tuple[str, ...]:
    """A line if only a few values keep a quantity from being learned as its logarithm.

    Args:
        task: the quantity.
        values: (row,), NaN where unmeasured.
    """
    values = values[np.isfinite(values)]
    positive, odd = values[values > 0], values[values <= 0]
    if not 0 < len(odd) <= max(1, BELOW * len(values)) or not spread_out(positive):
        return ()
    decades, least = np.log10(positive.max() / positive.min()), positive.min()
    return (
        f"{task.name}: spans {decades:.0f} decades but holds {odd[0]:g} "
        f"({count(len(odd), 'value')} not above zero), and is learned as it is, so that the "
        f"largest values rule; if that stands for what is below detection, write <{least:g} "
        "instead, and the logarithm is learned",
    )


def skewness(values: NDArray[np.floating]) -> float:
    """Mean cube of standardized values; zero where all are alike."""
    spread = values.std()
    return float(np.mean(((values - values.mean()) / spread) ** 3)) if spread > 0 else 0.0


def strays(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """Rows of the few numbers that keep a column of 0 and 1 from being yes/no.

    Args:
        values: (row,), NaN where unmeasured.

    Returns:
        None of a column that is yes/no, or that other numbers are more than `STRAY` of.
    """
    measured = np.isfinite(values)
    other = measured & (values != 0) & (values != 1)
    few = other.sum() <= STRAY * measured.sum() and {0.0, 1.0} <= set(values[measured])
    return np.flatnonzero(other & few)


def _unit_in(name: str) -> str:
    found = UNIT_IN_NAME.search(name)
    return "" if found is None or CONDITION.match(found[1]) else found[1].strip()
