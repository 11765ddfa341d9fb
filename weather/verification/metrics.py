"""What is kept of every case, and the scores that follow from it.

Of a case (an initial time, a lead time, a system, a region) the area means of a few
products are kept, its quantities. A score is a function of the means over cases of
some of them. So one pass over the fields serves all scores, regions and seasons, and
no interval reads a field again. Averages over the globe use cell areas, as in
WeatherBench 2 (Rasp et al. 2024, JAMES 16, e2023MS004019, §4). A cell that is NaN in
any argument is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]
Scores = NDArray[np.float64]
Quantities = Mapping[str, Scores]

QUANTITIES = (
    "squared_error", "absolute_error", "error", "forecast_anomaly", "truth_anomaly",
    "forecast_anomaly_squared", "truth_anomaly_squared", "anomaly_product",
)  # fmt: skip
ENSEMBLE_QUANTITIES = ("crps", "variance", "corrected_variance")


def area_mean(field: Field, weights: NDArray[np.float64]) -> Scores:
    """Mean over cells; NaN where no cell is finite.

    Args:
        field: (..., lat, lon).
        weights: (lat,) proportional to cell area.

    Returns:
        (...)
    """
    cells = np.broadcast_to(weights[:, None], field.shape[-2:]).reshape(1, -1)
    return region_means(field.reshape(*field.shape[:-2], -1), cells)[..., 0]


def region_means(cells: Field, weights: NDArray[np.float64]) -> Scores:
    """Means over the cells of each region; NaN where none is finite.

    Args:
        cells: (..., cell).
        weights: (region, cell)

    Returns:
        (..., region)
    """
    plain = cells.astype(np.float64, copy=False) @ weights.T
    if np.isfinite(plain).all():
        return plain / weights.sum(1)
    finite = np.isfinite(cells)
    total = np.where(finite, cells, 0).astype(np.float64, copy=False) @ weights.T
    area = finite @ weights.T
    return np.divide(total, area, out=np.full(area.shape, np.nan), where=area > 0)


def quantities(forecast: Field, truth: Field, climatology: Field, weights: Scores) -> Scores:
    """The quantities of some cases.

    Args:
        forecast, truth, climatology: (..., cell), in the same cells NaN or not.
        weights: (region, cell)

    Returns:
        (quantity, ..., region), in the order of `QUANTITIES`.
    """
    error, f, o = forecast - truth, forecast - climatology, truth - climatology
    fields = (error**2, np.abs(error), error, f, o, f**2, o**2, f * o)
    return np.stack([region_means(field, weights) for field in fields])


def lacking(fields: Field) -> NDArray[np.bool_]:
    """Cells (case, lat, lon) without a value, but for cases that have none at all."""
    known = np.isfinite(fields)
    return ~known & known.any((1, 2), keepdims=True)


@dataclass(frozen=True)
class Metric:
    """A score of many cases.

    Attributes:
        name: as in the table of scores.
        parts: what is averaged over cases: from the quantities of each case.
        combine: the score, from the means over cases of the parts.
        unit: that of the field, or none.
        best: the value of a perfect forecast; None where it is no measure of error.
        event: that it belongs to, if any.
    """

    name: str
    parts: Callable[[Quantities], tuple[Scores, ...]]
    combine: Callable[..., Scores]
    unit: Literal["field", "1"] = "field"
    best: float | None = None
    event: str = ""


def _variance(mean_square: Scores, mean: Scores) -> Scores:
    return np.maximum(mean_square - mean**2, 0)


def _acc(q: Quantities) -> tuple[Scores, ...]:
    power = q["forecast_anomaly_squared"] * q["truth_anomaly_squared"]
    return (_divide(q["anomaly_product"], np.sqrt(power)),)


def _activities(q: Quantities) -> tuple[Scores, ...]:
    return (
        _variance(q["forecast_anomaly_squared"], q["forecast_anomaly"]),
        _variance(q["truth_anomaly_squared"], q["truth_anomaly"]),
    )


def _divide(above: Scores, below: Scores) -> Scores:
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


DETERMINISTIC = (
    Metric("rmse", lambda q: (q["squared_error"],), np.sqrt, best=0),
    Metric("rmse_by_case", lambda q: (np.sqrt(q["squared_error"]),), lambda m: m, best=0),
    Metric("mae", lambda q: (q["absolute_error"],), lambda m: m, best=0),
    Metric("bias", lambda q: (q["error"],), lambda m: m),
    Metric("acc", _acc, lambda m: m, "1", best=1),
    Metric("activity", lambda q: _activities(q)[:1], np.sqrt),
    Metric("activity_ratio", _activities, lambda f, o: np.sqrt(_divide(f, o)), "1"),
)
ENSEMBLE = (
    Metric("crps", lambda q: (q["crps"],), lambda m: m, best=0),
    Metric("spread", lambda q: (q["variance"],), np.sqrt),
    Metric(
        "spread_skill",
        lambda q: (q["corrected_variance"], q["squared_error"]),
        lambda v, e: np.sqrt(_divide(v, e)),
        "1",
    ),
)
MEANINGS = {
    "rmse": "root of the mean over cases (WeatherBench 2, ECMWF)",
    "rmse_by_case": "mean over cases of the root of each (ClimaX and others); never larger",
    "mae": "mean absolute error",
    "bias": "forecast minus analysis",
    "acc": "anomaly correlation with the climatology below, means not subtracted, by case",
    "activity": "standard deviation in space of the forecast's anomaly",
    "activity_ratio": "activity over that of the analyses; below 1 is too smooth",
    "crps": "fair continuous ranked probability score; absolute error where there are no members",
    "spread": "root of the mean variance of the members",
    "spread_skill": "spread, with what the mean of M members is uncertain by, over the RMSE of "
    "the mean; 1 is reliable",
    "brier": "Brier score of the event's probability",
    "brier_fair": "the same, corrected for the number of members",
    "effective_resolution": "last wave with half to twice the power of the analyses, 30-60 degrees",
}


def event_metrics(event: str) -> tuple[Metric, ...]:
    """The scores of one event; its quantities are `brier msl<100000` and the like."""

    def metric(name: str) -> Metric:
        return Metric(name, lambda q: (q[f"{name} {event}"],), lambda m: m, "1", 0, event)

    return metric("brier"), metric("brier_fair")
