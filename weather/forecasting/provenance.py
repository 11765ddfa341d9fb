"""What a forecast file says of where it comes from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from sciml.errors import InputError
from weather.files.history import stamped, whole_history
from weather.forecasting.job import Job
from weather.forecasting.output import ZARR
from weather.forecasting.planner import Plan, chain_text, hours_text

IDENTITY = "forecast_identity"
CALIBRATION = "calibration"


def attributes(job: Job, command: str) -> dict[str, str | int]:
    """Attributes of the file.

    Args:
        job: the forecast.
        command: a line for the history, after what was changed on reading.
    """
    forecasters = job.forecasters
    metadata = [forecaster.metadata for forecaster in forecasters]
    period = training_period([str(known.get("period", "")) for known in metadata])
    return {
        "Conventions": "CF-1.10",
        "title": "Forecast by a learned model",
        "source": f"weather forecast, time step {hours_text(job.plan.steps)}, trained on "
        f"{period or 'unknown data'}",
        "history": whole_history(job.dataset, stamped(command)),
        "training_period": period,
        "validation_period": _listed([known.get("periods", {}).get("valid") for known in metadata]),
        "earlier_period": _listed([p for known in metadata for p in known.get("earlier", [])]),
        "model": ", ".join(forecaster.name for forecaster in forecasters),
        "model_sha256": ", ".join(forecaster.sha256 for forecaster in forecasters),
        "time_step_method": job.plan.method,
        **_ensemble(job),
        **({} if job.boundary is None else job.boundary.attributes),
    }


def is_there(path: Path, identity: Mapping[str, str]) -> bool:
    """Whether a place to write holds this very forecast already.

    Args:
        path: of the output.
        identity: of the forecast (see `Job.identity`).

    Raises:
        InputError: it holds another forecast, or something else.
    """
    if not path.exists():
        return False
    there = _attributes(path)
    if IDENTITY in there:
        known = _identity(there)
        if known == identity:
            return True
        differ = [key for key in {**identity, **known} if known.get(key) != identity.get(key)]
        if len(differ) > 1 and "analyses" in differ:
            differ.remove("analyses")  # they follow from initial times and models
        what = f"a forecast with other {_and(differ)}"
    elif "model_sha256" in there:
        what = "a forecast by an earlier version, which does not say of which analyses"
    else:
        what = "and does not say which forecast it is"
    raise InputError(
        f"{path} is there already, {what}; give another --out, or --overwrite to replace it"
    )


def _attributes(path: Path) -> dict[str, Any]:
    """Of a file; empty where it cannot be read."""
    try:
        with xr.open_dataset(path, engine="zarr" if path.suffix == ZARR else None) as there:
            return dict(there.attrs)
    except (OSError, ValueError, KeyError):
        return {}


def _identity(there: Mapping[str, Any]) -> dict[str, str]:
    """What the attributes of a forecast file tell of its identity."""
    scaled = there.get("calibration_sha256")
    return dict(json.loads(there[IDENTITY])) | ({CALIBRATION: scaled} if scaled else {})


def _and(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _ensemble(job: Job) -> dict[str, str]:
    """What makes members differ: their initial states, the noise of models, or both."""
    if job.members is None:
        return {}
    told = {} if job.perturbations is None else job.perturbations.attributes
    drawn = dict.fromkeys(f.noise for f in job.forecasters if f.noise)
    if drawn:
        numbers = " or ".join(str(number) for number in drawn)
        told["model_noise"] = f"{numbers} normal numbers for each member and step, seed {job.seed}"
    return told


def training_period(periods: list[str]) -> str:
    """One period `first..last` around all that are known."""
    known = [period.split("..") for period in periods if ".." in period]
    return f"{min(a for a, _ in known)}..{max(b for _, b in known)}" if known else ""


def _listed(periods: list[list[str] | None]) -> str:
    """`first..end, first..end`, each once: what `weather evaluate` must not score."""
    return ", ".join(dict.fromkeys("..".join(period) for period in periods if period))


def model_calls(plan: Plan, dim: str) -> xr.Variable:
    """How many model calls each lead time takes, and which (`2x24+1x3`: steps in hours)."""
    chains = " ".join(chain_text(target.chain) for target in plan.targets)
    return xr.Variable(
        dim,
        [float(target.calls) for target in plan.targets],
        {"long_name": "Model calls of the forecast", "units": "1", "chain": chains},
    )
