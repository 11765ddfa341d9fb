"""Humidity and rain below zero stay inside the model: no forecast that leaves it has some."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.onnx_export import export_onnx
from weather.forecasting.perturbations import EnsembleConfig
from weather.forecasting.planner import plan

START = [np.datetime64("2001-01-03T00"), np.datetime64("2001-01-05T12")]
LEADS = plan([21600], [21600, 43200])


@pytest.fixture(scope="module")
def moist(waves, tmp_path_factory):
    """`waves` with q, rain in mm, and cold water in degrees Celsius."""
    wave = (waves.msl - 101000) / 800
    q = (0.004 + 0.003 * wave).clip(min=0).expand_dims(level=waves.level, axis=1)
    made = waves.assign(
        q=q.assign_attrs(units="kg kg-1"),
        tp=(0.1 + wave).clip(min=0).assign_attrs(units="mm"),
        sst=(wave - 1).assign_attrs(units="degC"),
    )
    path = tmp_path_factory.mktemp("moist") / "moist.nc"
    made.to_netcdf(path)
    return open_reanalysis(path)


@pytest.fixture(scope="module")
def wild(make_forecaster, moist):
    """A model whose rain and humidity fall steeply everywhere."""
    forecaster = make_forecaster(dataset=moist)
    step = forecaster.model.forward

    def falling(state, **options):
        forecast = step(state, **options)
        return replace(forecast, surface=forecast.surface - 0.005, upper=forecast.upper - 0.005)

    forecaster.model.forward = falling
    return forecaster


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_what_leaves_is_not_negative(suffix, wild, moist, tmp_path):
    path = tmp_path / f"forecast{suffix}"
    write_forecast(wild, moist, START, LEADS, path)
    expected = wild.forecast(moist, START, 2)
    assert float(expected.q.min()) == float(expected.tp.min()) == 0
    with xr.open_dataset(path, decode_timedelta=True) as written:
        assert written.tp.attrs["units"] == "mm"
        assert float(written.q.min()) == float(written.tp.min()) == 0
        assert float(written.sst.min()) < -1
        for name, (factor, offset) in {"q": (1, 0), "tp": (1000, 0), "sst": (1, -273.15)}.items():
            mine = expected[name] * factor + offset
            np.testing.assert_allclose(written[name].values, mine.values, rtol=1e-5, atol=5e-5)


def test_the_state_that_is_rolled_out_is_the_model_s(wild, moist):
    states = list(wild.rollout(wild.initial(moist, START), 2))
    place = states[0].variables.upper.index("q")
    assert all(float(state.upper[:, :, place].min()) < 0 for state in states)
    cut = states[1].without_negatives()
    assert float(cut.upper[:, :, place].min()) == 0
    warm = states[1].variables.upper.index("t")
    assert cut.upper[:, :, warm].equal(states[1].upper[:, :, warm])


def test_members_are_not_negative(wild, moist, tmp_path):
    path = tmp_path / "members.nc"
    ensemble = EnsembleConfig(members=2, amplitude=1.0)
    write_forecast(wild, moist, START, LEADS, path, ensemble=ensemble)
    with xr.open_dataset(path, decode_timedelta=True) as written:
        assert float(written.q.min()) == float(written.tp.min()) == 0


def test_models_in_onnx_files_likewise(make_forecaster, moist, tmp_path):
    pytest.importorskip("onnxruntime")
    export_onnx(make_forecaster(dataset=moist), tmp_path / "model.onnx")
    loaded = Forecaster.load(tmp_path / "model.onnx", "cpu")
    states = list(loaded.rollout(loaded.initial(moist, START), 2))
    place = states[0].variables.surface.index("tp")
    assert min(float(state.surface[:, :, place].min()) for state in states) < 0
    assert float(loaded.forecast(moist, START, 2).tp.min()) == 0
