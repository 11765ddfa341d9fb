"""Ensemble forecasts of this project's commands, in memory, and how good they are."""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from weather_data import HOURS, Atmosphere

from weather.forecasting.calibration import about_mean
from weather.forecasting.execution import execute
from weather.forecasting.experts import Experts
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.job import Job
from weather.forecasting.perturbations import EnsembleConfig, Perturbations
from weather.forecasting.planner import plan
from weather.verification.probabilistic import Pairs, fair_crps, variances

FIELDS = ("z500", "t850", "u850", "v850", "msl")
DAYS = (1, 3, 5, 7)
BEFORE = 12  # states of a stretch that breeding may read before the first initial time
Scores = dict[str, dict[str, dict[str, float]]]  # by day and field
Factors = dict[int, NDArray[np.float64]]  # by day, (field,)
Forecasts = dict[int, NDArray[np.float32]]  # by day, (time, member, field, lat, lon) of `FIELDS`


def starts(period: slice, number: int) -> NDArray[np.int64]:
    """Initial states of a stretch, evenly spaced, whose forecasts end within it."""
    last = period.stop - 1 - DAYS[-1] * 24 // HOURS
    return np.linspace(period.start + BEFORE, last, number).round().astype(int)


def members(
    forecaster: Forecaster,
    dataset: xr.Dataset,
    places: NDArray[np.int64],
    config: EnsembleConfig | None,
) -> Forecasts:
    """Forecasts as `weather forecast --members` makes them; one of each time without `config`."""
    made = plan([forecaster.model.step], [day * 86400 for day in DAYS])
    perturbations = None if config is None else Perturbations(forecaster, config, dataset)
    times = dataset["time"].values[places]
    job = Job(Experts.of(forecaster), dataset, times, made, "cf", perturbations=perturbations)
    number = 1 if config is None else config.members
    shape = (len(places), number, len(FIELDS), *forecaster.model.grid.shape)
    result = {day: np.empty(shape, np.float32) for day in DAYS}
    names = forecaster.model.variables.channels
    rows = [names.index(field) for field in FIELDS]
    history = job.experts.history(made)
    for batch in job.batches():
        for reached in execute(made, job.steppers(batch), job.initial(batch), history=history):
            surface, upper = reached.state.surface[:, 0], reached.state.upper[:, 0].flatten(1, 2)
            fields = np.concatenate([surface.cpu().numpy(), upper.cpu().numpy()], axis=1)[:, rows]
            for case, field in zip(batch, fields, strict=True):
                result[reached.lead // 86400][case] = field
    return result


def inverse_ratios(scores: Scores) -> Factors:
    """What makes the spread as large as the error was, as `weather calibrate` finds it."""
    ratios = {day: [scores[f"{day}"][field]["ratio"] for field in FIELDS] for day in DAYS}
    return {day: 1 / np.array(ratio) for day, ratio in ratios.items()}


def scaled(forecasts: Forecasts, factors: Factors) -> Forecasts:
    """Members moved about their mean, as `weather forecast --calibration` does it."""
    return {
        day: about_mean(fields, factors[day][:, None, None], axis=1).astype(np.float32)
        for day, fields in forecasts.items()
    }


def score(
    forecasts: Forecasts, data: Atmosphere, places: NDArray[np.int64], pairs: Pairs
) -> Scores:
    """Error of the mean, spread, their ratio and the fair CRPS, over times and area.

    The ratio is the root of the mean variance of members and of their mean over the root of the
    mean square error of that mean: one for members that the truth could be one of (Fortin et al.
    2014, J. Hydrometeor. 15, 1708).

    Args:
        forecasts: with members.
        data: whose fields are the truth.
        places: of the initial times.
        pairs: members that come in plus and minus, see `probabilistic.pairs_of`.
    """
    result: Scores = {}
    for day, forecast in forecasts.items():
        truth = truth_of(data, places, day)
        members = forecast.swapaxes(0, 1)
        variance, of_mean = (_mean(part, data) for part in variances(members, pairs))
        error = _mean((forecast.mean(axis=1, dtype=np.float64) - truth) ** 2, data) ** 0.5
        crps = _mean(fair_crps(members, truth, pairs), data)
        ratio = (variance + of_mean) ** 0.5 / error
        columns = {"rmse": error, "spread": variance**0.5, "ratio": ratio, "crps": crps}
        result[f"{day}"] = _by_field(columns)
    return result


def score_one(forecasts: Forecasts, data: Atmosphere, places: NDArray[np.int64]) -> Scores:
    """Root mean square and mean absolute error of single forecasts; the latter is their CRPS."""
    result: Scores = {}
    for day, forecast in forecasts.items():
        error = forecast[:, 0].astype(np.float64) - truth_of(data, places, day)
        result[f"{day}"] = _by_field(
            {"rmse": _mean(error**2, data) ** 0.5, "crps": _mean(np.abs(error), data)}
        )
    return result


def truth_of(data: Atmosphere, places: NDArray[np.int64], day: int) -> NDArray[np.float64]:
    """(time, field, lat, lon) of `FIELDS`, so many days after the initial states."""
    rows = [data.names.index(field) for field in FIELDS]
    return data.fields[places + day * 24 // HOURS][:, rows].double().numpy()


def open_analyses(folder: Path) -> xr.Dataset:
    """The simulation as the commands read it."""
    from weather.files.reanalysis import open_reanalysis

    return open_reanalysis([folder / "simulation.nc"])


def _mean(values: NDArray[np.float64], data: Atmosphere) -> NDArray[np.float64]:
    """(time, field, lat, lon) to (field,)."""
    return (values * data.area.numpy()).mean(axis=(0, 2, 3))


def _by_field(columns: dict[str, NDArray[np.float64]]) -> dict[str, dict[str, float]]:
    rows = zip(*columns.values(), strict=True)
    return {
        field: dict(zip(columns, map(float, row), strict=True))
        for field, row in zip(FIELDS, rows, strict=True)
    }
