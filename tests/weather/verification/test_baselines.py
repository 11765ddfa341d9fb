"""Damped persistence and the linear model recover what made the data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.verification.baselines import damping
from weather.verification.linear import LinearModel
from weather.verification.metrics import area_mean

HOUR, DAY = np.timedelta64(1, "h"), np.timedelta64(24, "h")
WEIGHTS = np.array([0.8, 1.2])


def days(first: str, count: int, step: np.timedelta64 = DAY) -> np.ndarray:
    return np.datetime64(first, "ns") + np.arange(count) * step


def at(times: np.ndarray, anomalies: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda wanted: anomalies[np.searchsorted(times, wanted)]


def test_damping_of_an_autoregressive_process() -> None:
    rng, memory = np.random.default_rng(0), 0.8
    anomalies = np.zeros((4000, 2, 3))
    for step in range(1, len(anomalies)):
        noise = rng.standard_normal((2, 3))
        anomalies[step] = memory * anomalies[step - 1] + np.sqrt(1 - memory**2) * noise
    times, leads = days("2000-01-01", 4000), np.arange(4) * DAY
    found = damping(times, at(times, anomalies), leads, WEIGHTS)
    np.testing.assert_allclose(found, memory ** np.arange(4), atol=0.06)
    pieces = damping(times, at(times, anomalies), leads, WEIGHTS, together=7)
    np.testing.assert_allclose(found, pieces, rtol=1e-12)
    assert found[0] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("number", [1024, 1100, 1461, 2048])
def test_damping_looks_at_all_hours_of_the_day(number) -> None:
    """A daily cycle without anything else is its own opposite half a day later."""
    times = days("2000-01-01", number, 6 * HOUR)
    cycle = np.array([3.0, 1.0, -3.0, -1.0])[np.arange(number) % 4]
    anomalies = np.broadcast_to(cycle[:, None, None], (number, 2, 3))
    found = damping(times, at(times, anomalies), np.array([6, 12, 24]) * HOUR, WEIGHTS)
    np.testing.assert_allclose(found, [0, -1, 1], atol=0.1)


def test_a_missing_value_takes_its_cell_out_of_pairs() -> None:
    """What is exactly kept from one time to the next is kept where some cells are lost."""
    times, rng = days("2000-01-01", 40), np.random.default_rng(0)
    anomalies = np.broadcast_to(rng.standard_normal((2, 3)), (40, 2, 3)).copy()
    anomalies[5], anomalies[9:20, 0], anomalies[::3, 1, 1] = np.nan, np.nan, np.nan
    found = damping(times, at(times, anomalies), np.array([DAY, 3 * DAY]), WEIGHTS)
    np.testing.assert_allclose(found, 1, rtol=1e-12)


def test_damping_skips_gaps() -> None:
    times = np.concatenate([days("2000-01-01", 3), days("2000-02-01", 1)])
    leads = np.array([DAY, 29 * DAY, 365 * DAY])
    found = damping(times, at(times, np.ones((4, 2, 3))), leads, WEIGHTS)
    np.testing.assert_allclose(found, [1, 1, np.nan])


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
        return np.sqrt(area_mean((forecast - truth) ** 2, weights).mean(0)).tolist()

    assert rmse(now) == pytest.approx([608, 685, 2.90], rel=5e-3)
    assert rmse(normal) == pytest.approx([886, 1083, 3.61], rel=5e-3)
    assert rmse(model.predict(times[start - 1 : -1], now)) == pytest.approx(
        [510, 564, 2.15], rel=1e-2
    )
