"""Forecasts of any length to a file, in memory that depends on one time step alone.

Each lead time is written as it is reached, into a hidden folder `.NAME.partial` beside
the output, together with the states that the next one needs. The same forecast asked
for again goes on from there; another one to the same file starts afresh. The output
itself appears at the end, whole; it replaces none that is there, unless it is told to.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from sciml.files import only_writer
from weather.files.forecast_coordinates import auxiliary, forecast_coordinates
from weather.files.forecast_layout import LayoutName
from weather.files.layout import ATTRIBUTE
from weather.forecasting.boundary import Boundary
from weather.forecasting.calibration import SpreadCalibration, calibrated_copy
from weather.forecasting.execution import execute
from weather.forecasting.experts import Experts
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.job import Case, Job
from weather.forecasting.output import claim_output, finish, remove
from weather.forecasting.perturbations import EnsembleConfig, Perturbations
from weather.forecasting.planner import Plan, hours_text
from weather.forecasting.provenance import CALIBRATION, IDENTITY, attributes, is_there, model_calls
from weather.forecasting.restart import Restart, load_restart, save_restart
from weather.forecasting.working_store import WorkingStore

Say = Callable[[str], object]
_RESTART = "restart"  # file of the hidden folder


def write_forecast(
    models: Forecaster | Sequence[Forecaster],
    dataset: xr.Dataset,
    times: Sequence[np.datetime64] | NDArray[np.datetime64],
    plan: Plan,
    path: Path,
    *,
    layout: LayoutName = "input",
    boundary: Boundary | None = None,
    ensemble: EnsembleConfig | None = None,
    calibration: SpreadCalibration | None = None,
    overwrite: bool = False,
    command: str = "weather.forecasting.forecast_file.write_forecast",
    on_step: Callable[[int, int], object] = lambda done, of: None,
    say: Say = lambda line: None,
) -> bool:
    """Forecast from analyses into a file, whole or not at all.

    Args:
        models: trained; several of different time steps take turns.
        dataset: canonical analyses; those with a dimension `member` are forecast member
            by member.
        times: initial times.
        plan: of lead times that the models reach, from `planner.plan`.
        path: `.nc` or `.zarr`.
        layout: `input` writes the names, order, units and coordinates of the analyses'
            files, `cf` and `wb2` those of the conventions (see `forecast_layout`).
        boundary: of a limited area with a frame.
        ensemble: makes members; several models of the same time step then take turns
            among the members.
        calibration: of the spread, from past forecasts of the same model and settings.
        overwrite: replace what is there, once the forecast is whole.
        command: for the file's history.
        on_step: told how many steps of how many are written, a step being one lead time
            of the initial times that are forecast together.
        say: told in one line what the user should know.

    Returns:
        Whether it was written; not if the same forecast is there already.

    Raises:
        InputError: analyses, models or an output that cannot be used, or something else
            in its place, before anything is written.
    """
    claim_output(path)
    if layout == "input" and ATTRIBUTE not in dataset.attrs:
        layout = "cf"
        say("the data does not tell how its files were laid out: written in layout cf")
    starts = np.asarray(times).astype("datetime64[ns]")
    experts, *others = [Experts.of(models)] if ensemble is None else Experts.sets(models)
    dataset = experts.checked(dataset, starts, plan, say)
    first = experts.forecasters[0]
    further = [one for part in (experts, *others) for one in part.forecasters if one is not first]
    members = None if ensemble is None else Perturbations(first, ensemble, dataset, further)
    job = Job(experts, dataset, starts, plan, layout, boundary, members, tuple(others))
    job.require_boundary()
    if calibration is not None:
        _require(calibration, job)
    folder = _working(path)
    with only_writer(path):
        begun = _begin(job, folder, command, say, None if overwrite else path, calibration)
        if begun is None:
            remove(folder)
            return False
        store, restart, identity = begun
        parts, leads = job.batches(), len(plan.leads)
        on_step(_steps(job, restart), leads * len(parts))
        for number in range(restart.batch, len(parts)):
            if number > restart.batch:
                restart = Restart(number, 0, job.initial(parts[number]))
            for reached in _forecast(job, parts[number], restart, store):
                save_restart(folder / _RESTART, identity, reached)
                on_step(_steps(job, reached), leads * len(parts))
        whole = store.path
        if calibration is not None:
            whole = calibrated_copy(whole, job.arrangement().layout, calibration, plan.leads)
        finish(whole, path)
        remove(folder)
    return True


def _require(calibration: SpreadCalibration, job: Job) -> None:
    """Check that a calibration is for the forecasts of a job."""
    if job.members is None:
        raise InputError("a calibration of the spread needs an ensemble; give --members too")
    calibration.require(attributes(job, ""), job.experts.variables.channels, job.plan)


def _begin(
    job: Job,
    folder: Path,
    command: str,
    say: Say,
    output: Path | None,
    calibration: SpreadCalibration | None,
) -> tuple[WorkingStore, Restart, dict[str, str]] | None:
    """A store as far as it is filled, where to go on, and what tells it from others.

    None if `output`, which is not to be replaced, is this forecast already.
    """
    first = job.initial(job.batches()[0])
    arrangement, identity = job.arrangement(), job.identity(first)
    scaled = {} if calibration is None else {CALIBRATION: calibration.sha256}
    if output is not None and is_there(output, identity | scaled):
        return None
    path = folder / "forecast.zarr"
    restart = load_restart(folder / _RESTART, identity, job.experts)
    if restart is not None and path.exists():
        say(f"continuing at step {_steps(job, restart) + 1}, after {hours_text([restart.lead])}")
        return WorkingStore(path, arrangement), restart, identity
    if (folder / _RESTART).exists():
        say(f"starting afresh: {folder} holds a part of another forecast")
    remove(folder)
    layout = arrangement.layout
    contents = forecast_coordinates(layout, job.times, job.plan.leads, job.members)
    contents["model_calls"] = model_calls(job.plan, layout.dims["lead_time"])
    contents.attrs = attributes(job, command) | {IDENTITY: json.dumps(identity)}
    store = WorkingStore.create(path, arrangement, contents, auxiliary(layout))
    return store, Restart(0, 0, first), identity


def _forecast(
    job: Job, cases: list[Case], restart: Restart, store: WorkingStore
) -> Iterator[Restart]:
    """Forecast a batch from where it stands; yields where it stands after each lead time."""
    experts, plan = job.experts, job.plan
    steppers, history = job.steppers(cases), experts.history(plan)
    reached = execute(plan, steppers, restart.known, history=history, done=restart.lead)
    for forecast in reached:
        lead = bisect_left(plan.leads, forecast.lead)
        for sample, (time, member) in enumerate(cases):
            place = {"time": time, "member": member, "lead_time": lead}
            store.write(forecast.state, sample, place)
        yield replace(restart, lead=forecast.lead, known=forecast.known)


def restart_path(path: Path) -> Path:
    """What a forecast to `path` goes on from; it is there as soon as a step is written."""
    return _working(path) / _RESTART


def _working(path: Path) -> Path:
    """Hidden folder of a forecast that is being made."""
    return path.with_name(f".{path.name}.partial")


def _steps(job: Job, restart: Restart) -> int:
    """How many lead times are written, over all batches."""
    leads = job.plan.leads
    return restart.batch * len(leads) + bisect_right(leads, restart.lead)
