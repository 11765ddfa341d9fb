"""What makes one molecule better than another: one property or several."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from molecules.choices import RankBy
from molecules.tasks import Task, Tasks
from sciml.config import Config, nearest
from sciml.errors import InputError

if TYPE_CHECKING:
    from molecules.prediction.ensemble import AnyPredictor
    from molecules.prediction.prediction import Prediction

SIMILARITY = Task(name="similarity", better="higher")  # to the nearest known active
# Standard deviation of that similarity in a library, which must not depend on the shard: 0.05
# to 0.10 in LIT-PCBA's ALDH1 to 10 to 1,000 of its molecules, 0.04 to 0.05 in Enamine's HTS
# collection to as many approved drugs, 0.03 among DUD-E's decoys of aces to 10 and 100 actives.
SIMILARITY_SPREAD = 0.06
FORM = re.compile(r"(?P<name>.*?)(?::(?P<sense>max|min))?(?::(?P<weight>\d*\.?\d+))?")
Z90 = 1.6449  # standard deviations from the middle of a normal distribution to its 95 % point
SMALLEST = 1e-300  # of what a logarithm is taken
_BITS = 17  # of a score; one molecule in two batches may differ in the last digits

Array = NDArray[np.float64]


class Objective(Config):
    """One property that counts.

    Attributes:
        name: of a task.
        minimize: whether small values are good.
        weight: in the sum; 0 only shows the property.
    """

    name: str
    minimize: bool = False
    weight: float = Field(1.0, ge=0)

    @property
    def sign(self) -> float:
        """Makes large values good."""
        return -1.0 if self.minimize else 1.0


def read_objectives(
    texts: Sequence[str], minimize: bool, tasks: Tasks, actives: bool = False
) -> tuple[Objective, ...]:
    """Objectives as a user writes them: `logS`, `toxic:min`, `logS:max:2`, `similarity:max:0.5`.

    Args:
        texts: may be empty for a model of one property.
        minimize: holds for those that do not say `max` or `min`; so small values are good
            where the model says so.
        tasks: of the model.
        actives: whether there are some that `similarity` can be told to.

    Raises:
        InputError: an unknown property or sense, or a property given twice.
    """
    if not texts and len(tasks) > 1:
        raise InputError(f"the model predicts {', '.join(tasks.names)}; choose one with --target")
    texts = texts or tasks.names
    if actives and SIMILARITY.name not in tasks.names:
        tasks = Tasks(tasks=(*tasks.tasks, SIMILARITY))
    found = tuple(_objective(text, minimize, tasks) for text in texts)
    names = [objective.name for objective in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--target {name!r} is given twice; give it once")
    return found


def require_weight(objectives: Sequence[Objective]) -> None:
    """Refuse objectives that are all only shown.

    Raises:
        InputError: no weight is above zero.
    """
    if not any(objective.weight for objective in objectives):
        raise InputError("every --target has weight 0; give at least one a weight above")


def _objective(text: str, minimize: bool, tasks: Tasks) -> Objective:
    if text in tasks.names:
        return Objective(name=text, minimize=minimize or _lower_is_better(text, tasks))
    match = FORM.fullmatch(text)
    assert match, "every text has this form"
    name, sense, weight = match["name"], match["sense"], match["weight"]
    if name not in tasks.names:
        if name == SIMILARITY.name:
            raise InputError(
                "--target similarity is that to known actives; name them, --actives FILE"
            )
        check_sense(text, tasks.names)
        hint = nearest(name, tasks.names) or f"; it predicts {', '.join(tasks.names)}"
        raise InputError(f"the model does not predict {name!r}{hint}")
    return Objective(
        name=name,
        minimize=(minimize or _lower_is_better(name, tasks)) if sense is None else sense == "min",
        weight=1.0 if weight is None else float(weight),
    )


def check_sense(text: str, names: Sequence[str]) -> None:
    """Refuse what is no sense or weight behind the name of a property.

    Raises:
        InputError: as in `logS:mxa`.
    """
    for name in sorted(names, key=len, reverse=True):
        if text.startswith(f"{name}:"):
            rest = text.removeprefix(f"{name}:")
            raise InputError(
                f"--target {text!r}: {rest!r} is neither max nor min, nor a weight of zero or "
                f"more; expected {name}, {name}:max, {name}:min, or with a weight {name}:max:2"
            )


def _lower_is_better(name: str, tasks: Tasks) -> bool:
    return tasks.tasks[tasks.names.index(name)].better == "lower"


@dataclass(frozen=True)
class Ranking:
    """How predictions become scores, larger is better.

    Attributes:
        objectives: what counts.
        columns: of each in a prediction.
        logarithmic: (objective,) whether its logarithm is what counts, as where that is learned.
        scales: (objective,) standard deviation of the measured values, or of their logarithms;
            1 for a probability, SIMILARITY_SPREAD for the similarity to actives, which stands
            behind the model's own columns.
        best: (objective,) best measured value; only needed for `improvement`.
        by: the prediction itself; the worse end of its interval; or the expected improvement
            over the best measured value, E[max(0, y - best)] of a normal y whose 90 % interval
            is the prediction's (Jones et al. 1998, J. Global Optim. 13, 455, eq. 15), y being
            the logarithm where that counts.
    """

    objectives: tuple[Objective, ...]
    columns: list[int]
    logarithmic: NDArray[np.bool_]
    scales: Array
    best: Array
    by: RankBy = "mean"

    @classmethod
    def of(
        cls, predictor: "AnyPredictor", objectives: tuple[Objective, ...], by: RankBy
    ) -> "Ranking":
        """The ranking of a model's predictions, by the objectives that have a weight.

        Raises:
            InputError: the model does not know what `by` needs.
        """
        objectives = tuple(objective for objective in objectives if objective.weight)
        known = [*predictor.tasks.names, SIMILARITY.name]
        columns = [known.index(objective.name) for objective in objectives]
        own = [column for column in columns if column < len(predictor.tasks)]
        std = np.append(predictor.learned_scales, SIMILARITY_SPREAD)
        logarithmic = np.append(predictor.tasks.logarithmic, False)
        ranges = predictor.metadata.get("label_range", {})
        best = [ranges.get(o.name, (np.nan, np.nan))[0 if o.minimize else 1] for o in objectives]
        if by != "mean":
            probe = predictor.predict(["CC"], domain=False)
            if not np.isfinite([probe.lower[0, own], probe.upper[0, own]]).all():
                raise InputError(f"the model has no intervals; leave out --rank-by {by}")
        if by == "improvement" and (np.isnan(best).any() or predictor.tasks.binary[columns].any()):
            raise InputError(
                "--rank-by improvement needs measured quantities and a model that knows their "
                "range; take mean or bound"
            )
        return cls(objectives, columns, logarithmic[columns], std[columns], np.array(best), by)

    def goods(self, prediction: "Prediction") -> Array:
        """(row, objective), larger is better, in units of `scales`."""
        sign = np.array([objective.sign for objective in self.objectives])
        lower, upper, mean = (
            self._counted(part[:, self.columns])
            for part in (prediction.lower, prediction.upper, prediction.mean)
        )
        mean = sign * mean
        match self.by:
            case "mean":
                values = mean
            case "bound":
                values = np.where(sign > 0, lower, -upper)
            case "improvement":
                best = sign * self._counted(self.best)
                values = expected_improvement(mean, (upper - lower) / (2 * Z90), best)
        return rounded(values / self.scales)

    def _counted(self, values: Array) -> Array:
        """(..., objective) in units -> logarithms, where these count."""
        positive = np.where(self.logarithmic, np.maximum(values, SMALLEST), 1.0)
        return np.where(self.logarithmic, np.log(positive), values)

    def scores(self, goods: Array) -> Array:
        """(row,) weighted sum."""
        return rounded(goods @ np.array([objective.weight for objective in self.objectives]))


def expected_improvement(mean: Array, std: Array, best: Array) -> Array:
    """E[max(0, y - best)] for a normal y; the equation in `Ranking`."""
    from scipy.special import ndtr

    gain = mean - best
    u = gain / np.maximum(std, 1e-12)
    return gain * ndtr(u) + std * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)


def rounded(values: Array) -> Array:
    """To some five digits, so that a molecule scores the same among others."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(np.ldexp(mantissa, _BITS)), exponent - _BITS)
