"""GRIB files as centres make them: ensembles with a control run, sums beside analyses."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.files.accumulations import HOURS
from weather.files.forecasts import open_either, open_forecast
from weather.files.history import history
from weather.files.members import one_member
from weather.files.reanalysis import open_reanalysis

GRID = {
    "Ni": 8, "Nj": 5, "latitudeOfFirstGridPointInDegrees": 60,
    "latitudeOfLastGridPointInDegrees": 40, "longitudeOfFirstGridPointInDegrees": 0,
    "longitudeOfLastGridPointInDegrees": 35, "iDirectionIncrementInDegrees": 5,
    "jDirectionIncrementInDegrees": 5, "dataDate": 20200101, "dataTime": 0,
}  # fmt: skip
CONTROL = {"typeOfProcessedData": 3, "typeOfEnsembleForecast": 1, "perturbationNumber": 0}
PERTURBED = {"typeOfProcessedData": 4, "typeOfEnsembleForecast": 3}


def write(path: Path, sample: str, messages: Sequence[tuple[Mapping[str, Any], float]]) -> Path:
    """Messages of one value each, their keys in the order in which ecCodes wants them."""
    eccodes = pytest.importorskip("eccodes")
    with path.open("wb") as file:
        for keys, value in messages:
            handle = eccodes.codes_grib_new_from_samples(sample)
            for key, setting in keys.items():
                eccodes.codes_set(handle, key, setting)
            eccodes.codes_set_values(handle, np.full(40, value))
            eccodes.codes_write(handle, file)
            eccodes.codes_release(handle)
    return path


def an_ensemble(path: Path, *steps: int, members: tuple[int, ...] = (1, 2, 3)) -> Path:
    """t at 850 hPa: 270 K of the control run, as much more of the others as their number."""
    messages = [
        ({"centre": "ecmf", "productDefinitionTemplateNumber": 1, **GRID, "stepRange": str(step),
          **kind, "numberOfForecastsInEnsemble": 4, "paramId": 130,
          "typeOfLevel": "isobaricInhPa", "level": 850}, 270.0 + kind["perturbationNumber"])
        for step in steps
        for kind in (CONTROL, *(PERTURBED | {"perturbationNumber": n} for n in members))
    ]  # fmt: skip
    return write(path, "regular_ll_pl_grib2", messages)


def of_a_column(field: xr.DataArray) -> list[Any]:
    """Values at the first place, rounded as GRIB packs them."""
    found = field.isel(lat=0, lon=0, level=0, missing_dims="ignore")
    return found.values.round(3).tolist()


def test_a_control_run_is_one_of_its_ensemble(tmp_path: Path) -> None:
    pytest.importorskip("cfgrib")
    forecast = open_forecast(an_ensemble(tmp_path / "ens.grib2", 6, 12))
    assert forecast["member"].values.tolist() == [0, 1, 2, 3]
    assert of_a_column(forecast["t"]) == [[[270, 271, 272, 273]] * 2]
    assert forecast["t"].chunks  # lazily
    alone = open_forecast(an_ensemble(tmp_path / "control.grib2", 6, members=()))
    assert "member" not in alone.coords


def test_an_ensemble_at_its_initial_time_is_one_of_analyses(tmp_path: Path) -> None:
    pytest.importorskip("cfgrib")
    analyses = open_reanalysis(an_ensemble(tmp_path / "ens.grib2", 0))
    assert of_a_column(analyses["t"]) == [[270, 271, 272, 273]]
    with pytest.raises(InputError, match=r"an ensemble of 4 members.* with .isel\(number=0\)"):
        one_member(analyses)


def begun(start: np.datetime64) -> dict[str, Any]:
    """Keys of ECMWF's messages that start at a full hour."""
    day, hour = str(start.astype("datetime64[h]")).split("T")
    return {"centre": "ecmf", "marsStream": "oper", "marsClass": "ea", **GRID,
            "dataDate": int(day.replace("-", "")), "dataTime": 100 * int(hour)}  # fmt: skip


def rain(start: np.datetime64, first: int, last: int) -> dict[str, Any]:
    """Keys of tp between two lead times in hours."""
    span = {"stepType": "accum", "stepRange": f"{first}-{last}"}
    return begun(start) | {"marsType": "fc", "paramId": 228} | span


def era5(path: Path, first: str, hours: int, *fields: str) -> Path:
    """Hourly msl, an analysis, and tp, of forecasts from 6 and 18 UTC: both count the hours."""
    messages = []
    for number in range(hours):
        valid = np.datetime64(first, "h") + number
        since = (int(valid.astype(int)) - 7) % 12 + 1
        keys = {"msl": begun(valid) | {"marsType": "an", "paramId": 151},
                "tp": rain(valid - since, since - 1, since)}  # fmt: skip
        messages += [(keys[name], float(number)) for name in fields]
    return write(path, "regular_ll_sfc_grib1", messages)


@pytest.mark.parametrize("files", [["msl tp"], ["msl", "tp"]])
def test_sums_beside_analyses_do_not_make_them_forecasts(files: list[str], tmp_path: Path) -> None:
    """As ERA5's precipitation; alone, such sums are forecasts as before."""
    pytest.importorskip("cfgrib")
    made = [era5(tmp_path / name, "2020-01-01T07", 24, *name.split()) for name in files]
    found = open_either(made)
    assert "lead_time" not in found.dims
    assert of_a_column(found["msl"]) == of_a_column(found["tp"]) == [*range(24)]
    assert "lead_time" in open_either(era5(tmp_path / "alone", "2020-01-01T07", 24, "tp")).dims


