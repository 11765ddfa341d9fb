"""Specific humidity from relative humidity: closed forms, and ERA-like profiles."""

import numpy as np
import pytest
import xarray as xr

from weather.files.humidity import saturation_pressure, with_specific_humidity


def profile(relative, temperature, pressure):
    dims = ("level", "lat", "lon")
    shape = (1, 1, 1)
    return xr.Dataset(
        {"r": (dims, np.full(shape, relative)), "t": (dims, np.full(shape, temperature))},
        {"level": [pressure], "lat": [0.0], "lon": [0.0]},
    )


def test_saturation_pressure_over_water_and_ice():
    at = xr.DataArray([273.16, 293.15, 233.15])
    # Pa: the triple point; WMO tables (CIMO guide, annex 4.B) at 20 and -40 degrees C over ice
    np.testing.assert_allclose(saturation_pressure(at), [611.2, 2337, 12.84], rtol=5e-3)


def test_saturated_air_at_the_triple_point():
    q = with_specific_humidity(profile(100.0, 273.16, 1000.0)).q.squeeze()
    ratio, vapour = 0.62198, 611.21
    assert float(q) == pytest.approx(ratio * vapour / (1e5 - (1 - ratio) * vapour), rel=1e-4)
    assert q.attrs["units"] == "kg kg-1"


def test_it_is_said_and_never_replaces_what_is_there():
    dry = profile(-1.0, 280.0, 850.0)
    assert float(with_specific_humidity(dry).q.max()) == 0
    assert "q computed from r and t" in with_specific_humidity(dry).attrs["history"]
    with_q = dry.assign(q=dry.t)
    assert with_specific_humidity(with_q) is with_q
    assert "q" not in with_specific_humidity(dry[["t"]])
