"""Coordinates: gaps, levels, poles, and the model's grid."""

import numpy as np
import pytest
import xarray as xr

from weather.checking.axes import check_axes
from weather.files.layout import Layout
from weather.grid import LatLonGrid


def series(hours=range(0, 60, 6), levels=(500.0, 850.0), lat=(90.0, 0.0, -90.0), lon=(0.0, 180.0)):
    return xr.Dataset(
        coords={
            "time": np.datetime64("2001-01-01", "ns") + np.array(hours) * np.timedelta64(1, "h"),
            "level": list(levels),
            "lat": list(lat),
            "lon": list(lon),
        }
    )


def findings(dataset, layout=None, grid=None):
    return {finding.subject: finding for finding in check_axes(dataset, layout, grid)}


def test_good_coordinates_are_described():
    found = findings(series())
    assert {finding.severity for finding in found.values()} == {"ok"}
    assert "every 6 h, without a gap" in found["time"].came
    assert "poles included" in found["lat"].came
    assert "round the globe" in found["lon"].came


def test_gaps_are_named_and_counted():
    hours = [h for h in range(0, 240, 6) if h not in (12, 18, 60, 102, 150)]
    finding = findings(series(hours))["time"]
    assert finding.severity == "warning"
    assert "4 irregular: 2001-01-01T06:00..2001-01-02T00:00" in finding.came
    assert finding.came.endswith("and 1 more")


@pytest.mark.parametrize(
    ("spoiled", "subject", "message"),
    [
        ({"hours": (0, 6, 6, 12)}, "time", "holds 2001-01-01T06:00 twice"),
        ({"hours": (0, 12, 6)}, "time", "does not ascend"),
        ({"levels": (0.0, 500.0)}, "level", "reaches 0 hPa"),
        ({"levels": range(1, 138)}, "level", "counts 1, 2, .. 137, as model levels do"),
        ({"lon": (0.0, 10.0, 30.0)}, "grid", "not evenly spaced"),
        ({"lon": (0.0, 180.0, 360.0)}, "grid", "drop the repeated columns"),
    ],
)
def test_what_cannot_be_used_is_refused(spoiled, subject, message):
    finding = findings(series(**spoiled))[subject]
    assert finding.severity == "refused"
    assert message in finding.text


def test_another_grid_than_the_models():
    model = LatLonGrid(lat=(45.0, -45.0), lon=(0.0, 180.0))
    finding = findings(series(), grid=model)["grid"]
    assert finding.severity == "refused"
    assert "3 x 2 cells" in finding.came
    assert "with poles, unlike the model's" in finding.came
    assert "grid" not in findings(series(lat=model.lat), grid=model)


def test_the_files_own_order_is_told():
    layout = Layout(
        dims={}, lat=(-90, 0, 90), lon=(-180, 0), level=(85000, 50000), level_units="Pa"
    )
    found = findings(series(), layout)
    assert "file: south to north" in found["lat"].came
    assert "file: -180..0" in found["lon"].came
    assert "file: Pa, descending" in found["level"].came


def test_one_time_and_no_level():
    dataset = series(hours=[0]).drop_vars("level")
    found = findings(dataset)
    assert "level" not in found
    assert found["time"].came == "has one entry, 2001-01-01T00:00"