def test_a_run_beside_its_first_analysis_or_mountains_is_a_forecast(tmp_path: Path) -> None:
    pytest.importorskip("cfgrib")
    start = np.datetime64("2020-01-01")
    run = [(rain(start, 0, hour), 1.0) for hour in (6, 12)]
    pressure = begun(start) | {"marsType": "an", "paramId": 151}
    mountains = begun(start - 365) | {"marsType": "an", "paramId": 129}
    for number, field in enumerate((pressure, mountains)):
        file = write(tmp_path / f"{number}.grib", "regular_ll_sfc_grib1", [(field, 1e5), *run])
        assert open_either(file).sizes["lead_time"] == 3


def test_hours_that_no_message_gives_are_no_times(tmp_path: Path) -> None:
    """Files of calendar days: the first and the last run are cut."""
    pytest.importorskip("cfgrib")
    days = [era5(tmp_path / day, f"{day}T00", 24, "tp") for day in ("2020-01-30", "2020-01-31")]
    one = open_reanalysis(days[0])
    assert of_a_column(one["tp"]) == [*range(24)]
    assert one["time"].values[0] == np.datetime64("2020-01-30")
    both = open_reanalysis(days)
    assert of_a_column(both["tp"]) == [*range(24)] * 2
    forecast = open_forecast(days[0])
    assert np.isfinite(forecast["tp"]).sum() == 24 * 40  # of 3 runs and 12 lead times


def gfs(path: Path, *spans: tuple[int, int]) -> Path:
    """tp between lead times in hours, a mm an hour, as GFS has it: since 6 h, and in all."""
    rain = {"centre": "kwbc", "productDefinitionTemplateNumber": 8, **GRID, "discipline": 0,
            "parameterCategory": 1, "parameterNumber": 8, "typeOfFirstFixedSurface": 1,
            "typeOfStatisticalProcessing": 1}  # fmt: skip
    messages = [(rain | {"stepRange": f"{a}-{b}"}, float(b - a)) for a, b in spans]
    return write(path, "regular_ll_sfc_grib2", messages)


@pytest.mark.parametrize("spans", [[(6, 12), (0, 12)], [(0, 12), (6, 12)]])
def test_of_sums_up_to_one_time_the_shortest_is_read(
    spans: list[tuple[int, int]], tmp_path: Path
) -> None:
    """Whichever message comes first; and it is told of how many hours it is."""
    pytest.importorskip("cfgrib")
    file = gfs(tmp_path / "f012.grib2", (0, 6), *spans)
    for read in (open_forecast, open_reanalysis):
        found = read(file)
        assert np.unique((1000 * found["tp"]).values.round(3)).tolist() == [6]
        assert found["tp"].attrs[HOURS] == "6"
        assert history(found)[0] == "f012.grib2: tp read over 6 h, left out over 12 h"


def test_hours_of_sums_are_told_where_all_are_of_as_many(tmp_path: Path) -> None:
    pytest.importorskip("cfgrib")
    files = [gfs(tmp_path / f"{b}.grib2", (a, b)) for a, b in ((0, 6), (6, 12), (12, 15))]
    for read in (open_forecast, open_reanalysis):
        assert read(files[:2])["tp"].attrs[HOURS] == "6"
        assert HOURS not in read(files)["tp"].attrs
    total = open_forecast(gfs(tmp_path / "total.grib2", (0, 6), (0, 12)))
    assert of_a_column(1000 * total["tp"]) == [[6, 12]]
    assert HOURS not in total["tp"].attrs


@pytest.mark.parametrize("kinds", [("avg", "instant"), ("instant", "avg")])
def test_values_at_a_time_come_before_means_until_then(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    """Of one name, as GFS's rain rates; whichever message comes first."""
    pytest.importorskip("cfgrib")
    rate: dict[str, Any] = {**GRID, "discipline": 0, "parameterCategory": 1,
                            "parameterNumber": 7, "typeOfFirstFixedSurface": 1}  # fmt: skip
    until = rate | {"typeOfStatisticalProcessing": 0, "stepRange": "6-12"}
    at_once = rate | {"stepRange": "12"}
    keys = {"avg": {"productDefinitionTemplateNumber": 8, **until},
            "instant": {"productDefinitionTemplateNumber": 0, **at_once}}  # fmt: skip
    messages = [({"centre": "kwbc", **keys[kind]}, float(len(kind))) for kind in kinds]
    file = write(tmp_path / "f012.grib2", "regular_ll_sfc_grib2", messages)
    for read in (open_forecast, open_reanalysis):
        found = read(file)
        assert np.unique(found["prate"].values.round(3)).tolist() == [len("instant")]
        assert history(found)[0] == "f012.grib2: left out avg of prate; it is there at each time"


def test_a_field_that_comes_twice_with_other_values_is_refused(tmp_path: Path) -> None:
    """As of a deterministic run and a control run, which both say that they are number 0."""
    pytest.importorskip("cfgrib")
    kinds = [(3, 270.0), (2, 271.0)]  # cf, fc
    made = [
        write(tmp_path / f"{kind}.grib2", "regular_ll_pl_grib2", [
            ({"centre": "ecmf", "productDefinitionTemplateNumber": 1, **GRID, "stepRange": "6",
              **CONTROL, "typeOfProcessedData": kind, "paramId": 130, "level": 850}, value)
        ])
        for kind, value in kinds
    ]  # fmt: skip
    for file in made:
        assert open_forecast(file).sizes["lead_time"] == 1
    (tmp_path / "both.grib2").write_bytes(b"".join(file.read_bytes() for file in made))
    with pytest.raises(InputError, match=r"both.grib2: t comes twice .*2020-01-01T00:00 \+ 6 h"):
        open_forecast(tmp_path / "both.grib2")
