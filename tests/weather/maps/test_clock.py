"""What stands over a picture of fields by valid time."""

import numpy as np
import pytest
import xarray as xr

from weather.maps.clock import times_line

ONE = xr.Dataset(coords={"time": np.datetime64("2001-03-02", "ns")})


@pytest.mark.parametrize(
    ("history", "begins"),
    [
        ("", "Analysis   Valid 2001-03-02 00 UTC"),
        ("a.nc: forecasts of 24 h, by valid time", "Init 2001-03-01 00 UTC   +24 h   Valid"),
        ("a.nc: forecasts of 24 to 72 h, by valid time", "Forecast   Valid 2001-03-02 00 UTC"),
        ("a.nc: forecasts of unknown lead time (msl), by valid time", "Forecast   Valid"),
    ],
)
def test_forecasts_by_valid_time_are_no_analysis(history: str, begins: str) -> None:
    assert times_line(ONE.assign_attrs(history=history)).startswith(begins)
