"""The command `weather forecast`."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from sciml.cli import SEVERAL
from weather.commands.times import lead_times

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from weather.forecasting.perturbations import EnsembleConfig


def forecast(
    models: list[Path],
    /,
    *,
    from_: Annotated[list[str] | None, Parameter(name="--from"), SEVERAL] = None,
    time: Annotated[list[str] | None, SEVERAL] = None,
    out: Path | None = None,
    hours: float | None = None,
    every: str | None = None,
    leads: Annotated[list[str] | None, SEVERAL] = None,
    method: Literal["greedy", "smooth"] = "greedy",
    layout: Literal["input", "cf", "wb2"] = "input",
    boundary: Annotated[list[str] | None, SEVERAL] = None,
    step_hours: float | None = None,
    members: int | None = None,
    perturb: Literal["noise", "bred", "none"] | None = None,
    amplitude: float | None = None,
    length: float | None = None,
    seed: int | None = None,
    calibration: Path | None = None,
    overwrite: bool = False,
    estimate: bool = False,
) -> None:
    """Forecast from an analysis with a trained model.

    A run that was stopped goes on where it was when the same command is given again.

    Args:
        models: The model.safetensors of a training run, a model.onnx that `weather export` wrote,
            or an ONNX file with Pangu-Weather's inputs, such as pangu_weather_24.onnx; or several
            of different time steps that take turns (see `weather plan`).
        from_: The analysis: NetCDF, GRIB or Zarr, as files, globs, URLs or a short name such as
            arco-era5.
        time: Initial time in UTC, such as 2001-01-01T00; may be given several times. Default: the
            last analysis.
        out: File to write, .nc or .zarr. What is there already stays: the same forecast is not made
            again, and anything else is refused.
        hours: How far to forecast. Default: 240.
        every: Interval between lead times in the output, such as 12h. Default: every time step of
            the model.
        leads: These lead times and no others, such as 6h 24h 71h.
        method: How models of several time steps take turns: with the fewest calls, or blended so
            that the forecast is smooth in lead time.
        layout: Names, units, order and coordinates of the output: the analysis file's own, or those
            of the CF conventions or WeatherBench 2.
        boundary: For a model of a limited area with a frame: analyses or a driving forecast that
            hold its cells at all valid times (times up to 6 h apart are interpolated).
        step_hours: Time step of an ONNX file that states it neither inside nor in its name.
        members: Forecast an ensemble of so many members, in pairs around the analysis. Several
            models of the same time step then take turns among the members.
        perturb: How members differ at the start: random fields, vectors bred through the analyses
            of the last 8 time steps, or not at all (models that differ). Default: noise, or none
            for a model that was trained to make members by noise of its own.
        amplitude: Of the perturbations, in units of each field's usual change over a time step.
            Default: 0.3.
        length: Correlation length of the noise, km. Default: 500.
        seed: Of all noise. Default: 0.
        calibration: What `weather calibrate` found of past forecasts of this ensemble: members are
            moved about their mean, so that the spread is as large as errors are.
        overwrite: Replace what is at --out, once the forecast is whole.
        estimate: Only tell how much memory, time and disk it would take, from the model file's
            header; --from and --out are not needed.
    """
    from sciml.cli import counted, going_on, note
    from sciml.errors import InputError
    from sciml.wording import count
    from weather.files.reanalysis import open_reanalysis
    from weather.files.sources import refuse_to_overwrite
    from weather.forecasting.boundary import Boundary
    from weather.forecasting.calibration import SpreadCalibration
    from weather.forecasting.experts import Experts
    from weather.forecasting.forecast_file import restart_path, write_forecast
    from weather.forecasting.forecaster import Forecaster
    from weather.forecasting.planner import hours_text, plan

    if estimate:
        return _estimate(models, hours, every, leads, len(time or [""]) * (members or 1))
    if from_ is None or out is None:
        raise InputError("a forecast needs --from ANALYSES and --out FILE (or --estimate)")
    forecasters = [Forecaster.load(model, step_hours=step_hours) for model in models]
    chosen = {"method": perturb, "amplitude": amplitude, "length": length, "seed": seed}
    ensemble = _ensemble(members, chosen)
    experts, *_ = [Experts.of(forecasters)] if ensemble is None else Experts.sets(forecasters)
    steps = list(experts.steppers)
    made = plan(steps, lead_times(hours, every, leads, min(steps)), method)
    refuse_to_overwrite(from_, out)
    dataset = open_reanalysis(from_)
    times = _times(time, dataset)
    with going_on(restart_path(out)), counted("forecasting, steps") as on_step:
        written = write_forecast(
            forecasters,
            dataset,
            times,
            made,
            out,
            layout=layout,
            boundary=Boundary.of(forecasters[0].model, boundary, forecasters[0].accumulation_hours),
            ensemble=ensemble,
            calibration=None if calibration is None else SpreadCalibration.read(calibration),
            overwrite=overwrite,
            command=shlex.join(["weather", *sys.argv[1:]]),
            on_step=on_step,
            say=note,
        )
    if not written:
        return print(f"{out} is there already, the same forecast; nothing to do")
    lead = f"{count(len(made.leads), 'lead time')} to {hours_text(made.leads[-1:])}"
    each = f" of {count(members, 'member')}" if members else ""
    print(f"wrote {out}: {count(len(times), 'forecast')}{each}, {lead}")


def _ensemble(members: int | None, chosen: Mapping[str, object]) -> "EnsembleConfig | None":
    """What was said of an ensemble; what was not has its default."""
    from sciml.config import parse_config
    from sciml.errors import InputError
    from weather.forecasting.perturbations import EnsembleConfig

    given = {name: value for name, value in chosen.items() if value is not None}
    if members is None and given:
        options = " ".join(f"--{'perturb' if name == 'method' else name}" for name in given)
        raise InputError(f"{options} without an ensemble; give --members too")
    if members is None:
        return None
    return parse_config(EnsembleConfig, {"members": members, **given}, "the ensemble")


def _estimate(
    models: list[Path], hours: float | None, every: str | None, leads: list[str] | None, times: int
) -> None:
    """Tell what a forecast takes, from the model file's header."""
    from rich.console import Console

    from sciml.errors import InputError
    from weather.forecasting.estimate import advice, estimate_forecast, show_estimate
    from weather.forecasting.forecaster_config import ForecasterConfig
    from weather.forecasting.planner import plan
    from weather.models.steps import in_seconds

    if len(models) > 1:
        raise InputError(f"an estimate is made for one model; {len(models)} were given")
    config = ForecasterConfig.read(models[0])
    steps = in_seconds(config.step_hours)
    made = plan(steps, lead_times(hours, every, leads, min(steps)))
    estimate = estimate_forecast(config, made.calls, len(made.leads), times)
    show_estimate(estimate, Console(), advice(times))


def _times(texts: list[str] | None, dataset: "xr.Dataset") -> "list[np.datetime64]":
    """Initial times as given, or the last of a data set."""
    from sciml.errors import InputError
    from weather.dates import moment

    if "time" not in dataset.dims:
        raise InputError("the data states no time; a forecast needs to know when it starts")
    if not texts:
        return [dataset["time"].values[-1]]
    times = [moment(text) for text in texts]
    again = [text for place, text in enumerate(texts) if times[place] in times[:place]]
    if again:
        raise InputError(f"--time {again[0]} is given twice; give each initial time once")
    return times
