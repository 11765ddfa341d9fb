"""Climatology, damped persistence and the linear model recover what made the data."""

from pathlib import Path

import numpy as np
import pytest

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.verification import metrics
from weather.verification.baselines import Climatology, damping, suitable_kind
from weather.verification.linear import LinearModel

HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(24, "h")
WEIGHTS = np.array([0.8, 1.2])


def days(first: str, count: int, step: np.timedelta64 = DAY) -> np.ndarray:
    return np.datetime64(first, "ns") + np.arange(count) * step


def year_phase(times: np.ndarray) -> np.ndarray:
    year = times.astype("datetime64[Y]")
    return 2 * np.pi * ((times - year) / ((year + 1).astype(times.dtype) - year))


def test_seasonal_climatology_recovers_the_cycles_of_year_and_day() -> None:
    times = days("2001-01-01", 4 * 365 * 4, 6 * HOUR)
    hour = (times - times.astype("datetime64[D]")) / HOUR
    phase = year_phase(times)
    cycle = 3 + 2 * np.cos(phase) - np.sin(2 * phase) + np.where(hour == 12, np.sin(phase), 0)
    fields = cycle[:, None, None] * np.ones((2, 3))
    climatology = Climatology.fit(times, fields, "seasonal")
    np.testing.assert_allclose(climatology.at(times[::97]), fields[::97], atol=1e-10)
    assert climatology.at(times[:6].reshape(2, 3)).shape == (2, 3, 2, 3)
    with pytest.raises(InputError, match="no 03 UTC, only 00, 06, 12, 18"):
        climatology.at(np.array([np.datetime64("2003-01-01T03", "ns")]))


def test_mean_climatology_is_the_mean() -> None:
    fields = np.random.default_rng(0).standard_normal((10, 2, 3))
    climatology = Climatology.fit(days("2001-01-01", 10), fields, "mean")
    expected = np.broadcast_to(fields.mean(0), (2, 2, 3))
    np.testing.assert_allclose(climatology.at(days("2009-05-05T07", 2)), expected, rtol=1e-12)


def test_the_kind_follows_the_length_of_the_record() -> None:
    assert suitable_kind(days("2000-01-01", 366 + 365 + 365)) == "seasonal"
    assert suitable_kind(days("2000-01-01", 500)) == "mean"


def test_damping_of_an_autoregressive_process() -> None:
    rng, memory = np.random.default_rng(0), 0.8
    anomalies = np.zeros((4000, 2, 3))
    for step in range(1, len(anomalies)):
        noise = rng.standard_normal((2, 3))
        anomalies[step] = memory * anomalies[step - 1] + np.sqrt(1 - memory**2) * noise
    found = damping(days("2000-01-01", 4000), anomalies, np.arange(4) * DAY, WEIGHTS)
    np.testing.assert_allclose(found, memory ** np.arange(4), atol=0.06)
    assert found[0] == pytest.approx(1, abs=1e-12)


def test_damping_skips_gaps() -> None:
    times = np.concatenate([days("2000-01-01", 3), days("2000-02-01", 1)])
    anomalies = np.ones((4, 2, 3))
    leads = np.array([DAY, 29 * DAY, 365 * DAY])
    np.testing.assert_allclose(damping(times, anomalies, leads, WEIGHTS), [1, 1, np.nan])


def test_linear_model_learns_a_rotation() -> None:
    """Two channels that turn into each other: persistence fails, a linear map does not."""
    rng = np.random.default_rng(0)
    turn = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
    fields = np.zeros((600, 2, 2, 3))
    fields[0] = rng.standard_normal((2, 2, 3))
    for step in range(1, 600):
        fields[step] = 0.9 * np.einsum("cd,dyx->cyx", turn, fields[step - 1])
        fields[step] += 0.1 * rng.standard_normal((2, 2, 3))
    times = days("2000-01-01", 600)
    model = LinearModel.fit(times[:500], fields[:500], DAY, WEIGHTS, "mean")
    error = model.predict(times[500:-1], fields[500:-1]) - fields[501:]
    assert np.sqrt((error**2).mean()) < 0.13  # the noise is 0.1
    assert np.sqrt(((fields[501:] - fields[500:-1]) ** 2).mean()) > 0.2


def test_linear_model_refuses_what_it_cannot_use() -> None:
    times, fields = days("2000-01-01", 100), np.zeros((100, 1, 2, 3))
    with pytest.raises(InputError, match="0 pairs of times 6 hours apart"):
        LinearModel.fit(times, fields, 6 * HOUR, WEIGHTS, "mean")
    fields[3, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="no NaN"):
        LinearModel.fit(times, fields, DAY, WEIGHTS, "mean")


def test_baselines_of_era_interim_europe(shared_data: Path) -> None:
    """Fitted on 2000-2007, one day ahead in 2008, RMSE of msl, z500, t850."""
    data = open_reanalysis(
        shared_data / "weather" / "erainterim_europe_1p5deg_daily12z_2000-2008.nc"
    )
    times = data["time"].values
    fields = np.stack([data[name].values for name in ("msl", "z500", "t850")], axis=1)
    weights = LatLonGrid.from_dataset(data).area_weights()
    start = int(np.searchsorted(times, np.datetime64("2008-01-01")))
    model = LinearModel.fit(times[:start], fields[:start], DAY, weights, "seasonal")
    truth, now = fields[start:], fields[start - 1 : -1]
    normal = np.stack([c.at(times[start:]) for c in model.climatologies], axis=1)

    def rmse(forecast: np.ndarray) -> list[float]:
        squared = metrics.mean_squared_error(forecast, truth, weights)
        return metrics.over_cases(squared)[0].tolist()

    assert rmse(now) == pytest.approx([608, 685, 2.90], rel=5e-3)
    assert rmse(normal) == pytest.approx([886, 1083, 3.61], rel=5e-3)
    assert rmse(model.predict(times[start - 1 : -1], now)) == pytest.approx(
        [510, 564, 2.15], rel=1e-2
    )
