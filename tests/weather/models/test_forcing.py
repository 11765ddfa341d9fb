"""Sun and calendar."""

import numpy as np
import pytest
import torch

from weather.models.forcing import forcing, forcing_channels, insolation
from weather.state import seconds

LAT = torch.linspace(89.5, -89.5, 180, dtype=torch.float64)
LON = torch.arange(0, 360, 5, dtype=torch.float64)


def at(*times: str) -> torch.Tensor:
    return seconds(np.array(times, dtype="datetime64[s]"))


def test_noon_at_the_equator_in_march():
    sun = insolation(at("2001-03-20T12:07").double(), torch.zeros(1).double(), LON)
    assert float(sun.max()) == pytest.approx(1.01, abs=0.005)  # (mean distance / distance) squared
    assert int(sun.argmax()) == 0  # Greenwich


def test_a_quarter_of_the_sunlight_on_average():
    year = torch.arange(0, 365, 5, dtype=torch.float64) * 86400
    weights = torch.cos(torch.deg2rad(LAT))[:, None]
    mean = (insolation(year, LAT, LON) * weights).sum() / (weights.sum() * len(LON) * len(year))
    assert float(mean) == pytest.approx(0.25, abs=2e-4)


def test_polar_night_and_polar_day():
    winter = insolation(at("2001-12-21T12").double(), LAT, LON)[0]
    assert float(winter[LAT > 67].max()) == 0
    assert float(winter[LAT < -67].min()) > 0


def test_longitudes_of_both_conventions_agree():
    names = ("year", "local_time", "insolation")
    time = at("2001-05-03T06", "2010-11-30T18")
    east = forcing(names, time, LAT, LON)
    west = forcing(names, time, LAT, (LON + 180) % 360 - 180)
    torch.testing.assert_close(east, west)
    assert east.shape == (2, forcing_channels(names), len(LAT), len(LON))


def test_local_time_is_the_same_an_hour_earlier_15_degrees_east():
    here = forcing(("local_time",), at("2001-01-01T12"), LAT, LON)
    there = forcing(("local_time",), at("2001-01-01T11"), LAT, LON)
    torch.testing.assert_close(here[..., 0], there[..., 3])


def test_nothing_wanted_is_no_channel():
    assert forcing((), at("2001-01-01"), LAT, LON).shape == (1, 0, len(LAT), len(LON))
