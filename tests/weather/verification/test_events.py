"""Events: how they are written, where quantiles lie, how likely they are."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.verification.climatology import Climatology
from weather.verification.events import Event, EventClimate, read_events, season

TIMES = np.datetime64("2001-01-01", "ns") + np.arange(3 * 365) * np.timedelta64(24, "h")
SPREAD = np.array([1.0, 3.0, 3.0, 1.0])  # by season


def noisy() -> xr.DataArray:
    """Noise whose spread changes with the season, around another mean in every cell."""
    noise = np.random.default_rng(0).standard_normal((len(TIMES), 3, 4))
    values = np.arange(12.0).reshape(3, 4) + SPREAD[season(TIMES)][:, None, None] * noise
    return xr.DataArray(values, {"time": TIMES}, ("time", "lat", "lon"))


@pytest.mark.parametrize("text", ["msl<100000", "u10>15", "t850>q0.9", "t2m<-1.5", "q700>0.008"])
def test_an_event_reads_as_it_is_written(text: str) -> None:
    assert str(Event.parse(text)) == text
    assert Event.parse(text.replace(">", " > ").replace("<", " < ")) == Event.parse(text)


@pytest.mark.parametrize(
    "text", ["msl", "msl=3", "msl<", "msl<q1.5", "msl<q0.5 hPa", "<3", "t>qq0.5"]
)
def test_what_is_no_event(text: str) -> None:
    with pytest.raises(InputError, match="cannot read the threshold"):
        Event.parse(text)


def test_an_event_of_an_unknown_field() -> None:
    with pytest.raises(
        InputError, match="msl2<3 is of no field that is scored; did you mean 'msl'"
    ):
        read_events(["msl2<3"], {"msl": "Pa", "t850": "K"})


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("msl < 980 hPa", "Pa", 98000), ("msl<98000Pa", "Pa", 98000), ("t2m<0 °C", "K", 273.15),
        ("t2m < -1.5 C", "K", 271.65), ("u10 > 34 kt", "m s-1", 34 * 1852 / 3600),
        ("q700>8 g/kg", "kg kg-1", 0.008), ("z500 < 552 dam", "m2 s-2", 5520 * 9.80665),
        ("tp>5mm", "m", 0.005), ("vo850>10 10⁻⁵ s⁻¹", "s**-1", 1e-4), ("x>1e-3", "mystery", 1e-3),
    ],
)  # fmt: skip
def test_a_value_comes_with_its_unit(text: str, unit: str, value: float) -> None:
    (event,) = read_events([text], {Event.parse(text).channel: unit})
    np.testing.assert_allclose(event.value, value, rtol=1e-12)
    assert event.unit == ""


@pytest.mark.parametrize("text", ["msl<980 K", "msl<1e"])
def test_a_unit_of_another_quantity(text: str) -> None:
    with pytest.raises(InputError, match=r"has msl in '\w'; expected Pa or hPa"):
        read_events([text], {"msl": "Pa"})


def test_seasons() -> None:
    months = np.array([f"2001-{m:02d}-15" for m in range(1, 13)], "datetime64[ns]")
    assert season(months).tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0]


@pytest.mark.parametrize("memory", [2**30, 2**18])
def test_quantiles_follow_the_season(memory: int) -> None:
    field = noisy()
    climatology = Climatology.fit(TIMES, field.values, "seasonal")
    climate = EventClimate.fit(Event.parse("x>q0.9"), field, climatology, memory)
    assert climate.seasons
    expected = 1.2816 * SPREAD[:, None, None]
    np.testing.assert_allclose(climate.anomaly / expected, 1, atol=0.35)
    np.testing.assert_allclose(climate.probability, 0.1, atol=0.006)
    now = climatology.at(TIMES[:3])
    np.testing.assert_allclose(climate.threshold(TIMES[:3], now), now + climate.anomaly[0])


def test_missing_values_are_as_if_their_times_were_not_there() -> None:
    field = noisy()
    lost = np.zeros(field.shape, bool)
    lost[:400, 0, 0], lost[:, 0, 1], lost[9] = True, True, True
    holed = field.where(~lost)
    climatology = Climatology.fit(TIMES, holed.values, "seasonal")
    climate = EventClimate.fit(Event.parse("x>q0.9"), holed, climatology, 2**30)
    for row, column in ((0, 0), (1, 1)):
        rows, columns = slice(row, row + 1), slice(column, column + 1)
        part = field.isel(lat=rows, lon=columns, time=~lost[:, row, column])
        own = Climatology.fit(part.time.values, part.values, "seasonal")
        alone = EventClimate.fit(Event.parse("x>q0.9"), part, own, 2**30)
        for name in ("anomaly", "probability"):
            found, expected = getattr(climate, name)[:, rows, columns], getattr(alone, name)
            np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.isnan(climate.anomaly[:, 0, 1]).all()
    assert np.isnan(climate.probability[:, 0, 1]).all()
    happened = climate.happened(np.array([4.0, 5.0]), np.array([np.nan, 4.0]))
    np.testing.assert_array_equal(happened, [np.nan, 1])


def test_a_short_record_has_one_season() -> None:
    field = noisy().isel(time=slice(0, 60))
    climatology = Climatology.fit(field.time.values, field.values, "mean")
    climate = EventClimate.fit(Event.parse("x<5"), field, climatology, 2**30)
    assert climate.probability.shape == (1, 3, 4)
    np.testing.assert_allclose(climate.probability[0], (field.values < 5).mean(0))
    happened = climate.happened(np.array([4.0, 5.0, np.nan]), np.array(5.0))
    np.testing.assert_array_equal(happened, [1, 0, np.nan])
