"""GRIB files as centres make them: ensembles with a control run, sums beside analyses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.files.forecasts import open_forecast
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


def write(path: Path, sample: str, messages: list[tuple[Mapping[str, Any], float]]) -> Path:
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
    found = field.isel(lat=0, lon=0).squeeze("level", drop=True)
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
